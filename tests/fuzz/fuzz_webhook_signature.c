/* Any callback, once with a wrong signature and once with the right one. The input is a call as in a case
 * file: `POST https://...`, header lines (ignored), an empty line, the body. */
#include "provider/adapter.h"

#include "model/twilio_sign.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct sv v) {
    ASSERT(sv_is_utf8(v) && sv_find_char(v, '\0') == SIZE_MAX);
}

static void call(const struct lane_config *lane, const struct hook_request *rq, bool genuine) {
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 20);
    struct hook_reply reply;
    struct receipt receipt;
    struct inbound in;
    size_t n = 9;
    struct err e = ERR_INIT;
    if (lane->adapter->receipt(lane, rq, &mem, &receipt, 1, &n, &reply, &e)) {
        ASSERT(genuine && n <= 1);
        if (n) {
            ASSERT(strnlen(receipt.provider_id, PROVIDER_ID_MAX) == 34);
            ASSERT(receipt.state >= STATE_QUEUED && receipt.state <= STATE_FAILED && receipt.code >= 0);
        }
    } else {
        ASSERT(n == 0 && e.kind != ERR_NONE);
    }
    e = ERR_INIT;
    n = 9;
    if (lane->adapter->inbound(lane, rq, &mem, &in, 1, &n, &reply, &e)) {
        ASSERT(genuine && n == 1 && in.from.n && in.to.n && in.provider_id.n == 34);
        check_text(in.from);
        check_text(in.to);
        check_text(in.body);
    } else {
        ASSERT(n == 0 && e.kind != ERR_NONE);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sv rest = sv_make((const char *)data, size);
    struct hook_request rq = {.url = sv_cut(&rest, '\n')};
    rq.method = http_method_of(sv_cut(&rq.url, ' '));
    rq.query = rq.url;
    sv_cut(&rq.query, '?');
    while (rest.n && sv_cut(&rest, '\n').n)
        continue;
    rq.body = rest;

    struct lane_config lane = {.adapter = adapter_find(SV("twilio"))};
    struct sv token = SV("12345678901234567890123456789012");
    lane.fields[adapter_field_index(lane.adapter, SV("auth_token"))] = token;
    struct http_header signature = {.name = SV("X-Twilio-Signature"),
                                    .value = SV("AAAAAAAAAAAAAAAAAAAAAAAAAAA=")};
    rq.headers = &signature;
    rq.n_headers = 1;
    call(&lane, &rq, false);

    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 20);
    struct form f;
    struct err e = ERR_INIT;
    bool post = rq.method == HTTP_POST;
    if (size > 65536 || !form_parse(post ? rq.body : rq.query, &mem, &f, &e))
        return 0;
    struct buf BUF_AUTO right = BUF_INIT(64);
    twilio_sign(token, rq.url, post ? &f : NULL, &right);
    signature.value = buf_sv(&right);
    call(&lane, &rq, true);
    return 0;
}
