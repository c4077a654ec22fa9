-- KEYS[4]: until when there are sessions, in seconds
-- ARGV from the 4th on: of each revocation its name, keep_until, bound, and how long to keep it
--
-- A revocation that comes alone must outlive the sessions that it covers. A single token's covers
-- none. Answers where the log stands then, how many changed, and each as it is kept.
local last, list = redis.call('GET', KEYS[4]), {}
for i = 4, #ARGV, 4 do
  local name, keep, left = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 3])
  if last and last > keep and not string.find(name, '^[tT]') then
    keep, left = last, left + tonumber(last) - tonumber(keep)
  end
  list[#list + 1] = { name, keep, ARGV[i + 2], left }
end
local kept, place, changed = {}, revoke(list)
for i, revocation in ipairs(list) do kept[i] = redis.call('HGET', KEYS[1], revocation[1]) end
return { place, changed, kept }
