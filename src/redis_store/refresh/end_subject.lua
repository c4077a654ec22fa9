-- KEYS: meta, log, index, then for each id that the index is thought to hold the entry of the
--       session's revocation and the family's key
-- ARGV: epoch, retention, keep_until, bound, subject, now, then for each id itself, the name of its
--       revocation, and '1' if it is to be spared
--
-- If there are others in the index, nothing happens and they are answered.
local index, now = KEYS[3], ARGV[6]
local known, found = {}, {}
for i = 1, (#KEYS - 3) / 2 do
  local arg = 4 + i * 3
  known[ARGV[arg]] = { entry = KEYS[2 + i * 2], key = KEYS[3 + i * 2], name = ARGV[arg + 1],
    spared = ARGV[arg + 2] == '1' }
end
local ids, changed = members(index, known)
if not ids then
  return changed
end
local answer = { 'done' }
for _, id in ipairs(ids) do
  local place = known[id]
  local family = read(place.key)
  if family and family.subject == ARGV[5] and not place.spared then
    family.id, family.entry, family.name = id, place.entry, place.name
    table.insert(found, family)
    table.insert(answer, id)
    table.insert(answer, is_live(family, now) and 'live' or 'expired')
  end
end
if #found > 0 then
  finish(found, index, ARGV[3], ARGV[4])
end
return answer
