-- The usual sliding window counter: this window's count, and the share of the last one's that still counts.
local now, window, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local current = math.floor(now / window)
local counts = redis.call('HMGET', KEYS[1], current, current - 1)
local share = 1 - (now % window) / window
if (tonumber(counts[2]) or 0) * share + (tonumber(counts[1]) or 0) + 1 > limit then
    return 0
end
redis.call('HINCRBY', KEYS[1], current, 1)
redis.call('EXPIRE', KEYS[1], 2 * window)
return 1
