-- KEYS: record, places to put it. The last place is used again and again: the first ones are the likeliest to be missed.
local place = KEYS[#KEYS]
for at = #KEYS, 2, -1 do
  if redis.call('EXISTS', KEYS[at]) == 0 then
    place = KEYS[at]
  end
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('RENAME', KEYS[1], place)
end
return place
