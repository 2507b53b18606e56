#include "model/rate.h"

#include "base/clock.h"

static const char *const scope_names[RATE_SCOPES] = {
    [RATE_ACCOUNT] = "account",   [RATE_KEY] = "key",     [RATE_RECIPIENT] = "recipient",
    [RATE_TEMPLATE] = "template", [RATE_TOPIC] = "topic", [RATE_SOURCE] = "source",
};

static const struct {
    const char *names[3];
    int64_t s;
} units[] = {
    {{"s", "sec", "second"}, 1},
    {{"min", "m", "minute"}, 60},
    {{"h", "hour", NULL}, 3600},
    {{"d", "day", NULL}, 86400},
};

static const int64_t longest_us = INT64_C(31) * 86400 * US_PER_S;

/* The next word of text, which is left without it. */
static struct sv word(struct sv *text) {
    *text = sv_trim(*text);
    struct sv all = *text;
    size_t n = 0;
    while (n < all.n && all.p[n] != ' ' && all.p[n] != '\t')
        n++;
    *text = sv_from(all, n);
    return sv_sub(all, 0, n);
}

bool rate_parse_period(struct sv text, int64_t max_us, int64_t *us) {
    size_t digits = 0;
    uint64_t n = 1;
    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    if (digits && (!sv_to_u64(sv_sub(text, 0, digits), &n) || n == 0 || n > 366 * 86400))
        return false;
    struct sv unit = sv_from(text, digits);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        for (size_t k = 0; k < 3 && units[i].names[k]; k++)
            if (sv_eq(unit, sv_of(units[i].names[k]))) {
                *us = (int64_t)n * units[i].s * US_PER_S;
                return *us <= max_us;
            }
    return false;
}

static bool parse_scopes(struct sv text, unsigned *scopes) {
    *scopes = 0;
    do {
        struct sv name = sv_cut(&text, '+');
        int at = sv_place(name, scope_names, RATE_SCOPES);
        unsigned bit = at >= 0 ? 1u << at : 0;
        if (!bit || (*scopes & bit))
            return false;
        *scopes |= bit;
    } while (text.p);
    return true;
}

/* "60/min" */
static bool parse_count(struct sv period, struct rate *out) {
    uint64_t max;
    struct sv count = sv_cut(&period, '/');
    if (!sv_to_u64(count, &max) || max < 1 || max > RATE_COUNT_MAX)
        return false;
    out->max = (uint32_t)max;
    return rate_parse_period(period, longest_us, &out->period_us);
}

bool rate_parse_plain(struct sv text, struct rate *out, struct err *e) {
    *out = (struct rate){.text = text};
    return parse_count(sv_trim(text), out) ||
           err_set(e, ERR_INVALID, "must be a count and a time, such as `10/s` or `5000/d` (s, min, h, d)");
}

bool rate_parse(struct sv text, struct rate *out, struct err *e) {
    struct sv rest = text;
    *out = (struct rate){.text = text};
    bool ok = parse_count(word(&rest), out) && sv_eq(word(&rest), SV("per")) &&
              parse_scopes(word(&rest), &out->scopes);
    struct sv more = word(&rest);
    if (ok && more.n) {
        ok = sv_eq(more, SV("for")) && sv_eq(word(&rest), SV("topic"));
        out->topic = word(&rest);
        ok = ok && out->topic.n && sv_trim(rest).n == 0;
    }
    if (!ok)
        return err_set(
            e, ERR_INVALID,
            "must be a count, a time and what it is counted for, such as `60/min per recipient`, `5/h per "
            "recipient+template` or `100/s per account for topic marketing` (s, min, h, d; account, key, "
            "recipient, template, topic, source)");
    return true;
}
