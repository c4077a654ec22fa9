-- KEYS: entries, expiry, log, index, then for each id that the index is thought to hold the
--       family's key
-- ARGV: random, retention, longest, keep_until, bound, left, subject, now, then for each id itself, the name of its
--       revocation, and '1' if it is to be spared
--
-- If there are others in the index, nothing happens and they are answered.
local index, now = KEYS[4], ARGV[8]
local known, found = {}, {}
for i = 1, #KEYS - 4 do
  local arg = 6 + i * 3
  known[ARGV[arg]] = { key = KEYS[4 + i], name = ARGV[arg + 1], spared = ARGV[arg + 2] == '1' }
end
local ids, changed = members(index, known)
if not ids then
  return changed
end
local answer = { 'done' }
for _, id in ipairs(ids) do
  local place = known[id]
  local family = read(place.key)
  if family and family.subject == ARGV[7] and not place.spared then
    family.id, family.name = id, place.name
    table.insert(found, family)
    table.insert(answer, id)
    table.insert(answer, is_live(family, now) and 'live' or 'expired')
  end
end
if #found > 0 then
  finish(found, index, ARGV[4], ARGV[5], ARGV[6])
end
return answer
