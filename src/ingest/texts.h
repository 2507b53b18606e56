/* texts: the message templates and word lists as they stand in their files: the inside of struct texts, for
 * this room. */
#ifndef HY_INGEST_TEXTS_H
#define HY_INGEST_TEXTS_H

#include "ingest/admit.h"
#include "ingest/replies.h"
#include "ingest/rulebook.h"
#include "ingest/screens.h"
#include "text/template/template.h"

struct text_template {
    char *name; /* NAME or NAME.LANG; owned */
    struct template *compiled;
};

struct texts {
    struct text_template *templates; /* sorted by name; owned */
    size_t n_templates;
    struct screens *screens; /* owned; NULL: nothing is forbidden */
    struct replies *replies; /* owned */
    struct rule_set rules;
};

/* The template for a language: zh-CN, then zh, then without language. NULL if there is none. */
const struct template *texts_template(const struct texts *t, struct sv name, struct sv language);

#endif
