/* config_near: which known word was meant by a mistyped one. */
#ifndef HY_APP_CONFIG_NEAR_H
#define HY_APP_CONFIG_NEAR_H

#include "base/sv.h"

enum { CONFIG_NEAR_MAX = 64 }; /* words are compared up to this length */

struct config_near {
    struct sv wanted;
    struct sv best; /* the nearest tried so far, borrowed; empty: none is near enough */
    unsigned best_steps;
};

struct config_near config_near_of(struct sv wanted);
/* Near enough: a step (insert, delete, change, swap neighbours) for every three letters, at least one; or the
 * beginning of a known word, three letters or more. */
void config_near_try(struct config_near *n, struct sv known);

#endif
