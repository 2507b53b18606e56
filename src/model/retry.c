#include "model/retry.h"

#include "base/clock.h"
#include "model/rate.h"

static const int64_t longest_us = INT64_C(86400) * US_PER_S;

static bool wrong(struct err *e) {
    return err_set(
        e, ERR_INVALID,
        "must be such as `throttled first=5s max=10min attempts=20`, `network attempts=3` or "
        "`server_error first=500ms` (reasons as attempts show them; up to a day and 1000 attempts)");
}

static bool parse_wait(struct sv text, uint32_t *ms) {
    int64_t us;
    uint64_t n;
    if (*ms)
        return false;
    if (sv_ends(text, SV("ms"))) {
        if (!sv_to_u64(sv_sub(text, 0, text.n - 2), &n) || n < 1 || n > 86400000)
            return false;
        *ms = (uint32_t)n;
        return true;
    }
    if (!rate_parse_period(text, longest_us, &us))
        return false;
    *ms = (uint32_t)(us / US_PER_MS);
    return true;
}

static bool parse_one(struct sv text, struct retry_class *out) {
    uint64_t n;
    struct sv key = sv_cut(&text, '=');
    if (sv_eq(key, SV("first")))
        return parse_wait(text, &out->first_ms);
    if (sv_eq(key, SV("max")))
        return parse_wait(text, &out->max_ms);
    if (!sv_eq(key, SV("attempts")) || out->attempts_max || !sv_to_u64(text, &n) || n < 1 || n > 1000)
        return false;
    out->attempts_max = (uint32_t)n;
    return true;
}

static bool parse_name(struct sv name, struct retry_class *out) {
    out->network = sv_eq(name, SV("network"));
    out->server_error = sv_eq(name, SV("server_error"));
    for (int r = REASON_NONE + 1; r < REASON_COUNT; r++)
        if (sv_eq(name, sv_of(reason_name((enum reason)r))))
            out->reason = (enum reason)r;
    return out->network || out->server_error || out->reason != REASON_NONE;
}

bool retry_parse(struct sv text, struct retry_class *out, struct err *e) {
    *out = (struct retry_class){.text = text};
    struct sv rest = text;
    if (!parse_name(sv_word(&rest), out) || !rest.n)
        return wrong(e);
    while (rest.n)
        if (!parse_one(sv_word(&rest), out))
            return wrong(e);
    if (out->first_ms && out->max_ms && out->max_ms < out->first_ms)
        return err_set(e, ERR_INVALID, "has a `max` below its `first`");
    return true;
}

const struct retry_class *retry_find(const struct retry_class *classes, uint32_t n, const struct verdict *v) {
    for (uint32_t i = 0; i < n; i++) {
        const struct retry_class *c = &classes[i];
        bool is = c->network        ? v->reason == REASON_PROVIDER_DOWN && v->http_status == 0
                  : c->server_error ? v->http_status >= 500
                                    : v->reason == c->reason;
        if (is)
            return c;
    }
    return NULL;
}
