/* sender_kind: what kind of sender a text goes by, and whether the networks of a country take it: facts of
 * sender_kinds.tsv, each with who says so.
 *
 * A country that is not in the table takes names and numbers. Short codes belong to one country's networks,
 * which they do not tell: they fit none but those that they are named for (model/sender_id). Toll-free are
 * those of North America's plan (NANPA: 800, 833, 844, 855, 866, 877, 888); those of other countries send no
 * texts, and are numbers like others here.
 */
#ifndef HY_MODEL_SENDER_KIND_H
#define HY_MODEL_SENDER_KIND_H

#include "base/sv.h"

enum sender_kind { SENDER_NAME, SENDER_NUMBER, SENDER_SHORT, SENDER_TOLL_FREE };

enum {
    SENDER_TAKES_NAME = 1,
    SENDER_TAKES_NUMBER = 2,
    SENDER_TAKES_HOME_NUMBER = 4,
    SENDER_TAKES_TOLL_FREE = 8
};

struct sender_country {
    char region[3];
    char calling[5]; /* "+886" */
    unsigned takes;
};
extern const struct sender_country sender_countries[]; /* by region; generated */
extern const size_t sender_countries_n;

enum { SENDER_SHORT_DIGITS_MAX = 8 };
enum sender_kind sender_kind_of(struct sv sender);
const char *sender_kind_name(enum sender_kind k); /* "name", "number", "short_code", "toll_free" */
/* Whether the networks of that region take it. An empty region: nobody knows, all fit. */
bool sender_kind_fits(struct sv sender, struct sv region);

#endif
