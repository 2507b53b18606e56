#include "net/refusal.h"

#include "base/err.h"

static const struct refusal refusals[] = {
    {400, "Bad Request",
     "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,\"detail\":\"the request line or "
     "its framing headers are malformed\"}"},
    {408, "Request Timeout",
     "{\"type\":\"about:blank\",\"title\":\"Request Timeout\",\"status\":408,\"detail\":\"the request took "
     "too "
     "long to arrive\"}"},
    {413, "Content Too Large",
     "{\"type\":\"about:blank\",\"title\":\"Content Too Large\",\"status\":413,\"detail\":\"the body is over "
     "this server's limit\"}"},
    {431, "Request Header Fields Too Large",
     "{\"type\":\"about:blank\",\"title\":\"Request Header Fields Too "
     "Large\",\"status\":431,\"detail\":\"the "
     "request line and headers are over this server's limit\"}"},
};

const struct refusal *refusal_of(unsigned status) {
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (refusals[i].status == status)
            return &refusals[i];
    ASSERT(false); /* each status refused with has its text */
    return NULL;
}
