/* phone_zones: the time zones in which the holder of a number may be, by how the number begins: area codes
 * where a plan has them, else (as for mobiles in most of the world) all zones of the country. Made at build
 * time from libphonenumber's table of prefixes and time zones (as Debian's python3-phonenumbers has it).
 * Mobile numbers move with their holders: it is where the number belongs, not where the handset is. Pure.
 */
#ifndef HY_TEXT_PHONE_ZONES_H
#define HY_TEXT_PHONE_ZONES_H

#include "base/sv.h"

struct phone_zones {
    const uint16_t *at; /* each a number for phone_zone_name */
    size_t n;
};

enum { PHONE_ZONES_MAX = 64 };

/* Those of an E.164 number; none when it is no number, or of no country. */
struct phone_zones phone_zones_of(struct sv e164);
/* How many there are: zones are numbered from 0. */
size_t phone_zone_count(void);
/* As the IANA database names it. */
const char *phone_zone_name(uint16_t zone);

#endif
