/* Quiet hours of the seeded world, some minutes long: one seed in three has some. Drawn apart from all else,
 * so that the other seeds stay what they were.
 */
#include "world.h"

#include "base/clock.h"
#include "base/codec.h"

#include <string.h>

static const int64_t minute_us = 60 * US_PER_S;

static uint64_t dice(const struct sim *s, uint64_t of, const char *what) {
    return siphash((struct sip_key){.k0 = s->seed, .k1 = of}, sv_of(what));
}

/* By the wall clock of UTC, or of the recipients, who are all in China. */
static void draw_quiet(struct sim *s) {
    if (dice(s, 0, "quiet") % 3 != 0)
        return;
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t d = dice(s, i, "quiet rule");
        bool there = d >> 8 & 1;
        unsigned now = (unsigned)(s->now / minute_us % 1440) + (there ? 480 : 0);
        unsigned from = (now + (unsigned)(d >> 16) % 8) % 1440,
                 to = (from + 1 + (unsigned)(d >> 32) % 5) % 1440;
        snprintf(s->quiet_texts[i], sizeof s->quiet_texts[i], "%02u:%02u-%02u:%02u%s for topic=news",
                 from / 60, from % 60, to / 60, to % 60, there ? "" : " in UTC");
        struct err e;
        bool ok = quiet_parse(sv_of(s->quiet_texts[i]), &s->quiet[i], &e);
        ASSERT(ok);
        s->n_quiet++;
    }
}

/* The latest one of the messages that reached, or may have reached, somebody, before whose attempt more of
 * them began within the window than may. */
#define OVER(messages)                                                                                       \
    "WITH t AS MATERIALIZED (SELECT m.id, m.recipient AS r, m.body AS b, max(a.started_at) AS at FROM "      \
    "message "                                                                                               \
    "AS m JOIN attempt AS a ON a.message_id=m.id WHERE " messages                                            \
    " AND NOT (m.state IN (7,8,9,10,11) AND m.reason<>10) GROUP BY m.id) SELECT x.id FROM t AS x WHERE "     \
    "(SELECT count(*) FROM t AS y WHERE y.r=x.r AND (NOT ? OR y.b=x.b) AND y.at>x.at-? AND y.at<=x.at)>? "   \
    "LIMIT 1"

static const struct {
    const char *rule, *over;
    bool duplicates;
    uint32_t max;
    int64_t period_us;
} caps[] = {
    {"2/40s for topic=news", OVER("m.topic='news'"), false, 2, 40 * US_PER_S},
    {"2/1min else wait for priority=marketing", OVER("m.priority=2 AND coalesce(m.topic, '')<>'otp'"), false,
     2, 60 * US_PER_S},
    {"45s for priority=marketing,transactional",
     OVER("m.priority IN (1,2) AND coalesce(m.topic, '')<>'otp' AND m.body<>''"), true, 1, 45 * US_PER_S},
};

void times_init(struct sim *s) {
    draw_quiet(s);
    if (dice(s, 0, "caps") % 3 != 0)
        return;
    for (size_t i = 0; i < sizeof caps / sizeof caps[0]; i++) {
        struct err e;
        struct tally_rule *r = &s->tallies[s->n_tallies++];
        bool ok = caps[i].duplicates ? tally_parse_duplicate(sv_of(caps[i].rule), r, &e)
                                     : tally_parse_cap(sv_of(caps[i].rule), r, &e);
        ASSERT(ok);
    }
}

void times_make(const struct sim *s, struct settings *set) {
    set->quiet.rules = s->quiet;
    set->quiet.n_rules = s->n_quiet;
    set->quiet.time_zone = SV("UTC");
    set->limits.tallies = s->tallies;
    set->limits.n_tallies = s->n_tallies;
    set->quiet.spread_s = (uint32_t)(dice(s, 0, "spread") % 60);
}

/* Told by the minutes alone. */
static bool is_quiet(const struct quiet_rule *r, int64_t at) {
    unsigned minute = (unsigned)(at / minute_us + (r->zone.n ? 0 : 480)) % 1440;
    return r->from < r->to ? minute >= r->from && minute < r->to : minute >= r->from || minute < r->to;
}

static void check_caps(struct sim *s) {
    for (size_t i = 0; i < s->n_tallies; i++) {
        struct err e;
        struct db_stmt *st = db_stmt(s->db, caps[i].over, &e);
        bool row;
        ASSERT(st);
        db_int(st, caps[i].duplicates);
        db_int(st, caps[i].period_us);
        db_int(st, caps[i].max);
        bool ok = db_next(st, &row, &e);
        ASSERT(ok);
        if (row)
            sim_broken(s, "I16", "message %llx was sent over `%s`", (unsigned long long)db_col_int(st, 0),
                       caps[i].rule);
        if (row)
            db_end(st);
    }
}

void times_check(struct sim *s) {
    check_caps(s);
    static const char sql[] =
        "SELECT m.id, a.started_at FROM attempt AS a JOIN message AS m ON m.id=a.message_id WHERE "
        "m.topic='news' AND m.priority<>0";
    struct err e;
    if (!s->n_quiet)
        return;
    struct db_stmt *st = db_stmt(s->db, sql, &e);
    ASSERT(st);
    for (bool row = true; row;) {
        bool ok = db_next(st, &row, &e);
        ASSERT(ok);
        for (uint32_t i = 0; row && i < s->n_quiet; i++)
            if (is_quiet(&s->quiet[i], db_col_int(st, 1)))
                sim_broken(s, "I15", "an attempt of message %llx began in the quiet hours `%s`",
                           (unsigned long long)db_col_int(st, 0), s->quiet_texts[i]);
    }
}
