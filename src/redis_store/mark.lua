-- KEYS: entries, mark. Something that replicas have to get in any case: a script before this that
-- found its work done wrote nothing, and then WAIT would answer for nothing.
--
-- A write that needs no memory first: after it Redis refuses none for want of memory.
redis.call('HDEL', KEYS[1], '')
redis.call('SET', KEYS[2], '1', 'EX', 60)
return 1
