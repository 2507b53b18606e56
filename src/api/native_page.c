/* Pages of a list: what every list of this face has alike. */
#include "api/native.h"

#include "base/json.h"

enum { ROWS_DEFAULT = 50 };

unsigned native_page_limit(const struct api_value *limit) {
    return limit->given ? (unsigned)limit->n : ROWS_DEFAULT;
}

bool native_no_cursor(struct err *e) {
    return err_set_field(e, ERR_INVALID, "cursor", "this is no cursor: take `next_cursor` as it was given");
}

bool native_message_cursor(const struct api_request *rq, const struct api_value *cursor, int64_t *id,
                           struct err *e) {
    return !cursor->given || sid_parse_message(api_world(rq)->id_key, cursor->text, id) ||
           native_no_cursor(e);
}

struct buf *native_open_page(struct api_request *rq) {
    struct buf *out = api_scratch(rq);
    buf_adds(out, "{\"data\":[");
    return out;
}

void native_answer_page(struct api_request *rq, struct buf *out, struct sv next) {
    buf_addc(out, ']');
    json_pair_or_null(out, "next_cursor", next);
    buf_addc(out, '}');
    api_answer_json(rq, 200, buf_sv(out));
}

void native_answer_message_page(struct api_request *rq, struct buf *out, int64_t last_id) {
    struct sid next = {.text = ""};
    if (last_id)
        next = sid_message(api_world(rq)->id_key, last_id);
    native_answer_page(rq, out, sv_of(next.text));
}
