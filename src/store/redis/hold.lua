-- KEYS: lock, room, record. ARGV: holder, lease in ms, how much room to keep (0: what there is), the counter that was seen
-- (or nothing).
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 'theirs'
end
-- The lock may be free because another holder, who had it meanwhile, is done.
if ARGV[4] ~= '' and is_later(counter(redis.pcall('GETRANGE', KEYS[3], 0, 17)), ARGV[4]) then
  return 'newer'
end
-- First of all that is written: only then Redis says whether it has the memory.
if ARGV[3] ~= '0' then
  redis.call('SET', KEYS[2], string.rep('\0', ARGV[3]), 'PX', ARGV[2])
else
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
end
-- A lock that is gone is taken back: a restart may have lost it, and nobody else has it.
if redis.call('PEXPIRE', KEYS[1], ARGV[2]) == 0 then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 'ours'
