-- KEYS from the 4th on: until when there are sessions; for each write its record, the list that it
--       leaves and the list that it joins; the list that is limited, if any
-- ARGV from the 4th on: the step in JSON (`Step` in step.rs), the values to write
--
-- Conditions first. Until the first write nothing has happened.
local step, limited = cjson.decode(ARGV[4]), KEYS[#KEYS]
local time = tonumber(redis.call('TIME')[1])
for _, unless in ipairs(step.unless) do
  local entry = redis.call('HGET', KEYS[1], unless[1])
  if entry and (#entry ~= 30 or string.find(entry, '[^0-9]')) then
    error('what is in Redis is of another layout', 0)
  end
  if entry and unless[2] < string.sub(entry, 11) then return { 'Revoked', '', 0 } end
end
for i, write in ipairs(step.writes) do
  write.record = KEYS[3 * i + 2]
  write.leaves, write.joins = write.leaves and KEYS[3 * i + 3], write.joins and KEYS[3 * i + 4]
  if redis.call('GETRANGE', write.record, 0, 15) ~= write.replaces then
    return { 'Conflict', '', 0 }
  end
  -- A list of another type is an error now, and not when half is done.
  if write.leaves then redis.call('ZCARD', write.leaves) end
  if write.joins then redis.call('ZCARD', write.joins) end
end
if step.most then
  local count = redis.call('ZCOUNT', limited, '(' .. time, '+inf')
  for _, write in ipairs(step.writes) do
    local gone = write.leaves == limited and redis.call('ZSCORE', limited, write.id)
    if gone and tonumber(gone) > time then count = count - 1 end
    if write.joins == limited then count = count + 1 end
  end
  if count > step.most then return { 'Crowded', '', 0 } end
end
-- A beginning needs memory, and Redis refuses it if there is none. What replaces a record gives the
-- old one up first: after that Redis refuses nothing more of this step.
for i, write in ipairs(step.writes) do
  if write.replaces ~= '' then redis.call('DEL', write.record) end
  if write.stays > 0 then redis.call('SET', write.record, ARGV[4 + i], 'PX', write.stays) end
  if write.leaves then redis.call('ZREM', write.leaves, write.id) end
  if write.joins then
    redis.call('ZREMRANGEBYSCORE', write.joins, '-inf', time)
    redis.call('ZADD', write.joins, time + math.ceil(write.stays / 1000), write.id)
    local last = redis.call('ZRANGE', write.joins, -1, -1, 'WITHSCORES')[2]
    redis.call('EXPIREAT', write.joins, last)
  end
end
local last = redis.call('GET', KEYS[4])
if step.longest > 0 and (not last or last < step.last) then
  redis.call('SET', KEYS[4], step.last, 'PX', step.longest)
end
if #step.revocations == 0 then return { 'Done', '', 0 } end
return { 'Done', revoke(step.revocations) }
