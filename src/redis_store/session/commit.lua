-- KEYS: meta, log, until, the entries that would refuse the step, then for each write its record, the
--       list that it leaves and the list that it joins, then the list that is limited, if any, then
--       the entry of each revocation
-- ARGV: epoch, retention, how many entries, how many writes, how many there may be in the list or
--       '', the last second of these records; for each entry what its bound must not exceed; for
--       each write the version that it replaces or '', its value, for how many milliseconds it
--       stays, its id, '1' if it leaves a list, '1' if it joins one; for each revocation its name,
--       its keep_until and its bound
--
-- Conditions first. Until the first write nothing has happened.
local entries, writes, most = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = tonumber(redis.call('TIME')[1])
for i = 1, entries do
  local entry = redis.call('GET', KEYS[3 + i])
  if entry and (#entry ~= 30 or string.find(entry, '[^0-9]')) then
    error('what is in Redis is of another layout', 0)
  end
  if entry and ARGV[6 + i] < string.sub(entry, 11, 30) then
    return 'Revoked'
  end
end
local steps = {}
for i = 1, writes do
  local k, a = 3 + entries + (i - 1) * 3, 6 + entries + (i - 1) * 6
  local step = { record = KEYS[k + 1], leaves = ARGV[a + 5] == '1' and KEYS[k + 2],
    joins = ARGV[a + 6] == '1' and KEYS[k + 3], replaces = ARGV[a + 1], value = ARGV[a + 2],
    stays = ARGV[a + 3], id = ARGV[a + 4] }
  steps[i] = step
  if redis.call('GETRANGE', step.record, 0, 15) ~= step.replaces then
    return 'Conflict'
  end
  -- A list of another type is an error now, and not when half is done.
  if step.leaves then redis.call('ZCARD', step.leaves) end
  if step.joins then redis.call('ZCARD', step.joins) end
end
local k, a = 3 + entries + writes * 3, 6 + entries + writes * 6
if most then
  k = k + 1
  local count = redis.call('ZCOUNT', KEYS[k], '(' .. time, '+inf')
  for _, step in ipairs(steps) do
    local listed = step.leaves == KEYS[k] and redis.call('ZSCORE', KEYS[k], step.id)
    if listed and tonumber(listed) > time then count = count - 1 end
    if step.joins == KEYS[k] then count = count + 1 end
  end
  if count > most then
    return 'Crowded'
  end
end
-- A beginning needs memory, and Redis refuses it if there is none. What replaces a record gives the
-- old one up first: after that Redis refuses nothing more of this step.
for _, step in ipairs(steps) do
  if step.replaces ~= '' then redis.call('DEL', step.record) end
  redis.call('SET', step.record, step.value, 'PX', step.stays)
  if step.leaves then redis.call('ZREM', step.leaves, step.id) end
  if step.joins then
    local gone = time + math.ceil(tonumber(step.stays) / 1000)
    redis.call('ZREMRANGEBYSCORE', step.joins, '-inf', time)
    redis.call('ZADD', step.joins, string.format('%.0f', gone), step.id)
    local last = tonumber(redis.call('ZRANGE', step.joins, -1, -1, 'WITHSCORES')[2])
    redis.call('EXPIREAT', step.joins, string.format('%.0f', last))
  end
  local last = redis.call('GET', KEYS[3])
  if not last or last < ARGV[6] then redis.call('SET', KEYS[3], ARGV[6], 'PX', step.stays) end
end
local revocations = {}
for i = k + 1, #KEYS do
  table.insert(revocations, { key = KEYS[i], name = ARGV[a + 1], keep = ARGV[a + 2], bound = ARGV[a + 3] })
  a = a + 3
end
if #revocations > 0 then revoke(revocations) end
return 'Done'
