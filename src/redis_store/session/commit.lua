-- KEYS from the 4th on: until when there are sessions; for each write its record, the list that it
--       leaves and the list that it joins; the list that is limited, if any
-- ARGV from the 4th on: how many entries would refuse the step, how many writes, how many there may
--       be in the list or '', the last second of these records; for each entry its name and what
--       its bound must not exceed; for each write the version that it replaces or '', its value,
--       for how many milliseconds it stays, its id, '1' if it leaves a list, '1' if it joins one;
--       for each revocation its name, keep_until, bound, and how long to keep it
--
-- Conditions first. Until the first write nothing has happened.
local entries, writes, most = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local time, k, a = tonumber(redis.call('TIME')[1]), 4, 7
for _ = 1, entries do
  local entry = redis.call('HGET', KEYS[1], ARGV[a + 1])
  if entry and (#entry ~= 30 or string.find(entry, '[^0-9]')) then
    error('what is in Redis is of another layout', 0)
  end
  if entry and ARGV[a + 2] < string.sub(entry, 11) then return { 'Revoked', '', 0 } end
  a = a + 2
end
local steps = {}
for i = 1, writes do
  local step = { record = KEYS[k + 1], leaves = ARGV[a + 5] == '1' and KEYS[k + 2],
    joins = ARGV[a + 6] == '1' and KEYS[k + 3], replaces = ARGV[a + 1], value = ARGV[a + 2],
    stays = ARGV[a + 3], id = ARGV[a + 4] }
  if redis.call('GETRANGE', step.record, 0, 15) ~= step.replaces then
    return { 'Conflict', '', 0 }
  end
  -- A list of another type is an error now, and not when half is done.
  if step.leaves then redis.call('ZCARD', step.leaves) end
  if step.joins then redis.call('ZCARD', step.joins) end
  steps[i], k, a = step, k + 3, a + 6
end
if most then
  local limited = KEYS[k + 1]
  local count = redis.call('ZCOUNT', limited, '(' .. time, '+inf')
  for _, step in ipairs(steps) do
    local gone = step.leaves == limited and redis.call('ZSCORE', limited, step.id)
    if gone and tonumber(gone) > time then count = count - 1 end
    if step.joins == limited then count = count + 1 end
  end
  if count > most then return { 'Crowded', '', 0 } end
end
-- A beginning needs memory, and Redis refuses it if there is none. What replaces a record gives the
-- old one up first: after that Redis refuses nothing more of this step.
local longest = 0
for _, step in ipairs(steps) do
  longest = math.max(longest, tonumber(step.stays))
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
end
local last = redis.call('GET', KEYS[4])
if writes > 0 and (not last or last < ARGV[7]) then
  redis.call('SET', KEYS[4], ARGV[7], 'PX', string.format('%.0f', longest))
end
local list = {}
for i = a + 1, #ARGV, 4 do
  list[#list + 1] = { ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3] }
end
if #list == 0 then return { 'Done', '', 0 } end
return { 'Done', revoke(list) }
