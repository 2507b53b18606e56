/* doc_file: a template as a file: NAME.txt, or NAME.LANG.txt for a language. The text is the text message;
 * before it there may be a head of YAML between two lines of "---":
 *
 *   ---
 *   note: shorter
 *   sample: {name: Li, order: 7}
 *   email: {subject: Done, html: "<p>{{ order }}</p>"}
 *   codes: {aliyun: {code: SMS_1, sign: 鸿雁, params: {order: "{{ order }}"}}}
 *   ---
 *   {{ name }}, order {{ order }} is ready.
 *
 * The head has what a language has (ingest/doc_json.h), and `note` and `sample`, which are the template's.
 * Files may come from strangers: all is bounded. One newline at the end of the text does not count.
 */
#ifndef HY_INGEST_DOC_FILE_H
#define HY_INGEST_DOC_FILE_H

#include "base/arena.h"
#include "model/template_doc.h"

#include <jansson.h>

enum { DOC_FILE_BYTES_MAX = 1 << 20 };

/* NAME and language of NAME.LANG.txt. The last part is a language when it reads as one (zh, zh-CN: two or
 * three letters first); so order.ready.txt is order.ready. False: the file is none (hidden, or not .txt). */
MUST_USE bool doc_file_name(struct sv file, struct sv *name, struct language *l);

struct doc_file_parts {
    struct sv head;     /* the YAML; p == NULL: there is none */
    struct sv text;     /* what follows */
    unsigned text_line; /* its first line in the file, from 1 */
};
struct doc_file_parts doc_file_split(struct sv file);

/* Adds what the file has to out, texts in the arena, after checking that all of it compiles. *head: its note
 * and sample, to be freed by the caller; NULL if there is no head. Errors have line and column in the file.
 */
MUST_USE bool doc_file_read(struct sv file, const struct language *l, struct arena *a,
                            struct template_doc *out, json_t **head, struct err *e);

#endif
