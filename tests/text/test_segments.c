#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "text/gsm7.h"
#include "text/segments.h"
#include "text/smart.h"
#include "text/utf8.h"

#include <string.h>

enum { TEXT_MAX = 4096 };

/* A text written as runs: "a*160" "€*1", so that long vectors stay readable. */
struct run {
    const char *what;
    size_t times;
};

struct vector {
    const char *name;
    struct run runs[3];
    enum sms_encoding encoding;
    size_t units, segments, left;
};

/* Counts as of sms-segments-calculator 1.3.0 (Twilio) for these texts. */
static const struct vector vectors[] = {
    {"empty", {{"", 0}}, SMS_GSM7, 0, 1, 160},
    {"160 a", {{"a", 160}}, SMS_GSM7, 160, 1, 0},
    {"161 a", {{"a", 161}}, SMS_GSM7, 161, 2, 145},
    {"306 a", {{"a", 306}}, SMS_GSM7, 306, 2, 0},
    {"307 a", {{"a", 307}}, SMS_GSM7, 307, 3, 152},
    {"158 a and a euro", {{"a", 158}, {"€", 1}}, SMS_GSM7, 160, 1, 0},
    {"159 a and a euro", {{"a", 159}, {"€", 1}}, SMS_GSM7, 161, 2, 145},
    {"euro at the seam", {{"a", 152}, {"€", 1}, {"b", 10}}, SMS_GSM7, 164, 2, 141},
    {"euros only", {{"€", 153}}, SMS_GSM7, 306, 3, 151},
    {"70 han", {{"中", 70}}, SMS_UCS2, 70, 1, 0},
    {"71 han", {{"中", 71}}, SMS_UCS2, 71, 2, 63},
    {"134 han", {{"中", 134}}, SMS_UCS2, 134, 2, 0},
    {"135 han", {{"中", 135}}, SMS_UCS2, 135, 3, 66},
    {"35 hands", {{"👋", 35}}, SMS_UCS2, 70, 1, 0},
    {"36 hands", {{"👋", 36}}, SMS_UCS2, 72, 2, 61},
    {"hand at both seams", {{"中", 66}, {"👋", 1}, {"中", 66}}, SMS_UCS2, 134, 3, 66},
    {"hand at one seam", {{"中", 66}, {"👋", 1}, {"中", 10}}, SMS_UCS2, 78, 2, 55},
    {"quotes", {{"It’s “quoted” — ok…", 1}}, SMS_UCS2, 19, 1, 51},
    {"family", {{"👨‍👩‍👧", 1}}, SMS_UCS2, 8, 1, 62},
    {"e acute", {{"é", 1}}, SMS_GSM7, 1, 1, 159},
    {"e and combining acute", {{"e\u0301", 1}}, SMS_UCS2, 2, 1, 68},
    {"c cedilla", {{"ç", 1}}, SMS_UCS2, 1, 1, 69},
    {"C cedilla", {{"Ç", 1}}, SMS_GSM7, 1, 1, 159},
    {"grave", {{"`", 1}}, SMS_UCS2, 1, 1, 69},
    {"tab", {{"\t", 1}}, SMS_UCS2, 1, 1, 69},
    {"extension table", {{"[]{}|^~\\€", 1}}, SMS_GSM7, 18, 1, 142},
    {"form feed", {{"\f", 1}}, SMS_GSM7, 2, 1, 158},
    {"CR LF", {{"Hello\r\nWorld", 1}}, SMS_GSM7, 12, 1, 148},
    {"LF", {{"Hello\nWorld", 1}}, SMS_GSM7, 11, 1, 149},
};

static struct sv text_of(const struct run runs[3], struct buf *into) {
    buf_reset(into);
    for (size_t r = 0; r < 3 && runs[r].what; r++)
        for (size_t i = 0; i < runs[r].times; i++)
            buf_adds(into, runs[r].what);
    assert_false(into->overflow);
    return buf_sv(into);
}

static void test_segments__known_texts_count_as_twilio_counts(void **state) {
    (void)state;
    BUF_AUTO struct buf text = BUF_INIT(TEXT_MAX);
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const struct vector *v = &vectors[i];
        struct segments s = segments_count(text_of(v->runs, &text), SEGMENTS_INTERNATIONAL);
        if (s.encoding != v->encoding || s.units != v->units || s.segments != v->segments ||
            s.units_left != v->left)
            fail_msg("%s: %s, %zu units, %zu segments, %zu left", v->name, sms_encoding_name(s.encoding),
                     s.units, s.segments, s.units_left);
    }
}

static void test_segments__china_counts_every_character_as_one(void **state) {
    (void)state;
    BUF_AUTO struct buf text = BUF_INIT(TEXT_MAX);
    static const struct vector china[] = {
        {"70 ascii", {{"a", 70}}, SMS_UCS2, 70, 1, 0},
        {"71 ascii", {{"a", 71}}, SMS_UCS2, 71, 2, 63},
        {"160 with signature", {{"【鸿雁】", 1}, {"中", 156}}, SMS_UCS2, 160, 3, 41},
        {"signature fills", {{"【鸿雁】", 1}, {"a", 66}}, SMS_UCS2, 70, 1, 0},
        {"escaped cost one", {{"{", 70}}, SMS_UCS2, 70, 1, 0},
    };
    for (size_t i = 0; i < sizeof china / sizeof china[0]; i++) {
        const struct vector *v = &china[i];
        struct segments s = segments_count(text_of(v->runs, &text), SEGMENTS_CHINA);
        if (s.encoding != SMS_UCS2 || s.units != v->units || s.segments != v->segments ||
            s.units_left != v->left || s.culprits_n != 0)
            fail_msg("%s: %zu units, %zu segments, %zu left", v->name, s.units, s.segments, s.units_left);
    }
}

static void test_segments__culprits_tell_what_forced_ucs2_and_its_price(void **state) {
    (void)state;
    BUF_AUTO struct buf text = BUF_INIT(TEXT_MAX);
    struct run runs[3] = {{"a", 20}, {"é’", 1}, {"b", 100}};
    struct segments s = segments_count(text_of(runs, &text), SEGMENTS_INTERNATIONAL);
    assert_int_equal(s.encoding, SMS_UCS2);
    assert_int_equal(s.segments, 2);
    assert_int_equal(s.culprits_n, 1);
    assert_int_equal(s.culprits[0].code_point, 0x2019);
    assert_int_equal(s.culprits[0].offset, 22);
    assert_int_equal(s.gsm7_units, 122);
    assert_int_equal(s.gsm7_segments, 1);
    struct run many[3] = {{"中", 9}};
    s = segments_count(text_of(many, &text), SEGMENTS_INTERNATIONAL);
    assert_int_equal(s.culprits_n, 9);
    assert_int_equal(s.culprits[SEGMENTS_CULPRITS_MAX - 1].offset, 3 * (SEGMENTS_CULPRITS_MAX - 1));
}

/* --- properties --- */

static uint64_t next_random(uint64_t *state) { /* splitmix64 */
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Text in which runs of plain ASCII, escaped characters, accents and emoji meet at every distance. */
static struct sv random_text(uint64_t *random, struct buf *into) {
    static const char *const pieces[] = {"a", "Hello, world 0123456789", "{", "€", "é", "\n", "\f", "ß"};
    static const char *const wide[] = {"中", "👋", "’", "`", "\t", "ç", "𠮷"};
    buf_reset(into);
    bool ucs2 = next_random(random) % 2;
    for (size_t n = next_random(random) % 120; n > 0; n--) {
        uint64_t r = next_random(random);
        if (ucs2 && r % 3 == 0)
            buf_adds(into, wide[(r >> 8) % (sizeof wide / sizeof wide[0])]);
        else
            buf_adds(into, pieces[(r >> 8) % (sizeof pieces / sizeof pieces[0])]);
    }
    return buf_sv(into);
}

/* The definition, written the slow way: costs first, then segments filled one by one. */
static struct segments count_naively(struct sv text) {
    unsigned cost[2][TEXT_MAX];
    size_t n = 0, total[2] = {0, 0};
    bool gsm = true;
    const unsigned char *p = (const unsigned char *)(text.n ? text.p : ""), *end = p + text.n;
    for (; p < end; n++) {
        uint32_t cp = utf8_next(&p, end);
        unsigned septets = gsm7_of(cp, NULL);
        gsm = gsm && septets;
        cost[0][n] = septets ? septets : 1;
        cost[1][n] = cp > 0xFFFF ? 2 : 1;
        total[0] += cost[0][n];
        total[1] += cost[1][n];
    }
    unsigned which = gsm ? 0 : 1;
    size_t alone = gsm ? 160 : 70, part = gsm ? 153 : 67;
    struct segments s = {.encoding = gsm ? SMS_GSM7 : SMS_UCS2, .units = total[which], .segments = 1};
    s.units_left = alone - total[which];
    if (total[which] <= alone)
        return s;
    for (size_t i = 0, room = part; i < n; i++) {
        if (cost[which][i] > room) {
            s.segments++;
            room = part;
        }
        room -= cost[which][i];
        s.units_left = room;
    }
    return s;
}

static void test_segments__greedy_fill_is_what_the_slow_definition_says(void **state) {
    (void)state;
    BUF_AUTO struct buf text = BUF_INIT(TEXT_MAX);
    uint64_t random = 7;
    for (int i = 0; i < 20000; i++) {
        struct sv v = random_text(&random, &text);
        struct segments fast = segments_count(v, SEGMENTS_INTERNATIONAL), slow = count_naively(v);
        if (fast.encoding != slow.encoding || fast.units != slow.units || fast.segments != slow.segments ||
            fast.units_left != slow.units_left)
            fail_msg("%zu/%zu segments, %zu/%zu left for: %.*s", fast.segments, slow.segments,
                     fast.units_left, slow.units_left, SV_FMT(v));
    }
}

static void test_gsm7__every_septet_comes_back(void **state) {
    (void)state;
    BUF_AUTO struct buf text = BUF_INIT(64), back = BUF_INIT(64);
    struct err e = ERR_INIT;
    for (unsigned c = 0; c < 256; c++) {
        char septets[2] = {GSM7_ESC, (char)(c & 0x7F)};
        bool extended = c >= 128;
        if (c == GSM7_ESC)
            continue;
        buf_reset(&text);
        buf_reset(&back);
        struct sv from = extended ? sv_make(septets, 2) : sv_make(septets + 1, 1);
        assert_true(gsm7_decode(from, &text, &e));
        assert_true(gsm7_encode(buf_sv(&text), &back, &e));
        /* An unknown extension code shows as the plain character, a doubled escape as a space. */
        bool same = sv_eq(buf_sv(&back), from);
        assert_true(same || (extended && back.n == 1));
        if (extended)
            assert_int_equal(same, c - 128 == 0x0A || c - 128 == 0x14 || c - 128 == 0x28 || c - 128 == 0x29 ||
                                       c - 128 == 0x2F || (c - 128 >= 0x3C && c - 128 <= 0x3E) ||
                                       c - 128 == 0x40 || c - 128 == 0x65);
    }
}

static void test_gsm7__has_137_characters_and_each_comes_back(void **state) {
    (void)state;
    BUF_AUTO struct buf text = BUF_INIT(8), septets = BUF_INIT(8), back = BUF_INIT(8);
    struct err e = ERR_INIT;
    size_t plain = 0, extended = 0;
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        unsigned n = gsm7_of(cp, NULL);
        plain += n == 1;
        extended += n == 2;
        if (n == 0)
            continue;
        buf_reset(&text);
        buf_reset(&septets);
        buf_reset(&back);
        utf8_add(&text, cp);
        assert_true(gsm7_encode(buf_sv(&text), &septets, &e));
        assert_true(gsm7_decode(buf_sv(&septets), &back, &e));
        assert_true(sv_eq(buf_sv(&text), buf_sv(&back)));
    }
    assert_int_equal(plain, 127);
    assert_int_equal(extended, 10);
}

static void test_gsm7__what_it_cannot_write_or_read_is_an_error(void **state) {
    (void)state;
    BUF_AUTO struct buf out = BUF_INIT(4);
    struct err e = ERR_INIT;
    assert_false(gsm7_encode(SV("a中"), &out, &e));
    assert_int_equal(e.kind, ERR_UNPROCESSABLE);
    assert_non_null(strstr(e.text, "U+4E2D at byte 1"));
    assert_false(gsm7_encode(SV("abcdef"), &out, &e));
    assert_int_equal(e.kind, ERR_TOO_LARGE);
    buf_reset(&out);
    assert_false(gsm7_decode(SV("\x80"), &out, &e));
    assert_int_equal(e.kind, ERR_INVALID);
    buf_reset(&out);
    assert_true(gsm7_decode(SV("\x1B"), &out, &e));
    assert_true(sv_eq(buf_sv(&out), SV(" ")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segments__known_texts_count_as_twilio_counts),
        cmocka_unit_test(test_segments__china_counts_every_character_as_one),
        cmocka_unit_test(test_segments__culprits_tell_what_forced_ucs2_and_its_price),
        cmocka_unit_test(test_segments__greedy_fill_is_what_the_slow_definition_says),
        cmocka_unit_test(test_gsm7__every_septet_comes_back),
        cmocka_unit_test(test_gsm7__has_137_characters_and_each_comes_back),
        cmocka_unit_test(test_gsm7__what_it_cannot_write_or_read_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
