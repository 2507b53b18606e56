/* event_source: who may post business events by a signature instead of an API key (Standard Webhooks 1.0.0,
 * standardwebhooks.com). Part of the settings, and owned by their arena.
 */
#ifndef HY_MODEL_EVENT_SOURCE_H
#define HY_MODEL_EVENT_SOURCE_H

#include "model/lane.h"

enum { EVENT_SOURCES_MAX = 64 };

struct event_source {
    char name[LANE_NAME_MAX + 1]; /* in its address: /v1/events/from/NAME */
    struct sv account;            /* whose events they are, by name */
    struct sv secret;             /* whsec_ and base64; several by spaces while one takes over from another */
    uint32_t tolerance_s;         /* how far a post's time may be from ours */
};

#endif
