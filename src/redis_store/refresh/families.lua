-- KEYS: index, then the key of each family that the index is thought to hold
-- ARGV: subject, now, then the id of each of those families
--
-- If there are others in the index, they are answered, and else the live families of the subject.
local keys = {}
for i = 2, #KEYS do
  keys[ARGV[i + 1]] = KEYS[i]
end
local ids, changed = members(KEYS[1], keys)
if not ids then
  return changed
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
