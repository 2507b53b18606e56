/* template_doc: what one version of a stored template says: a text for each language, channel and part; the
 * codes under which providers know it; sample data.
 *
 * Plain data: the texts are borrowed, mostly from the arena that holds the arrays. A document that was sorted
 * has one entry a place, in a fixed order, so that the same content has the same digest wherever it came
 * from. Languages are spelt as model/language spells them. Whether a text is a template that compiles is not
 * known here.
 */
#ifndef HY_MODEL_TEMPLATE_DOC_H
#define HY_MODEL_TEMPLATE_DOC_H

#include "base/arena.h"
#include "base/codec.h"
#include "model/channel.h"
#include "model/language.h"

/* Stored as numbers: append only. */
enum template_part {
    TEMPLATE_TEXT = 0,    /* all but push */
    TEMPLATE_SUBJECT = 1, /* email */
    TEMPLATE_HTML = 2,    /* email */
    TEMPLATE_TITLE = 3,   /* push, chat */
    TEMPLATE_BODY = 4,    /* push */
    TEMPLATE_PARTS
};
/* A version's life. Stored as numbers: append only. */
enum template_state { TEMPLATE_DRAFT = 1, TEMPLATE_PUBLISHED = 2, TEMPLATE_ARCHIVED = 3 };

const char *template_part_name(enum template_part p);   /* "text", "subject", "html", "title", "body" */
const char *template_state_name(enum template_state s); /* "draft", "published", "archived" */
MUST_USE bool template_part_find(struct sv name, enum template_part *out);
bool template_channel_has(enum channel c, enum template_part p);

enum {
    TEMPLATE_NAME_BYTES_MAX = 128,
    TEMPLATE_TEXT_BYTES_MAX = 64 * 1024, /* one part */
    TEMPLATE_DOC_BYTES_MAX = 512 * 1024, /* all of it */
    TEMPLATE_BODIES_MAX = 500,
    TEMPLATE_CODES_MAX = 200,
    TEMPLATE_CODE_BYTES_MAX = 64,
    TEMPLATE_NOTE_BYTES_MAX = 400,
};

/* ERR_INVALID with the field `name` unless it has 1 to 128 bytes of UTF-8 without control characters, "/",
 * and does not begin with "." or a space. */
MUST_USE bool template_name_check(struct sv name, struct err *e);

struct template_body {
    struct sv language;
    enum channel channel;
    enum template_part part;
    struct sv text;
};

/* The template as a provider that renders itself knows it: Aliyun's TemplateCode and SignName, Tencent's
 * TemplateId and SignName. */
struct template_code {
    struct sv provider; /* a provider's name, or a lane's */
    struct sv language;
    struct sv code;
    struct sv sign;   /* may be empty */
    struct sv params; /* JSON: an object (the provider's names -> our expressions) or a list of expressions,
                         by place; empty: none */
};

struct template_doc {
    struct sv note;   /* what is new; not part of the content */
    struct sv sample; /* a JSON object of example variables, or empty */
    struct template_body *bodies;
    size_t n_bodies, bodies_cap;
    struct template_code *codes;
    size_t n_codes, codes_cap;
};

/* Each takes the entry as it is. ERR_TOO_LARGE over a limit, ERR_OUTSIDE when the arena is full. */
MUST_USE bool template_doc_add_body(struct template_doc *d, struct arena *a, const struct template_body *b,
                                    struct err *e);
MUST_USE bool template_doc_add_code(struct template_doc *d, struct arena *a, const struct template_code *c,
                                    struct err *e);
/* Into the fixed order. False when two entries have the same place: *language, then, is theirs. */
MUST_USE bool template_doc_sort(struct template_doc *d, struct sv *language);
/* Of a sorted document; the note does not count. */
void template_doc_digest(const struct template_doc *d, uint8_t out[SHA256_BYTES]);

/* The text for a language, or for the next wider one that has it; NULL if none has. */
const struct template_body *template_doc_body(const struct template_doc *d, enum channel c,
                                              enum template_part p, const struct language *l);
const struct template_code *template_doc_code(const struct template_doc *d, struct sv provider,
                                              const struct language *l);

#endif
