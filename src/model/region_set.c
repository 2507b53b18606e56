#include "model/region_set.h"

#include <string.h>

enum { LETTERS = 26, BITS = 64 };

static bool is_letter(char c) {
    return c >= 'A' && c <= 'Z';
}

static bool place_of(struct sv region, unsigned *at) {
    if (region.n != 2 || !is_letter(region.p[0]) || !is_letter(region.p[1]))
        return false;
    *at = (unsigned)(region.p[0] - 'A') * LETTERS + (unsigned)(region.p[1] - 'A');
    return true;
}

bool region_set_add(struct region_set *s, struct sv region) {
    unsigned at;
    if (!place_of(region, &at))
        return false;
    s->bits[at / BITS] |= UINT64_C(1) << at % BITS;
    return true;
}

bool region_set_has(const struct region_set *s, struct sv region) {
    unsigned at;
    return place_of(region, &at) && (s->bits[at / BITS] >> at % BITS & 1);
}

bool region_set_is_empty(const struct region_set *s) {
    uint64_t any = 0;
    for (size_t i = 0; i < REGION_SET_WORDS; i++)
        any |= s->bits[i];
    return any == 0;
}

void region_set_print(const struct region_set *s, struct buf *out) {
    const char *comma = "";
    for (unsigned at = 0; at < LETTERS * LETTERS; at++)
        if (s->bits[at / BITS] >> at % BITS & 1) {
            buf_addf(out, "%s%c%c", comma, 'A' + (char)(at / LETTERS), 'A' + (char)(at % LETTERS));
            comma = ",";
        }
}

void region_set_read(struct region_set *s, struct sv text) {
    memset(s, 0, sizeof *s);
    for (struct sv rest = text; rest.p && rest.n;)
        (void)region_set_add(s, sv_cut(&rest, ','));
}
