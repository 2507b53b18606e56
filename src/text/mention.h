/* mention: does a text say somebody's number or address, in one of the ways people write them?
 *
 * A number in E.164 is found with or without its country code, with 00 or a trunk 0 before it, grouped by
 * spaces, dashes, dots, slashes and parentheses, but never as a part of a longer number. An e-mail address
 * is found in any case, whole. Anything else is found as it is. Pure; a mention borrows its address.
 */
#ifndef HY_TEXT_MENTION_H
#define HY_TEXT_MENTION_H

#include "base/sv.h"

enum { MENTION_FORMS = 5, MENTION_DIGITS_MAX = 24 };

struct mention {
    struct sv address;
    unsigned n_forms; /* of a number: its digits, each as it may be written */
    struct {
        unsigned char n;
        char digits[MENTION_DIGITS_MAX];
    } forms[MENTION_FORMS];
};

/* address: a number in E.164, an e-mail address, or another word. Precondition: it is not empty. */
void mention_init(struct mention *m, struct sv address);
bool mention_in(const struct mention *m, struct sv text);

#endif
