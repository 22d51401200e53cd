-- The textbook's algorithm in nginx: a hash of one-second fields for each key, three commands in one pipeline.
local found, redis = pcall(require, "resty.redis")
if not found then
    redis = require "nginx.redis"
end

return function(port, limit, window_seconds)
    local key = ngx.var.http_x_api_key
    if not key then
        return ngx.exit(401)
    end
    local client = redis:new()
    client:set_timeout(1000)
    local connected, problem = client:connect("127.0.0.1", port)
    if not connected then
        ngx.log(ngx.ERR, "Redis: ", problem)
        return ngx.exit(503)
    end
    local now = ngx.time()
    local name = "nginx:" .. key
    client:init_pipeline(3)
    client:hincrby(name, now, 1)
    client:hgetall(name)
    client:expire(name, window_seconds + 1)
    local replies, failure = client:commit_pipeline()
    if not replies then
        ngx.log(ngx.ERR, "Redis: ", failure)
        return ngx.exit(503)
    end
    client:set_keepalive(60000, 256)
    local total, oldest, fields = 0, now - window_seconds, replies[2]
    for at = 1, #fields, 2 do
        if tonumber(fields[at]) > oldest then
            total = total + tonumber(fields[at + 1])
        end
    end
    if total > limit then
        ngx.header["Retry-After"] = 1
        return ngx.exit(429)
    end
end
