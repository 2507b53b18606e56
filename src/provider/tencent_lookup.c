/* Has Tencent got this message? PullSmsSendStatusByPhoneNumber lists what carriers reported on texts to one
 * number, of the last seven days. (PullSmsSendStatus hands each report out once: never used.) The list has
 * no text; it names ours by SessionContext, where that was opened for the account. And what has no report yet
 * is not in it: a text that was taken may wait for a handset for days. */
#include "provider/tencent.h"

#include "base/clock.h"
#include "base/json.h"

#include <string.h>

enum { LIST_LIMIT = 100, LIST_BYTES_MAX = 256 * 1024, SKEW_S = 60, REACH_S = 7 * 86400 - 600 };

bool tencent_lookup(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                    struct arena *mem, struct http_request *out, struct err *e) {
    (void)nonce;
    int64_t from_s = a->started_at / US_PER_S - SKEW_S, first_s = now / US_PER_S - REACH_S;
    struct buf BUF_AUTO body = BUF_INIT(1024);
    buf_addc(&body, '{');
    json_pair_i64(&body, "BeginTime", from_s > first_s ? from_s : first_s);
    json_pair_i64(&body, "Offset", 0);
    json_pair_i64(&body, "Limit", LIST_LIMIT);
    json_pair(&body, "PhoneNumber", a->to);
    json_pair(&body, "SmsSdkAppId", lane->fields[TENCENT_SDK_APP_ID]);
    buf_addc(&body, '}');
    return tencent_request(lane, "PullSmsSendStatusByPhoneNumber", &body, now, mem, out, e);
}

/* What the list says so far. */
struct reading {
    struct lookup_answer answer;
    bool unnamed; /* a report of that time has no SessionContext: it may be ours */
};

static bool has_candidate(const struct lookup_answer *a, const char *id) {
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->candidates[i].provider_id, id) == 0)
            return true;
    return false;
}

/* False when the entry makes no sense. */
static bool read_entry(const struct attempt_view *a, const json_t *entry, struct reading *r) {
    struct receipt c = {.number = a->to};
    struct sv context = kit_string(entry, "SessionContext");
    if (!kit_provider_id(c.provider_id, kit_string(entry, "SerialNo")))
        return false;
    if (!sv_eq(kit_string(entry, "PhoneNumber"), a->to))
        return true;
    if (!context.n) {
        int64_t at_s = kit_int(entry, "UserReceiveTime", INT64_MAX);
        r->unnamed = r->unnamed || at_s >= a->started_at / US_PER_S - SKEW_S;
        return true;
    }
    if (!tencent_context_has(context, a->token) || has_candidate(&r->answer, c.provider_id))
        return true;                     /* another's, or another part of the same text */
    c.surely = sv_eq(context, a->token); /* a set says so only nearly surely */
    if (!tencent_report(kit_string(entry, "ReportStatus"), kit_string(entry, "Description"), &c))
        c.state = STATE_SENDING; /* a status of the future: it is there, and that is what was asked */
    if (r->answer.n < LOOKUP_CANDIDATES_MAX)
        r->answer.candidates[r->answer.n++] = c;
    return true;
}

static bool may_be_absent(const struct lane_config *lane, const struct attempt_view *a, int64_t now) {
    uint64_t s;
    int64_t age_s = (now - a->started_at) / US_PER_S;
    return sv_to_u64(lane->fields[TENCENT_ABSENT_AFTER_S], &s) && age_s >= (int64_t)s && age_s < REACH_S;
}

struct lookup_answer tencent_judge_lookup(const struct lane_config *lane, const struct attempt_view *a,
                                          int64_t now, const struct http_response *r) {
    struct sv code, words;
    if (r->transport != HTTP_ANSWERED || r->status != 200)
        return kit_cannot_tell(kit_lookup_hint(r), "the list of reports could not be read");
    json_auto_t *root = kit_parse(r->body, LIST_BYTES_MAX);
    const json_t *response = tencent_response(root, &code, &words);
    if (code.n) {
        struct lookup_answer no = kit_cannot_tell(tencent_hint(code), "");
        kit_say(no.text, code);
        return no;
    }
    const json_t *set = json_object_get(response, "PullSmsSendStatusSet");
    if (!json_is_array(set))
        return kit_cannot_tell(LANE_FINE, "the answer is no list of reports");
    struct reading seen = {.answer = {.hint = LANE_FINE}};
    for (size_t i = 0; i < json_array_size(set); i++)
        if (!read_entry(a, json_array_get(set, i), &seen))
            return kit_cannot_tell(LANE_FINE, "an entry of the list makes no sense");
    if (seen.answer.n) {
        seen.answer.found = FOUND_YES;
        return seen.answer;
    }
    if (seen.unnamed)
        return kit_cannot_tell(LANE_FINE,
                               "a report of that time names no message: ask Tencent for SessionContext");
    if (json_array_size(set) >= LIST_LIMIT)
        return kit_cannot_tell(LANE_FINE, "the list may go on");
    if (!may_be_absent(lane, a, now))
        return kit_cannot_tell(LANE_FINE, "no report yet: it may still come");
    seen.answer.found = FOUND_ABSENT;
    return seen.answer;
}
