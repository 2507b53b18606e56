-- events: batches of business events for script/bench, for wrk. One event in ten is of a type that ten rules are for, one in a hundred
-- is large enough for one of them; the others are of types of which each has one rule, or none.
--
-- KEY    API key
-- LINES  events in a batch
local key, lines = os.getenv("KEY"), tonumber(os.getenv("LINES"))

local rows = {}
for i = 0, lines - 1 do
    local paid, large = i % 10 == 0, i % 100 == 0
    rows[#rows + 1] = string.format('{"type":"%s","source":"shop","data":{"order_id":%d,"phone":"+86138%08d","total":%d}}',
        paid and "order.paid" or "kind" .. i % 200 .. ".x", i, i * 7919 % 100000000, large and 1000 or 20)
end

wrk.method, wrk.path, wrk.body = "POST", "/v1/events", table.concat(rows, "\n")
wrk.headers["Content-Type"] = "application/x-ndjson"
wrk.headers["Authorization"] = "Bearer " .. (key or "")

function done(summary)
    local e = summary.errors
    io.write(string.format(
        'BENCH {"requests": %d, "us": %d, "refused": %d, "broken": %d}\n',
        summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout))
end
