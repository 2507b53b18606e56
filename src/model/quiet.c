#include "model/quiet.h"

static const char *const weekdays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static bool wrong(struct err *e) {
    return err_set(
        e, ERR_INVALID,
        "must be such as `21:00-09:00 for topic=marketing`, `20:00-10:00 on sat-sun`, `00:00-24:00 on "
        "holidays of cn` or `22:00-08:00 in Europe/Berlin`");
}

/* "21:00" or "9:30", up to 24:00. */
static bool parse_clock(struct sv text, uint32_t *minutes) {
    uint64_t h, m;
    struct sv hours = sv_cut(&text, ':');
    if (!text.p || text.n != 2 || hours.n < 1 || hours.n > 2 || !sv_to_u64(hours, &h) ||
        !sv_to_u64(text, &m) || h > 24 || m > 59 || (h == 24 && m))
        return false;
    *minutes = (uint32_t)(h * 60 + m);
    return true;
}

static bool parse_hours(struct sv text, struct quiet_rule *out) {
    struct sv from = sv_cut(&text, '-');
    return parse_clock(from, &out->from) && text.p && parse_clock(text, &out->to) && out->from != out->to &&
           out->from < QUIET_DAY_MINUTES;
}

static unsigned weekdays_of(struct sv text) {
    struct sv first = sv_cut(&text, '-');
    int from = sv_place(first, weekdays, 7), to = text.p ? sv_place(text, weekdays, 7) : from;
    unsigned days = 0;
    if (from < 0 || to < 0)
        return 0;
    for (int i = from;; i = (i + 1) % 7) {
        days |= 1u << i;
        if (i == to)
            return days;
    }
}

static bool parse_days(struct sv text, unsigned *out) {
    *out = 0;
    while (text.p) {
        struct sv one = sv_cut(&text, ',');
        unsigned days = sv_eq(one, SV("workdays"))   ? QUIET_WORKDAYS
                        : sv_eq(one, SV("restdays")) ? QUIET_RESTDAYS
                        : sv_eq(one, SV("holidays")) ? QUIET_HOLIDAYS
                                                     : weekdays_of(one);
        if (!days)
            return false;
        *out |= days;
    }
    return *out != 0;
}

static bool is_always(const struct quiet_rule *r) {
    return r->from == 0 && r->to == QUIET_DAY_MINUTES &&
           ((r->days & QUIET_EVERY_DAY) == QUIET_EVERY_DAY ||
            ((r->days & QUIET_WORKDAYS) && (r->days & QUIET_RESTDAYS)));
}

bool quiet_parse(struct sv text, struct quiet_rule *out, struct err *e) {
    *out = (struct quiet_rule){.text = text, .days = QUIET_EVERY_DAY};
    struct sv rest = text;
    if (!message_kind_cut(&rest, &out->kind, e))
        return false;
    if (!parse_hours(sv_word(&rest), out))
        return wrong(e);
    struct sv next = sv_word(&rest);
    if (sv_eq(next, SV("on"))) {
        if (!parse_days(sv_word(&rest), &out->days))
            return wrong(e);
        next = sv_word(&rest);
    }
    if (sv_eq(next, SV("of"))) {
        out->calendar_name = sv_word(&rest);
        next = out->calendar_name.n ? sv_word(&rest) : SV("?");
    }
    if (sv_eq(next, SV("in"))) {
        out->zone = sv_word(&rest);
        next = out->zone.n ? sv_word(&rest) : SV("?");
        if (sv_eq(out->zone, SV("recipient")))
            out->zone = SV_NONE;
    }
    if (next.n || sv_trim(rest).n)
        return wrong(e);
    if ((out->days & QUIET_HOLIDAYS) && !out->calendar_name.n)
        return err_set(e, ERR_INVALID, "must say whose holidays, such as `on holidays of cn`");
    if (is_always(out))
        return err_set(e, ERR_INVALID, "is quiet at all times: nothing would ever be sent");
    return true;
}
