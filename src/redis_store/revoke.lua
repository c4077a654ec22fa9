-- ARGV from the 4th on: of each revocation its name, keep_until, bound, and how long to keep it
local list = {}
for i = 4, #ARGV, 4 do
  list[#list + 1] = { ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3] }
end
return { revoke(list) }
