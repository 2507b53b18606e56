/* Prices of the seeded world: in one seed of four lanes cost something, each another sum, and the account may
 * spend so much in a day; routes go by the cheapest, or have a ceiling for a message. Drawn apart from all
 * else, so that the other seeds stay what they were.
 */
#include "world.h"

#include "base/clock.h"
#include "base/codec.h"
#include "model/price.h"

#include <string.h>

static uint64_t dice(const struct sim *s, const char *what) {
    return siphash((struct sip_key){.k0 = s->seed, .k1 = 11}, sv_of(what));
}

static bool is_on(const struct sim *s) {
    return dice(s, "prices") % 4 == 0;
}

/* Of a text, in micro-units, by the name of the lane. */
static int64_t price_of(const struct sim *s, const char *lane) {
    return (int64_t)(1 + dice(s, lane) % 9) * 1000;
}

/* What the account may spend; few texts or so many that it is never reached. */
static int64_t ceiling_of(const struct sim *s) {
    return (int64_t)(5 + dice(s, "ceiling") % 400) * 5000;
}

static struct sv text_of(struct settings *set, const char *before, int64_t micro, const char *behind) {
    struct buf BUF_AUTO text = BUF_INIT(64);
    buf_adds(&text, before);
    price_print(micro, &text);
    buf_adds(&text, behind);
    return arena_dup(&set->arena, buf_sv(&text));
}

void prices_make(const struct sim *s, struct settings *set) {
    struct err e;
    if (!is_on(s))
        return;
    for (uint32_t i = 0; i < set->n_lanes; i++) {
        struct lane_config *l = &set->lanes[i];
        struct sv line = text_of(set, "* ", price_of(s, l->name), "");
        l->currency = SV("USD");
        l->price_table = price_table_make(&set->arena, &line, 1, SV_NONE, &e);
        ASSERT(l->price_table);
    }
    for (uint32_t i = 0; i < set->n_routes; i++)
        set->routes[i].cheapest = dice(s, "order") % 2;
    struct sv *line = arena_alloc(&set->arena, sizeof *line);
    ASSERT(line);
    *line = text_of(set, "", ceiling_of(s), " USD/day");
    set->limits.spend = (struct sv_list){.at = line, .n = 1};
    set->by_account = true;
}

static int64_t first_of(struct sim *s, const char *sql) {
    struct err e;
    bool row, ok;
    struct db_stmt *st = db_stmt(s->db, sql, &e);
    ASSERT(st);
    s->calm = true;
    ok = db_next(st, &row, &e);
    ASSERT(ok);
    s->calm = false;
    int64_t out = row ? db_col_int(st, 0) : 0;
    if (row)
        db_end(st);
    return out;
}

void prices_check(struct sim *s) {
    if (!is_on(s))
        return;
    int64_t spent = first_of(
        s, "SELECT sum(cost) FROM usage GROUP BY account_id, day, currency ORDER BY sum(cost) DESC LIMIT 1");
    if (spent > ceiling_of(s))
        sim_broken(s, "spend", "%lld micro-units were spent in a day that allows %lld", (long long)spent,
                   (long long)ceiling_of(s));
}

/* Attempts that were surely not taken cost nothing (FATE_RETRY, FATE_REJECTED); those of deleted messages are
 * gone, and their costs stay. And what the providers took was paid for: they bill nobody behind our back. */
void prices_end(struct sim *s) {
    static const char attempts[] = "SELECT coalesce(sum(price), 0) FROM attempt WHERE currency IS NOT NULL "
                                   "AND (ended_at=0 OR fate NOT IN "
                                   "(1, 2))";
    _Static_assert(FATE_REJECTED == 1 && FATE_RETRY == 2, "as the statement has it");
    if (!is_on(s))
        return;
    prices_check(s);
    int64_t sums = first_of(s, "SELECT coalesce(sum(cost), 0) FROM usage"), rows = first_of(s, attempts);
    int64_t billed = 0;
    bool deleted = false;
    for (size_t i = 0; i < s->provider.n_taken; i++)
        billed += price_of(s, host_names[s->provider.taken[i].host]);
    for (size_t i = 0; i < s->n_promises; i++)
        deleted |= s->promises[i].delete_asked;
    if (sums < rows || (sums != rows && !deleted))
        sim_broken(s, "spend", "the sums say %lld, the attempts %lld", (long long)sums, (long long)rows);
    if (billed > sums)
        sim_broken(s, "spend", "the providers took texts for %lld, the sums say %lld", (long long)billed,
                   (long long)sums);
}
