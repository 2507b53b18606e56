/* template: the text of a message, written as a Jinja2 template, compiled once and rendered often.
 *
 * A compiled template is immutable: any number of threads may render it at once. A render uses only its own
 * memory, reads its variables without touching them, and is bounded in steps, depth, memory and output, so
 * that a template written by a stranger can be run. Rendering reads no clock, file, locale or random source.
 *
 * The language is Jinja2's (3.1, autoescape off, https://jinja.palletsprojects.com/en/3.1.x/templates/):
 * expressions, filters, tests, if, for, set, with, filter blocks, macros and call blocks, include, raw,
 * comments and white space control. Values print as Python prints them. Handlebars blocks are read too:
 * {{#if x}} {{else if y}} {{else}} {{/if}}, {{#unless x}}, {{#with x}}, {{#each xs}} with this, @index, @key,
 * @first, @last. Not there: extends, block, import, urlize, xmlattr, random, lipsum.
 *
 * Where it differs from Jinja2, on purpose:
 * - integers have 64 bits; a result that does not fit is an error, never a wrong number;
 * - x.name without a call gives a mapping's own key before its method, so that order.items is the data;
 * - map, select, reject and their kin give lists, which can be counted, indexed and read twice;
 * - an unknown filter or test is an error when compiled, wherever it stands;
 * - values are not Python objects: there are no dunder attributes, and methods are limited to those that
 * read.
 */
#ifndef HY_TEXT_TEMPLATE_TEMPLATE_H
#define HY_TEXT_TEMPLATE_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

struct template;

enum { TEMPLATE_SOURCE_BYTES_MAX = 4 << 20 };

/* The template an include names; NULL when there is none. What it returns must outlive the render. Called by
 * template_render, on its thread. */
typedef const struct template *template_load(void *ctx, struct sv name);

/* The short form of an http(s) address, appended to out; false: there are more than one text may have. Called
 * by template_render, on its thread. */
typedef bool template_shorten(void *ctx, struct sv url, struct buf *out);

struct template_options {
    bool strict_undefined; /* using an unknown variable is an error, not nothing */
    bool trim_blocks;      /* the newline behind a block tag goes */
    bool lstrip_blocks;    /* white space between a line's start and a block tag goes */
    bool keep_trailing_newline;
    bool expression;     /* the source is one expression, without braces: rendering writes its value, nothing
                            for none and undefined */
    unsigned first_line; /* the line of its file the source begins at, for error texts; 0: the first */
    template_load *load; /* NULL: include is an error when rendered */
    void *load_ctx;      /* borrowed; outlives the template */
};

/* The longest address that is made short; longer ones are an error then. */
enum { TEMPLATE_URL_BYTES_MAX = 2048 };

/* What one render may use. */
struct template_limits {
    uint64_t steps_max; /* statements and expressions run, plus work on long texts and lists */
    unsigned depth_max; /* nesting of expressions, blocks, macros and includes; a level is < 1 KiB of stack */
    size_t memory_bytes_max; /* values made while rendering */
    size_t output_bytes_max;
    template_shorten *shorten; /* what the filter short_url asks; NULL: addresses stay as they are */
    void *shorten_ctx;         /* borrowed */
    uint64_t *spent;           /* the steps it took are added, also when it failed; NULL: not asked for */
};

/* Ample for a message: a million steps, 400 levels, 8 MiB of values, 1 MiB of text. */
#define TEMPLATE_LIMITS_DEFAULT                                                                              \
    ((struct template_limits){                                                                               \
        .steps_max = 1000000, .depth_max = 400, .memory_bytes_max = 8 << 20, .output_bytes_max = 1 << 20})

/* A variable the template reads from outside. */
struct template_variable {
    struct sv name; /* borrowed from the template */
    bool required;  /* false when every use stands behind `default` or `is defined` */
};

/* Compiles; options may be NULL (all off). name is used in error texts and copied, as is source (UTF-8).
 * NULL with ERR_INVALID on a syntax error, `template NAME:LINE:COL: what was wrong` (columns count code
 * points from 1; also the error's place), or ERR_TOO_LARGE. The caller owns the result. */
MUST_USE struct template *template_compile(struct sv name, struct sv source,
                                           const struct template_options *options, struct err *e);
void template_free(struct template *t); /* NULL is fine */

/* Appends the text to out. vars is a JSON object, or NULL for none; limits may be NULL (the default). On
 * failure out is as it was and e says where: ERR_UNPROCESSABLE when the template cannot be run with these
 * variables (e->field names the variable when one is undefined), ERR_TOO_LARGE over a limit, ERR_NOT_FOUND
 * for an include that is not there. */
MUST_USE bool template_render(const struct template *t, const json_t *vars,
                              const struct template_limits *limits, struct buf *out, struct err *e);

/* Of a template that is one expression: whether its value is true. Errors as of template_render. */
MUST_USE bool template_test(const struct template *t, const json_t *vars,
                            const struct template_limits *limits, bool *yes, struct err *e);
/* Likewise, its value as JSON text (undefined as null), appended to out. */
MUST_USE bool template_json(const struct template *t, const json_t *vars,
                            const struct template_limits *limits, struct buf *out, struct err *e);

/* The variables this template itself reads (not those of its includes), each once, in order of first use.
 * Returns how many; *list is the template's own memory. */
size_t template_variables(const struct template *t, const struct template_variable **list);
/* The names this template includes where they are written out, in order; a name may stand twice. Likewise. */
size_t template_includes(const struct template *t, const struct sv **list);
/* What its load gives for a name; NULL also when it has none. */
const struct template *template_included(const struct template *t, struct sv name);
/* Whether a statement of it may give that name a value. */
bool template_may_bind(const struct template *t, struct sv name);

#endif
