-- KEYS: index, then the key of each family that the index is thought to hold
-- ARGV: subject, now, then the id of each of those families
--
-- If there are others in the index, they are answered, and else the live families of the subject.
local ids = redis.call('ZRANGE', KEYS[1], 0, -1)
local keys = {}
for i = 2, #KEYS do
  keys[ARGV[i + 1]] = KEYS[i]
end
for _, id in ipairs(ids) do
  if not keys[id] then
    table.insert(ids, 1, 'changed')
    return ids
  end
end
local answer = { 'done' }
for _, id in ipairs(ids) do
  local family = read(keys[id])
  if family and family.subject == ARGV[1] and is_live(family, ARGV[2]) then
    local session = told(id, family)
    for i = 1, 10 do
      table.insert(answer, session[i])
    end
  end
end
return answer
