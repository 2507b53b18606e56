#include "model/route.h"

const char *route_by_name(enum route_by by) {
    static const char *const names[ROUTE_BYS] = {"country",  "number_type", "prefix", "topic",
                                                 "template", "account",     "sender", "channel"};
    ASSERT(by < ROUTE_BYS);
    return names[by];
}

/* The last word of text, and what stands before it; one word is all name. */
static struct sv split_last(struct sv text, struct sv *last) {
    text = sv_trim(text);
    size_t at = text.n;
    while (at && text.p[at - 1] != ' ')
        at--;
    *last = at ? sv_from(text, at) : SV_NONE;
    return at ? sv_trim(sv_sub(text, 0, at)) : text;
}

bool route_lane_parse(struct sv text, struct sv *name, uint32_t *weight, struct err *e) {
    struct sv last;
    uint64_t n = 0;
    *name = split_last(text, &last);
    bool ok = name->n && sv_find_char(*name, ' ') == SIZE_MAX &&
              (!last.n || (sv_to_u64(last, &n) && n >= 1 && n <= ROUTE_WEIGHT_MAX));
    *weight = (uint32_t)n;
    return ok || err_set(e, ERR_INVALID, "must be a lane's name, or `NAME WEIGHT` with a weight from 1 to %d",
                         ROUTE_WEIGHT_MAX);
}

/* "5%", "0.5%". */
static bool parse_percent(struct sv v, uint32_t *permille) {
    uint64_t whole, tenths = 0;
    if (!sv_ends(v, SV("%")))
        return false;
    struct sv rest = sv_sub(v, 0, v.n - 1), left = sv_cut(&rest, '.');
    if (!sv_to_u64(left, &whole) || whole > 100 || (rest.p && (rest.n != 1 || !sv_to_u64(rest, &tenths))))
        return false;
    *permille = (uint32_t)(whole * 10 + tenths);
    return *permille >= 1 && *permille <= ROUTE_CANARY_ALL / 2;
}

bool route_canary_parse(struct sv text, struct sv *name, uint32_t *permille, struct err *e) {
    struct sv last;
    *name = split_last(text, &last);
    return (name->n && sv_find_char(*name, ' ') == SIZE_MAX && parse_percent(last, permille)) ||
           err_set(e, ERR_INVALID,
                   "must be a lane's name and a share from 0.1%% to 50%%, such as `NAME 5%%`");
}
