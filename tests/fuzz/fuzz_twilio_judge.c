/* Any answer to a send, a look-up or a probe. The input is an answer as in a case file: `HTTP 201`, header
 * lines, an empty line, the body; the promises of provider/adapter.h must hold for all of them. */
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
    ASSERT(v->retry_after_ms >= 0 && v->segments >= 0 && v->code >= 0);
    ASSERT((v->fate == FATE_SENT) == (v->reason == REASON_NONE));
    if (v->fate == FATE_SENT)
        ASSERT(status / 100 == 2 && v->provider_id[0]);
    /* Only a refusal, or a message that Twilio itself calls failed, may be tried again or given up. */
    if (v->fate == FATE_RETRY || v->fate == FATE_REJECTED)
        ASSERT(status / 100 == 4 || (status / 100 == 5 && v->code == 20429) || v->provider_id[0]);
}

static void check_answer(const struct lookup_answer *a, int status) {
    check_text(a->text);
    ASSERT(a->n <= LOOKUP_CANDIDATES_MAX);
    ASSERT((a->found == FOUND_YES) == (a->n > 0) || a->found == FOUND_CANNOT_TELL);
    if (a->found != FOUND_CANNOT_TELL)
        ASSERT(status == 200);
    for (size_t i = 0; i < a->n; i++)
        ASSERT(strnlen(a->candidates[i].provider_id, PROVIDER_ID_MAX) == 34);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
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

    const struct adapter *twilio = adapter_find(SV("twilio"));
    struct lane_config lane = {.adapter = twilio, .from = SV("+15017250604")};
    lane.fields[adapter_field_index(twilio, SV("account_sid"))] = SV("AC0123456789abcdef0123456789abcdef");
    const int64_t at = INT64_C(1767323045000000); /* 2026-01-02T03:04:05Z, as in the cases */
    struct attempt_view a = {.to = SV("+15558675310"), .body = SV("Your code is 314159"), .started_at = at};
    struct verdict v = twilio->judge(&lane, &r);
    check_verdict(&v, r.status);
    struct lookup_answer answer = twilio->judge_lookup(&lane, &a, at + 30 * US_PER_S, &r);
    check_answer(&answer, r.status);
    struct err e = ERR_INIT;
    ASSERT(twilio->judge_probe(&lane, &r, &e) == (e.kind == ERR_NONE));
    return 0;
}
