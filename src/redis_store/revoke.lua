-- KEYS: meta, log, until, then one key for each revocation
-- ARGV: epoch, retention, then for each revocation its name, its keep_until and its bound
--
-- A revocation that comes alone must outlive the sessions that it covers; a token's covers none.
local last = redis.call('GET', KEYS[3])
local revocations = {}
for i = 4, #KEYS do
  local arg = (i - 3) * 3
  local name, keep = ARGV[arg], ARGV[arg + 1]
  if last and last > keep and not string.find(name, '^[tT]') then keep = last end
  revocations[i - 3] = { key = KEYS[i], name = name, keep = keep, bound = ARGV[arg + 2] }
end
return revoke(revocations)
