/* preview: what a template would make of some variables, and what can be said of it without any: the texts of
 * one channel, how the text message is encoded and why, which variables are needed and missing, the least and
 * most segments it can make, the codes and parameters providers would get.
 *
 * The same for the API and the command line. A text of the store, of a file, or given as source.
 */
#ifndef HY_INGEST_PREVIEW_H
#define HY_INGEST_PREVIEW_H

#include "ingest/admit.h"
#include "ingest/shorten.h"
#include "ingest/stock.h"
#include "text/segments.h"
#include "text/template/extent.h"

enum {
    PREVIEW_SOURCE_BYTES_MAX = 64 * 1024,
    PREVIEW_TEXT_BYTES_MAX = 256 * 1024,
    PREVIEW_VARIABLES_MAX = 256
};

struct preview_want {
    int64_t account_id;
    struct sv name;   /* or */
    struct sv source; /* a text to be read as a template; its includes are looked for all the same */
    struct sv called; /* what errors call that text; empty: source */
    uint32_t version; /* with a name; 0: the published one */
    struct sv language;
    enum channel channel;
    const json_t *vars; /* NULL: the version's sample data, if it has any */
    const json_t
        *lengths; /* of values: name -> most, or {"least", "most", "letters": "gsm7" or "ucs2"}; NULL: none */
};

struct preview_variable {
    struct sv name;
    bool required; /* there is a use of it without a default */
    bool missing;  /* required, and not among the variables */
};

struct preview {
    struct arena arena; /* owns what is below */
    enum channel channel;
    uint32_t version;   /* 0: a file, or a source */
    struct sv language; /* of the main text; empty for files and sources */
    bool sampled;       /* rendered with the version's sample data */
    struct {
        bool there;
        struct sv text;
    } parts[TEMPLATE_PARTS];
    struct sv failure;       /* why there are no texts: variables are missing; empty: there are */
    enum template_part main; /* the first of: text, body, html, subject, title */
    enum segments_rule
        rule; /* by which a text message is counted, to a mainland China number if that differs */
    struct segments count;         /* of the main text, of text messages only */
    struct template_extent extent; /* likewise */
    struct preview_variable variables[PREVIEW_VARIABLES_MAX];
    size_t n_variables;
    struct shortener links; /* for show: as long as real ones */
    struct sv codes;        /* JSON: provider -> code, sign, params as rendered; empty: none */
};

/* Errors name the field: template, source, version, language, channel, lengths, or vars for what fails while
 * rendering though all variables were given; where some are missing, that is no error: see failure. stock may
 * be NULL: then only files and sources are known. out is to be freed by preview_done in any case. */
MUST_USE bool preview_make(struct stock *stock, const struct settings *s, const struct texts *t,
                           const struct preview_want *w, struct preview *out, struct err *e);
void preview_done(struct preview *p);
/* As one JSON object, the API's answer. */
void preview_print(const struct preview *p, struct buf *out);

#endif
