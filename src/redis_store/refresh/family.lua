-- Begins every script that touches families, after revocation.lua.
--
-- A moment is 29 digits: seconds and nanoseconds since 1970. So moments are compared as text, and
-- come back as they were given.

-- Nothing that stands in Redis is repeated in an error.
local function other_layout()
  error('what is in Redis is of another layout', 0)
end

local function is_moment(text)
  return text and #text == 29 and not string.find(text, '[^0-9]')
end

local function is_hashes(text)
  return text and #text % 43 == 0 and not string.find(text, '[^A-Za-z0-9_-]')
end

-- Whether one of the hashes is this one. Each is looked at, whichever it is.
local function among(hashes, one)
  local found = false
  for at = 1, #hashes, 43 do
    found = (string.sub(hashes, at, at + 42) == one) or found
  end
  return found
end

-- The family under a key, or nil. It is ending if it has no current hashes: then it was to end, and
-- something stood in the way.
local function read(key)
  local v = redis.call('HMGET', key, 'subject', 'client', 'scope', 'device', 'created', 'used',
    'idle', 'expires', 'generation', 'rotated', 'predecessor', 'current')
  if redis.call('EXISTS', key) == 0 then
    return nil
  end
  local family = {
    key = key, subject = v[1], client = v[2], scope = v[3], device = v[4], created = v[5],
    used = v[6], idle = v[7], expires = v[8], generation = v[9], rotated = v[10],
    predecessor = v[11], current = v[12], ending = not v[12],
  }
  local sound = family.subject and family.client and is_moment(family.created)
    and is_moment(family.used) and is_moment(family.idle) and is_moment(family.expires)
    and is_moment(family.rotated) and is_hashes(family.predecessor)
    and (family.ending or (is_hashes(family.current) and #family.current > 0))
  sound = sound and family.generation and #family.generation <= 19
    and string.find(family.generation, '^[0-9]+$')
  local decoded, granted = pcall(cjson.decode, family.scope)
  if not sound or not decoded or string.sub(family.scope, 1, 1) ~= '[' then
    other_layout()
  end
  family.granted = {}
  for _, scope in ipairs(granted) do
    if type(scope) ~= 'string' then
      other_layout()
    end
    family.granted[scope] = true
  end
  return family
end

local function has_expired(family, now)
  return now >= family.idle or now >= family.expires
end

local function is_live(family, now)
  return not family.ending and not has_expired(family, now)
end

-- The ids in an index, or nil and what to answer if one of them is not known.
local function members(index, known)
  local ids = redis.call('ZRANGE', index, 0, -1)
  for _, id in ipairs(ids) do
    if not known[id] then
      table.insert(ids, 1, 'changed')
      return nil, ids
    end
  end
  return ids
end

-- What is told of a session, after what came of it.
local function told(word, family)
  return { word, family.subject, family.client, family.scope, family.device, family.created,
    family.used, family.idle, family.expires, family.generation }
end

-- Lets a family stay until a minute after it has idled, by the clock that is used here, and the
-- index for as long as the last family in it. Ids whose families are gone leave the index.
local function keep(key, index, id, idle, now)
  local clock = tonumber(redis.call('TIME')[1])
  local left = tonumber(string.sub(idle, 1, 20)) - tonumber(string.sub(now, 1, 20))
  local gone = math.min(clock + math.max(left, 0) + 61, 253402300800)
  redis.call('EXPIREAT', key, string.format('%.0f', gone))
  redis.call('ZREMRANGEBYSCORE', index, '-inf', string.format('(%.0f', clock))
  redis.call('ZADD', index, string.format('%.0f', gone), id)
  local last = tonumber(redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')[2])
  redis.call('EXPIREAT', index, string.format('%.0f', last))
end

-- Ends families: each has its id and the key and the name of its revocation.
--
-- The first write takes the current hashes away. It needs no memory, and after it Redis refuses
-- none of the others for want of memory: what goes is larger than what comes. If one of them fails
-- all the same, because something else stands under its key, the family can only end.
local function finish(families, index, keep_until, bound, left)
  local revocations = {}
  for i, family in ipairs(families) do
    redis.call('HDEL', family.key, 'current')
    revocations[i] = { family.name, keep_until, bound, left }
  end
  revoke(revocations)
  for _, family in ipairs(families) do
    redis.call('DEL', family.key)
    redis.call('ZREM', index, family.id)
  end
end
