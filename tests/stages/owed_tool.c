/* owed_tool: builds status callbacks of every face, state and reason and prints them, one a line, fields as
 * hex after a tab: face, account token, URL, body, then each header's name and value. check_owed.py verifies
 * the signatures with other people's code.
 */
#include "base/clock.h"
#include "notify/owed.h"

#include <string.h>

static int64_t now(void *ctx) {
    (void)ctx;
    return INT64_C(1767225600) * US_PER_S + 5;
}

static const char *const urls[] = {
    "https://example.com/status",
    "http://example.com:8080/a/b?tenant=1&x=a%20b",
    "https://example.com/\xe7\x8a\xb6\xe6\x80\x81?q=\xc3\xa9",
    "https://example.com:443/p/?x",
};
static const char *const senders[] = {"", "+15005550006", "Hong Yan & Co", "100%=+\xe9\xb8\xbf\xe9\x9b\x81"};
static const char *const metadata[] = {
    "", "{\"order\":\"\xe8\xae\xa2\xe5\x8d\x95 \\\"7\\\"\",\"n\":[1,2.5,null]}"};

static void field(struct sv v) {
    struct buf BUF_AUTO hex = BUF_INIT(1 << 17);
    hex_add(&hex, v.p, v.n);
    printf("\t%.*s", SV_FMT(buf_sv(&hex)));
}

static void print_one(const struct world *w, const struct owed *o) {
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 18);
    struct http_request rq;
    struct err e = ERR_INIT;
    bool ok = owed_build(w, o, &mem, &rq, &e);
    ASSERT(ok && rq.method == HTTP_POST);
    printf("%s", o->message->face == FACE_TWILIO ? "twilio" : "native");
    field(o->account_token);
    field(rq.url);
    field(rq.body);
    for (size_t i = 0; i < rq.n_headers; i++) {
        field(rq.headers[i].name);
        field(rq.headers[i].value);
    }
    printf("\n");
}

int main(void) {
    const struct world w = {.now_us = now, .id_key = {1, 2}};
    unsigned n = 0;
    for (int face = 0; face < 2; face++)
        for (int state = STATE_ACCEPTED; state < STATE_COUNT; state++)
            for (int reason = 0; reason < REASON_COUNT; reason++, n++) {
                const struct sv text[TEXT_COUNT] = {[TEXT_TO] = SV("+8613800138000"),
                                                    [TEXT_FROM] = sv_of(senders[n % 4]),
                                                    [TEXT_METADATA] = sv_of(metadata[n / 3 % 2]),
                                                    [TEXT_STATUS_CALLBACK] = sv_of(urls[n / 5 % 4]),
                                                    [TEXT_TRACEPARENT] = sv_of(n % 7 ? "" : "00-abc-def-01")};
                struct message *m = message_new(text);
                ASSERT(m);
                m->id = 1000 + (int64_t)n;
                m->face = (enum face)face;
                struct owed o = {.message = m,
                                 .event = (uint16_t)(n % 65000 + 1),
                                 .state = (enum state)state,
                                 .reason = (enum reason)reason,
                                 .code = n % 2 ? 30003 : 0,
                                 .at = now(NULL) - 1500000,
                                 .account_sid = SV("AC00000000000000000000000000000001"),
                                 .account_token = SV("0123456789abcdef0123456789abcdef")};
                print_one(&w, &o);
                message_free(m);
            }
    return 0;
}
