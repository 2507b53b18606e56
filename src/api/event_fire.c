/* From an event to what is asked of the core: the rules of its account run, their messages admitted. */
#include "api/events.h"
#include "api/front_parts.h"

#include "base/clock.h"
#include "base/json.h"
#include "ingest/address.h"
#include "ingest/contact.h"

#include <string.h>

enum { ACTS_MAX = 300, WITHDRAWALS_MAX = 100, WITHDRAWN_TOLD_MAX = 64 };

bool event_page(struct api_request *rq, const struct rule_page **out, struct err *e) {
    struct front *f = rq->front;
    uint64_t published =
        atomic_load_explicit(&f->parts.world->meters->counters[COUNT_RULES_PUBLISHED], memory_order_relaxed);
    rulebook_refresh(f->rules, f->texts, rq->x->arrived_us, published);
    const struct account *account = directory_account(api_directory(rq), rq->account_id);
    return rulebook_page(f->rules, rq->account_id, account ? sv_of(account->name) : SV_NONE, out, e);
}

static void set_text(json_t *o, const char *key, struct sv v) {
    json_object_set_new(o, key, v.n ? json_stringn(v.p, v.n) : json_null());
}

json_t *event_vars(const struct event_in *in) {
    struct buf BUF_AUTO time = BUF_INIT(64);
    json_t *event = json_object();
    ASSERT(event);
    clock_add_rfc3339(&time, in->at);
    set_text(event, "id", in->name);
    set_text(event, "type", in->type);
    set_text(event, "source", in->source);
    set_text(event, "subject", in->subject);
    set_text(event, "time", buf_sv(&time));
    json_object_set(event, "data", in->data);
    json_t *vars = rule_vars(event, in->data);
    json_decref(event);
    return vars;
}

struct submission event_submission(struct api_request *rq, const struct rule *r, const struct rule_run *run,
                                   struct sv event_name) {
    const struct settings *s = api_settings(rq);
    struct buf BUF_AUTO metadata = BUF_INIT(1024);
    buf_addc(&metadata, '{');
    json_pair(&metadata, "rule", sv_of(r->name));
    if (event_name.n)
        json_pair(&metadata, "event", event_name);
    buf_addc(&metadata, '}');
    return (struct submission){
        .account_id = rq->account_id,
        .to = run->to,
        .from = r->from,
        .template = r->template,
        .language = run->language,
        .vars = run->vars,
        .channel = r->channel,
        .channels = r->channels,
        .topic = r->topic,
        .metadata = rq->x ? arena_dup(&rq->x->arena, buf_sv(&metadata)) : SV_NONE,
        .send_at = run->send_at,
        .validity_s = r->validity_s,
        .priority = r->has_priority ? r->priority : s->defaults.priority,
        .delivery = r->has_delivery ? r->delivery : s->defaults.delivery,
        .face = FACE_RULE,
        .traceparent = rq->x ? api_traceparent(rq) : SV_NONE,
    };
}

bool event_contact(struct api_request *rq, const struct rule *r, struct rule_run *run, struct submission *in,
                   struct err *e) {
    struct arena *mem = &rq->x->arena;
    if (!run->contact.n)
        return true;
    struct contact *c = arena_alloc(mem, sizeof *c);
    ASSERT(c);
    if (!contacts_get(api_db(rq), rq->account_id, run->contact, mem, c, e))
        return e->kind == ERR_NOT_FOUND
                   ? err_set_field(e, ERR_UNPROCESSABLE, "contact", "there is no such contact")
                   : false;
    json_t *vars = json_copy(run->vars);
    ASSERT(vars);
    json_object_set_new(vars, "contact", contact_vars(c));
    json_decref(run->vars);
    run->vars = vars;
    run->to = contact_address(c, r->channel, mem);
    in->contact = c;
    if (!in->language.n)
        in->language = c->language;
    in->to = run->to;
    in->vars = run->vars;
    return run->to.n || r->channels ||
           err_set_field(e, ERR_UNPROCESSABLE, "contact", "the contact has no %s",
                         r->channel == CHANNEL_EMAIL  ? "e-mail address"
                         : r->channel == CHANNEL_PUSH ? "device"
                                                      : "number");
}

/* ---- making ---- */

struct making {
    struct api_request *rq;
    const struct event_in *in;
    struct event_post *post;
    const json_t *vars;
    struct event_act *acts;
    size_t n_acts, acts_max, n_fires;
    struct event_withdrawal *withdrawals;
    size_t n_withdrawals;
    struct buf passed;
};

static struct event_act *add_act(struct making *m, const struct rule *r, enum event_did did) {
    if (m->n_acts == m->acts_max)
        return NULL;
    struct event_act *a = &m->acts[m->n_acts++];
    /* The rule may be another by the time of the answer: its name is copied. */
    *a = (struct event_act){.rule = arena_dup(&m->rq->x->arena, sv_of(r->name)), .did = did, .part = -1};
    return a;
}

static void add_error(struct making *m, const struct rule *r, const struct err *why) {
    struct event_act *a = add_act(m, r, EVENT_ERROR);
    char text[EVENT_DETAIL_BYTES_MAX + 1];
    char place[32] = "";
    if (!a)
        return;
    if (why->line)
        snprintf(place, sizeof place, " (line %u, column %u)", why->line, why->column);
    int n = snprintf(text, sizeof text, "%s%s%s%s", why->field, why->field[0] ? ": " : "", why->text, place);
    size_t len = n < (int)sizeof text ? (size_t)n : sizeof text - 1;
    while (len && !sv_is_utf8(sv_make(text, len)))
        len--; /* what was cut within a character */
    a->detail = arena_dup(&m->rq->x->arena, sv_make(text, len));
}

/* Its message is made now; whether it comes to be, core and journal say. */
static void add_message(struct making *m, const struct rule *r, struct rule_run *run, struct event_act *a) {
    struct api_request *rq = m->rq;
    struct front *f = rq->front;
    struct ask *ask = &m->post->ask;
    struct err e = ERR_INIT;
    struct admitted admitted;
    struct submission in = event_submission(rq, r, run, m->in->name);
    const struct account *account = directory_account(api_directory(rq), rq->account_id);
    in.account_name = account ? sv_of(account->name) : SV_NONE;
    (void)api_stock(rq); /* the admitter's own: it must be up to date */
    if (!event_contact(rq, r, run, &in, &e) ||
        !admit(f->admitter, f->settings, f->texts, &in, rq->now, &admitted, &e)) {
        m->n_acts--;
        add_error(m, r, &e);
        return;
    }
    struct ask *part = &ask->parts[ask->n_parts];
    *part = (struct ask){.kind = ASK_SUBMIT,
                         .account_id = rq->account_id,
                         .message = admitted.message,
                         .suppress = admitted.suppress,
                         .flagged = admitted.screened.worst == SCREEN_FLAG,
                         .default_validity = !in.validity_s,
                         .account_name = arena_dup(&rq->x->arena, in.account_name),
                         .caller_key = sid_sv(&rq->key),
                         .source = rq->x->client};
    api_lend_links(rq, &admitted, part);
    a->part = (int)ask->n_parts++;
}

/* What the text will be made of, when the window is over. */
static void add_item(struct making *m, const struct rule *r, const struct rule_run *run,
                     struct event_act *a) {
    struct err e = ERR_INIT;
    char number[SUPPRESSION_NUMBER_BYTES_MAX];
    struct sv to;
    if (!address_read(run->to, api_settings(m->rq)->defaults.region, number, &to, &e)) {
        m->n_acts--;
        add_error(m, r, &e);
        return;
    }
    json_t *item = json_object();
    ASSERT(item);
    json_object_set(item, "event", json_object_get(m->vars, "event"));
    if (r->n_vars)
        json_object_set(item, "vars", run->vars);
    set_text(item, "language", run->language);
    char *text = json_dumps(item, JSON_COMPACT);
    json_decref(item);
    ASSERT(text);
    a->did = EVENT_DIGESTED;
    a->to = arena_dup(&m->rq->x->arena, to);
    a->vars = arena_dup(&m->rq->x->arena, sv_of(text));
    a->digest_due_at = m->rq->now + r->digest_us;
    free(text);
}

static void add_fire(struct making *m, const struct rule *r, struct rule_run *run) {
    struct event_act *a = add_act(m, r, EVENT_FIRED);
    struct err e = ERR_INIT;
    if (!a)
        return;
    if (m->n_fires == EVENT_FIRES_MAX) {
        m->n_acts--;
        err_set(&e, ERR_LIMITED, "one event fires at most %d rules", EVENT_FIRES_MAX);
        add_error(m, r, &e);
        return;
    }
    m->n_fires++;
    a->key = run->key;
    a->dedupe = run->dedupe;
    a->dedupe_us = r->dedupe_us;
    if (r->digest_us)
        add_item(m, r, run, a);
    else
        add_message(m, r, run, a);
}

static void run_one(struct making *m, const struct rule *r) {
    struct rule_run run;
    rule_run(r, m->vars, m->rq->now, &m->rq->x->arena, &run);
    switch (run.verdict) {
    case RULE_FIRES: add_fire(m, r, &run); break;
    case RULE_PASSES: buf_addf(&m->passed, "%s%s", m->passed.n ? "," : "", r->name); break;
    case RULE_IS_LATE: (void)add_act(m, r, EVENT_LATE); break;
    case RULE_FAILS: add_error(m, r, &run.err); break;
    }
    json_decref(run.vars);
}

static void withdraw_one(struct making *m, const struct rule *r) {
    struct err e = ERR_INIT;
    struct sv key;
    if (!rule_run_cancel_key(r, m->vars, &m->rq->x->arena, &key, &e)) {
        add_error(m, r, &e);
        return;
    }
    if (m->n_withdrawals < WITHDRAWALS_MAX)
        m->withdrawals[m->n_withdrawals++] =
            (struct event_withdrawal){.rule = arena_dup(&m->rq->x->arena, sv_of(r->name)), .key = key};
}

/* Where no rule is for it, nothing of this takes memory. */
static bool run_rules(struct making *m, const struct rule_page *page) {
    const struct rule *on[2 * RULES_PER_ACCOUNT_MAX], *cancel[2 * RULES_PER_ACCOUNT_MAX];
    struct arena *mem = &m->rq->x->arena;
    size_t n_on = rule_page_match(page, RULE_SIDE_ON, m->in->type, on);
    size_t n_cancel = rule_page_match(page, RULE_SIDE_CANCEL, m->in->type, cancel);
    if (n_on + n_cancel == 0)
        return true;
    size_t acts = n_on + n_cancel < ACTS_MAX ? n_on + n_cancel : ACTS_MAX;
    m->acts_max = acts;
    size_t fires = n_on < EVENT_FIRES_MAX ? n_on : EVENT_FIRES_MAX;
    struct event_write *w = &m->post->write;
    m->acts = arena_alloc(mem, acts * sizeof *m->acts);
    m->withdrawals = arena_alloc(mem, (n_cancel + 1) * sizeof *m->withdrawals);
    m->post->ask.parts = arena_alloc(mem, (fires + 1) * sizeof *m->post->ask.parts);
    w->outcomes_max = acts + (n_cancel ? WITHDRAWN_TOLD_MAX : 0);
    w->outcomes = arena_alloc(mem, w->outcomes_max * sizeof *w->outcomes);
    if (mem->full)
        return false;
    m->vars = event_vars(m->in);
    for (size_t i = 0; i < n_cancel; i++)
        withdraw_one(m, cancel[i]);
    for (size_t i = 0; i < n_on; i++)
        run_one(m, on[i]);
    json_decref((json_t *)(uintptr_t)m->vars);
    w->acts = m->acts;
    w->n_acts = m->n_acts;
    w->withdrawals = m->withdrawals;
    w->n_withdrawals = m->n_withdrawals;
    w->passed = m->passed.n ? arena_dup(mem, buf_sv(&m->passed)) : SV_NONE;
    return !mem->full;
}

static struct sv dump(struct api_request *rq, const json_t *data) {
    char *text = json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY);
    struct sv out = text ? arena_dup(&rq->x->arena, sv_of(text)) : SV_NONE;
    free(text);
    return out;
}

struct event_post *event_post_new(struct api_request *rq, struct event_in *in, struct err *e) {
    const struct rule_page *page;
    struct event_post *p = arena_zalloc(&rq->x->arena, sizeof *p);
    struct making m = {.rq = rq, .in = in, .post = p, .passed = BUF_INIT(64 * 1024)};
    if (!p || !event_page(rq, &page, e)) {
        event_in_done(in);
        if (!p)
            err_set(e, ERR_TOO_LARGE, "too many events, or too large ones, at once: post fewer");
        return NULL;
    }
    p->write = (struct event_write){.account_id = rq->account_id,
                                    .source = in->source,
                                    .name = in->name,
                                    .type = in->type,
                                    .subject = in->subject,
                                    .at = in->at,
                                    .data = dump(rq, in->data)};
    p->ask = (struct ask){.kind = ASK_EVENT,
                          .account_id = rq->account_id,
                          .owner = rq,
                          .reply_to = rq->front->parts.replies,
                          .business = &p->write};
    bool ok = run_rules(&m, page) && p->write.data.p;
    buf_done(&m.passed);
    event_in_done(in);
    if (ok)
        return p;
    event_post_drop(p);
    err_set(e, ERR_TOO_LARGE, "too many events, or too large ones, at once: post fewer");
    return NULL;
}

void event_post_drop(struct event_post *p) {
    ask_drop_messages(&p->ask);
}
