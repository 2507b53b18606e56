#include "simulator/sim_answer.h"

void answer_json(struct exchange *x, int status, const struct buf *body) {
    ASSERT(!body->overflow);
    struct answer a = {.status = status, .content_type = "application/json", .body = buf_sv(body)};
    server_answer(x, &a);
}

void answer_nothing(struct exchange *x) {
    /* An answer that cannot be written closes the connection: the server must not let silence be taken for
     * success, and a header with a line break in it cannot be written. */
    struct answer a = {.status = 500, .headers = {{SV("X-Nothing"), SV("\n")}}, .n_headers = 1};
    server_answer(x, &a);
}
