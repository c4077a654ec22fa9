-- KEYS: meta, log, index, the entry of the session's revocation, the family's key
-- ARGV: epoch, retention, keep_until, bound, id, the revocation's name, now, '1' if it must be a
--       certain subject's, that subject
local family = read(KEYS[5])
if not family or (ARGV[8] == '1' and family.subject ~= ARGV[9]) then
  return { 'unchanged' }
end
redis.call('ZCARD', KEYS[3])
family.id, family.entry, family.name = ARGV[5], KEYS[4], ARGV[6]
local live = is_live(family, ARGV[7])
finish({ family }, KEYS[3], ARGV[3], ARGV[4])
return { live and 'live' or 'expired' }
