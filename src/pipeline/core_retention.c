/* What is over and older than the settings keep it is deleted, step by step: a walk an hour. On PostgreSQL it
 * also makes the periods to come. */
#include "pipeline/core_parts.h"

#include "base/clock.h"
#include "store/retention.h"

static const int64_t step_us = 100 * US_PER_MS, walk_us = INT64_C(3600) * US_PER_S, again_us = 60 * US_PER_S;

static bool walks(const struct core *c) {
    return c->settings->messages.keep_days || db_is_postgres(c->settings->database);
}

int64_t core_retention_next_at(const struct core *c) {
    return walks(c) ? c->retention.at : 0;
}

void core_retention_turn(struct core *c) {
    if (!walks(c) || c->draining || c->retention.walking || c->now < c->retention.at || !core_nodes_keeps(c))
        return;
    struct retention_write *r = calloc(1, sizeof *r);
    ASSERT(r);
    r->write.run = retention_run;
    r->keep_days = (uint16_t)c->settings->messages.keep_days;
    r->before = r->keep_days ? c->now - r->keep_days * US_PER_DAY : 0;
    r->after_id = c->retention.after_id;
    c->retention.walking = true;
    core_write(c, FOR_RETENTION, &r->write, NULL);
}

void core_retention_done(struct core *c, struct work *w) {
    const struct retention_write *r = w->own;
    c->retention.walking = false;
    if (w->job.result != JOB_DONE) {
        c->retention.at = c->now + again_us;
        return;
    }
    c->retention.after_id = r->end_id;
    c->retention.at = c->now + (r->end_id ? step_us : r->hindered ? again_us : walk_us);
    meter_add(c->world->meters, COUNT_RETIRED, r->deleted);
}
