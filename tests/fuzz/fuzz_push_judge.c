/* Any answer to a push, or to the question for an access token. The input is an answer as in a case file:
 * `HTTP 201`, header lines, an empty line, the body; the promises of provider/adapter.h must hold for all of
 * them. */
#include "provider/adapter.h"

#include "base/clock.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADERS = 4 };

static void check_text(const char *text) {
    size_t n = strnlen(text, VERDICT_TEXT_MAX);
    ASSERT(n < VERDICT_TEXT_MAX && sv_is_utf8(sv_make(text, n)));
    for (size_t i = 0; i < n; i++)
        ASSERT((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
}

static void check_verdict(const struct verdict *v, int status) {
    check_text(v->text);
    ASSERT(strnlen(v->provider_id, PROVIDER_ID_MAX) < PROVIDER_ID_MAX);
    ASSERT(v->retry_after_ms >= 0 && v->dead_since >= 0);
    ASSERT((v->fate == FATE_SENT) == (v->reason == REASON_NONE));
    ASSERT(v->fate != FATE_SENT || status == 200);
    ASSERT(!v->dead_since || v->reason == REASON_INVALID_NUMBER || v->fate != FATE_SENT);
    ASSERT(!v->grant_refused || v->fate == FATE_RETRY);
    /* A server error is given up never, and tried again only where the service says that it took nothing. */
    if (status >= 500)
        ASSERT(v->fate == FATE_UNKNOWN || (v->fate == FATE_RETRY && v->text[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"fcm", "apns"};
    struct http_header headers[HEADERS];
    struct http_response r = {.transport = HTTP_ANSWERED, .headers = headers};
    struct sv rest = sv_make((const char *)data, size);
    struct sv words = sv_cut(&rest, '\n');
    uint64_t status;
    sv_cut(&words, ' ');
    if (!sv_to_u64(words, &status) || status < 100 || status > 599)
        return 0;
    r.status = (int)status;
    while (rest.n && r.n_headers < HEADERS) {
        struct sv line = sv_cut(&rest, '\n');
        if (line.n == 0)
            break;
        struct sv name = sv_cut(&line, ':');
        headers[r.n_headers++] = (struct http_header){.name = name, .value = sv_trim(line)};
    }
    r.body = rest;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct lane_config lane = {.adapter = adapter_find(sv_of(names[i]))};
        struct err e = ERR_INIT, why = ERR_INIT;
        struct grant got = {0};
        struct verdict v = lane.adapter->judge(&lane, &r);
        check_verdict(&v, r.status);
        ASSERT(lane.adapter->judge_probe(&lane, &r, &e) == (e.kind == ERR_NONE));
        if (!lane.adapter->judge_grant)
            continue;
        ASSERT(lane.adapter->judge_grant(&lane, SV_NONE, US_PER_S, &r, &got, &why) == (why.kind == ERR_NONE));
        ASSERT(why.kind != ERR_NONE || (got.text[0] && got.expires_at > US_PER_S));
    }
    return 0;
}
