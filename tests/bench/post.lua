-- post: the load of script/bench, for wrk. Every request is a message to another number.
--
-- KEY    API key
-- TAIL   the rest of the JSON object after "to": the text and whatever else the step wants
-- FIRST  number of the first message; the steps give each run another
local key, tail, n = os.getenv("KEY"), os.getenv("TAIL"), tonumber(os.getenv("FIRST"))

local head = "POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " .. (key or "") ..
    "\r\nContent-Type: application/json\r\nContent-Length: "

function request()
    n = n + 1
    -- 7919 is prime to 10^8: no number comes twice before all have come
    local body = string.format('{"to":"+86138%08d"%s', n * 7919 % 100000000, tail)
    return head .. #body .. "\r\n\r\n" .. body
end

function done(summary)
    local e = summary.errors
    io.write(string.format(
        'BENCH {"requests": %d, "us": %d, "refused": %d, "broken": %d}\n',
        summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout))
end
