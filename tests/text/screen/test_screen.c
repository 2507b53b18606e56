#include "text/screen/screen.h"

#include "base/arena.h"
#include "text/screen/fold.h"
#include "text/screen/leet.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <setjmp.h>

#include <cmocka.h>

/* What most tests screen with; made once, as the folding table takes its time. */
struct room {
    struct screen_set *set;
    struct screen_scratch *scratch;
    struct buf replaced;
};

static const char words[] = "# what nobody may send\n"
                            "敏感词\n"
                            "法轮功\n"
                            "viagra\n"
                            "fail\n"
                            "sex\n"
                            "cunt\n"
                            "free money\n"
                            "caf\xC3\xA9\n"
                            "加v信\n"
                            "ass\n"
                            "boobs\n"
                            "$cash\n"
                            "1069\n"
                            "發票\n"
                            "🔞\n";
static const char stars[] = "微信\r\nbadword\n傻瓜\n傻瓜蛋\n";
static const char inside[] = "horn\n";
static const char patterns[] = "\\b1[3-9]\\d{9}\\b\n轉賬\\d+元\n";
static const char allowed[] = "horn concerto\nthorn\n微信支付\n敏感词库\n";

static struct screen_list list_of(const char *name, const char *text, enum screen_action action) {
    return (struct screen_list){
        .name = sv_of(name), .file = sv_of(name), .text = sv_of(text), .action = action};
}

static int make_room(void **state) {
    struct room *r = calloc(1, sizeof *r);
    struct err e = ERR_INIT;
    struct screen_builder *b = screen_builder_new();
    struct screen_list w = list_of("words", words, SCREEN_BLOCK), s = list_of("stars", stars, SCREEN_REPLACE),
                       i = list_of("inside", inside, SCREEN_FLAG),
                       p = list_of("patterns", patterns, SCREEN_FLAG),
                       a = list_of("allowed", allowed, SCREEN_PASS);
    i.anywhere = true;
    if (!r || !b || !screen_builder_words(b, &w, &e) || !screen_builder_words(b, &s, &e) ||
        !screen_builder_words(b, &i, &e) || !screen_builder_patterns(b, &p, &e) ||
        !screen_builder_allow(b, &a, &e))
        return -1;
    r->set = screen_compile(b, &e);
    r->scratch = screen_scratch_new();
    buf_init(&r->replaced, SCREEN_TEXT_MAX);
    screen_builder_free(b);
    *state = r;
    return r->set && r->scratch ? 0 : -1;
}

static int leave_room(void **state) {
    struct room *r = *state;
    screen_set_free(r->set);
    screen_scratch_free(r->scratch);
    buf_done(&r->replaced);
    free(r);
    return 0;
}

static struct screen_verdict check(struct room *r, struct sv text) {
    struct screen_verdict v;
    struct err e = ERR_INIT;
    assert_true(sv_is_utf8(text));
    if (!screen_check(r->set, r->scratch, text, &v, &r->replaced, &e))
        fail_msg("%s", e.text);
    return v;
}

struct hit_case {
    const char *text;
    const char *hit; /* the bytes of the only hit; NULL: none */
    const char *list;
    uint32_t rule;
};

static void run_cases(void **state, const struct hit_case *cases, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const struct hit_case *c = &cases[i];
        struct screen_verdict v = check(*state, sv_of(c->text));
        if (v.n != (c->hit ? 1 : 0))
            fail_msg("\"%s\": %zu hits", c->text, v.n);
        if (!c->hit)
            continue;
        struct sv got = sv_sub(sv_of(c->text), v.hits[0].start, v.hits[0].len);
        if (!sv_eq(got, sv_of(c->hit)) || !sv_eq(v.hits[0].list, sv_of(c->list)) || v.hits[0].rule != c->rule)
            fail_msg("\"%s\": hit \"%.*s\" by %.*s:%u", c->text, SV_FMT(got), SV_FMT(v.hits[0].list),
                     v.hits[0].rule);
    }
}
#define RUN(cases) run_cases(state, cases, sizeof cases / sizeof *cases)

/* words, stars, inside, patterns, allowed: the order of make_room. */
static void test_screen__lists_that_are_not_active_say_nothing(void **state) {
    struct room *r = *state;
    static const struct {
        const char *text;
        bool active[5];
        size_t hits;
        enum screen_action worst;
        const char *replaced;
    } met[] = {
        {"badword viagra", {1, 1, 1, 1, 1}, 2, SCREEN_BLOCK, "******* viagra"},
        {"badword viagra", {1, 0, 1, 1, 1}, 1, SCREEN_BLOCK, NULL},
        {"badword viagra", {0, 1, 1, 1, 1}, 1, SCREEN_REPLACE, "******* viagra"},
        {"badword viagra", {0, 0, 0, 0, 0}, 0, SCREEN_PASS, NULL},
        {"13800138000", {1, 1, 1, 1, 1}, 1, SCREEN_FLAG, NULL},
        {"13800138000", {1, 1, 1, 0, 1}, 0, SCREEN_PASS, NULL},
        {"a horn concerto", {1, 1, 1, 1, 1}, 0, SCREEN_PASS, NULL},
        {"a horn concerto", {1, 1, 1, 1, 0}, 1, SCREEN_FLAG, NULL},
    };
    for (size_t i = 0; i < sizeof met / sizeof met[0]; i++) {
        struct screen_verdict v;
        struct err e = ERR_INIT;
        assert_true(
            screen_check_lists(r->set, r->scratch, sv_of(met[i].text), met[i].active, &v, &r->replaced, &e));
        if (v.n != met[i].hits || v.worst != met[i].worst || v.replaced != (met[i].replaced != NULL))
            fail_msg("row %zu: %zu hits, %s", i, v.n, screen_action_name(v.worst));
        if (met[i].replaced)
            assert_true(sv_eq(buf_sv(&r->replaced), sv_of(met[i].replaced)));
    }
}

static void test_screen__disguised_word_is_found_where_it_stands(void **state) {
    static const struct hit_case cases[] = {
        {"有敏感词吗", "敏感词", "words", 2},
        {"VIAGRA", "VIAGRA", "words", 4},
        {"buy ｖｉａｇｒａ!", "ｖｉａｇｒａ", "words", 4},
        {"𝐯𝐢𝐚𝐠𝐫𝐚", "𝐯𝐢𝐚𝐠𝐫𝐚", "words", 4},
        {"修法輪功者", "法輪功", "words", 3},
        {"开发票", "发票", "words", 15},
        {"開發票", "發票", "words", 15},
        {"敏\xE2\x80\x8B感\xE2\x80\x8D词", "敏\xE2\x80\x8B感\xE2\x80\x8D词", "words", 2},
        {"vi\xC2\xAD"
         "agra",
         "vi\xC2\xAD"
         "agra",
         "words", 4},
        {"敏 感  词", "敏 感  词", "words", 2},
        {"敏.感-词", "敏.感-词", "words", 2},
        {"敏*感_词 好", "敏*感_词", "words", 2},
        {"敏★感·词", "敏★感·词", "words", 2},
        {"敏　感…词", "敏　感…词", "words", 2},
        {"敏\n感\n词", "敏\n感\n词", "words", 2},
        {"V1AGRA", "V1AGRA", "words", 4},
        {"v!@gr4", "v!@gr4", "words", 4},
        {"fa1l", "fa1l", "words", 5},
        {"fai1", "fai1", "words", 5},
        {"s3x", "s3x", "words", 6},
        {"$ex", "$ex", "words", 6},
        {"a$$", "a$$", "words", 11},
        {"b00b5", "b00b5", "words", 12},
        {"Free Money now", "Free Money", "words", 8},
        {"Free  Money now", "Free  Money", "words", 8},
        {"so:\nfree \r\n money", "free \r\n money", "words", 8},
        {"é: free\xC2\xA0\xE3\x80\x80money", "free\xC2\xA0\xE3\x80\x80money", "words", 8},
        {"cafe", "cafe", "words", 9},
        {"Cafe\xCC\x81!", "Cafe\xCC\x81", "words", 9},
        {"加V信", "加V信", "words", 10},
        {"my $cash", "$cash", "words", 13},
        {"发1069号", "1069", "words", 14},
        {"看🔞吧", "🔞", "words", 16},
        {"foghorns", "horn", "inside", 1},
        {"电话13800138000谢谢", "13800138000", "patterns", 1},
        {"电话１３８００１３８０００", "１３８００１３８０００", "patterns", 1},
        {"请转账500元", "转账500元", "patterns", 2},
        {"請 轉 賬500元", "轉 賬500元", "patterns", 2},
    };
    RUN(cases);
}

static void test_screen__innocent_text_passes(void **state) {
    static const struct hit_case cases[] = {
        {.text = ""},
        {.text = "Scunthorpe and Essex"},
        {.text = "class pass assess"},
        {.text = "fall"}, /* not fail, though 1 stands for both letters */
        {.text = "455 4.55 a55"},
        {.text = "order B0085"},
        {.text = "io69"}, /* a letter does not stand for a digit */
        {.text = "viagraX sex2 éass"},
        {.text = "a horn concerto"},
        {.text = "with a THORN"},
        {.text = "用微信支付"},
        {.text = "敏感词库"},
        {.text = "敏，感。词"}, /* a comma ends a clause */
        {.text = "敏a感词"},
        {.text = "s e x"}, /* separators are dropped between Chinese characters only */
        {.text = "138001380001"},
        {.text = "Hello, your code is 4821. 您的验证码是4821，5分钟内有效。"},
    };
    RUN(cases);
}

static void test_screen__allowed_phrase_covers_only_itself(void **state) {
    struct sv text = SV("a horn concerto for horn");
    struct screen_verdict v = check(*state, text);
    assert_int_equal(v.n, 1);
    assert_int_equal(v.hits[0].start, 20);
    assert_int_equal(v.worst, SCREEN_FLAG);
}

static void test_screen__worst_action_wins(void **state) {
    struct screen_verdict v = check(*state, SV("傻瓜 horn"));
    assert_int_equal(v.worst, SCREEN_FLAG);
    assert_true(v.replaced);
    v = check(*state, SV("viagra 傻瓜 horn"));
    assert_int_equal(v.worst, SCREEN_BLOCK);
    assert_int_equal(v.n, 3);
}

static void test_screen__each_hit_code_point_becomes_one_star(void **state) {
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"加微信吧", "加**吧"},
        {"加微 信吧", "加***吧"},
        {"加微\xE2\x80\x8B信吧", "加***吧"},
        {"a B4DW0RD!", "a *******!"},
        {"ｂａｄｗｏｒｄ", "*******"},
        {"傻瓜傻瓜", "****"},
        {"傻瓜蛋", "***"},
        {"微信支付和微信", "微信支付和**"},
        {"badwörd badword", "******* *******"},
        {"𝐛𝐚𝐝𝐰𝐨𝐫𝐝 viagra", "******* viagra"},
    };
    struct room *r = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct screen_verdict v = check(r, sv_of(cases[i].text));
        assert_true(v.replaced);
        assert_true(sv_is_utf8(buf_sv(&r->replaced)));
        assert_string_equal(r->replaced.p, cases[i].want);
    }
}

static void test_screen__too_small_buffer_for_the_stars_is_an_error(void **state) {
    struct room *r = *state;
    struct buf small BUF_AUTO = BUF_INIT(4);
    struct screen_verdict v;
    struct err e = ERR_INIT;
    assert_false(screen_check(r->set, r->scratch, SV("a badword"), &v, &small, &e));
    assert_int_equal(e.kind, ERR_TOO_LARGE);
    assert_true(screen_check(r->set, r->scratch, SV("a badword"), &v, NULL, &e));
    assert_int_equal(v.worst, SCREEN_REPLACE);
}

static void test_screen__empty_set_passes_all(void **state) {
    (void)state;
    struct err e = ERR_INIT;
    struct screen_builder *b = screen_builder_new();
    struct screen_set *set = screen_compile(b, &e);
    screen_builder_free(b);
    struct screen_scratch *s = screen_scratch_new();
    struct screen_verdict v;
    assert_true(screen_check(set, s, SV("敏感词"), &v, NULL, &e));
    assert_int_equal(v.worst, SCREEN_PASS);
    screen_scratch_free(s);
    screen_set_free(set);
}

static void test_screen__verdict_lists_no_more_than_it_holds(void **state) {
    struct buf text BUF_AUTO = BUF_INIT(4096);
    for (int i = 0; i < 100; i++)
        buf_adds(&text, "badword ");
    struct screen_verdict v = check(*state, buf_sv(&text));
    assert_int_equal(v.n, SCREEN_HITS_MAX);
    assert_true(v.more);
    struct room *r = *state;
    assert_int_equal(sv_find(buf_sv(&r->replaced), SV("bad")), SIZE_MAX);
    buf_adds(&text, "viagra");
    assert_int_equal(check(*state, buf_sv(&text)).worst, SCREEN_BLOCK);
}

enum kind { WORDS, PATTERNS, ALLOW };

static void test_list__bad_line_is_named(void **state) {
    (void)state;
    static const struct {
        enum kind kind;
        const char *text;
        enum err_kind want;
        const char *where;
    } cases[] = {
        {WORDS, "good\n\xFF\xFE\n", ERR_INVALID, "bad.txt:2: "},
        {WORDS, "\xEF\xBB\xBFgood\n# c\n\n\xE2\x80\x8B\n", ERR_INVALID, "bad.txt:4: "},
        {WORDS, "a\tb\n", ERR_INVALID, "bad.txt:1: "},
        {ALLOW, "good\r\n\xC0\x80", ERR_INVALID, "bad.txt:2: "},
        {PATTERNS, "good\n(unclosed\n", ERR_INVALID, "bad.txt:2: "},
        {PATTERNS, "(?<=a)b\n", ERR_INVALID, "bad.txt:1: "},
        {PATTERNS, "x*\n", ERR_INVALID, "bad.txt:1: "},
        {PATTERNS, "\xFF\n", ERR_INVALID, "bad.txt:1: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e = ERR_INIT;
        struct screen_builder *b = screen_builder_new();
        struct screen_list l = list_of("bad.txt", cases[i].text, SCREEN_BLOCK);
        bool ok = cases[i].kind == WORDS   ? screen_builder_words(b, &l, &e)
                  : cases[i].kind == ALLOW ? screen_builder_allow(b, &l, &e)
                                           : screen_builder_patterns(b, &l, &e);
        struct screen_set *set = ok ? screen_compile(b, &e) : NULL;
        if (set || e.kind != cases[i].want || strncmp(e.text, cases[i].where, strlen(cases[i].where)) != 0)
            fail_msg("case %zu: %s", i, set ? "accepted" : e.text);
        screen_builder_free(b);
    }
}

static void test_list__long_word_is_refused(void **state) {
    (void)state;
    char line[SCREEN_WORD_MAX + 2];
    memset(line, 'a', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    struct err e = ERR_INIT;
    struct screen_builder *b = screen_builder_new();
    struct screen_list l = list_of("long", line, SCREEN_BLOCK);
    assert_false(screen_builder_words(b, &l, &e));
    assert_int_equal(e.kind, ERR_TOO_LARGE);
    screen_builder_free(b);
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The worst texts we know of, at the greatest length. */
static void test_screen__a_megabyte_is_checked_in_bounded_time(void **state) {
    static const char *const units[] = {"a",         "敏", "敏 ",         "horn ", "badword ", "\xEF\xB7\xBA",
                                        "e\xCC\x81", "1",  "\xE2\x80\x8B"};
    struct buf text BUF_AUTO = BUF_INIT(SCREEN_TEXT_MAX + 8);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        buf_reset(&text);
        while (text.n + strlen(units[i]) <= SCREEN_TEXT_MAX)
            buf_adds(&text, units[i]);
        double start = now_s();
        check(*state, buf_sv(&text));
        /* Some hundredths in an ordinary build; the bound leaves room for sanitizers and a busy machine. */
        if (now_s() - start > 5)
            fail_msg("\"%s\" takes %.1f s", units[i], now_s() - start);
    }
    struct room *r = *state;
    struct screen_verdict v;
    struct err e = ERR_INIT;
    buf_reset(&text);
    while (text.n <= SCREEN_TEXT_MAX)
        buf_addc(&text, 'x');
    assert_false(screen_check(r->set, r->scratch, buf_sv(&text), &v, NULL, &e));
    assert_int_equal(e.kind, ERR_TOO_LARGE);
}

static void test_fold__folding_twice_changes_nothing(void **state) {
    (void)state;
    struct err e = ERR_INIT;
    struct fold_table *t = fold_table_new(&e);
    struct folded once = {0}, twice = {0};
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        char c[4];
        if (cp >= 0xD800 && cp < 0xE000)
            continue;
        assert_true(fold_text(t, sv_make(c, fold_encode(c, cp)), false, &once));
        assert_true(fold_text(t, sv_make(once.p, once.n), false, &twice));
        if (once.n != twice.n || memcmp(once.p, twice.p, once.n) != 0 || !sv_is_utf8(sv_make(once.p, once.n)))
            fail_msg("U+%04X", cp);
    }
    folded_done(&once);
    folded_done(&twice);
    fold_table_free(t);
}

static void test_fold__text_takes_its_common_form(void **state) {
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"ＨＥＬＬＯ　World", "hello world"},
        {"法 輪-功。測試", "法轮功。测试"},
        {"愛★國 abc.中", "爱国 abc.中"},
        {"㎏ ﬁ Straße", "kg fi strasse"},
        {"ｶﾞｷﾞ か\xE3\x82\x99", "ガギ が"},
        {"\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8", "각"},
        {"中 - ", "中 - "},
        {"x\xE2\x80\x8By", "xy"},
        {"a  b", "a b"},
        {" a\t\r\n b ", " a b "},
        {"a\nb", "a b"},
        {"  \n", " "},
        {"seven67  9", "seven67 9"}, /* a run over a border of eight */
        {"é  é", "e e"},
        {"a \xC2\xA0 \xE3\x80\x80z", "a z"},
        {"中  a 文", "中 a 文"},
    };
    struct err e = ERR_INIT;
    struct fold_table *t = fold_table_new(&e);
    struct folded f = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int map = 0; map < 2; map++) {
            assert_true(fold_text(t, sv_of(cases[i].text), map, &f));
            assert_true(sv_eq(sv_make(f.p, f.n), sv_of(cases[i].want)));
        }
    folded_done(&f);
    fold_table_free(t);
}

struct rng {
    uint64_t s;
};

static size_t rng_below(struct rng *r, size_t n) {
    r->s = r->s * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(r->s >> 33) % n;
}

static void add_random(struct buf *b, struct rng *r, size_t n) {
    static const char *const units[] = {
        "a",  "A",  "b",  "l",  "i", "1", "@",         "4",
        " ",  "-",  "中", "丰", /* differs from the one above in its last byte */
        "文", "國", "国", "Ａ", "é", "e", "e\xCC\x81", "\xE2\x80\x8B",
        "я",  "㎏", "kg", "$",  "s"};
    while (n--)
        buf_adds(b, units[rng_below(r, sizeof units / sizeof *units)]);
}

/* The rules of screen.h read aloud, over one word and place. */
static bool naive_match(const struct fold_table *t, struct sv text, size_t at, struct sv word,
                        bool anywhere) {
    if (word.n > text.n - at)
        return false;
    size_t letters = 0, digits = 0;
    bool same = true, ascii = true;
    for (size_t i = 0; i < word.n; i++) {
        char seen = text.p[at + i];
        ascii &= !(word.p[i] & 0x80);
        if (seen != word.p[i] && !leet_stands(seen, word.p[i]))
            return false;
        same &= seen == word.p[i];
        letters += seen >= 'a' && seen <= 'z';
        digits += seen >= '0' && seen <= '9';
    }
    if (!same && (!ascii || letters == 0 || (digits > letters && letters < 2)))
        return false;
    return anywhere || (!(fold_word_at(t, word, 0) && fold_word_before(t, text, at)) &&
                        !(fold_word_before(t, word, word.n) && fold_word_at(t, text, at + word.n)));
}

#define RANDOM_WORDS 150

/* With many words they share beginnings of all lengths; texts are made of random characters and of words of
 * the list, so that long ones occur. */
static void compare_with_naive(const struct fold_table *t, struct rng *r, size_t words_max,
                               size_t units_max) {
    struct buf list BUF_AUTO = BUF_INIT(4096), text BUF_AUTO = BUF_INIT(4096);
    struct sv word[RANDOM_WORDS], written[RANDOM_WORDS];
    struct arena a ARENA_AUTO;
    arena_init(&a, 1u << 20);
    struct folded f = {0}, plain = {0};
    size_t n_words = 0;
    while (n_words < words_max) {
        struct buf one BUF_AUTO = BUF_INIT(256);
        add_random(&one, r, 1 + rng_below(r, units_max));
        assert_true(fold_text(t, sv_trim(buf_sv(&one)), false, &f));
        struct sv folded = sv_trim(sv_make(f.p, f.n));
        bool is_new = folded.n > 0;
        for (size_t i = 0; i < n_words; i++)
            is_new &= !sv_eq(word[i], folded);
        if (!is_new)
            continue;
        written[n_words] = arena_dup(&a, sv_trim(buf_sv(&one)));
        word[n_words++] = arena_dup(&a, folded);
        buf_add(&list, buf_sv(&one));
        buf_addc(&list, '\n');
    }
    struct err e = ERR_INIT;
    struct screen_builder *b = screen_builder_new();
    struct screen_list l = list_of("random", list.p, SCREEN_FLAG);
    l.anywhere = rng_below(r, 2);
    assert_true(screen_builder_words(b, &l, &e));
    struct screen_set *set = screen_compile(b, &e);
    screen_builder_free(b);
    struct screen_scratch *s = screen_scratch_new();
    for (size_t round = 0; round < 6000 / words_max; round++) {
        buf_reset(&text);
        for (size_t parts = rng_below(r, 9); parts; parts--) {
            add_random(&text, r, rng_below(r, 10));
            if (rng_below(r, 2))
                buf_add(&text, written[rng_below(r, n_words)]);
        }
        struct screen_verdict v;
        assert_true(screen_check(set, s, buf_sv(&text), &v, NULL, &e));
        assert_true(fold_text(t, buf_sv(&text), true, &f));
        assert_true(fold_text(t, buf_sv(&text), false, &plain));
        struct sv folded = sv_make(f.p, f.n);
        assert_true(sv_eq(folded, sv_make(plain.p, plain.n)));
        size_t n = 0, found = 0;
        for (size_t at = 0; at < f.n; at++)
            for (size_t w = 0; w < n_words; w++) {
                if (!naive_match(t, folded, at, word[w], l.anywhere))
                    continue;
                n++;
                struct sv origin = folded_origin(&f, buf_sv(&text), at, word[w].n);
                for (size_t i = 0; i < v.n; i++)
                    found += v.hits[i].rule == w + 1 && v.hits[i].start == (size_t)(origin.p - text.p) &&
                             v.hits[i].len == origin.n;
            }
        if ((n <= SCREEN_HITS_MAX ? v.n != n : v.n != SCREEN_HITS_MAX || !v.more) || found < v.n)
            fail_msg("\"%s\" with\n%s: %zu hits, naively %zu", text.n ? text.p : "", list.p, v.n, n);
    }
    folded_done(&f);
    folded_done(&plain);
    screen_scratch_free(s);
    screen_set_free(set);
}

static void test_screen__random_texts_agree_with_a_naive_matcher(void **state) {
    (void)state;
    struct err e = ERR_INIT;
    struct fold_table *t = fold_table_new(&e);
    struct rng r = {7};
    for (int i = 0; i < 12; i++)
        compare_with_naive(t, &r, i % 2 ? 12 : RANDOM_WORDS, i % 3 ? 6 : 12);
    fold_table_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_screen__lists_that_are_not_active_say_nothing),
        cmocka_unit_test(test_screen__disguised_word_is_found_where_it_stands),
        cmocka_unit_test(test_screen__innocent_text_passes),
        cmocka_unit_test(test_screen__allowed_phrase_covers_only_itself),
        cmocka_unit_test(test_screen__worst_action_wins),
        cmocka_unit_test(test_screen__each_hit_code_point_becomes_one_star),
        cmocka_unit_test(test_screen__too_small_buffer_for_the_stars_is_an_error),
        cmocka_unit_test(test_screen__empty_set_passes_all),
        cmocka_unit_test(test_screen__verdict_lists_no_more_than_it_holds),
        cmocka_unit_test(test_list__bad_line_is_named),
        cmocka_unit_test(test_list__long_word_is_refused),
        cmocka_unit_test(test_screen__a_megabyte_is_checked_in_bounded_time),
        cmocka_unit_test(test_fold__folding_twice_changes_nothing),
        cmocka_unit_test(test_fold__text_takes_its_common_form),
        cmocka_unit_test(test_screen__random_texts_agree_with_a_naive_matcher),
    };
    return cmocka_run_group_tests_name("text/screen", tests, make_room, leave_room);
}
