-- ARGV[4]: the heartbeat that was seen; if another node was faster, nothing is done
if (redis.call('HGET', KEYS[1], 'beat') or '') == ARGV[4] then
  -- A write that needs no memory first: after it Redis refuses none for want of memory.
  redis.call('HDEL', KEYS[1], 'beat')
  redis.call('HSET', KEYS[1], 'beat', ARGV[1])
  revoke({})
end
return 1
