#include "model/message_kind.h"

static bool wrong(struct err *e) {
    return err_set(e, ERR_INVALID,
                   "names no messages that are known: write `for` and topic=A,B, priority=otp|transactional|"
                   "marketing, account=A or channel=sms|voice|email|push|whatsapp|chat behind it");
}

static bool is_list(struct sv values) {
    while (values.p)
        if (!sv_cut(&values, ',').n)
            return false;
    return true;
}

static bool parse_priorities(struct sv values, unsigned *out) {
    while (values.p) {
        enum priority p;
        if (!priority_parse(sv_cut(&values, ','), &p))
            return false;
        *out |= 1u << p;
    }
    return true;
}

static bool parse_channels(struct sv values, unsigned *out) {
    while (values.p) {
        enum channel c;
        if (!channel_find(sv_cut(&values, ','), &c))
            return false;
        *out |= 1u << c;
    }
    return true;
}

static bool parse_one(struct sv key, struct sv values, struct message_kind *out) {
    if (!values.n || !is_list(values))
        return false;
    if (sv_eq(key, SV("priority")))
        return !out->priorities && parse_priorities(values, &out->priorities);
    if (sv_eq(key, SV("channel")))
        return !out->channels && parse_channels(values, &out->channels);
    struct sv *to = sv_eq(key, SV("topic"))     ? &out->topics
                    : sv_eq(key, SV("account")) ? &out->accounts
                                                : NULL;
    if (!to || to->n)
        return false;
    *to = values;
    return true;
}

bool message_kind_parse(struct sv text, struct message_kind *out, struct err *e) {
    *out = (struct message_kind){0};
    if (!sv_trim(text).n)
        return wrong(e);
    while (sv_trim(text).n) {
        struct sv values = sv_word(&text), key = sv_cut(&values, '=');
        if (!parse_one(key, values, out))
            return wrong(e);
    }
    return true;
}

bool message_kind_cut(struct sv *text, struct message_kind *out, struct err *e) {
    *out = (struct message_kind){0};
    size_t at = sv_find(*text, SV(" for "));
    if (at == SIZE_MAX)
        return !sv_ends(sv_trim(*text), SV(" for")) || wrong(e);
    struct sv behind = sv_from(*text, at + 5);
    *text = sv_sub(*text, 0, at);
    return message_kind_parse(behind, out, e);
}

static bool has(struct sv list, struct sv name) {
    while (list.p && name.n)
        if (sv_eq(sv_cut(&list, ','), name))
            return true;
    return false;
}

static bool is_code(const struct message_facts *s) {
    return s->priority == PRIORITY_OTP || sv_eq(s->topic, SV("otp"));
}

bool message_kind_is(const struct message_kind *w, const struct message_facts *s) {
    bool by_topic = has(w->topics, s->topic), by_priority = w->priorities >> s->priority & 1;
    if ((w->topics.n && !by_topic) || (w->priorities && !by_priority))
        return false;
    if (is_code(s) && !(s->priority == PRIORITY_OTP ? by_priority || by_topic : by_topic))
        return false;
    return (!w->accounts.n || has(w->accounts, s->account)) &&
           (!w->channels || w->channels >> s->channel & 1);
}
