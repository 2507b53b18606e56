/* set: the inside of a compiled screen_set, for screen.c and builder.c only. */
#ifndef HY_TEXT_SCREEN_SET_H
#define HY_TEXT_SCREEN_SET_H

#include "text/screen/fold.h"
#include "text/screen/patterns.h"
#include "text/screen/screen.h"
#include "text/screen/words.h"

struct screen_set_list {
    char *name; /* owned */
    enum screen_action action;
};

/* Tags of words and, through pattern_rule, indexes of patterns lead here. */
struct screen_rule {
    uint32_t list;
    uint32_t line;
};

struct screen_set {
    struct fold_table
        *fold; /* owned; NULL in a set without rules, as are the next three where there are none */
    struct words *words;
    struct words *allow;
    struct patterns *patterns;
    uint32_t *pattern_rule; /* owned */
    struct screen_rule *rule;
    struct screen_set_list *list;
    size_t n_words;
    size_t n_patterns;
    size_t n_lists;
    bool replaces; /* some list's action is SCREEN_REPLACE */
};

#endif
