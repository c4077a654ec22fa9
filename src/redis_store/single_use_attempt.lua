-- KEYS: the group. ARGV: id, slot, how many wrong tries there may be, now.
local live, found = {}, false
local kept = redis.call('HGETALL', KEYS[1])
for i = 1, #kept, 2 do
  local id, value = kept[i], kept[i + 1]
  if string.sub(id, 1, 6) ~= 'tries:' and string.sub(value, 59, 101) == ARGV[2]
    and string.sub(value, 1, 29) > ARGV[4] then
    table.insert(live, id)
    if id == ARGV[1] then found = value end
  end
end
if found then
  redis.call('HDEL', KEYS[1], ARGV[1])
  return found
end
local tries = 'tries:' .. ARGV[2]
if #live > 0 and redis.call('HINCRBY', KEYS[1], tries, 1) >= tonumber(ARGV[3]) then
  redis.call('HDEL', KEYS[1], tries, unpack(live))
end
return false
