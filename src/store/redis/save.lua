-- KEYS: record, room. ARGV: the record, the counter that was seen, when it expires in ms from the epoch (or nothing).
local there = redis.pcall('GET', KEYS[1])
if there == ARGV[1] then
  -- The answer was lost.
  return 'saved'
end
if is_later(counter(there), ARGV[2]) then
  return 'newer'
end
-- The room goes first: with it this script has begun to write, and Redis does not refuse the rest for want of memory.
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1])
if ARGV[3] ~= '' then
  redis.call('PEXPIREAT', KEYS[1], ARGV[3])
end
return 'saved'
