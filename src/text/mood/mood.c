#include "text/mood/mood.h"

#include "text/mood/mood_chinese.h"
#include "text/mood/mood_english.h"
#include "text/mood/mood_score.h"
#include "text/mood/mood_table.h"

#include <string.h>

/* Where the reader is: what stands before it decides whether a face or an address can begin. */
struct reader {
    const unsigned char *begin, *p, *end;
    bool shouts;       /* the text has small letters, so capitals are meant */
    bool after_degree; /* a Chinese one stands just before */
    struct mood_score score;
};

static bool is_space(unsigned char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(unsigned char c) {
    return c >= '0' && c <= '9';
}

static bool has_small_letters(struct sv text) {
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] >= 'a' && text.p[i] <= 'z')
            return true;
    return false;
}

static bool starts(const struct reader *r, const char *what) {
    size_t n = strlen(what);
    return (size_t)(r->end - r->p) >= n && memcmp(r->p, what, n) == 0;
}

/* An address is no text: https://example.com/love. It ends at white space or where another script begins. */
static bool skip_address(struct reader *r) {
    if (!starts(r, "http://") && !starts(r, "https://") && !starts(r, "www."))
        return false;
    while (r->p < r->end && !is_space(*r->p) && *r->p < 0x80)
        r->p++;
    mood_score_other(&r->score);
    return true;
}

/* An emoticon, which ends at white space, at a sentence's end or in front of another script, so that the
 * colon of 12:30 or of http:// is none. Behind a word only the kind with eyes first can begin: great:) */
static bool read_emoticon(struct reader *r) {
    unsigned char before = r->p > r->begin ? r->p[-1] : ' ';
    bool eyes = *r->p == ':' || *r->p == ';' || *r->p == '=';
    bool word_before = mood_english_begins(&before, &before + 1);
    bool word_here =
        r->end - r->p > 1 && mood_english_begins(r->p, r->end) && mood_english_begins(r->p + 1, r->end);
    if (word_here || (word_before && (!eyes || is_digit(before))))
        return false;
    size_t longest =
        (size_t)(r->end - r->p) < MOOD_SIGN_BYTES_MAX ? (size_t)(r->end - r->p) : MOOD_SIGN_BYTES_MAX;
    for (size_t n = longest; n > 1; n--) {
        const unsigned char *behind = r->p + n;
        bool ends = behind == r->end || is_space(*behind) || *behind >= 0x80 || strchr(".,!?;", *behind);
        const struct mood_entry *e = ends ? mood_find(r->p, n) : NULL;
        if (e && e->kind == MOOD_SIGN) {
            mood_score_sign(&r->score, e->tenths / 10.0);
            r->p = behind;
            return true;
        }
    }
    return false;
}

static void read_punctuation(struct reader *r) {
    switch (*r->p++) {
    case '!':
        mood_score_exclamation(&r->score);
        mood_score_stop(&r->score);
        break;
    case '.':
    case '?':
    case ';':
    case '\n': mood_score_stop(&r->score); break;
    case ',':
    case ':':
    case '(':
    case ')': mood_score_pause(&r->score); break;
    default: break;
    }
}

static bool is_continuation(unsigned char c) {
    return (c & 0xC0) == 0x80;
}

/* Bytes of the character at p as its first one says, but no more than belong to it. */
static size_t character_bytes(const unsigned char *p, const unsigned char *end) {
    size_t said = *p < 0xC2 ? 1 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : *p < 0xF5 ? 4 : 1, n = 1;
    while (n < said && p + n < end && is_continuation(p[n]))
        n++;
    return n;
}

/* Chinese punctuation and emoji, whatever else is passed over. */
static void read_other(struct reader *r) {
    static const char *const stops[] = {"。", "？", "；", "…", "～"};
    static const char *const pauses[] = {"，", "、", "：", "（", "）"};
    size_t n = character_bytes(r->p, r->end);
    const struct mood_entry *e = n >= 3 ? mood_find(r->p, n) : NULL;
    if (e && e->kind == MOOD_SIGN)
        mood_score_sign(&r->score, e->tenths / 10.0);
    if (starts(r, "！")) {
        mood_score_exclamation(&r->score);
        mood_score_stop(&r->score);
    }
    for (size_t i = 0; n == 3 && i < sizeof stops / sizeof stops[0]; i++) {
        if (starts(r, stops[i]))
            mood_score_stop(&r->score);
        if (starts(r, pauses[i]))
            mood_score_pause(&r->score);
    }
    r->p += n;
}

static void read_next(struct reader *r) {
    if (mood_chinese_character(r->p, r->end)) {
        r->p = mood_chinese_word(r->p, r->end, &r->after_degree, &r->score);
        return;
    }
    r->after_degree = false;
    if (*r->p < 0x80 && !is_space(*r->p) && (skip_address(r) || read_emoticon(r)))
        return;
    if (mood_english_begins(r->p, r->end))
        r->p = mood_english_word(r->p, r->end, r->shouts, &r->score);
    else if (*r->p < 0x80)
        read_punctuation(r);
    else
        read_other(r);
}

struct mood mood_of(struct sv text) {
    struct reader r = {.begin = (const unsigned char *)text.p, .shouts = has_small_letters(text)};
    if (text.n == 0)
        return (struct mood){.label = MOOD_NEUTRAL};
    r.p = r.begin;
    r.end = r.begin + text.n;
    mood_score_init(&r.score);
    while (r.p < r.end)
        read_next(&r);
    double polarity = mood_score_polarity(&r.score);
    return (struct mood){.polarity = polarity,
                         .label = polarity < MOOD_NEGATIVE_BELOW   ? MOOD_NEGATIVE
                                  : polarity > MOOD_POSITIVE_ABOVE ? MOOD_POSITIVE
                                                                   : MOOD_NEUTRAL,
                         .words = r.score.words};
}

bool mood_has_words(void) {
    return mood_table_has_words;
}

const char *mood_label_name(enum mood_label label) {
    switch (label) {
    case MOOD_NEGATIVE: return "negative";
    case MOOD_NEUTRAL: return "neutral";
    case MOOD_POSITIVE: return "positive";
    }
    return "neutral";
}
