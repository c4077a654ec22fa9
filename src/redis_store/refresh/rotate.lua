-- KEYS: meta, log, index, the entry of the session's revocation, the family's key
-- ARGV: epoch, retention, keep_until, bound, id, the revocation's name, presented, successor,
--       client, now, idle, from when and until when a rotation is inside the grace window (from ''
--       for never), how many successors there may be, then the scopes that are asked for
local index, entry, key = KEYS[3], KEYS[4], KEYS[5]
local id, presented, successor, client = ARGV[5], ARGV[7], ARGV[8], ARGV[9]
local now, idle, from, to = ARGV[10], ARGV[11], ARGV[12], ARGV[13]
redis.call('ZCARD', index)
local family = read(key)
if not family then
  return { 'Unknown' }
end
if not family.ending and has_expired(family, now) then
  return { 'Expired' }
end
family.id, family.entry, family.name = id, entry, ARGV[6]
local function finished(answer)
  finish({ family }, index, ARGV[3], ARGV[4])
  return answer
end
if family.ending then
  return finished(told('Reused', family))
end
-- A session that was revoked has ended, even if Redis went back to a time when it had not.
if redis.call('GET', entry) then
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
for i = 15, #ARGV do
  if not family.granted[ARGV[i]] then
    return { 'ScopeTooWide' }
  end
end
if not is_current and #family.current / 43 >= tonumber(ARGV[14]) then
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
