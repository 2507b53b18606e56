/* link: a short link in a message's text: an address of ours, of a fixed length, that stands for a long one.
 *
 * Its code is a number below 62^10 (59 bits), drawn at random, so that nobody finds a link by trying; printed
 * it is always ten digits of base 62. Which links a message has is settled when its text is made, and stored
 * with it.
 */
#ifndef HY_MODEL_LINK_H
#define HY_MODEL_LINK_H

#include "base/buf.h"
#include "base/err.h"

enum {
    LINK_CODE_CHARS = 10,
    LINK_TARGET_BYTES_MAX = 2048,
    LINKS_MAX = 100, /* of one message */
};

struct link {
    int64_t code;
    struct sv target; /* begins with http:// or https://; no spaces, no control characters */
};

/* How often a link was opened within some time. */
struct clicks {
    int64_t code;
    uint32_t n;
    int64_t first_at, last_at;
};

/* A code from 64 random bits; false when they are of the few that would make some codes likelier: draw again.
 */
MUST_USE bool link_code_of(uint64_t random, int64_t *code);
/* BASE/l/CODE: how the link is written. base: the setting links.base. */
void link_print(struct sv base, int64_t code, struct buf *out);
/* The ten digits alone. */
void link_print_code(int64_t code, struct buf *out);
/* False unless text is ten digits of base 62. */
MUST_USE bool link_parse_code(struct sv text, int64_t *code);

#endif
