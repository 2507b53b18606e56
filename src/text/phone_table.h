/* phone_table: the world's numbering plans as one table of states, made at build time by phone_table_gen.cc
 * from the metadata inside libphonenumber. Private to the room: see phone.h.
 *
 * A state is a row of ten next states, one a digit; state 0 is "ask the library". A number is walked digit by
 * digit, for +CC numbers from the root of its country calling code, for national spellings from the root of
 * its region; the outcome of the last state, when not 0, is what the library would say: valid, this region,
 * this type, and how many digits in front to drop. Whatever the library treats in a less plain way leads to
 * state 0, as does every national spelling that is not valid; of numbers with a country code most that are
 * not valid are known, too. So the table may only be silent, never differ; the generator says how, and
 * tests/text/test_phone_table.cc holds it to that.
 */
#ifndef HY_TEXT_PHONE_TABLE_H
#define HY_TEXT_PHONE_TABLE_H

#include "text/phone_lib.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct phone_table_outcome {
    char region[4];
    uint8_t type; /* the library's PhoneNumberType */
    uint8_t drop; /* digits walked that are not of the national number: its prefix, or the code without + */
};

struct phone_table_region {
    uint16_t root; /* 0 when there is no such region */
    uint16_t country_code;
};

/* Lengths of a code's national numbers, a bit each: bit 8 for eight digits. */
struct phone_table_lengths {
    uint32_t possible, local; /* local: only with the area code left out */
};

enum { PHONE_TABLE_CODES = 1000, PHONE_TABLE_REGIONS = 26 * 26 };
enum { PHONE_TABLE_REFUSED = 1 }; /* the outcome that the library would say is none */

extern const uint16_t phone_table_next[][10];
extern const uint16_t phone_table_outcome_of[]; /* of a state: index into the next, 0 for none */
extern const struct phone_table_outcome phone_table_outcomes[];
extern const uint16_t phone_table_code_roots[PHONE_TABLE_CODES];
extern const struct phone_table_lengths phone_table_lengths_of[PHONE_TABLE_CODES];
extern const struct phone_table_region phone_table_regions[PHONE_TABLE_REGIONS]; /* "AA", "AB", ... */
extern const unsigned phone_table_states;

/* digits: n characters 0-9; an international number without its + when region is NULL, else as dialled inside
 * region (two capitals). True and out filled when the table knows the number to be valid; false: ask the
 * library. */
bool phone_table_find(const char *digits, size_t n, const char *region, struct phone_lib_number *out);
/* International digits: true and *why when the table knows that the library refuses them, and how; false: ask
 * the library. */
bool phone_table_refuses(const char *digits, size_t n, enum phone_lib_answer *why);

#ifdef __cplusplus
}
#endif
#endif
