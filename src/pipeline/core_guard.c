/* The fraud guard: which texts are not to go where they are for, which wait for somebody to look, and what
 * codes that come back, or do not, say of a prefix. Off: one comparison for a text. */
#include "pipeline/core_parts.h"

#include "base/clock.h"
#include "model/country_rule.h"
#include "model/region_set.h"
#include "store/fraud.h"
#include "text/phone.h"

static bool is_on(const struct settings *s) {
    return s->fraud.burst_min || s->fraud.conversion;
}

static struct guard_rules rules_of(const struct settings *s) {
    return (struct guard_rules){.burst_min = s->fraud.burst_min,
                                .window_us = (int64_t)s->fraud.burst_window_s * US_PER_S,
                                .conversion = s->fraud.conversion,
                                .flag_us = (int64_t)s->fraud.flag_s * US_PER_S};
}

/* ---- what is kept ---- */

static struct fraud_write *new_write(enum fraud_act act) {
    struct fraud_write *f =
        calloc(1, sizeof *f + (act == FRAUD_READ ? FRAUD_ROWS_MAX : 0) * sizeof f->rows[0]);
    ASSERT(f);
    f->write.run = fraud_run;
    f->act = act;
    return f;
}

static void keep(struct core *c, const struct guard_flag *flag) {
    struct fraud_write *f = new_write(FRAUD_PUT);
    f->flag = (struct fraud_flag){
        .account_id = flag->account_id, .since = flag->since, .until = flag->until, .why = (int)flag->why};
    memcpy(f->flag.prefix, flag->prefix, sizeof f->flag.prefix);
    meter_add(c->world->meters, COUNT_FRAUD_FLAGS, 1);
    log_warn(c->world->log, "fraud.flagged", kv_int("account", flag->account_id),
             kv_name("prefix", flag->prefix + 1), kv_name("reason", guard_why_name(flag->why)),
             kv_int("for_s", (flag->until - flag->since) / US_PER_S));
    core_write(c, FOR_GUARD, &f->write, NULL);
}

void core_load_guard(struct core *c, const struct settings *s) {
    if (c->guard || !is_on(s))
        return;
    c->guard = guard_new(c->world->id_key);
    ASSERT(c->guard);
    guard_share(c->guard, c->world->node ? c->nodes.alive : 1);
    core_write(c, FOR_GUARD, &new_write(FRAUD_READ)->write, NULL);
}

/* Flags that other nodes have set, and what somebody released there. */
void core_guard_look(struct core *c) {
    if (c->guard && is_on(c->settings))
        core_write(c, FOR_GUARD, &new_write(FRAUD_READ)->write, NULL);
}

static void put_back(struct core *c, const struct fraud_write *f) {
    for (size_t i = 0; i < f->n; i++) {
        const struct fraud_flag *r = &f->rows[i];
        struct guard_flag flag = {.account_id = r->account_id,
                                  .since = r->since,
                                  .until = r->until,
                                  .why = r->why >= 0 && r->why < GUARD_WHYS ? (enum guard_why)r->why
                                                                            : GUARD_BURST};
        memcpy(flag.prefix, r->prefix, sizeof flag.prefix);
        guard_learn(c->guard, &flag, c->now);
    }
}

void core_guard_done(struct core *c, struct work *w) {
    const struct fraud_write *f = w->own;
    if (f->act == FRAUD_READ && w->job.result == JOB_DONE)
        put_back(c, f);
    if (f->act == FRAUD_TAKE) {
        w->ask->err = w->job.err;
        core_answer(c, w->ask, w->job.result != JOB_DONE ? ASK_FAILED : f->there ? ASK_DONE : ASK_ABSENT);
    }
}

/* Somebody has looked: the prefix is let pass for as long as it would have been flagged. */
void core_guard_unflag(struct core *c, struct ask *a) {
    struct fraud_write *f = new_write(FRAUD_TAKE);
    f->flag.account_id = a->account_id;
    f->flag.since = c->now;
    f->flag.until = c->now + rules_of(c->settings).flag_us;
    snprintf(f->flag.prefix, sizeof f->flag.prefix, "%.*s", FRAUD_PREFIX_MAX, a->number);
    if (c->guard)
        (void)guard_release(c->guard, a->account_id, sv_of(f->flag.prefix), c->now, f->flag.until);
    core_write(c, FOR_GUARD, &f->write, a);
}

/* ---- new texts ---- */

/* An account's own list in the settings stands instead of the common one; what was said over HTTP narrows
 * either. */
static bool allowed(const struct core *c, const struct ask *a, const struct message *m) {
    const struct settings *s = c->settings;
    char region[3];
    struct sv to = m->text[TEXT_TO];
    if (!sv_starts(to, SV("+")))
        return true; /* no telephone number */
    (void)phone_region_of(to, region);
    if (a->countries && !region_set_has(a->countries, sv_of(region)))
        return false;
    const struct region_set by_settings =
        country_rules_of(&s->fraud.account_countries, &s->fraud.countries, a->account_name);
    return region_set_is_empty(&by_settings) || region_set_has(&by_settings, sv_of(region));
}

bool core_guard_allows(const struct core *c, const struct ask *a, const struct message *m) {
    const struct settings *s = c->settings;
    return (!s->fraud.countries.n && !s->fraud.account_countries.n && !a->countries) || allowed(c, a, m);
}

enum reason core_guard_text(struct core *c, const struct ask *a, const struct message *m, bool *hold) {
    const struct settings *s = c->settings;
    *hold = false;
    if (m->direction == DIRECTION_IN || m->face == FACE_ANSWER)
        return REASON_NONE;
    if (!core_guard_allows(c, a, m)) {
        meter_add(c->world->meters, COUNT_FRAUD_STOPPED, 1);
        return REASON_COUNTRY_NOT_ALLOWED;
    }
    if (!c->guard || !is_on(s))
        return REASON_NONE;
    const struct guard_rules rules = rules_of(s);
    struct guard_flag flag;
    bool fresh;
    if (!guard_text(c->guard, &rules, m->account_id, m->text[TEXT_TO], c->now, &flag, &fresh))
        return REASON_NONE;
    if (fresh)
        keep(c, &flag);
    *hold = sv_eq(s->fraud.action, SV("hold"));
    meter_add(c->world->meters, *hold ? COUNT_FRAUD_HELD : COUNT_FRAUD_STOPPED, 1);
    return *hold ? REASON_NONE : REASON_PREFIX_BLOCKED;
}

bool core_guard_flagged(struct core *c, const struct message *m, struct guard_flag *flag, bool *hold) {
    const struct settings *s = c->settings;
    *hold = sv_eq(s->fraud.action, SV("hold"));
    return c->guard && is_on(s) && guard_is_flagged(c->guard, m->account_id, m->text[TEXT_TO], c->now, flag);
}

/* ---- what the nodes have counted ---- */

bool core_guard_tells(struct core *c, uint32_t parts) {
    if (!c->guard || !is_on(c->settings))
        return false;
    guard_share(c->guard, parts);
    return true;
}

size_t core_guard_untold(struct core *c, struct guard_count *out, size_t max) {
    const struct guard_rules rules = rules_of(c->settings);
    return c->guard ? guard_untold(c->guard, &rules, c->now, out, max) : 0;
}

void core_guard_hear(struct core *c, const struct guard_count *heard) {
    const struct guard_rules rules = rules_of(c->settings);
    if (c->guard)
        guard_hear(c->guard, &rules, heard, c->now);
}

void core_guard_ended(struct core *c, int64_t account_id, struct sv number, bool approved) {
    struct guard_flag flag;
    if (!c->guard)
        return;
    const struct guard_rules rules = rules_of(c->settings);
    if (guard_ended(c->guard, &rules, account_id, number, approved, c->now, &flag))
        keep(c, &flag);
}

/* ---- those held ---- */

/* Releases one that is held, or drops it. */
void core_guard_settle(struct core *c, struct live *l, struct ask *a) {
    const struct message *m = l->m;
    if (m->head.state != STATE_QUEUED || m->head.reason != REASON_FRAUD_HOLD) {
        a->head = m->head;
        core_answer(c, a, ASK_REFUSED);
        return;
    }
    struct work *w = core_work(c, FOR_COMMAND, JOB_MOVE, l);
    struct change *ch = &w->job.change;
    w->ask = a;
    if (a->kind == ASK_DROP) {
        change_move(ch, STATE_SUPPRESSED, REASON_PREFIX_BLOCKED, c->now);
    } else {
        change_note(ch, STATE_QUEUED, REASON_RELEASED, 0, c->now);
        ch->next.reason = REASON_LANE_FULL;
        ch->next.due_at = m->send_at > c->now ? m->send_at : c->now;
        ch->next.updated_at = c->now;
    }
    core_owe(c, m, ch);
    core_record(c, w);
}
