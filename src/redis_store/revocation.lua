-- Begins every script that revokes. Such a script's
-- KEYS begin with: meta, log
-- ARGV begin with: an epoch in case there is none, how many seconds the log reaches back
--
-- Numbers are compared as digits of fixed length: a Lua number has no 64 bits.

-- Writes revocations, never weakening what is there, and appends what changed to the log. Each has
-- its key, its name, its keep_until (10 digits) and its bound (20 digits). Answers how many changed.
local function revoke(revocations)
  local now = tonumber(redis.call('TIME')[1])
  local retention = tonumber(ARGV[2])
  local meta = redis.call('HMGET', KEYS[1], 'epoch', 'last')
  local epoch, last = meta[1], meta[2]
  if not epoch or not last then
    epoch, last = ARGV[1], '0-0'
  end
  local latest = now + retention
  local changed = 0
  for _, revocation in ipairs(revocations) do
    local keep, bound = revocation.keep, revocation.bound
    local old = redis.call('GET', revocation.key)
    if old then
      local old_keep, old_bound = string.sub(old, 1, 10), string.sub(old, 11, 30)
      if old_keep > keep then keep = old_keep end
      if old_bound > bound then bound = old_bound end
    end
    local value = keep .. bound
    if value ~= old then
      local expires = tonumber(keep) + 60
      -- The log first: an entry that is there is not logged again.
      last = redis.call('XADD', KEYS[2],
        'MINID', '~', string.format('%.0f-0', math.max(0, now - retention) * 1000),
        '*', 'n', revocation.name, 'v', value, 'p', last)
      redis.call('SET', revocation.key, value)
      redis.call('EXPIREAT', revocation.key, string.format('%.0f', expires))
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
end
