/* Rules over HTTP: those of the store are written through the journal; those of files are shown beside them.
 * And what all of them would make of an event, without making it. */
#include "api/events.h"

#include "base/json.h"
#include "store/rules.h"

#include <string.h>

enum { VERSIONS_MAX = 100, MEM_BYTES_MAX = 4 << 20, TIED_MAX = 100 };

/* ---- shapes ---- */

const struct api_field rule_create_fields[] = {
    {"name", FIELD_TEXT, "The rule's name.", .required = true, .max = RULE_NAME_BYTES_MAX,
     .example = "\"order-paid\""},
    {"rule", FIELD_OBJECT, "What it says: on, when, to, template, ... (docs/events.md).", .required = true,
     .ref = "RuleDocument",
     .example = "{\"on\":\"order.paid\",\"to\":\"data.phone\",\"template\":\"order-paid\"}"},
    {"publish", FIELD_BOOL, "Use it at once."},
    {0},
};

const struct api_field rule_counts_shape[] = {
    {"matched", FIELD_INT, "Events it was for.", .required = true, .max = INT64_MAX},
    {"fired", FIELD_INT, "Messages it made.", .required = true, .max = INT64_MAX},
    {"suppressed", FIELD_INT, "Times it made none: seen before, late, or over a rate.", .required = true,
     .max = INT64_MAX},
    {"errors", FIELD_INT, "Times it could not be evaluated, or its message not made.", .required = true,
     .max = INT64_MAX},
    {"canceled", FIELD_INT, "Messages of it that a later event withdrew.", .required = true,
     .max = INT64_MAX},
    {"last_at", FIELD_TIME, "When one of these rose last; null: never."},
    {0},
};

#define HEAD_FIELDS                                                                                          \
    {"name", FIELD_TEXT, "Its name.", .required = true},                                                     \
        {"origin", FIELD_TEXT, "`store`, or `file`: a file of `rules.dir`.", .required = true},              \
        {"published_version", FIELD_INT, "The version at work; null: none, or a file's.", .min = 1,          \
         .max = UINT32_MAX},                                                                                 \
        {"latest_version", FIELD_INT, "The newest version; null: a file's.", .min = 1, .max = UINT32_MAX}, { \
        "counts", FIELD_REF, "What it has done.", .required = true, .ref = "RuleCounts"                      \
    }

const struct api_field rule_head_shape[] = {HEAD_FIELDS, {0}};

const struct api_field rule_version_brief_shape[] = {
    {"version", FIELD_INT, "Its number.", .required = true, .min = 1, .max = UINT32_MAX},
    {"created_at", FIELD_TIME, "When it was written.", .required = true},
    {"published_at", FIELD_TIME, "When it was published last; null: never."},
    {0},
};

const struct api_field rule_shape[] = {
    HEAD_FIELDS,
    {"version", FIELD_INT, "Which version `rule` is; null: a file's.", .min = 1, .max = UINT32_MAX},
    {"rule", FIELD_OBJECT, "What it says.", .required = true},
    {"versions", FIELD_LIST, "Its versions, newest first (the latest hundred).", .required = true,
     .ref = "RuleVersionBrief"},
    {0},
};

const struct api_field rule_page_shape[] = {
    {"data", FIELD_LIST, "The rules, by name.", .required = true, .ref = "RuleHead"},
    {0},
};

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

/* ---- printing ---- */

static bool print_counts(struct api_request *rq, struct sv name, struct buf *out, struct err *e) {
    struct rule_count n;
    if (!events_count(api_db(rq), rq->account_id, name, &n, e))
        return false;
    json_key(out, "counts");
    buf_addc(out, '{');
    json_pair_i64(out, "matched", n.matched);
    json_pair_i64(out, "fired", n.fired);
    json_pair_i64(out, "suppressed", n.suppressed);
    json_pair_i64(out, "errors", n.errors);
    json_pair_i64(out, "canceled", n.canceled);
    json_pair_time(out, "last_at", n.last_at);
    buf_addc(out, '}');
    return true;
}

static void pair_number(struct buf *out, const char *key, uint32_t n) {
    json_key(out, key);
    if (n)
        buf_add_u64(out, n);
    else
        buf_adds(out, "null");
}

static bool print_head(struct api_request *rq, struct sv name, bool file, uint32_t published, uint32_t latest,
                       struct buf *out, struct err *e) {
    json_pair(out, "name", name);
    json_pair(out, "origin", file ? SV("file") : SV("store"));
    pair_number(out, "published_version", published);
    pair_number(out, "latest_version", latest);
    return print_counts(rq, name, out, e);
}

static const struct rule *rule_of_file(const struct rule_page *p, struct sv name) {
    const struct rule *const *rules;
    size_t n = rule_page_rules(p, &rules);
    for (size_t i = 0; i < n; i++)
        if (rules[i]->version == 0 && sv_eq(sv_of(rules[i]->name), name))
            return rules[i];
    return NULL;
}

static bool print_file(struct api_request *rq, const struct rule *r, struct buf *out, struct err *e) {
    char *text = json_dumps(r->doc, JSON_COMPACT);
    ASSERT(text);
    bool ok = print_head(rq, sv_of(r->name), true, 0, 0, out, e);
    buf_adds(out, ",\"version\":null,\"rule\":");
    buf_adds(out, text);
    buf_adds(out, ",\"versions\":[]");
    free(text);
    return ok;
}

static bool print_stored(struct api_request *rq, struct sv name, uint32_t number, struct buf *out,
                         struct err *e) {
    ARENA_AUTO struct arena a;
    struct rule_head head;
    struct rule_version v, versions[VERSIONS_MAX];
    size_t n;
    arena_init(&a, MEM_BYTES_MAX);
    if (!rules_head(api_db(rq), rq->account_id, name, &a, &head, e) ||
        !rules_load(api_db(rq), rq->account_id, name, number, &a, &v, e) ||
        !rules_versions(api_db(rq), rq->account_id, name, VERSIONS_MAX, versions, &n, e) ||
        !print_head(rq, name, false, head.published, head.latest, out, e))
        return false;
    pair_number(out, "version", v.number);
    json_key(out, "rule");
    buf_add(out, v.doc);
    json_key(out, "versions");
    buf_addc(out, '[');
    for (size_t i = 0; i < n; i++) {
        buf_adds(out, i ? ",{" : "{");
        json_pair_i64(out, "version", versions[i].number);
        json_pair_time(out, "created_at", versions[i].created_at);
        json_pair_time(out, "published_at", versions[i].published_at);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
    return true;
}

/* A rule as it is now; version 0: the one at work, else the newest. A file's where the store has none. */
static void answer_rule(struct api_request *rq, struct sv name, uint32_t number, int status) {
    struct err e = ERR_INIT, ignored = ERR_INIT;
    const struct rule_page *page;
    struct buf *out = api_scratch(rq);
    buf_addc(out, '{');
    bool ok = print_stored(rq, name, number, out, &e);
    if (!ok && e.kind == ERR_NOT_FOUND && !number && event_page(rq, &page, &ignored)) {
        const struct rule *r = rule_of_file(page, name);
        ok = r && print_file(rq, r, out, &e);
    }
    buf_addc(out, '}');
    if (ok)
        api_answer_json(rq, status, buf_sv(out));
    else
        api_fail(rq, &e);
}

/* ---- writing ---- */

static void written(struct api_request *rq, struct ask *a) {
    const struct rule_write *w = rq->own;
    struct err e = ERR_INIT;
    if (a->result != ASK_DONE) {
        api_fail(rq, &a->err);
        return;
    }
    /* Before the answer: whoever has it finds the rule at work on every front. */
    if (w->changed)
        meter_add(api_world(rq)->meters, COUNT_RULES_PUBLISHED, 1);
    switch (w->outcome) {
    case RULE_DONE:
    case RULE_SAME:
        if (w->act == RULE_DELETE)
            api_answer(rq, &(struct answer){.status = 204});
        else
            answer_rule(rq, w->name, w->number, w->act == RULE_ADD && w->outcome == RULE_DONE ? 201 : 200);
        return;
    case RULE_ABSENT:
        err_set(&e, ERR_NOT_FOUND, "there is no such rule of the store, or version of it");
        break;
    case RULE_FULL:
        err_set(&e, ERR_CONFLICT, "the account has %d rules: no more fit", RULES_PER_ACCOUNT_MAX);
        break;
    }
    api_fail(rq, &e);
}

static void put_write(struct api_request *rq, enum rule_act act, struct sv name, struct sv doc,
                      uint32_t number, bool publish) {
    struct rule_write *w = arena_zalloc(&rq->x->arena, sizeof *w);
    ASSERT(w);
    *w = (struct rule_write){.write = {.run = rules_write_run},
                             .act = act,
                             .account_id = rq->account_id,
                             .name = name,
                             .doc = doc,
                             .number = number,
                             .publish = publish};
    rq->own = w;
    struct ask *a = api_new_ask(rq, ASK_WRITE);
    a->write = &w->write;
    api_ask(rq, a, written);
}

void native_rule_create(struct api_request *rq) {
    enum { NAME, RULE, PUBLISH };
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    if (!api_read_json(rq, rule_create_fields, &root, v))
        return;
    struct rule *r = rule_compile(v[RULE].json, v[NAME].text, 1, &e);
    char *text = r ? json_dumps(v[RULE].json, JSON_COMPACT) : NULL;
    if (r && (!text || strlen(text) > RULE_DOC_BYTES_MAX))
        err_set_field(&e, ERR_TOO_LARGE, "rule", "a rule has at most %d bytes", RULE_DOC_BYTES_MAX);
    rule_free(r);
    if (e.kind == ERR_NONE)
        put_write(rq, RULE_ADD, arena_dup(&rq->x->arena, v[NAME].text), arena_dup(&rq->x->arena, sv_of(text)),
                  0, v[PUBLISH].n != 0);
    else
        api_fail(rq, &e);
    free(text);
}

/* The version's number; 0: there is none, and that was answered. */
static uint32_t version_of(struct api_request *rq) {
    uint64_t n = 0;
    struct err e = ERR_INIT;
    if (sv_to_u64(rq->params[1], &n) && n >= 1 && n <= UINT32_MAX)
        return (uint32_t)n;
    err_set(&e, ERR_NOT_FOUND, "there is no such version: they are numbers from 1");
    api_fail(rq, &e);
    return 0;
}

void native_rule_publish(struct api_request *rq) {
    uint32_t number = version_of(rq);
    if (number)
        put_write(rq, RULE_PUBLISH, rq->params[0], SV_NONE, number, false);
}

void native_rule_disable(struct api_request *rq) {
    put_write(rq, RULE_DISABLE, rq->params[0], SV_NONE, 0, false);
}

void native_rule_delete(struct api_request *rq) {
    put_write(rq, RULE_DELETE, rq->params[0], SV_NONE, 0, false);
}

/* ---- reading ---- */

void native_rule_get(struct api_request *rq) {
    answer_rule(rq, rq->params[0], 0, 200);
}

void native_rule_version(struct api_request *rq) {
    uint32_t number = version_of(rq);
    if (number)
        answer_rule(rq, rq->params[0], number, 200);
}

static bool print_list(struct api_request *rq, struct buf *out, struct err *e) {
    ARENA_AUTO struct arena a;
    const struct rule_page *page;
    const struct rule *const *rules;
    size_t n, printed = 0;
    arena_init(&a, MEM_BYTES_MAX);
    struct rule_head *heads = arena_alloc(&a, RULES_PER_ACCOUNT_MAX * sizeof *heads);
    ASSERT(heads);
    if (!rules_list(api_db(rq), rq->account_id, &a, heads, &n, e) || !event_page(rq, &page, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        buf_adds(out, printed++ ? ",{" : "{");
        if (!print_head(rq, heads[i].name, false, heads[i].published, heads[i].latest, out, e))
            return false;
        buf_addc(out, '}');
    }
    size_t n_rules = rule_page_rules(page, &rules);
    for (size_t i = 0; i < n_rules; i++) {
        if (rules[i]->version)
            continue;
        buf_adds(out, printed++ ? ",{" : "{");
        if (!print_head(rq, sv_of(rules[i]->name), true, 0, 0, out, e))
            return false;
        buf_addc(out, '}');
    }
    return true;
}

void native_rule_list(struct api_request *rq) {
    struct err e = ERR_INIT;
    struct buf *out = native_open_page(rq);
    if (!print_list(rq, out, &e)) {
        api_fail(rq, &e);
        return;
    }
    buf_adds(out, "]}");
    api_answer_json(rq, 200, buf_sv(out));
}

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
    json_pair_bool(t->out, "matched", run.verdict != RULE_PASSES);
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
