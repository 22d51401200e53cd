-- nginx asks a script in Redis, which keeps two counts for each key.
local found, redis = pcall(require, "resty.redis")
if not found then
    redis = require "nginx.redis"
end

return function(port, limit, window_seconds, digest)
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
    local admitted, failure = client:evalsha(digest, 1, "script:" .. key, ngx.now(), window_seconds, limit)
    if not admitted then
        ngx.log(ngx.ERR, "Redis: ", failure)
        return ngx.exit(503)
    end
    client:set_keepalive(60000, 256)
    if admitted == 0 then
        ngx.header["Retry-After"] = 1
        return ngx.exit(429)
    end
end
