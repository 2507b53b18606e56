/* rule: one rule that makes messages of business events, compiled: which events it is for, when, to whom,
 * with which template, when it is sent and what withdraws it. Made of a JSON document (docs/events.md says
 * what may stand in one), which the store and the files of rules.dir hold alike. Immutable once compiled;
 * threads share it.
 */
#ifndef HY_INGEST_RULE_H
#define HY_INGEST_RULE_H

#include "base/arena.h"
#include "model/channel.h"
#include "model/state.h"
#include "store/rules.h"
#include "text/template/template.h"

enum { RULE_PATTERNS_MAX = 16, RULE_VARS_MAX = 32 };

/* What a later moment is counted from. */
enum rule_delay { RULE_AT_ONCE, RULE_AFTER_NOW, RULE_BEFORE, RULE_AFTER };

struct rule_var {
    struct sv name;
    struct template *value; /* owned, as all templates here */
};

struct rule {
    char name[RULE_NAME_BYTES_MAX + 1];
    char account[65]; /* whose events it is for; "": everybody's. Of files; the store's are their account's */
    uint32_t version; /* 0: a file's */
    json_t *doc;      /* owned; the views below are its texts */
    bool enabled;

    struct sv on[RULE_PATTERNS_MAX], cancel_on[RULE_PATTERNS_MAX];
    size_t n_on, n_cancel_on;
    struct template *when;             /* NULL: always */
    struct template *to, *contact;     /* one of them, the other NULL; contact: its id */
    struct template *language;         /* NULL: none */
    struct template *key, *cancel_key; /* NULL: none; cancel_key: NULL: key is meant */
    struct template *dedupe;           /* NULL: none */
    int64_t dedupe_us;
    int64_t digest_us; /* 0: each event is a message */
    struct rule_var vars[RULE_VARS_MAX];
    size_t n_vars;

    struct sv template, from, topic;
    enum channel channel;
    const json_t *channels; /* or NULL */
    bool has_priority, has_delivery;
    enum priority priority;
    enum delivery delivery;
    int64_t validity_s; /* 0: the setting's */

    enum rule_delay delay;
    int64_t delay_us;
    struct template *anchor; /* BEFORE, AFTER */
    bool send_late;          /* a moment that is past: send at once; else nothing */
};

/* ERR_INVALID, its field the path of what is wrong ("when", "dedupe.window"), with line and column within an
 * expression's text; the text says what to write instead. doc stays the caller's. */
MUST_USE struct rule *rule_compile(const json_t *doc, struct sv name, uint32_t version, struct err *e);
void rule_free(struct rule *r); /* NULL is fine */
/* What is wrong with an expression, without `template NAME:1:5: `, which field and place say. */
const char *rule_expression_trouble(const struct err *why);
/* 1 to RULE_NAME_BYTES_MAX letters, digits, dots, dashes and underscores. */
MUST_USE bool rule_name_check(struct sv name, struct err *e);

/* Dotted words; a `*` stands for one of them, at the end for one or more. */
bool rule_pattern_matches(struct sv pattern, struct sv type);
/* How an event's type is written, too: 1 to 128 letters, digits and . _ - : / */
bool rule_type_is_valid(struct sv type);

/* 90s, 30m, 2h, 1d, 1w; false on anything else, or above a year. */
MUST_USE bool rule_span_parse(struct sv text, int64_t *us);

/* ---- files ---- */

struct rule_set {
    struct rule **rules; /* owned */
    size_t n;
};

/* Adds the rules of one file: `rules:` a list of rules, each with its name, and perhaps `account:`. Errors
 * say the file, line and column. */
MUST_USE bool rule_file_read(const char *path, struct rule_set *set, struct err *e);
/* Of every *.yaml and *.yml of a folder, by name. */
MUST_USE bool rule_folder_read(const char *dir, struct rule_set *set, struct err *e);
void rule_set_done(struct rule_set *set);

#endif
