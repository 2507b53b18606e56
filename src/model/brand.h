/* brand: what a company calls itself in one language: one line of `verifications.brands` or `consent.brands`,
 * as data: `zh: 鸿雁`.
 */
#ifndef HY_MODEL_BRAND_H
#define HY_MODEL_BRAND_H

#include "base/err.h"
#include "base/sv.h"

enum { BRAND_BYTES_MAX = 64 };

/* ERR_INVALID ("must be ...") when it is no such line. */
MUST_USE bool brand_check(struct sv line, struct err *e);
/* The first line of the language, else of the next wider one (zh-CN, zh), else `otherwise`. A view of what
 * was given. */
struct sv brand_of(const struct sv_list *lines, struct sv language, struct sv otherwise);

#endif
