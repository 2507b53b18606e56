#include "text/screen/fold_table.h"

#include "base/buf.h"

#include <pthread.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/uset.h>
#include <unicode/ustring.h>
#include <unicode/utrans.h>

#define SIMPLE_MAX 0x30000 /* traditional characters with a simplified form lie below */
#define RUN_MAX 64         /* the longest expansion is 18 code points (FDFA) */
#define ROUNDS_MAX 4

/* Characters that people put between Chinese ones, beyond spaces, controls and dashes. */
static const UChar32 separators[] = {
    '.',    '*',    '~',    '|',    '/',    '\\',   '+',    '=',    '^',    '_',
    '`',    '\'',   0xB7,   0x2022, 0x2027, 0x2219, 0x22C5, 0x30FB, 0x2026, 0x203B,
    0x2605, 0x2606, 0x2800, 0x2212, 0x02D9, 0x2024, 0x2043, 0x223C,
};

/* What is needed while the table is made, and nothing after. */
struct maker {
    const UNormalizer2 *nfkc_cf;
    const UNormalizer2 *nfc;
    UChar32 *simple; /* SIMPLE_MAX; 0 where a code point stays */
    struct buf many;
};

/* ICU's U16_NEXT, which trips over our warnings. */
static UChar32 next(const UChar *s, int32_t *i, int32_t n) {
    UChar32 c = s[(*i)++];
    if (c >= 0xD800 && c < 0xDC00 && *i < n)
        c = 0x10000 + ((c - 0xD800) << 10) + (s[(*i)++] - 0xDC00);
    return c;
}

static bool is_stripped_mark(UChar32 c) {
    int8_t type = u_charType(c);
    if ((type != U_NON_SPACING_MARK && type != U_ENCLOSING_MARK) || c == 0x3099 || c == 0x309A)
        return false;
    UErrorCode ec = U_ZERO_ERROR;
    return uscript_getScript(c, &ec) == USCRIPT_INHERITED;
}

static bool is_separator(UChar32 c) {
    for (size_t i = 0; i < sizeof separators / sizeof *separators; i++)
        if (c == separators[i])
            return true;
    if (c >= 0x25A0 && c <= 0x25FF)
        return true;
    switch (u_charType(c)) {
    case U_SPACE_SEPARATOR:
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
    case U_CONTROL_CHAR:
    case U_DASH_PUNCTUATION: return true;
    default: return false;
    }
}

/* Letters and digits, but not of scripts that run words together: there a border tells nothing. */
static bool is_word(UChar32 c) {
    if (!u_isUAlphabetic(c) && !u_isdigit(c))
        return false;
    switch (u_getIntPropertyValue(c, UCHAR_LINE_BREAK)) {
    case U_LB_IDEOGRAPHIC:
    case U_LB_COMPLEX_CONTEXT:
    case U_LB_CONDITIONAL_JAPANESE_STARTER:
    case U_LB_NONSTARTER:
    case U_LB_H2:
    case U_LB_H3:
    case U_LB_JL:
    case U_LB_JV:
    case U_LB_JT: return false;
    default: break;
    }
    UErrorCode ec = U_ZERO_ERROR;
    UScriptCode s = uscript_getScript(c, &ec);
    return s != USCRIPT_HAN && s != USCRIPT_HIRAGANA && s != USCRIPT_KATAKANA && s != USCRIPT_HANGUL;
}

static uint32_t class_of(const struct maker *m, UChar32 c) {
    UErrorCode ec = U_ZERO_ERROR;
    uint32_t k = 0;
    if (uscript_getScript(c, &ec) == USCRIPT_HAN && u_isUAlphabetic(c))
        k |= FOLD_HAN;
    else if (is_separator(c))
        k |= FOLD_SEP;
    else if (is_word(c))
        k |= FOLD_WORD;
    if (!unorm2_hasBoundaryBefore(m->nfc, c))
        k |= FOLD_JOIN;
    return k;
}

/* Without marks and simplified; s holds n units and has room for RUN_MAX. */
static int32_t strip(const struct maker *m, UChar *s, int32_t n, UErrorCode *ec) {
    UChar kept[RUN_MAX * 4];
    int32_t k = 0;
    for (int32_t i = 0; i < n;) {
        UChar32 c = next(s, &i, n);
        UChar parts[RUN_MAX];
        int32_t n_parts = unorm2_getDecomposition(m->nfc, c, parts, RUN_MAX, ec);
        if (U_FAILURE(*ec))
            return 0;
        if (n_parts < 0) {
            n_parts = 0;
            U16_APPEND_UNSAFE(parts, n_parts, c);
        }
        for (int32_t j = 0; j < n_parts;) {
            UChar32 d = next(parts, &j, n_parts);
            if (is_stripped_mark(d))
                continue;
            if (d < SIMPLE_MAX && m->simple[d])
                d = m->simple[d];
            if (k < RUN_MAX * 4 - 2)
                U16_APPEND_UNSAFE(kept, k, d);
        }
    }
    return unorm2_normalize(m->nfc, kept, k, s, RUN_MAX, ec);
}

/* One code point to its folded run; the rules feed each other (a simplified form may itself be a
 * compatibility form), so they are applied until nothing changes. */
static int32_t fold_one(const struct maker *m, UChar32 c, UChar *s, UErrorCode *ec) {
    int32_t n = 0;
    U16_APPEND_UNSAFE(s, n, c);
    /* Most characters, and a good deal faster. */
    if (!u_hasBinaryProperty(c, UCHAR_CHANGES_WHEN_NFKC_CASEFOLDED) && unorm2_isInert(m->nfc, c) &&
        (c >= SIMPLE_MAX || !m->simple[c]))
        return n;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        UChar was[RUN_MAX];
        int32_t n_was = n;
        memcpy(was, s, (size_t)n * sizeof *s);
        n = unorm2_normalize(m->nfkc_cf, was, n_was, s, RUN_MAX, ec);
        if (U_FAILURE(*ec))
            return 0;
        n = strip(m, s, n, ec);
        if (U_FAILURE(*ec) || (n == n_was && memcmp(was, s, (size_t)n * sizeof *s) == 0))
            return n;
    }
    return n;
}

static uint32_t entry_many(struct maker *m, const UChar *s, int32_t n) {
    size_t at = m->many.n;
    char utf8[RUN_MAX * 3];
    size_t len = 0;
    uint32_t all = FOLD_HAN | FOLD_SEP;
    for (int32_t i = 0; i < n;) {
        UChar32 c = next(s, &i, n);
        len += fold_encode(utf8 + len, (uint32_t)c);
        all &= class_of(m, c);
    }
    ASSERT(len < 256);
    buf_addc(&m->many, (char)len);
    buf_add(&m->many, sv_make(utf8, len));
    return (uint32_t)at | FOLD_MANY | all;
}

static uint32_t entry_of(struct maker *m, UChar32 c, UErrorCode *ec) {
    int8_t type = u_charType(c);
    if (type == U_PRIVATE_USE_CHAR || type == U_SURROGATE)
        return 0;
    UChar s[RUN_MAX];
    int32_t n = fold_one(m, c, s, ec);
    if (U_FAILURE(*ec))
        return 0;
    if (n == 0)
        return is_stripped_mark(c) ? FOLD_MARK : FOLD_DROP;
    int32_t i = 0;
    UChar32 to = next(s, &i, n);
    char scrap[4];
    if (i < n || fold_encode(scrap, (uint32_t)to) > fold_encode(scrap, (uint32_t)c))
        return entry_many(m, s, n);
    return ((uint32_t)(to - c) & FOLD_DELTA) | class_of(m, to);
}

/* ICU's transliterator, asked about each character it knows alone: one call, a line each. */
static bool load_simple(struct maker *m, struct err *e) {
    UErrorCode ec = U_ZERO_ERROR;
    UTransliterator *t = utrans_openU(u"Hant-Hans", -1, UTRANS_FORWARD, NULL, 0, NULL, &ec);
    if (U_FAILURE(ec))
        return err_set(e, ERR_INTERNAL, "ICU cannot open its transliterator Hant-Hans: %s", u_errorName(ec));
    USet *set = utrans_getSourceSet(t, false, NULL, &ec);
    int32_t n_known = U_SUCCESS(ec) ? uset_size(set) : 0;
    int32_t cap = n_known * 8 + 16;
    UChar *s = calloc((size_t)cap, sizeof *s);
    UChar32 *known = calloc((size_t)n_known + 1, sizeof *known);
    int32_t n = 0, k = 0;
    for (int32_t i = 0; s && known && i < n_known; i++) {
        UChar32 c = uset_charAt(set, i);
        if (c < 0 || c >= SIMPLE_MAX)
            continue;
        known[k++] = c;
        U16_APPEND_UNSAFE(s, n, c);
        s[n++] = '\n';
    }
    int32_t limit = n;
    bool have = s && known && U_SUCCESS(ec);
    if (have)
        utrans_transUChars(t, s, &n, cap, 0, &limit, &ec);
    for (int32_t i = 0, j = 0; have && U_SUCCESS(ec) && i < n && j < k; j++) {
        UChar32 to = next(s, &i, n);
        if (i < n && s[i] == '\n' && to != known[j])
            m->simple[known[j]] = to;
        while (i < n && s[i++] != '\n') {
        }
    }
    free(s);
    free(known);
    uset_close(set);
    utrans_close(t);
    if (!have || U_FAILURE(ec))
        return err_set(e, ERR_INTERNAL, "the table of simplified characters cannot be made: %s",
                       have ? u_errorName(ec) : "out of memory");
    return true;
}

/* The number of the page, equal to one that is there or added. */
static bool add_page(struct fold_table *t, const uint32_t page[256], uint16_t *number) {
    for (size_t i = 0; i < t->n_pages; i++)
        if (memcmp(t->pages[i], page, sizeof *t->pages) == 0) {
            *number = (uint16_t)i;
            return true;
        }
    uint32_t(*more)[256] = realloc(t->pages, (t->n_pages + 1) * sizeof *more);
    if (!more)
        return false;
    t->pages = more;
    memcpy(t->pages[t->n_pages], page, sizeof *t->pages);
    *number = (uint16_t)t->n_pages++;
    return true;
}

static bool fill(struct fold_table *t, struct maker *m, struct err *e) {
    UErrorCode ec = U_ZERO_ERROR;
    for (uint32_t p = 0; p < FOLD_PAGES; p++) {
        uint32_t page[256] = {0};
        /* Planes 4 to 13 are empty, 15 and 16 private. */
        if (p < 0x400 || (p >= 0xE00 && p < 0xF00))
            for (uint32_t i = 0; i < 256; i++)
                page[i] = entry_of(m, (UChar32)(p << 8 | i), &ec);
        if (U_FAILURE(ec))
            return err_set(e, ERR_INTERNAL, "ICU cannot fold page %x: %s", p, u_errorName(ec));
        if (!add_page(t, page, &t->page[p]))
            return err_set(e, ERR_INTERNAL, "out of memory for the folding table");
    }
    if (m->many.overflow)
        return err_set(e, ERR_INTERNAL, "out of memory for the folding table");
    t->n_many = m->many.n;
    t->many = buf_steal(&m->many);
    return true;
}

static void fill_wide(struct fold_table *t) {
    for (uint32_t cp = FOLD_WIDE_BEGIN; cp < FOLD_WIDE_END; cp++) {
        uint32_t entry = fold_look(t, cp), to = (cp + entry) & FOLD_DELTA,
                 more = entry & ~(uint32_t)FOLD_DELTA;
        bool plain = (to > ' ' && to < 0x80) || (to >= 0x800 && to < 0x10000);
        t->wide[cp - FOLD_WIDE_BEGIN] =
            plain && !(more & ~(uint32_t)(FOLD_HAN | FOLD_WORD)) ? (uint16_t)to : 0;
    }
}

static void table_free(struct fold_table *t) {
    if (!t)
        return;
    free(t->pages);
    free(t->many);
    free(t);
}

static struct fold_table *table_make(struct err *e) {
    UErrorCode ec = U_ZERO_ERROR;
    struct maker m = {.nfkc_cf = unorm2_getNFKCCasefoldInstance(&ec), .many = BUF_INIT(1u << 20)};
    m.nfc = unorm2_getNFCInstance(&ec);
    m.simple = calloc(SIMPLE_MAX, sizeof *m.simple);
    struct fold_table *t = calloc(1, sizeof *t);
    bool ok = true;
    if (U_FAILURE(ec) || !m.simple || !t)
        ok =
            err_set(e, ERR_INTERNAL, "ICU or memory is not there for the folding table: %s", u_errorName(ec));
    ok = ok && load_simple(&m, e);
    if (ok) {
        t->nfc = m.nfc;
        ok = fill(t, &m, e);
    }
    if (ok)
        fill_wide(t);
    free(m.simple);
    buf_done(&m.many);
    if (ok)
        return t;
    table_free(t);
    return NULL;
}

/* There is one for all that ask, since it takes time and memory and is the same each time. */
static struct {
    pthread_mutex_t lock;
    struct fold_table *table;
    size_t users;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct fold_table *fold_table_new(struct err *e) {
    pthread_mutex_lock(&shared.lock);
    if (!shared.table)
        shared.table = table_make(e);
    shared.users += shared.table != NULL;
    struct fold_table *t = shared.table;
    pthread_mutex_unlock(&shared.lock);
    return t;
}

void fold_table_free(struct fold_table *t) {
    if (!t)
        return;
    pthread_mutex_lock(&shared.lock);
    ASSERT(t == shared.table);
    if (--shared.users == 0) {
        table_free(shared.table);
        shared.table = NULL;
    }
    pthread_mutex_unlock(&shared.lock);
}

uint32_t fold_entry(const struct fold_table *t, uint32_t cp) {
    ASSERT(cp <= 0x10FFFF);
    return fold_look(t, cp);
}
