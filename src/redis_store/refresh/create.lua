-- KEYS: the family's key, its index
-- ARGV: id, subject, client, scope as JSON, '1' if there is a device, device, created, used, idle,
--       expires, generation, hash, now
local key, index = KEYS[1], KEYS[2]
-- An index of another type is an error now, and not when half is done.
redis.call('ZCARD', index)
if redis.call('EXISTS', key) == 1 then
  return { 'exists' }
end
redis.call('HSET', key, 'subject', ARGV[2], 'client', ARGV[3], 'scope', ARGV[4],
  'created', ARGV[7], 'used', ARGV[8], 'idle', ARGV[9], 'expires', ARGV[10],
  'generation', ARGV[11], 'current', ARGV[12], 'predecessor', '', 'rotated', ARGV[7])
if ARGV[5] == '1' then
  redis.call('HSET', key, 'device', ARGV[6])
end
keep(key, index, ARGV[1], ARGV[9], ARGV[13])
return { 'created' }
