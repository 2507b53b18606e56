/* code_texts: what a text with a one-time code says where no template does, by language, and how a text is
 * made fit for being read by the handset itself.
 *
 * Pure. The code is handed in as it is to be read: the code itself, or its mask.
 */
#ifndef HY_INGEST_CODE_TEXTS_H
#define HY_INGEST_CODE_TEXTS_H

#include "base/buf.h"
#include "base/err.h"
#include "model/channel.h"

enum {
    APP_HASH_CHARS = 11,      /* SMS Retriever: the first 11 characters of a base64 hash */
    RETRIEVER_BYTES_MAX = 140 /* of the whole text */
};

struct code_saying {
    struct sv code, brand; /* brand: may be empty */
    uint32_t minutes;      /* that it is good for */
    struct sv language;    /* as code_language chose it */
};

/* The language of the built-in texts that is nearest to the wish; without one, that of the number's country;
 * else English. */
struct sv code_language(struct sv wish, struct sv number);
/* The wish itself, be there built-in texts in it or not; without one as above. */
struct sv code_spoken(struct sv wish, struct sv number);
/* On voice: what is spoken (adapters read digits one by one). spell: the code has letters, to be read one by
 * one, too. */
void code_say(const struct code_saying *s, enum channel channel, bool spell, struct buf *out);

/* Where the code goes by itself. At most one of the two is given. */
struct code_reader {
    struct sv app_hash;   /* Android's SMS Retriever API, developers.google.com/identity/sms-retriever */
    struct sv web_domain; /* origin-bound one-time codes, wicg.github.io/sms-one-time-codes */
};
MUST_USE bool code_reader_check(const struct code_reader *r, struct err *e);
/* Puts text in the form that the reader takes. ERR_UNPROCESSABLE when it is too long for it. */
MUST_USE bool code_fit(const struct code_reader *r, struct sv text, struct sv code, struct buf *out,
                       struct err *e);

#endif
