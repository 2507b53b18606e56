#include "model/tally.h"

#include "model/rate.h"

static const int64_t longest_us = INT64_C(60) * 86400 * 1000 * 1000;

static bool wrong_cap(struct err *e) {
    return err_set(
        e, ERR_INVALID,
        "must be such as `3/7d for topic=marketing`, `1/calendar-day in Asia/Shanghai` or `5/30d else wait "
        "for account=acme` (s, min, h, d up to 60d; calendar-day, calendar-week)");
}

static bool wrong_duplicate(struct err *e) {
    return err_set(
        e, ERR_INVALID,
        "must be such as `10min for topic=orders` or `1d by template for priority=marketing` (s, min, h, d "
        "up to 60d)");
}

/* Keeps what stands behind ` for `, too. */
static bool cut_kind(struct sv *text, struct tally_rule *out, struct err *e) {
    size_t at = sv_find(*text, SV(" for "));
    out->kind_text = at == SIZE_MAX ? SV_NONE : sv_trim(sv_from(*text, at + 5));
    return message_kind_cut(text, &out->kind, e);
}

static bool parse_window(struct sv text, struct tally_rule *out) {
    uint64_t max;
    struct sv count = sv_cut(&text, '/');
    if (!sv_to_u64(count, &max) || max < 1 || max > RATE_COUNT_MAX || !text.p)
        return false;
    out->max = (uint32_t)max;
    out->window = sv_eq(text, SV("calendar-day"))    ? TALLY_DAY
                  : sv_eq(text, SV("calendar-week")) ? TALLY_WEEK
                                                     : TALLY_SLIDING;
    return out->window != TALLY_SLIDING || rate_parse_period(text, longest_us, &out->period_us);
}

bool tally_parse_cap(struct sv text, struct tally_rule *out, struct err *e) {
    *out = (struct tally_rule){.text = text};
    struct sv rest = text;
    if (!cut_kind(&rest, out, e))
        return false;
    if (!parse_window(sv_word(&rest), out))
        return wrong_cap(e);
    struct sv next = sv_word(&rest);
    if (sv_eq(next, SV("in")) && out->window != TALLY_SLIDING) {
        out->zone = sv_word(&rest);
        next = out->zone.n ? sv_word(&rest) : SV("?");
        if (sv_eq(out->zone, SV("recipient")))
            out->zone = SV_NONE;
    }
    if (sv_eq(next, SV("else"))) {
        out->waits = sv_eq(sv_word(&rest), SV("wait"));
        next = out->waits ? sv_word(&rest) : SV("?");
    }
    return (!next.n && !rest.n) || wrong_cap(e);
}

bool tally_parse_duplicate(struct sv text, struct tally_rule *out, struct err *e) {
    *out = (struct tally_rule){.text = text, .max = 1, .by = TALLY_TEXT};
    struct sv rest = text;
    if (!cut_kind(&rest, out, e))
        return false;
    if (!rate_parse_period(sv_word(&rest), longest_us, &out->period_us))
        return wrong_duplicate(e);
    if (sv_eq(sv_word(&rest), SV("by"))) {
        struct sv by = sv_word(&rest);
        if (!sv_eq(by, SV("text")) && !sv_eq(by, SV("template")))
            return wrong_duplicate(e);
        out->by = sv_eq(by, SV("template")) ? TALLY_TEMPLATE : TALLY_TEXT;
        return !rest.n || wrong_duplicate(e);
    }
    return !rest.n || wrong_duplicate(e);
}
