#include "model/sender_kind.h"

enum sender_kind sender_kind_of(struct sv sender) {
    static const char *const toll_free[] = {"800", "833", "844", "855", "866", "877", "888"};
    bool plus = sv_starts(sender, SV("+"));
    if (!sv_is_digits(plus ? sv_from(sender, 1) : sender))
        return SENDER_NAME;
    if (!plus && sender.n <= SENDER_SHORT_DIGITS_MAX)
        return SENDER_SHORT;
    struct sv national = sv_from(sender, sv_starts(sender, SV("+1")) ? 2 : 1);
    bool american = plus ? sv_starts(sender, SV("+1")) : sv_starts(sender, SV("1"));
    for (size_t i = 0; american && i < sizeof toll_free / sizeof toll_free[0]; i++)
        if (sv_starts(national, sv_of(toll_free[i])))
            return SENDER_TOLL_FREE;
    return SENDER_NUMBER;
}

const char *sender_kind_name(enum sender_kind k) {
    switch (k) {
    case SENDER_NAME: return "name";
    case SENDER_NUMBER: return "number";
    case SENDER_SHORT: return "short_code";
    case SENDER_TOLL_FREE: return "toll_free";
    }
    return "";
}

static const struct sender_country *find(struct sv region) {
    size_t lo = 0, hi = sender_countries_n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (sv_cmp(sv_of(sender_countries[mid].region), region) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < sender_countries_n && sv_eq(sv_of(sender_countries[lo].region), region)
               ? &sender_countries[lo]
               : NULL;
}

/* Of the same calling code, with or without a plus. */
static bool is_home(struct sv sender, const struct sender_country *c) {
    return sv_starts(sender, sv_of(sender.p[0] == '+' ? c->calling : c->calling + 1));
}

bool sender_kind_fits(struct sv sender, struct sv region) {
    const struct sender_country *c = find(region);
    enum sender_kind kind = sender_kind_of(sender);
    unsigned takes = c ? c->takes : SENDER_TAKES_NAME | SENDER_TAKES_NUMBER;
    if (!region.n)
        return true;
    switch (kind) {
    case SENDER_NAME: return takes & SENDER_TAKES_NAME;
    case SENDER_NUMBER:
        return (takes & SENDER_TAKES_NUMBER) || ((takes & SENDER_TAKES_HOME_NUMBER) && is_home(sender, c));
    case SENDER_SHORT: return false;
    case SENDER_TOLL_FREE: return takes & SENDER_TAKES_TOLL_FREE;
    }
    return false;
}
