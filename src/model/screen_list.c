#include "model/screen_list.h"

#include "base/buf.h"

static const char *const actions[] = {"block", "flag", "replace", "allow"};

static bool wrong(struct err *e) {
    return err_set(
        e, ERR_INVALID,
        "must be such as `block words FILE`, `flag patterns FILE for topic=marketing` or `allow FILE for "
        "account=acme`");
}

/* account=a,b topic=c */
static bool parse_subjects(struct sv text, struct screen_list_rule *r) {
    while (text.n) {
        struct sv values = sv_word(&text), key = sv_cut(&values, '=');
        struct sv *to = sv_eq(key, SV("account")) ? &r->accounts
                        : sv_eq(key, SV("topic")) ? &r->topics
                                                  : NULL;
        if (!to || to->n || !values.n)
            return false;
        *to = values;
        while (values.p)
            if (!sv_cut(&values, ',').n)
                return false;
    }
    return r->accounts.n || r->topics.n;
}

static bool is_for(struct sv text, size_t at) {
    struct sv rest = sv_from(text, at);
    return sv_starts(rest, SV("for")) && (rest.n == 3 || rest.p[3] == ' ') &&
           (at == 0 || text.p[at - 1] == ' ');
}

/* The last word `for` and what is behind it: a path may have such words in it, too. */
static bool split_subjects(struct sv *text, struct screen_list_rule *r) {
    for (size_t at = text->n; at-- > 0;)
        if (is_for(*text, at)) {
            struct sv subjects = sv_trim(sv_from(*text, at + 3));
            *text = sv_sub(*text, 0, at);
            return parse_subjects(subjects, r);
        }
    return true;
}

bool screen_list_parse(struct sv text, struct screen_list_rule *out, struct err *e) {
    *out = (struct screen_list_rule){.text = text};
    struct sv rest = text, name = sv_word(&rest);
    size_t action = 0;
    while (action < sizeof actions / sizeof actions[0] && !sv_eq(name, sv_of(actions[action])))
        action++;
    if (action == sizeof actions / sizeof actions[0])
        return wrong(e);
    out->action = (enum screen_list_action)action;
    if (out->action != SCREEN_LIST_ALLOW) {
        struct sv kind = sv_word(&rest);
        out->patterns = sv_eq(kind, SV("patterns"));
        if (!out->patterns && !sv_eq(kind, SV("words")))
            return wrong(e);
        struct sv after = rest;
        if (!out->patterns && sv_eq(sv_word(&after), SV("anywhere"))) {
            out->anywhere = true;
            rest = after;
        }
    }
    if (!split_subjects(&rest, out))
        return wrong(e);
    out->file = sv_trim(rest);
    return out->file.n != 0 || wrong(e);
}

static bool has(struct sv list, struct sv name) {
    if (!list.n)
        return true;
    while (name.n && list.p)
        if (sv_eq(sv_cut(&list, ','), name))
            return true;
    return false;
}

bool screen_list_is_for(const struct screen_list_rule *r, struct sv account, struct sv topic) {
    return has(r->accounts, account) && has(r->topics, topic);
}
