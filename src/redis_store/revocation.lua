-- Begins every script that revokes. Such a script's
-- KEYS begin with: entries, expiry, log
-- ARGV begin with: 32 random hex digits, how many seconds the log reaches back, and how many items
--
-- Numbers are compared as digits of fixed length: a Lua number has no 64 bits.

-- Writes revocations, never weakening what is there, and appends what changed to the log. Each is
-- { name, keep_until (10 digits), bound (20 digits), for how many seconds to keep it from now on }.
-- Answers where the log stands then, and how many changed.
local function revoke(list)
  local entries, expiry, log = KEYS[1], KEYS[2], KEYS[3]
  local time, retention = redis.call('TIME'), tonumber(ARGV[2])
  local now = tonumber(time[1])
  local millis = now * 1000 + math.floor(tonumber(time[2]) / 1000)
  local meta = redis.call('HMGET', entries, 'epoch', 'last')
  local epoch, last = meta[1], meta[2]
  if not epoch or not last then
    epoch, last = ARGV[1], '0-0:0000000000000000'
  end
  local latest, changed, tag = now + retention, 0, string.sub(ARGV[1], 1, 16)
  for _, revocation in ipairs(list) do
    local name, keep, bound, left = unpack(revocation)
    local old = redis.call('HGET', entries, name)
    if old then
      local old_keep, old_bound = string.sub(old, 1, 10), string.sub(old, 11, 30)
      if old_keep > keep then keep = old_keep end
      if old_bound > bound then bound = old_bound end
    end
    if keep .. bound ~= old then
      -- Ids rise even if the clock was set back.
      local ms, number = string.match(last, '^(%d+)-(%d+)')
      local id, newest = '*', math.max(millis, tonumber(ms))
      if tonumber(ms) >= millis then id = ms .. string.format('-%.0f', tonumber(number) + 1) end
      -- The log first: an entry that is there is not logged again.
      id = redis.call('XADD', log,
        'MINID', '~', string.format('%.0f-0', math.max(0, newest - retention * 1000)),
        id, 'n', name, 'v', keep .. bound, 't', tag, 'p', last)
      last = id .. ':' .. tag
      local gone = now + math.max(tonumber(left), 0) + 60
      redis.call('HSET', entries, name, keep .. bound, 'last', last)
      redis.call('ZADD', expiry, 'GT', string.format('%.0f', gone), name)
      latest, changed = math.max(latest, gone), changed + 1
    end
  end
  if changed > 0 or not meta[1] then
    redis.call('HSET', entries, 'epoch', epoch, 'last', last)
    redis.call('XTRIM', log, 'MAXLEN', '~', ARGV[3])
    redis.call('EXPIRE', log, string.format('%.0f', retention))
  end
  -- What has expired goes a few at a time.
  local gone = redis.call('ZRANGEBYSCORE', expiry, '-inf', now, 'LIMIT', 0, 100 + 2 * #list)
  if #gone > 0 then
    redis.call('HDEL', entries, unpack(gone))
    redis.call('ZREM', expiry, unpack(gone))
  end
  if now + redis.call('TTL', entries) < latest then
    redis.call('EXPIREAT', entries, string.format('%.0f', latest))
    redis.call('EXPIREAT', expiry, string.format('%.0f', latest))
  end
  return last, changed
end
