#include "model/country_rule.h"

static bool is_region(struct sv v) {
    return v.n == 2 && v.p[0] >= 'A' && v.p[0] <= 'Z' && v.p[1] >= 'A' && v.p[1] <= 'Z';
}

bool country_rule_parse(struct sv text, struct country_rule *out, struct err *e) {
    struct sv rest = text;
    out->account = sv_trim(sv_cut(&rest, ':'));
    out->countries = sv_trim(rest);
    bool ok = out->account.n && out->countries.n;
    for (struct sv list = out->countries; ok && list.p;)
        ok = is_region(sv_trim(sv_cut(&list, ',')));
    return ok ||
           err_set(e, ERR_INVALID,
                   "must be an account's name and two-letter codes of countries, such as `shop: CN, HK`");
}

bool country_rule_allows(const struct country_rule *r, struct sv region) {
    for (struct sv list = r->countries; list.p;)
        if (sv_eq(sv_trim(sv_cut(&list, ',')), region))
            return true;
    return false;
}
