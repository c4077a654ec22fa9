-- KEYS: meta, log, then one key for each revocation
-- ARGV: epoch, retention, then for each revocation its name, its keep_until and its bound
local revocations = {}
for i = 3, #KEYS do
  local arg = (i - 2) * 3
  revocations[i - 2] = { key = KEYS[i], name = ARGV[arg], keep = ARGV[arg + 1], bound = ARGV[arg + 2] }
end
return revoke(revocations)
