/* What rules, those at work or one that is given, would make of an event, without making it. */
#include "api/events.h"

#include "base/json.h"
#include "store/rules.h"

enum { TIED_MAX = 100 };

/* ---- shapes ---- */

const struct api_field rule_test_fields[] = {
    {"event", FIELD_OBJECT, "The event, as /v1/events takes it.", .required = true,
     .example = "{\"type\":\"order.paid\",\"data\":{\"phone\":\"+8613800138000\"}}"},
    {"rule", FIELD_OBJECT, "Try this rule alone, instead of those at work."},
    {0},
};

const struct api_field rule_decision_shape[] = {
    {"rule", FIELD_TEXT, "Its name.", .required = true},
    {"origin", FIELD_TEXT, "`store`, `file`, or `given`.", .required = true},
    {"matched", FIELD_BOOL, "Whether it is for this event.", .required = true},
    {"would", FIELD_TEXT,
     "`fire`, `digest`, `nothing`, `deduplicate`, `be_late`, `be_left` or `fail`: what it would do for this "
     "event.",
     .required = true},
    {"why", FIELD_TEXT, "In words, where it would do nothing or fail."},
    {"field", FIELD_TEXT, "Which member of the rule fails."},
    {"line", FIELD_INT, "Where in that expression.", .max = INT32_MAX},
    {"column", FIELD_INT, "Likewise.", .max = INT32_MAX},
    {"values", FIELD_OBJECT, "The values `when` read."},
    {"to", FIELD_TEXT, "To whom; the first of them."},
    {"recipients", FIELD_LIST, "All whom it names: addresses, or ids of contacts."},
    {"text", FIELD_TEXT, "The text; of a digest none yet."},
    {"language", FIELD_TEXT, "In which language."},
    {"send_at", FIELD_TIME, "When; null: at once."},
    {"key", FIELD_TEXT, "What it is tied by."},
    {"segments", FIELD_INT, "What it takes on the air.", .max = INT32_MAX},
    {"suppressed", FIELD_TEXT, "Why the message would not be sent, though made."},
    {"would_cancel", FIELD_LIST, "Messages of this rule that the event would withdraw.", .required = true},
    {0},
};

const struct api_field rule_test_shape[] = {
    {"rules", FIELD_LIST, "Every rule of the account, by name.", .required = true, .ref = "RuleDecision"},
    {0},
};

/* ---- the dry run ---- */

struct trial {
    struct api_request *rq;
    const struct event_in *in;
    json_t *vars;
    uint64_t steps; /* left for all rules */
    struct buf *out;
};

static void say_err(struct buf *out, const char *would, const struct err *e) {
    json_pair(out, "would", sv_of(would));
    json_pair(out, "why", sv_of(e->text));
    json_pair_or_null(out, "field", sv_of(e->field));
    if (e->line) {
        json_pair_i64(out, "line", e->line);
        json_pair_i64(out, "column", e->column);
    }
}

static bool matches(const struct sv *list, size_t n, struct sv type) {
    for (size_t i = 0; i < n; i++)
        if (rule_pattern_matches(list[i], type))
            return true;
    return false;
}

static void say_text(struct trial *t, const struct rule *r, struct rule_run *run) {
    struct err e = ERR_INIT;
    struct admitted admitted;
    struct submission in = event_submission(t->rq, r, run, t->in->name);
    in.steps = &t->steps;
    if (!event_contact(t->rq, &t->rq->x->arena, r, run, &in, &e) || !api_admit(t->rq, &in, &admitted, &e)) {
        say_err(t->out, "fail", &e);
        return;
    }
    const struct message *m = admitted.message;
    json_pair(t->out, "would", SV("fire"));
    json_pair(t->out, "to", m->text[TEXT_TO]);
    json_pair(t->out, "text", m->text[TEXT_BODY]);
    json_pair_i64(t->out, "segments", m->segments);
    json_pair_time(t->out, "send_at", m->send_at);
    if (admitted.suppress != REASON_NONE)
        json_pair(t->out, "suppressed", sv_of(reason_name(admitted.suppress)));
    message_free(admitted.message);
}

static void say_recipients(struct buf *out, const struct rule_run *run) {
    json_key(out, "recipients");
    buf_addc(out, '[');
    for (size_t i = 0; i < run->n_whom; i++) {
        if (i)
            buf_addc(out, ',');
        json_add_string(out, run->whom[i]);
    }
    buf_addc(out, ']');
}

/* The text is shown as the first of its recipients would see it. */
static void say_fire(struct trial *t, const struct rule *r, struct rule_run *run) {
    struct err e = ERR_INIT;
    bool seen = false;
    rule_run_choose(r, run, 0);
    say_recipients(t->out, run);
    json_pair_or_null(t->out, "key", run->key);
    json_pair_or_null(t->out, "language", run->language);
    if (run->dedupe.n && !events_is_marked(api_db(t->rq), t->rq->account_id, sv_of(r->name), run->dedupe,
                                           t->rq->now, &seen, &e)) {
        say_err(t->out, "fail", &e);
    } else if (seen) {
        json_pair(t->out, "would", SV("deduplicate"));
        json_pair(t->out, "why", SV("its dedupe key was seen within the window"));
    } else if (r->digest_us) {
        json_pair(t->out, "would", SV("digest"));
        json_pair(t->out, "to", run->whom[0]);
        json_pair_time(t->out, "send_at", t->rq->now + r->digest_us);
    } else {
        say_text(t, r, run);
    }
}

static void say_when(struct trial *t, const struct rule *r) {
    if (!r->when)
        return;
    json_key(t->out, "values");
    rule_explain_when(r, t->vars, t->out);
}

static void say_on(struct trial *t, const struct rule *r) {
    struct rule_run run;
    bool matched = matches(r->on, r->n_on, t->in->type);
    if (!r->enabled || !matched) {
        char why[256];
        snprintf(why, sizeof why, "its type `%.*s` does not match `on`", SV_FMT(t->in->type));
        json_pair_bool(t->out, "matched", false);
        json_pair(t->out, "would", SV("nothing"));
        json_pair(t->out, "why", r->enabled ? sv_of(why) : SV("the rule is not enabled"));
        return;
    }
    rule_run(r, t->vars, t->rq->now, &t->rq->x->arena, &t->steps, &run);
    bool failed = run.verdict == RULE_FAILS && sv_eq(sv_of(run.err.field), SV("when"));
    json_pair_bool(t->out, "matched", run.verdict != RULE_PASSES && !failed);
    say_when(t, r);
    switch (run.verdict) {
    case RULE_FIRES: say_fire(t, r, &run); break;
    case RULE_FAILS: say_err(t->out, "fail", &run.err); break;
    case RULE_PASSES:
        json_pair(t->out, "would", SV("nothing"));
        json_pair(t->out, "why", SV("`when` is false"));
        break;
    case RULE_IS_LEFT:
        json_pair(t->out, "would", SV("be_left"));
        json_pair(t->out, "why", SV("the rules before it took all the work that one event may cause"));
        break;
    case RULE_IS_LATE:
        json_pair(t->out, "would", SV("be_late"));
        json_pair(t->out, "why", SV("the time it was to be sent at has passed"));
        break;
    }
    json_decref(run.vars);
}

static void say_cancel(struct trial *t, const struct rule *r) {
    struct event_withdrawal w = {.rule = sv_of(r->name)};
    struct err e = ERR_INIT;
    int64_t ids[TIED_MAX];
    size_t n = 0;
    bool asked = r->enabled && r->n_cancel_on && matches(r->cancel_on, r->n_cancel_on, t->in->type) &&
                 rule_run_cancel_key(r, t->vars, &t->rq->x->arena, &t->steps, &w.key, &e) &&
                 events_tied(api_db(t->rq), t->rq->account_id, &w, ids, TIED_MAX, &n, &e);
    json_key(t->out, "would_cancel");
    buf_addc(t->out, '[');
    for (size_t i = 0; asked && i < n; i++) {
        struct sid sid = sid_message(api_world(t->rq)->id_key, ids[i]);
        if (i)
            buf_addc(t->out, ',');
        json_add_string(t->out, sid_sv(&sid));
    }
    buf_addc(t->out, ']');
}

static void say_rule(struct trial *t, const struct rule *r, const char *origin) {
    if (t->out->p[t->out->n - 1] != '[')
        buf_addc(t->out, ',');
    buf_addc(t->out, '{');
    json_pair(t->out, "rule", sv_of(r->name));
    json_pair(t->out, "origin", sv_of(origin));
    say_on(t, r);
    say_cancel(t, r);
    buf_addc(t->out, '}');
}

static bool say_all(struct trial *t, const json_t *given, struct err *e) {
    const struct rule_page *page;
    const struct rule *const *rules;
    if (given) {
        const json_t *name = json_object_get(given, "name");
        struct rule *r =
            rule_compile(given, json_is_string(name) ? sv_of(json_string_value(name)) : SV("given"), 0, e);
        if (r)
            say_rule(t, r, "given");
        rule_free(r);
        return r != NULL;
    }
    if (!event_page(t->rq, &page, e))
        return false;
    size_t n = rule_page_rules(page, &rules);
    for (size_t i = 0; i < n; i++)
        say_rule(t, rules[i], rules[i]->version ? "store" : "file");
    return true;
}

void native_rule_test(struct api_request *rq) {
    enum { EVENT, RULE };
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX];
    struct event_in in = {.data = NULL};
    struct err e = ERR_INIT;
    if (!api_read_json(rq, rule_test_fields, &root, v))
        return;
    if (!event_read(rq, v[EVENT].json, &in, &e)) {
        api_fail(rq, &e);
        return;
    }
    struct trial t = {
        .rq = rq, .in = &in, .vars = event_vars(&in), .steps = EVENT_STEPS_MAX, .out = api_scratch(rq)};
    buf_adds(t.out, "{\"rules\":[");
    bool ok = say_all(&t, v[RULE].json, &e);
    buf_adds(t.out, "]}");
    json_decref(t.vars);
    event_in_done(&in);
    if (ok)
        api_answer_json(rq, 200, buf_sv(t.out));
    else
        api_fail(rq, &e);
}
