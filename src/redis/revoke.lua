-- Writes revocations, never weakening what is there, and appends what changed to the log.
--
-- KEYS: meta, log, then one key for each revocation
-- ARGV: an epoch in case there is none, how many seconds the log reaches back, then for each
--       revocation its name, its keep_until (10 digits) and its bound (20 digits)
--
-- Numbers are compared as digits of fixed length: a Lua number has no 64 bits.
local now = tonumber(redis.call('TIME')[1])
local retention = tonumber(ARGV[2])
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'last')
local epoch, last = meta[1], meta[2]
if not epoch or not last then
  epoch, last = ARGV[1], '0-0'
end
local latest = now + retention
local changed = 0
for i = 3, #KEYS do
  local arg = (i - 2) * 3
  local name, keep, bound = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2]
  local old = redis.call('GET', KEYS[i])
  if old then
    local old_keep, old_bound = string.sub(old, 1, 10), string.sub(old, 11, 30)
    if old_keep > keep then keep = old_keep end
    if old_bound > bound then bound = old_bound end
  end
  local value = keep .. bound
  if value ~= old then
    local expires = tonumber(keep) + 60
    redis.call('SET', KEYS[i], value)
    redis.call('EXPIREAT', KEYS[i], string.format('%.0f', expires))
    last = redis.call('XADD', KEYS[2],
      'MINID', '~', string.format('%.0f-0', (now - retention) * 1000),
      '*', 'n', name, 'v', value, 'p', last)
    if expires > latest then latest = expires end
    changed = changed + 1
  end
end
if changed > 0 then
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'last', last)
  redis.call('EXPIRE', KEYS[2], string.format('%.0f', retention))
  if now + redis.call('TTL', KEYS[1]) < latest then
    redis.call('EXPIREAT', KEYS[1], string.format('%.0f', latest))
  end
end
return changed
