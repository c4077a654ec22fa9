-- KEYS[4]: until when there are sessions, in seconds
-- ARGV[4]: the revocations, as `revoke` takes them, in JSON
--
-- A revocation that comes alone must outlive the sessions that it covers. A single token's covers
-- none. Answers where the log stands then, how many changed, and each as it is kept.
local last, list = redis.call('GET', KEYS[4]), cjson.decode(ARGV[4])
for _, revocation in ipairs(list) do
  local name, keep, _, left = unpack(revocation)
  if last and last > keep and not string.find(name, '^[tT]') then
    revocation[2], revocation[4] = last, left + tonumber(last) - tonumber(keep)
  end
end
local kept, place, changed = {}, revoke(list)
for i, revocation in ipairs(list) do kept[i] = redis.call('HGET', KEYS[1], revocation[1]) end
return { place, changed, kept }
