/* Rules over HTTP: those of the store are written through the journal; those of files are shown beside them.
 */
#include "api/events.h"

#include "base/json.h"
#include "store/rules.h"

#include <string.h>

enum { VERSIONS_MAX = 100, MEM_BYTES_MAX = 4 << 20 };

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
