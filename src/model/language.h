/* language: language tags as messages and templates carry them (BCP 47): zh, zh-CN, zh-Hans-CN.
 *
 * Always held in one spelling: the language small, a script of four letters with a capital, everything else
 * of two letters in capitals, joined by "-" (RFC 5646, 2.1.1). "default" is no language: it stands for the
 * text that serves all others, and is the end of every chain: zh-CN, then zh, then default.
 */
#ifndef HY_MODEL_LANGUAGE_H
#define HY_MODEL_LANGUAGE_H

#include "base/err.h"
#include "base/sv.h"

enum { LANGUAGE_BYTES_MAX = 35 };

#define LANGUAGE_DEFAULT SV("default")

struct language {
    char text[LANGUAGE_BYTES_MAX + 1];
};

/* zh_cn and ZH-cn are read as zh-CN; an empty text as default. False when it is no language tag. */
MUST_USE bool language_parse(struct sv text, struct language *out);
/* The next one to look for: zh-CN -> zh -> default. False when there is none after it. */
MUST_USE bool language_wider(struct language *l);

#endif
