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

struct region_set country_rules_of(const struct sv_list *rules, const struct sv_list *all,
                                   struct sv account) {
    struct region_set out = {.bits = {0}};
    for (uint32_t i = 0; i < rules->n; i++) {
        struct country_rule r;
        struct err ignored;
        if (!country_rule_parse(rules->at[i], &r, &ignored) || !sv_eq(r.account, account))
            continue;
        for (struct sv list = r.countries; list.p;)
            (void)region_set_add(&out, sv_trim(sv_cut(&list, ',')));
        return out;
    }
    for (uint32_t i = 0; i < all->n; i++)
        (void)region_set_add(&out, all->at[i]);
    return out;
}
