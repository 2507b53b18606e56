#include "model/price.h"

#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 15, FRACTION_DIGITS = 6 };

static const uint64_t everything = UINT64_C(1) << 63, country = UINT64_C(1) << 62;

bool price_parse(struct sv text, int64_t *micro, struct err *e) {
    int64_t n = 0;
    int behind = -1;
    bool good = text.n > 0 && text.n <= 16 && text.p[0] != '.' && text.p[text.n - 1] != '.';
    for (size_t i = 0; good && i < text.n; i++) {
        char c = text.p[i];
        if (c == '.' && behind < 0) {
            behind = 0;
            continue;
        }
        good = c >= '0' && c <= '9' && behind < FRACTION_DIGITS;
        n = n * 10 + (c - '0');
        behind += behind >= 0;
    }
    for (int i = behind < 0 ? 0 : behind; good && i < FRACTION_DIGITS; i++)
        n *= 10;
    if (!good || n > (int64_t)PRICE_MICRO * PRICE_MICRO)
        return err_set(e, ERR_INVALID,
                       "must have a price such as 0.0075, with at most six digits behind the point");
    *micro = n;
    return true;
}

void price_print(int64_t micro, struct buf *out) {
    uint64_t n = micro < 0 ? (uint64_t)-micro : (uint64_t)micro;
    char fraction[FRACTION_DIGITS + 1];
    snprintf(fraction, sizeof fraction, "%06u", (unsigned)(n % PRICE_MICRO));
    for (int i = FRACTION_DIGITS; i > 0 && fraction[i - 1] == '0'; i--)
        fraction[i - 1] = '\0';
    buf_addf(out, "%s%llu%s%s", micro < 0 ? "-" : "", (unsigned long long)(n / PRICE_MICRO),
             fraction[0] ? "." : "", fraction);
}

static uint64_t key_of_digits(struct sv digits) {
    uint64_t n = 0;
    for (size_t i = 0; i < digits.n; i++)
        n = n * 10 + (uint64_t)(digits.p[i] - '0');
    return n << 4 | digits.n; /* 15 digits take 50 bits */
}

static uint64_t key_of_region(struct sv region) {
    return country | (uint64_t)(unsigned char)region.p[0] << 8 | (unsigned char)region.p[1];
}

static bool read_key(struct sv text, uint64_t *key) {
    bool region = text.n == 2 && text.p[0] >= 'A' && text.p[0] <= 'Z' && text.p[1] >= 'A' && text.p[1] <= 'Z';
    struct sv digits = sv_starts(text, SV("+")) ? sv_from(text, 1) : text;
    if (sv_eq(text, SV("*")))
        *key = everything;
    else if (region)
        *key = key_of_region(text);
    else if (digits.n <= DIGITS_MAX && sv_is_digits(digits))
        *key = key_of_digits(digits);
    else
        return false;
    return true;
}

static bool read_pair(struct sv what, struct sv price, struct price_row *out, struct err *e) {
    if (!read_key(sv_trim(what), &out->key))
        return err_set(
            e, ERR_INVALID,
            "must be a price such as `CN 0.045`, `+86138 0.05` or `* 0.0075`: a country, a prefix, or all "
            "else");
    return price_parse(sv_trim(price), &out->micro, e);
}

static bool read_line(struct sv text, struct price_row *out, struct err *e) {
    struct sv rest = sv_trim(text), what = sv_cut(&rest, ' ');
    return read_pair(what, rest, out, e);
}

bool price_check_line(struct sv text, struct err *e) {
    struct price_row row;
    return read_line(text, &row, e);
}

static bool read_csv(struct sv csv, struct price_row *rows, size_t *n, struct err *e) {
    for (int line = 1; csv.n; line++) {
        struct sv rest = sv_trim(sv_cut(&csv, '\n'));
        struct err why = ERR_INIT;
        if (line == 1 && sv_starts(rest, SV("\xEF\xBB\xBF")))
            rest = sv_from(rest, 3);
        if (!rest.n || rest.p[0] == '#')
            continue;
        struct sv what = sv_cut(&rest, ','), price = sv_cut(&rest, ',');
        if (*n == PRICES_MAX) {
            err_set(&why, ERR_INVALID, "has more than %d prices", PRICES_MAX);
        } else if (read_pair(what, price, &rows[*n], &why)) {
            ++*n;
            continue;
        } else if (line == 1 && !sv_is_digits(sv_sub(sv_trim(price), 0, 1))) {
            continue; /* names of columns */
        }
        err_set(e, ERR_INVALID, "line %d %s", line, why.text);
        e->line = (unsigned)line;
        return false;
    }
    return true;
}

static int compare(const void *a, const void *b) {
    uint64_t x = ((const struct price_row *)a)->key, y = ((const struct price_row *)b)->key;
    return (x > y) - (x < y);
}

/* The later one holds. Equal keys stand together, in any order, so the place goes into what is sorted. */
static size_t keep_last(struct price_row *rows, size_t n, const struct price_row *as_read) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || rows[kept - 1].key != rows[i].key)
            rows[kept++] = rows[i];
    for (size_t i = 0; i < n; i++) {
        struct price_row *at = bsearch(&as_read[i], rows, kept, sizeof *rows, compare);
        at->micro = as_read[i].micro;
    }
    return kept;
}

struct price_table *price_table_make(struct arena *mem, const struct sv *lines, size_t n_lines, struct sv csv,
                                     struct err *e) {
    struct price_row *read = malloc(PRICES_MAX * sizeof *read);
    size_t n = 0;
    bool ok = read != NULL && read_csv(csv, read, &n, e);
    for (size_t i = 0; ok && i < n_lines && n < PRICES_MAX; i++)
        ok = read_line(lines[i], &read[n++], e);
    struct price_table *t = ok ? arena_zalloc(mem, sizeof *t) : NULL;
    struct price_row *rows = t ? arena_alloc(mem, (n + 1) * sizeof *rows) : NULL;
    if (ok && !rows)
        err_set(e, ERR_INVALID, "is too much text");
    if (rows && n) {
        memcpy(rows, read, n * sizeof *rows);
        qsort(rows, n, sizeof *rows, compare);
        n = keep_last(rows, n, read);
    }
    for (size_t i = 0; rows && i < n; i++)
        if (rows[i].key < country && (rows[i].key & 15) > t->longest)
            t->longest = (unsigned)(rows[i].key & 15);
    free(read);
    if (!rows)
        return NULL;
    t->rows = rows;
    t->n = n;
    return t;
}

static bool find(const struct price_table *t, uint64_t key, int64_t *micro) {
    const struct price_row *row = t->rows;
    if (!t->n)
        return false;
    for (size_t left = t->n; left > 1; left -= left / 2) /* halves without a branch: asked for each message */
        row = row[left / 2].key <= key ? row + left / 2 : row;
    if (row->key != key)
        return false;
    *micro = row->micro;
    return true;
}

bool price_find(const struct price_table *t, struct sv e164, struct sv region, int64_t *micro) {
    if (!t)
        return false;
    struct sv digits = sv_starts(e164, SV("+")) ? sv_from(e164, 1) : SV_NONE;
    size_t n = digits.n < t->longest ? digits.n : t->longest;
    if (sv_is_digits(sv_sub(digits, 0, n)))
        for (; n > 0; n--)
            if (find(t, key_of_digits(sv_sub(digits, 0, n)), micro))
                return true;
    return (region.n == 2 && find(t, key_of_region(region), micro)) || find(t, everything, micro);
}
