/* Routes of the seeded world: half of the seeds have some, others with each reload; and what they promise. */
#include "world.h"

#include "base/codec.h"
#include "pipeline/core_parts.h"

#include <string.h>

/* Drawn apart from all else, so that seeds without routes stay what they were. */
static uint64_t dice(const struct sim *s, uint64_t of, const char *what) {
    return siphash((struct sip_key){.k0 = s->seed, .k1 = of}, sv_of(what));
}

bool routes_has(const struct sim *s) {
    return dice(s, 0, "routes") % 2 == 0;
}

static struct sv keyed[] = {{"8613900139", 10}};
static struct sv few[] = {{"86138001380", 11}};
static struct sv news[] = {{"news", 4}};
static struct sv acme[] = {{"acme", 4}};

struct sv routes_account_name(void) {
    return acme[0];
}

/* Some of the lanes, at least one; in order or with weights. */
static void pick_lanes(const struct settings *set, struct route_rule *r, uint64_t d) {
    uint32_t first = (uint32_t)(d % set->n_lanes), weighted = d >> 8 & 1;
    for (uint32_t i = 0; i < set->n_lanes; i++) {
        uint32_t lane = (first + i) % set->n_lanes;
        if (i == 0 || d >> (10 + i) & 1)
            r->lanes[r->n_lanes++] =
                (struct route_lane){.lane = lane,
                                    .name = sv_of(set->lanes[lane].name),
                                    .weight = weighted ? 1 + (uint32_t)(d >> 20) % 9 : 0};
    }
}

static void add(const struct sim *s, struct settings *set, const char *name, enum route_by by,
                struct sv *values) {
    struct route_rule *r = &set->routes[set->n_routes++];
    snprintf(r->name, sizeof r->name, "%s", name);
    if (values)
        r->when[by] = (struct sv_list){.at = values, .n = 1};
    pick_lanes(set, r, dice(s, s->n_settings + s->reloads * 100, name));
}

void routes_make(struct sim *s, struct settings *set, bool whole) {
    uint64_t d = dice(s, s->n_settings + s->reloads * 100, "which");
    if (!routes_has(s) || set->n_lanes == 0 || (!whole && d % 5 == 0))
        return;
    set->routes = arena_zalloc(&set->arena, 5 * sizeof *set->routes);
    ASSERT(set->routes);
    if (d & 16)
        add(s, set, "keyed", ROUTE_PREFIX, keyed);
    if (d & 32)
        add(s, set, "few", ROUTE_PREFIX, few);
    if (d & 64)
        add(s, set, "news", ROUTE_TOPIC, news);
    if (d & 128)
        add(s, set, "acme", ROUTE_ACCOUNT, acme);
    if (whole || d & 256 || set->n_routes == 0) /* else some fit none, and wait */
        add(s, set, "rest", ROUTE_TOPIC, NULL);
}

static bool satisfies(const struct route_rule *r, const struct message *m) {
    const struct sv_list *prefix = &r->when[ROUTE_PREFIX], *topic = &r->when[ROUTE_TOPIC];
    return (!prefix->n || sv_starts(sv_from(m->text[TEXT_TO], 1), prefix->at[0])) &&
           (!topic->n || sv_eq(m->text[TEXT_TOPIC], topic->at[0])) &&
           (!r->when[ROUTE_ACCOUNT].n || m->account_id == 1);
}

static bool allows(const struct settings *set, const struct message *m, const char *lane) {
    for (uint32_t i = 0; i < set->n_routes; i++) {
        const struct route_rule *r = &set->routes[i];
        if (!satisfies(r, m))
            continue;
        for (uint32_t k = 0; k < r->n_lanes; k++)
            if (sv_eq(r->lanes[k].name, sv_of(lane)))
                return true;
        return false;
    }
    return set->n_routes == 0;
}

/* By the settings at its call, or by those before: the attempt was decided upon a moment earlier. */
void routes_check_call(struct sim *s, const struct call *c) {
    bool allowed = false;
    for (size_t i = 0; i < s->n_settings; i++)
        allowed |= allows(s->settings[i], c->message, c->lane->name);
    if (!allowed)
        sim_broken(s, "routes", "message %llx to %.*s goes by %s, which its route does not have",
                   (unsigned long long)c->message->id, SV_FMT(c->message->text[TEXT_TO]), c->lane->name);
}

/* Nothing waits for long that a lane in order could take. */
void routes_check_flow(struct sim *s) {
    static const char sql[] =
        "SELECT id, recipient, coalesce(topic, ''), account_id, node FROM message WHERE "
        "due_at<? AND state=3";
    _Static_assert(STATE_QUEUED == 3, "as the statement has it");
    const struct settings *set = lanes_settings(s);
    struct err e = ERR_INIT;
    struct db_stmt *st = db_stmt(s->db, sql, &e);
    ASSERT(st && !s->db_fails);
    db_int(st, s->now - (int64_t)100 * 1000000);
    for (bool row; db_next(st, &row, &e) && row;) {
        struct message m = {.account_id = db_col_int(st, 3),
                            .text = {[TEXT_TO] = db_col_text(st, 1), [TEXT_TOPIC] = db_col_text(st, 2)}};
        const struct proc *owner = s->p;
        for (unsigned i = 0; i < s->n_procs; i++)
            if (s->procs[i].self.id == (unsigned)db_col_int(st, 4))
                owner = &s->procs[i];
        for (uint32_t i = 0; i < set->n_lanes; i++) {
            struct lane *lane = core_lane(owner->core, set->lanes[i].name);
            if (lane && !lane->broken && allows(set, &m, set->lanes[i].name))
                sim_broken(s, "I9", "message %llx waits for nothing: %s would take it",
                           (unsigned long long)db_col_int(st, 0), set->lanes[i].name);
        }
    }
    db_end(st);
}
