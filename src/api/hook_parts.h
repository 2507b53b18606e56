/* hook_parts: what hooks.c and inbound.c share: one post of a provider, on its way through a front. */
#ifndef HY_API_HOOK_PARTS_H
#define HY_API_HOOK_PARTS_H

#include "api/native.h"
#include "provider/adapter.h"

enum { HOOK_ITEMS_MAX = 256 };

struct hook {
    struct hook_reply reply; /* the adapter's, or an answer in its place */
    const struct lane_config *lane;
    size_t expected, back, failed;
    struct err err; /* of the last that failed */
};

/* Answers the provider: its post is on disk, or it has to come again. */
void hook_finish(struct api_request *rq, const struct hook *h);
/* An ask of the post came back; finishes with the last. */
void hook_came_back(struct api_request *rq, struct ask *a);
/* The post is none of the provider's, or cannot be read. */
void hook_refuse(struct api_request *rq, const struct err *e);

/* inbound.c: the texts of a post. */
void inbound_take(struct api_request *rq, const struct hook_request *post, struct hook *h);

#endif
