-- KEYS: record, lock. ARGV: holder, lease in ms, the counter that was seen.
if is_later(counter(redis.pcall('GETRANGE', KEYS[1], 0, 17)), ARGV[3]) then
  return 'newer'
end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return 'ours'
end
-- An answer may have been lost, and a lock without an end is nobody's.
if redis.pcall('GET', KEYS[2]) == ARGV[1] or redis.call('PTTL', KEYS[2]) == -1 then
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
  return 'ours'
end
return 'theirs'
