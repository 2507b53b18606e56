#include "text/phone_zones.h"

#include "base/err.h"
#include "text/phone.h"
#include "text/phone_zone_rows.h"

#include <ctype.h>

/* Rows are sorted by prefix as a number, and so by length. */
static const struct phone_zone_row *row_of(uint32_t prefix) {
    size_t low = 0, high = phone_zone_rows_n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (phone_zone_rows[mid].prefix < prefix)
            low = mid + 1;
        else
            high = mid;
    }
    return low < phone_zone_rows_n && phone_zone_rows[low].prefix == prefix ? &phone_zone_rows[low] : NULL;
}

/* Where mobile numbers have area codes, too: libphonenumber's own list. */
static bool has_areas(const struct phone *p) {
    static const int codes[] = {52, 54, 55, 62, 86};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (p->country_code == codes[i])
            return true;
    return p->type == PHONE_FIXED || p->type == PHONE_FIXED_OR_MOBILE;
}

struct phone_zones phone_zones_of(struct sv e164) {
    const struct phone_zone_row *found = NULL;
    uint32_t prefix = 0;
    struct phone p;
    struct err ignored = ERR_INIT;
    if (!sv_starts(e164, SV("+")) || !phone_parse(e164, SV_NONE, &p, &ignored))
        return (struct phone_zones){0};
    bool areas = has_areas(&p);
    for (size_t i = 1; i < e164.n && i <= PHONE_ZONE_PREFIX_MAX && isdigit((unsigned char)e164.p[i]); i++) {
        prefix = prefix * 10 + (uint32_t)(e164.p[i] - '0');
        if (!areas && prefix > (uint32_t)p.country_code)
            break;
        const struct phone_zone_row *longer = row_of(prefix);
        if (longer)
            found = longer;
    }
    return found ? (struct phone_zones){phone_zone_lists + found->first, found->n} : (struct phone_zones){0};
}

size_t phone_zone_count(void) {
    return phone_zone_names_n;
}

const char *phone_zone_name(uint16_t zone) {
    ASSERT(zone < phone_zone_names_n);
    return phone_zone_names[zone];
}
