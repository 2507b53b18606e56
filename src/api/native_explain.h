/* native_explain: what would become of a message that is not there, between the file that has it decided
 * (native_explain.c) and the one that shows it (native_explain_shape.c).
 */
#ifndef HY_API_NATIVE_EXPLAIN_H
#define HY_API_NATIVE_EXPLAIN_H

#include "api/native.h"
#include "text/phone.h"

enum { EXPLAINED_ROWS_MAX = 20 };

/* In the request's arena. */
struct explained {
    struct admitted admitted;
    struct message *m; /* owned until it is answered; NULL: refused, and `refusal` says why */
    struct err refusal;
    struct explain *x; /* the decisions, in their order: the front's and the core's */
    struct explain_step *suppression;
    struct phone number; /* where has_number */
    bool has_number;
    struct suppression rows[EXPLAINED_ROWS_MAX]; /* of the suppression list, for the recipient */
    size_t n_rows;
};

/* Ends the request with all that was decided. */
void explained_answer(struct api_request *rq, const struct explained *d);

#endif
