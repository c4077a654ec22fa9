-- KEYS: entries, expiry, log, index, the family's key
-- ARGV: random, retention, longest, keep_until, bound, left, id, the revocation's name, now, '1' if it must be a
--       certain subject's, that subject
local family = read(KEYS[5])
if not family or (ARGV[10] == '1' and family.subject ~= ARGV[11]) then
  return { 'unchanged' }
end
redis.call('ZCARD', KEYS[4])
family.id, family.name = ARGV[7], ARGV[8]
local live = is_live(family, ARGV[9])
finish({ family }, KEYS[4], ARGV[4], ARGV[5], ARGV[6])
return { live and 'live' or 'expired' }
