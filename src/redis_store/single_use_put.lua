-- KEYS: the group, the token. ARGV: id, slot, value, most of the slot, most of the group, now, how long
-- to stay, the name of the group.
local all, slot = {}, {}
local kept = redis.call('HGETALL', KEYS[1])
for i = 1, #kept, 2 do
  local id, value = kept[i], kept[i + 1]
  if string.sub(id, 1, 6) ~= 'tries:' then
    if string.sub(value, 1, 29) <= ARGV[6] then
      redis.call('HDEL', KEYS[1], id)
    else
      local token = { id = id, put = string.sub(value, 30, 58) }
      table.insert(all, token)
      if string.sub(value, 59, 101) == ARGV[2] then table.insert(slot, token) end
    end
  end
end
local function older(one, two) return one.put < two.put end
local function make_room(tokens, most)
  local live = {}
  for _, token in ipairs(tokens) do if not token.gone then table.insert(live, token) end end
  table.sort(live, older)
  for i = 1, #live - most + 1 do
    live[i].gone = true
    redis.call('HDEL', KEYS[1], live[i].id)
  end
end
make_room(slot, tonumber(ARGV[4]))
make_room(all, tonumber(ARGV[5]))
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('HDEL', KEYS[1], 'tries:' .. ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[7]) then redis.call('PEXPIRE', KEYS[1], ARGV[7]) end
redis.call('SET', KEYS[2], ARGV[8], 'PX', ARGV[7])
