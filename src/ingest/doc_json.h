/* doc_json: a template's document as JSON, as the API takes and gives it and as the head of a template file
 * says it; and whether its texts are templates at all.
 *
 *   languages  {"default": {"sms": "...", "voice": "...", "email": {"subject", "html", "text"},
 *              "push": {"title", "body"}, "codes": {"aliyun": {"code", "sign", "params"}}}, "zh-CN": {...}}
 *   sample     {"name": "Li"}
 *
 * A channel of one text may be given as that text or as {"text": "..."}. Errors name the field by its path,
 * languages.zh-CN.email.subject, and line and column in its text where they are known (err_place).
 */
#ifndef HY_INGEST_DOC_JSON_H
#define HY_INGEST_DOC_JSON_H

#include "base/buf.h"
#include "model/template_doc.h"

#include <jansson.h>

/* Adds what a language has. where: the path of the object, for errors; skip: members that are somebody
 * else's, ended by NULL, or NULL. Texts are copied to the arena. ERR_INVALID, ERR_TOO_LARGE, ERR_OUTSIDE. */
MUST_USE bool doc_read_language(const json_t *object, const struct language *l, const char *where,
                                const char *const *skip, struct arena *a, struct template_doc *out,
                                struct err *e);
/* All languages; ERR_INVALID also for a tag that is none, or two that are the same. */
MUST_USE bool doc_read_languages(const json_t *languages, struct arena *a, struct template_doc *out,
                                 struct err *e);
/* Sets the sample, unless object is NULL. */
MUST_USE bool doc_read_sample(const json_t *object, struct arena *a, struct template_doc *out, struct err *e);
/* Sorts it and compiles every text: ERR_INVALID with field, line and column for the first that does not
 * compile, for two texts in one place, and for a document without any text. ERR_TOO_LARGE over a limit. */
MUST_USE bool doc_finish(struct template_doc *d, struct err *e);

/* "languages": {...}, "sample": {...} or null; with a comma before when one is due. d is sorted. */
void doc_print(const struct template_doc *d, struct buf *out);

#endif
