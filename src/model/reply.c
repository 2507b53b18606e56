#include "model/reply.h"

enum { ANSWER_BYTES_MAX = 1000, LANGUAGE_BYTES_MAX = 16 };

static const char *const actions[REPLY_ACTIONS] = {"other", "stop", "start", "help", "confirm"};
static const char *const moods[REPLY_MOODS] = {"negative", "neutral", "positive"};

const char *reply_action_name(enum reply_action a) {
    ASSERT(a < REPLY_ACTIONS);
    return actions[a];
}

const char *reply_mood_name(enum reply_mood m) {
    ASSERT(m < REPLY_MOODS);
    return moods[m];
}

static bool find_action(struct sv name, enum reply_action *out) {
    int at = sv_place(name, actions, REPLY_ACTIONS);
    if (at >= 0)
        *out = (enum reply_action)at;
    return at >= 0;
}

static bool wrong_rule(struct err *e) {
    return err_set(e, ERR_INVALID,
                   "must be such as `stop LEAVE, BYE`, `stop NONEWS for topic=news` or `ignore N for "
                   "account=acme`");
}

/* account=a,b topic=t language=fr */
static bool read_scope(struct sv text, struct reply_rule *r) {
    while (text.n) {
        struct sv value = sv_word(&text), key = sv_cut(&value, '=');
        struct sv *to = sv_eq(key, SV("account"))    ? &r->accounts
                        : sv_eq(key, SV("topic"))    ? &r->topic
                        : sv_eq(key, SV("language")) ? &r->language
                                                     : NULL;
        if (!to || to->n || !value.n)
            return false;
        *to = value;
    }
    return r->topic.n <= REPLY_TOPIC_BYTES_MAX && r->language.n <= LANGUAGE_BYTES_MAX;
}

bool reply_rule_parse(struct sv text, struct reply_rule *out, struct err *e) {
    *out = (struct reply_rule){.action = REPLY_OTHER};
    struct sv rest = text, name = sv_word(&rest);
    out->ignore = sv_eq(name, SV("ignore"));
    if (!out->ignore && (!find_action(name, &out->action) || out->action == REPLY_OTHER))
        return wrong_rule(e);
    size_t at = sv_find(rest, SV(" for "));
    if (at != SIZE_MAX && (!read_scope(sv_from(rest, at + 5), out) || at + 5 >= rest.n))
        return wrong_rule(e);
    out->words = sv_trim(at == SIZE_MAX ? rest : sv_sub(rest, 0, at));
    for (struct sv words = out->words; words.p;)
        if (!sv_trim(sv_cut(&words, ',')).n)
            return wrong_rule(e);
    return out->words.n != 0 || wrong_rule(e);
}

bool reply_answer_parse(struct sv text, struct reply_answer *out, struct err *e) {
    *out = (struct reply_answer){.action = REPLY_OTHER};
    struct sv rest = text, name = sv_word(&rest);
    bool known = find_action(name, &out->action);
    out->language = sv_word(&rest);
    if (sv_starts(rest, SV("account="))) {
        out->accounts = sv_word(&rest);
        out->accounts = sv_from(out->accounts, 8);
    }
    out->text = rest;
    bool ok = known && out->language.n && out->language.n <= LANGUAGE_BYTES_MAX && out->text.n &&
              out->text.n <= ANSWER_BYTES_MAX && sv_is_utf8(out->text);
    return ok ||
           err_set(e, ERR_INVALID,
                   "must be an answer such as `stop en You will get no more messages.`, to stop, start, "
                   "help, confirm or other");
}

bool reply_is_for(struct sv accounts, struct sv account) {
    if (!accounts.n)
        return true;
    while (account.n && accounts.p)
        if (sv_eq(sv_cut(&accounts, ','), account))
            return true;
    return false;
}
