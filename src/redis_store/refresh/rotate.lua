-- KEYS: entries, expiry, log, index, the family's key
-- ARGV: random, retention, longest, keep_until, bound, left, id, the revocation's name, presented, successor,
--       client, now, idle, from when and until when a rotation is inside the grace window (from ''
--       for never), how many successors there may be, then the scopes that are asked for
local index, key = KEYS[4], KEYS[5]
local id, presented, successor, client = ARGV[7], ARGV[9], ARGV[10], ARGV[11]
local now, idle, from, to = ARGV[12], ARGV[13], ARGV[14], ARGV[15]
redis.call('ZCARD', index)
local family = read(key)
if not family then
  return { 'Unknown' }
end
if not family.ending and has_expired(family, now) then
  return { 'Expired' }
end
family.id, family.name = id, ARGV[8]
local function finished(answer)
  finish({ family }, index, ARGV[4], ARGV[5], ARGV[6])
  return answer
end
if family.ending then
  return finished(told('Reused', family))
end
-- A session that was revoked has ended, even if Redis went back to a time when it had not.
if redis.call('HGET', KEYS[1], family.name) then
  return finished({ 'Unknown' })
end
local is_current = among(family.current, presented)
local is_predecessor = among(family.predecessor, presented)
local in_window = from ~= '' and from <= family.rotated and family.rotated <= to
local is_retry = is_predecessor and in_window
if not is_current and not is_retry then
  return finished(told('Reused', family))
end
if family.client ~= client then
  return { 'WrongClient' }
end
for i = 17, #ARGV do
  if not family.granted[ARGV[i]] then
    return { 'ScopeTooWide' }
  end
end
if not is_current and #family.current / 43 >= tonumber(ARGV[16]) then
  return { 'Crowded' }
end
if now > family.used then
  family.used = now
end
if idle > family.expires then
  idle = family.expires
end
if idle > family.idle then
  family.idle = idle
end
-- The first write needs memory: Redis refuses it if there is none, and then nothing has happened.
if is_current then
  redis.call('HINCRBY', key, 'generation', 1)
  redis.call('HSET', key, 'used', family.used, 'idle', family.idle, 'rotated', now,
    'predecessor', presented, 'current', successor)
  family.generation = redis.call('HGET', key, 'generation')
else
  redis.call('HSET', key, 'used', family.used, 'idle', family.idle,
    'current', family.current .. successor)
end
keep(key, index, id, family.idle, now)
return told(is_current and 'Rotated' or 'Retried', family)
