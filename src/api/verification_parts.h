/* verification_parts: what the handlers of one-time codes share: reading which one is meant, and answering
 * with it. An answer never holds a code, nor the whole number.
 */
#ifndef HY_API_VERIFICATION_PARTS_H
#define HY_API_VERIFICATION_PARTS_H

#include "api/native.h"
#include "store/verifications.h"
#include "text/phone.h"

/* Its members, for an object that is open. */
void verification_print(const struct api_request *rq, const struct verification *v, struct buf *out);
void verification_answer(struct api_request *rq, int status, const struct verification *v);
/* False, and 404 is answered. */
bool verification_refuse_absent(struct api_request *rq);
/* The id that the path names; false, and answered: it is none. */
bool verification_of_path(struct api_request *rq, int64_t *id);
/* A line of the log. */
void verification_tell(struct api_request *rq, const char *event, const struct verification *v);
/* Whom a request names; number lives in the request's arena. ERR_INVALID. */
MUST_USE bool verification_read_number(struct api_request *rq, struct sv to, struct phone *mem,
                                       struct sv *number, struct err *e);
/* In the request's arena, for its account. */
struct verification_write *verification_new_write(struct api_request *rq, enum verification_act act,
                                                  int64_t id);

#endif
