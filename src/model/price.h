/* price: what a provider bills for a text, by the number it goes to: a table compiled from lines as they
 * stand in the settings or in a CSV file. Money is whole millionths of the currency's unit, never floating
 * point.
 *
 * A line names a prefix (`+86138 0.05`), a country (`CN 0.045`) or everything else (`* 0.0075`); the longest
 * prefix that fits goes before the country, and that before `*`. Of two lines for the same the later one
 * holds. Immutable once made; in the arena it was made in.
 */
#ifndef HY_MODEL_PRICE_H
#define HY_MODEL_PRICE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { PRICE_MICRO = 1000000, PRICES_MAX = 20000 };

struct price_row {
    uint64_t key; /* a prefix's digits and how many they are; a country; or everything */
    int64_t micro;
};

struct price_table {
    struct price_row *rows; /* by key */
    size_t n;
    unsigned longest; /* digits of its longest prefix */
};

/* `12.5`: at most six digits behind the point, at most a million. */
MUST_USE bool price_parse(struct sv text, int64_t *micro, struct err *e);
/* 0.0450 as "0.045". */
void price_print(int64_t micro, struct buf *out);
/* Is it a line of a table? ERR_INVALID ("must be ..."). */
MUST_USE bool price_check_line(struct sv text, struct err *e);
/* From lines, and from CSV text (`prefix,price`, or with a header line; # begins a comment). ERR_INVALID; a
 * line of the CSV at fault is in e->line. NULL: no room in the arena either. */
MUST_USE struct price_table *price_table_make(struct arena *mem, const struct sv *lines, size_t n_lines,
                                              struct sv csv, struct err *e);
/* Of one text to that number; region: ISO 3166, may be empty. False: the table does not say. */
bool price_find(const struct price_table *t, struct sv e164, struct sv region, int64_t *micro);

#endif
