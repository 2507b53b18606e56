/* bench_screen: what screening costs, beside Hyperscan's literal mode on the same words.
 *
 * Texts are made messages of about 500 bytes, in English-like syllables and in Chinese characters, both with
 * the frequencies of real text (Zipf). "clean" are those no list hits, the usual case; "mixed" is all of
 * them. Words are made the same way, most of two to five characters. MB/s counts bytes of the original text,
 * of CPU time, the best round. "time/100" is how many times as long as the shortest list takes on the same
 * texts: the median of rounds in which all lists take turns, so that a busy machine slows both. The hyperscan
 * column is hs_scan alone, over text already folded: no folding, no borders, no look-alikes; it is measured
 * with
 * --hyperscan only.
 */
#include "base/buf.h"
#include "text/screen/fold.h"
#include "text/screen/screen.h"

#include <hs/hs.h>
#include <string.h>
#include <time.h>

#define MESSAGES 2000
#define MESSAGE_BYTES 500
#define SYMBOLS 3500
#define VOCABULARY 20000
#define ROUNDS 40

static const size_t sizes[] = {100, 1000, 10000, 100000};
#define SIZES (sizeof sizes / sizeof *sizes)

struct rng {
    uint64_t s;
};

static uint64_t rng_next(struct rng *r) {
    uint64_t z = (r->s += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static size_t rng_below(struct rng *r, size_t n) {
    return (size_t)(rng_next(r) % n);
}

/* Rank 0 is the most frequent of n; weight falls with the rank. */
static size_t zipf(struct rng *r, const double *sum, size_t n) {
    double at = (double)(rng_next(r) >> 11) / 9007199254740992.0 * sum[n - 1];
    size_t lo = 0, hi = n - 1;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (sum[mid] < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct corpus {
    const char *name;
    bool chinese;
    struct rng rng;
    uint32_t symbol[SYMBOLS]; /* Chinese: code points by rank */
    char word[VOCABULARY][24];
    double sum[VOCABULARY];
    struct buf message[MESSAGES];
    bool hit[MESSAGES];
    struct buf words; /* one a line; the first k lines are the list of k */
    size_t words_end[SIZES];
};

static void add_syllables(struct buf *b, struct rng *r, size_t n) {
    static const char *const on[] = {"b", "c", "d", "f", "g", "h",  "k",  "l",  "m",  "n",  "p",
                                     "r", "s", "t", "v", "w", "st", "tr", "pr", "ch", "sh", "th"};
    static const char *const vo[] = {"a", "e", "i", "o", "u", "ea", "ou", "ai"};
    static const char *const co[] = {"", "", "n", "r", "s", "t", "l", "d", "m", "nd", "st"};
    while (n--) {
        buf_adds(b, on[rng_below(r, sizeof on / sizeof *on)]);
        buf_adds(b, vo[rng_below(r, sizeof vo / sizeof *vo)]);
        buf_adds(b, co[rng_below(r, sizeof co / sizeof *co)]);
    }
}

static void add_char(struct buf *b, uint32_t cp) {
    char c[4];
    buf_add(b, sv_make(c, fold_encode(c, cp)));
}

static void make_chinese(struct corpus *c) {
    for (size_t i = 0; i < SYMBOLS; i++) {
        c->symbol[i] = 0x4E00 + (uint32_t)rng_below(&c->rng, 20000);
        c->sum[i] = (i ? c->sum[i - 1] : 0) + 1.0 / (double)(i + 8);
    }
    for (size_t m = 0; m < MESSAGES; m++)
        while (c->message[m].n < MESSAGE_BYTES) {
            for (size_t n = 4 + rng_below(&c->rng, 12); n; n--)
                add_char(&c->message[m], c->symbol[zipf(&c->rng, c->sum, SYMBOLS)]);
            add_char(&c->message[m], 0xFF0C);
        }
    for (size_t i = 0, k = 0; i < sizes[SIZES - 1]; i++) {
        size_t n = (size_t[]){2, 3, 3, 3, 3, 4, 4, 4, 4, 5}[rng_below(&c->rng, 10)];
        for (size_t j = 0; j < n; j++)
            add_char(&c->words,
                     c->symbol[n == 2 ? rng_below(&c->rng, SYMBOLS) : zipf(&c->rng, c->sum, SYMBOLS)]);
        buf_addc(&c->words, '\n');
        if (i + 1 == sizes[k])
            c->words_end[k++] = c->words.n;
    }
}

static void make_english(struct corpus *c) {
    for (size_t i = 0; i < VOCABULARY; i++) {
        struct buf b BUF_AUTO = BUF_INIT(sizeof *c->word - 1);
        add_syllables(&b, &c->rng, (size_t[]){1, 1, 2, 2, 3}[rng_below(&c->rng, 5)]);
        memcpy(c->word[i], b.p, b.n);
        c->sum[i] = (i ? c->sum[i - 1] : 0) + 1.0 / (double)(i + 5);
    }
    for (size_t m = 0; m < MESSAGES; m++)
        while (c->message[m].n < MESSAGE_BYTES) {
            buf_adds(&c->message[m], c->word[zipf(&c->rng, c->sum, VOCABULARY)]);
            buf_adds(&c->message[m], rng_below(&c->rng, 10) ? " " : ". ");
        }
    for (size_t i = 0, k = 0; i < sizes[SIZES - 1]; i++) {
        add_syllables(&c->words, &c->rng, 2 + rng_below(&c->rng, 3));
        buf_addc(&c->words, '\n');
        if (i + 1 == sizes[k])
            c->words_end[k++] = c->words.n;
    }
}

static struct screen_set *compile(struct sv words, struct sv patterns) {
    struct err e = ERR_INIT;
    struct screen_builder *b = screen_builder_new();
    struct screen_list list = {.name = SV("bench"), .text = words, .action = SCREEN_BLOCK};
    struct screen_list regex = {.name = SV("patterns"), .text = patterns, .action = SCREEN_BLOCK};
    struct screen_set *set = NULL;
    if (b && screen_builder_words(b, &list, &e) && screen_builder_patterns(b, &regex, &e))
        set = screen_compile(b, &e);
    screen_builder_free(b);
    if (!set) {
        fprintf(stderr, "screen_bench: %s\n", e.text);
        exit(1);
    }
    return set;
}

static enum screen_action check(const struct screen_set *set, struct screen_scratch *s, struct sv text) {
    struct screen_verdict v;
    struct err e = ERR_INIT;
    if (!screen_check(set, s, text, &v, NULL, &e)) {
        fprintf(stderr, "screen_bench: %s\n", e.text);
        exit(1);
    }
    return v.worst;
}

/* Seconds over the messages that are clean, or over all. */
static double screen_once(const struct corpus *c, const struct screen_set *set, struct screen_scratch *s,
                          bool clean, size_t *bytes) {
    *bytes = 0;
    double start = now_s();
    for (size_t m = 0; m < MESSAGES; m++)
        if (!clean || !c->hit[m]) {
            check(set, s, buf_sv(&c->message[m]));
            *bytes += c->message[m].n;
        }
    return now_s() - start;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

struct speed {
    double mb_s, ratio;
};

/* All lists in turns, round after round. */
static void screen_speeds(const struct corpus *c, struct screen_set *const *sets, struct screen_scratch *s,
                          bool clean, struct speed *out) {
    double ratios[SIZES][ROUNDS];
    for (size_t k = 0; k < SIZES; k++)
        out[k] = (struct speed){0};
    for (int round = 0; round < ROUNDS; round++) {
        double first = 0;
        for (size_t k = 0; k < SIZES; k++) {
            size_t bytes;
            double took = screen_once(c, sets[k], s, clean, &bytes), speed = (double)bytes / took / 1e6;
            first = k ? first : took;
            ratios[k][round] = took / first;
            out[k].mb_s = speed > out[k].mb_s ? speed : out[k].mb_s;
        }
    }
    for (size_t k = 0; k < SIZES; k++) {
        qsort(ratios[k], ROUNDS, sizeof(double), by_value);
        out[k].ratio = ratios[k][ROUNDS / 2];
    }
}

static int on_literal(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                      void *ctx) {
    (void)id, (void)from, (void)to, (void)flags;
    *(size_t *)ctx += 1;
    return 0;
}

static double literal_speed(const struct corpus *c, struct sv words, size_t n, double *compile_s) {
    const char **expr = calloc(n, sizeof *expr);
    size_t *len = calloc(n, sizeof *len);
    unsigned *flags = calloc(n, sizeof *flags), *ids = calloc(n, sizeof *ids);
    hs_database_t *db = NULL;
    hs_scratch_t *scratch = NULL;
    hs_compile_error_t *why = NULL;
    if (!expr || !len || !flags || !ids)
        return 0;
    for (size_t i = 0; i < n; i++) {
        struct sv line = sv_cut(&words, '\n');
        expr[i] = line.p;
        len[i] = line.n;
        ids[i] = (unsigned)i;
    }
    double start = now_s(), best = 0;
    bool ok = hs_compile_lit_multi(expr, flags, ids, len, (unsigned)n, HS_MODE_BLOCK, NULL, &db, &why) ==
                  HS_SUCCESS &&
              hs_alloc_scratch(db, &scratch) == HS_SUCCESS;
    *compile_s = now_s() - start;
    for (int round = 0; ok && round < ROUNDS; round++) {
        size_t bytes = 0, hits = 0;
        start = now_s();
        for (size_t m = 0; m < MESSAGES; m++)
            if (!c->hit[m]) {
                hs_scan(db, c->message[m].p, (unsigned)c->message[m].n, 0, scratch, on_literal, &hits);
                bytes += c->message[m].n;
            }
        double speed = (double)bytes / (now_s() - start) / 1e6;
        best = speed > best ? speed : best;
    }
    hs_free_compile_error(why);
    hs_free_scratch(scratch);
    hs_free_database(db);
    free(expr);
    free(len);
    free(flags);
    free(ids);
    return best;
}

static void bench_corpus(struct corpus *c, struct screen_scratch *s, bool hyperscan) {
    struct screen_set *sets[SIZES];
    struct speed clean_speed[SIZES], mixed_speed[SIZES];
    double compile_s[SIZES];
    struct screen_set *all = compile(buf_sv(&c->words), SV_NONE);
    size_t clean = 0;
    for (size_t m = 0; m < MESSAGES; m++) {
        c->hit[m] = check(all, s, buf_sv(&c->message[m])) != SCREEN_PASS;
        clean += !c->hit[m];
    }
    screen_set_free(all);
    printf("%s: %d messages, %zu clean with the longest list\n", c->name, MESSAGES, clean);
    printf("%8s %12s %12s %12s %12s %14s %16s %16s\n", "words", "clean MB/s", "time/100", "mixed MB/s",
           "time/100", "compile ms", "hyperscan MB/s", "its compile ms");
    for (size_t k = 0; k < SIZES; k++) {
        double start = now_s();
        sets[k] = compile(sv_sub(buf_sv(&c->words), 0, c->words_end[k]), SV_NONE);
        compile_s[k] = now_s() - start;
    }
    screen_speeds(c, sets, s, true, clean_speed);
    screen_speeds(c, sets, s, false, mixed_speed);
    for (size_t k = 0; k < SIZES; k++) {
        double literal_s = 0;
        struct sv words = sv_sub(buf_sv(&c->words), 0, c->words_end[k]);
        double literal = hyperscan ? literal_speed(c, words, sizes[k], &literal_s) : 0;
        printf("%8zu %12.0f %12.2f %12.0f %12.2f %14.0f %16.0f %16.0f\n", sizes[k], clean_speed[k].mb_s,
               clean_speed[k].ratio, mixed_speed[k].mb_s, mixed_speed[k].ratio, compile_s[k] * 1e3, literal,
               literal_s * 1e3);
        screen_set_free(sets[k]);
    }
    struct screen_set *set =
        compile(sv_sub(buf_sv(&c->words), 0, c->words_end[1]),
                SV("\\b1[3-9]\\d{9}\\b\n(https?://"
                   ")?[a-z0-9-]+\\.(top|xyz|icu)\\b\n加?(微信|vx|wx)[:：]?[a-z0-9_]{5,}\n"));
    size_t bytes;
    double took = screen_once(c, set, s, true, &bytes);
    for (int round = 1; round < ROUNDS; round++) {
        double again = screen_once(c, set, s, true, &bytes);
        took = again < took ? again : took;
    }
    printf("%8zu %12.0f   and three patterns\n\n", sizes[1], (double)bytes / took / 1e6);
    screen_set_free(set);
}

static void bench_short(const struct corpus *c, struct screen_scratch *s) {
    struct screen_set *set = compile(sv_sub(buf_sv(&c->words), 0, c->words_end[1]), SV_NONE);
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_s();
        for (size_t m = 0; m < MESSAGES; m++)
            check(set, s, sv_sub(buf_sv(&c->message[m]), 0, c->chinese ? 78 : 80));
        double each = (now_s() - start) / MESSAGES * 1e9;
        best = each < best ? each : best;
    }
    printf("%s: a message of 80 bytes with 1000 words: %.0f ns\n", c->name, best);
    screen_set_free(set);
}

int main(int argc, char **argv) {
    bool hyperscan = argc == 2 && strcmp(argv[1], "--hyperscan") == 0;
    struct screen_scratch *s = screen_scratch_new();
    struct corpus *corpora = calloc(2, sizeof *corpora);
    if (!s || !corpora)
        return 1;
    for (size_t i = 0; i < 2; i++) {
        struct corpus *c = &corpora[i];
        c->name = i ? "Chinese" : "ASCII";
        c->chinese = i;
        c->rng.s = 42;
        buf_init(&c->words, 1u << 24);
        for (size_t m = 0; m < MESSAGES; m++)
            buf_init(&c->message[m], MESSAGE_BYTES * 2);
        if (c->chinese)
            make_chinese(c);
        else
            make_english(c);
        bench_corpus(c, s, hyperscan);
    }
    for (size_t i = 0; i < 2; i++) {
        bench_short(&corpora[i], s);
        for (size_t m = 0; m < MESSAGES; m++)
            buf_done(&corpora[i].message[m]);
        buf_done(&corpora[i].words);
    }
    free(corpora);
    screen_scratch_free(s);
    return 0;
}
