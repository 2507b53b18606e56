/* A lane on trial in the seeded world: in one seed of eight one of the providers takes texts and delivers
 * none, and half of the recipients are tried with it. Once so many of them were reported undelivered, nothing
 * more goes that way, over crashes and reloads too. Drawn apart from all else, so that the other seeds stay
 * what they were.
 */
#include "world.h"

#include "base/clock.h"
#include "base/codec.h"

/* Undelivered texts until it must be out: as many as a judgement needs, and what a crash may lose (the counts
 * of five seconds) of each process. */
enum { UNDELIVERED_MAX = 60, LOST_MAX = 20 };

static const unsigned spoiled = 0; /* the host */

bool trial_has(const struct sim *s) {
    return s->n_procs == 1 && s->hosts > 1 &&
           siphash((struct sip_key){.k0 = s->seed, .k1 = 0}, SV("trial")) % 8 == 0;
}

void trial_init(struct sim *s) {
    if (trial_has(s))
        s->provider.spoiled = host_names[spoiled];
}

void trial_make(const struct sim *s, struct settings *set) {
    if (!trial_has(s))
        return;
    struct route_rule *r = arena_zalloc(&set->arena, sizeof *r);
    ASSERT(r);
    *r = (struct route_rule){.canary_text = SV("main 50%"), .canary_permille = 500};
    snprintf(r->name, sizeof r->name, "trial");
    for (uint32_t i = 0; i < set->n_lanes; i++)
        if (sv_eq(sv_of(set->lanes[i].name), sv_of(host_names[spoiled])))
            r->canary = i;
        else
            r->lanes[r->n_lanes++] = (struct route_lane){.lane = i, .name = sv_of(set->lanes[i].name)};
    set->routes = r;
    set->n_routes = 1;
}

static int64_t number(struct sim *s, const char *sql, int64_t a) {
    struct err e;
    bool row;
    struct db_stmt *st = db_stmt(s->db, sql, &e);
    ASSERT(st);
    db_int(st, a);
    s->calm = true;
    bool ok = db_next(st, &row, &e);
    ASSERT(ok);
    s->calm = false;
    int64_t out = row ? db_col_int(st, 0) : 0;
    if (row)
        db_end(st);
    return out;
}

void trial_end(struct sim *s) {
    static const char reported[] =
        "SELECT e.at FROM event AS e WHERE e.state=7 AND e.note=0 AND (SELECT lane FROM attempt WHERE "
        "message_id=e.message_id ORDER BY number DESC LIMIT 1)='main' ORDER BY e.at LIMIT 1 OFFSET ?";
    static const char others[] =
        "SELECT count(*) FROM attempt WHERE lane<>'main' AND ended_at>0 AND ended_at<?";
    static const char more[] = "SELECT count(*) FROM attempt WHERE lane='main' AND started_at>?";
    _Static_assert(STATE_UNDELIVERED == 7, "as the statement has it");
    if (!trial_has(s))
        return;
    int64_t at = number(s, reported, UNDELIVERED_MAX + LOST_MAX * (int64_t)(s->crashes + s->stops));
    if (!at || number(s, others, at) < UNDELIVERED_MAX)
        return;
    int64_t after = number(s, more, at + US_PER_S);
    if (after)
        sim_broken(s, "canary", "%lld attempts went by the lane on trial after it had failed for all to see",
                   (long long)after);
}
