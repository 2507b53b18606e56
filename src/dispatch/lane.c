#include "dispatch/lane.h"

#include "base/clock.h"
#include "base/err.h"

enum { DOWN_FIRST_MS = 500, DOWN_MAX_MS = 30000, SLOW_DOWN_MS = 1000, STRIKES_MAX = 5 };

enum reason lane_reason(const struct lane *l, int64_t now) {
    if (l->broken)
        return REASON_CREDENTIALS;
    if (now < l->paused_until)
        return l->downs ? REASON_PROVIDER_DOWN : REASON_THROTTLED;
    if (l->downs ? l->in_flight > 0 : l->in_flight >= l->config->in_flight_max)
        return REASON_LANE_FULL;
    return REASON_NONE;
}

bool lane_is_open(const struct lane *l, int64_t now) {
    return lane_reason(l, now) == REASON_NONE;
}

void lane_begin(struct lane *l) {
    l->in_flight++;
}

static int64_t down_ms(uint32_t downs) {
    int64_t ms = DOWN_FIRST_MS;
    for (uint32_t i = 1; i < downs && ms < DOWN_MAX_MS; i++)
        ms *= 2;
    return ms < DOWN_MAX_MS ? ms : DOWN_MAX_MS;
}

bool lane_end(struct lane *l, const struct verdict *v, int64_t now) {
    ASSERT(l->in_flight > 0);
    l->in_flight--;
    if (!v)
        return false;
    switch (v->hint) {
    case LANE_FINE:
        if (v->fate != FATE_UNKNOWN)
            l->downs = l->strikes = 0;
        return false;
    case LANE_SLOW_DOWN: {
        int64_t ms = v->retry_after_ms > 0 ? v->retry_after_ms : SLOW_DOWN_MS;
        bool news = now >= l->paused_until;
        if (l->paused_until < now + ms * US_PER_MS)
            l->paused_until = now + ms * US_PER_MS;
        return news;
    }
    case LANE_DOWN: {
        if (now < l->paused_until)
            return false; /* the calls that were in flight together count once */
        if (++l->strikes < STRIKES_MAX && l->downs == 0)
            return false; /* a lost answer now and then is no outage */
        l->downs++;
        l->paused_until = now + down_ms(l->downs) * US_PER_MS;
        return true;
    }
    case LANE_BROKEN: {
        bool news = !l->broken;
        l->broken = true;
        return news;
    }
    }
    return false;
}

int64_t lane_opens_at(const struct lane *l) {
    return l->broken ? 0 : l->paused_until;
}
