/* The fraud guard of the seeded world: on in one seed of four, and so jumpy that it holds much; somebody
 * releases and drops what it holds, and lets prefixes pass. Drawn apart from all else, so that the other
 * seeds stay what they were.
 */
#include "world.h"

#include "base/clock.h"
#include "base/codec.h"

static bool is_on(const struct sim *s) {
    return siphash((struct sip_key){.k0 = s->seed, .k1 = 0}, SV("guard")) % 4 == 0;
}

void guard_make(const struct sim *s, struct settings *set) {
    if (!is_on(s))
        return;
    set->fraud.burst_min = 8;
    set->fraud.burst_window_s = 60;
    set->fraud.flag_s = 20;
    set->fraud.action = SV("hold");
}

void guard_command(struct sim *s) {
    if (!is_on(s) || !s->n_promises)
        return;
    unsigned what = (unsigned)(sim_random(s) % 8);
    struct ask *a = calloc(1, sizeof *a);
    ASSERT(a);
    *a = (struct ask){.kind = what == 0  ? ASK_UNFLAG
                              : what < 3 ? ASK_DROP
                                         : ASK_RELEASE,
                      .reply_to = s->p->replies,
                      .lost = client_forget,
                      .id = s->promises[sim_random(s) % s->n_promises].id,
                      .account_id = 1,
                      .number = "+861380013"};
    sim_say(s, "guard %d for %llx", a->kind, (unsigned long long)a->id);
    client_ask(s, a);
}

/* No attempt began for what was held before somebody had released it. */
void guard_check(struct sim *s) {
    static const char sql[] =
        "SELECT a.message_id FROM attempt AS a JOIN event AS h ON h.message_id=a.message_id AND h.reason=? "
        "AND "
        "h.note=0 WHERE a.started_at>=h.at AND NOT EXISTS (SELECT 1 FROM event AS r WHERE "
        "r.message_id=a.message_id AND r.reason=? AND r.at<=a.started_at) LIMIT 1";
    struct err e;
    bool row;
    if (!is_on(s))
        return;
    struct db_stmt *st = db_stmt(s->db, sql, &e);
    ASSERT(st);
    db_int(st, REASON_FRAUD_HOLD);
    db_int(st, REASON_RELEASED);
    bool ok = db_next(st, &row, &e);
    ASSERT(ok);
    if (row)
        sim_broken(s, "I17", "message %llx was held, and sent", (unsigned long long)db_col_int(st, 0));
    db_end(st);
}
