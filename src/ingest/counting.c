#include "ingest/counting.h"

#include "provider/adapter.h"

enum segments_rule counting_rule(const struct settings *s, struct sv to) {
    bool any = false;
    if (!sv_starts(to, SV("+86")))
        return SEGMENTS_INTERNATIONAL;
    for (uint32_t i = 0; i < s->n_lanes; i++) {
        const struct lane_config *lane = &s->lanes[i];
        if (!lane->adapter || !lane_has_channel(lane, CHANNEL_SMS))
            continue;
        any = true;
        if (lane->adapter->segment_rule != SEGMENTS_CHINA)
            return SEGMENTS_INTERNATIONAL;
    }
    return any ? SEGMENTS_CHINA : SEGMENTS_INTERNATIONAL;
}

const char *counting_rule_name(enum segments_rule rule) {
    return rule == SEGMENTS_CHINA ? "china" : "gsm";
}
