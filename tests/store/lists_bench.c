/* Asks a database that tests/bench/lists.py has filled what the transaction of a message asks of the
 * suppression list and of the history of consents, and says what a question takes, in CPU time of this
 * process. usage: lists_bench DATABASE ACCOUNT ROWS [fill] fill: writes the rows first, by the program's own
 * code, with more cache and less care for power cuts than a gateway would. */
#include "kit.h"
#include "store/consents.h"
#include "store/numbers.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ASKED = 200000 };

static int64_t cpu_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

/* Numbers as lists.py writes them; odd ones stand in no list. */
static struct sv draw(uint64_t *seed, int64_t rows, bool listed, char number[24]) {
    int64_t k = (int64_t)(kit_random(seed) % (uint64_t)rows);
    int n = snprintf(number, 24, "+861%010lld", (long long)k * 2 + !listed);
    return sv_make(number, (size_t)n);
}

/* What CPU a question takes; *stopped: how many times the answer was no. In `listed` of 100 questions, and in
 * half of those for a consent, the number is one that is there. */
static double ask(struct db *db, int64_t account, int64_t rows, bool list, bool consent, int listed,
                  int *stopped) {
    uint64_t seed = 42;
    struct err e = ERR_INIT;
    int64_t start = cpu_us();
    *stopped = 0;
    for (int i = 0; i < ASKED; i++) {
        char number[24];
        enum reason why;
        const struct message m = {
            .account_id = account,
            .text = {
                [TEXT_TO] = draw(&seed, rows, i % 100 < listed, number), [TEXT_TOPIC] = SV("marketing")}};
        const struct suppression_question q = {.m = &m, .list = list, .consent = consent, .now = KIT_NOW};
        ASSERT(suppression_ask(db, &q, &why, &e));
        *stopped += why != REASON_NONE;
    }
    return (double)(cpu_us() - start) / ASKED;
}

static void say(struct db *db, const char *sql) {
    struct err e = ERR_INIT;
    bool row;
    struct db_stmt *s = db_stmt(db, sql, &e);
    ASSERT(db_next(s, &row, &e));
    if (row)
        db_end(s);
}

static void fill_one(struct db *db, int64_t account, int64_t k) {
    char number[24];
    struct err e = ERR_INIT;
    int n = snprintf(number, sizeof number, "+861%010lld", (long long)k * 2);
    const struct suppression row = {.account_id = account,
                                    .number = sv_make(number, (size_t)n),
                                    .topic = SV(""),
                                    .kind = SUPPRESSION_OPT_OUT,
                                    .source = SUPPRESSION_BY_IMPORT,
                                    .by = SV("import")};
    const struct consent word = {.account_id = account,
                                 .number = row.number,
                                 .topic = SV("marketing"),
                                 .act = CONSENT_GRANTED,
                                 .source = SUPPRESSION_BY_IMPORT,
                                 .at = KIT_NOW,
                                 .by = SV("import"),
                                 .method = SV("web form")};
    struct suppression_write w = {.act = SUPPRESSION_ADD, .rows = &row, .n = 1};
    if (!suppression_write(db, &w, KIT_NOW, &e) || !consents_add(db, &word, KIT_NOW, &e)) {
        fprintf(stderr, "%s\n", e.text);
        exit(1);
    }
}

static void fill(struct db *db, int64_t account, int64_t rows) {
    enum { BATCH = 200000 };
    struct err e = ERR_INIT;
    say(db, "PRAGMA cache_size=-1500000");
    say(db, "PRAGMA synchronous=OFF");
    for (int64_t k = 0; k < rows;) {
        ASSERT(db_begin(db, &e));
        for (int64_t end = k + BATCH; k < rows && k < end; k++)
            fill_one(db, account, k);
        ASSERT(db_commit(db, &e) && db_checkpoint(db, true, &e));
    }
}

/* Lists of a database from before there were rows of numbers, read by them as a gateway does it, in larger
 * steps. */
static void catch_up(struct db *db) {
    enum { BATCH = 50000 };
    struct err e = ERR_INIT;
    for (bool more = true; more;)
        ASSERT(db_begin(db, &e) && numbers_catch_up(db, BATCH, &more, &e) && db_commit(db, &e) &&
               (!more || db_checkpoint(db, true, &e)));
}

int main(int argc, char **argv) {
    struct err e = ERR_INIT;
    int stopped, all, refused, none, from, to;
    if (argc < 4)
        return 64;
    struct db *db = db_open(sv_of(argv[1]), DB_WRITER, &e);
    int64_t account = atoll(argv[2]), rows = atoll(argv[3]);
    ASSERT(db && migrate(db, &from, &to, &e));
    if (argc > 4) {
        fill(db, account, rows);
        db_close(db);
        return 0;
    }
    catch_up(db);
    ASSERT(db_begin(db, &e));
    (void)ask(db, account, rows, true, true, 1,
              &none); /* so that memory has what it would have in a gateway */
    double rare = ask(db, account, rows, true, false, 1, &stopped);
    double listed = ask(db, account, rows, true, false, 100, &all);
    double consent = ask(db, account, rows, false, true, 50, &refused);
    double both = ask(db, account, rows, true, true, 1, &none);
    ASSERT(db_commit(db, &e));
    db_close(db);
    printf("{\"suppression_us\":%.2f,\"suppression_listed_us\":%.2f,\"consent_us\":%.2f,\"both_us\":%.2f,"
           "\"right\":%s}\n",
           rare, listed, consent, both,
           stopped == ASKED / 100 && all == ASKED && refused == ASKED / 2 && none == ASKED ? "true"
                                                                                           : "false");
    return 0;
}
