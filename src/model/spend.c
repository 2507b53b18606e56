#include "model/spend.h"

#include "model/price.h"

static bool wrong(struct err *e) {
    return err_set(
        e, ERR_INVALID,
        "must be such as `100 USD/day` or `20.5 USD/day for account=shop` (an amount above nought and a "
        "currency of three capitals)");
}

static bool is_currency(struct sv v) {
    bool ok = v.n == 3;
    for (size_t i = 0; ok && i < v.n; i++)
        ok = v.p[i] >= 'A' && v.p[i] <= 'Z';
    return ok;
}

static bool are_names(struct sv list) {
    bool ok = list.n > 0;
    while (ok && list.p)
        ok = sv_cut(&list, ',').n > 0;
    return ok;
}

bool spend_parse(struct sv text, struct spend_rule *out, struct err *e) {
    *out = (struct spend_rule){0};
    struct err ignored;
    struct sv amount = sv_word(&text), per = sv_word(&text);
    out->currency = sv_cut(&per, '/');
    if (!price_parse(amount, &out->max, &ignored) || out->max == 0 || !is_currency(out->currency) ||
        !sv_eq(per, SV("day")))
        return wrong(e);
    struct sv word = sv_word(&text);
    if (!word.n)
        return true;
    struct sv names = sv_word(&text), key = sv_cut(&names, '=');
    out->accounts = names;
    return (sv_eq(word, SV("for")) && sv_eq(key, SV("account")) && are_names(names) && !sv_trim(text).n) ||
           wrong(e);
}

static bool names(struct sv list, struct sv account) {
    while (list.p)
        if (sv_eq(sv_cut(&list, ','), account))
            return true;
    return false;
}

int64_t spend_max(const struct sv_list *lines, struct sv account, struct sv currency) {
    int64_t own = 0, common = 0;
    for (uint32_t i = 0; i < lines->n; i++) {
        struct spend_rule r;
        struct err ignored;
        if (!spend_parse(lines->at[i], &r, &ignored) || !sv_eq(r.currency, currency))
            continue;
        int64_t *max = r.accounts.n ? &own : &common;
        if (r.accounts.n && !names(r.accounts, account))
            continue;
        if (!*max || r.max < *max)
            *max = r.max;
    }
    return own ? own : common;
}
