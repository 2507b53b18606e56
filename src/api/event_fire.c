/* From an event to what is asked of the core: the rules of its account run, their messages admitted. */
#include "api/events.h"
#include "api/front_parts.h"

#include "base/clock.h"
#include "base/json.h"
#include "ingest/address.h"
#include "ingest/contact.h"

#include <string.h>

enum {
    ACTS_MAX = 200,
    WITHDRAWALS_MAX = 100,
    WITHDRAWN_TOLD_MAX = 200,
    ROOM_FIRST = 8,
    NAMES_BYTES_MAX = 256 * 1024
};

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

static bool find_contact(struct api_request *rq, struct sv id, struct arena *mem, struct contact **out,
                         struct err *e) {
    struct contact *c = *out = arena_alloc(mem, sizeof *c);
    if (!c)
        return err_set(e, ERR_OUTSIDE, "out of memory for a contact");
    return contacts_get(api_db(rq), rq->account_id, id, mem, c, e) ||
           (e->kind == ERR_NOT_FOUND &&
            err_set_field(e, ERR_UNPROCESSABLE, "contact", "there is no contact `%.*s`",
                          SV_FMT(sv_sub(id, 0, CONTACT_ID_BYTES_MAX))));
}

bool event_contact(struct api_request *rq, struct arena *mem, const struct rule *r, struct rule_run *run,
                   struct submission *in, struct err *e) {
    struct contact *c;
    if (!run->contact.n)
        return true;
    if (!find_contact(rq, run->contact, mem, &c, e))
        return false;
    json_t *vars = json_copy(run->vars);
    ASSERT(vars);
    json_object_set_new(vars, "contact", contact_vars(c));
    json_decref(run->vars);
    run->vars = vars;
    run->to = contact_address(c, r->channel, mem);
    in->contact = c;
    if (!in->language.n)
        in->language = c->language;
    in->time_zone = c->zone;
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
    size_t n_acts, acts_room, parts_room, n_fires;
    struct event_withdrawal *withdrawals;
    size_t n_withdrawals;
    uint64_t steps; /* left for this event */
    struct buf passed, unjudged;
};

/* Room for one more in an array of the request's memory. NULL: there is none; the memory says so. */
static void *with_room(struct making *m, void *array, size_t n, size_t *room, size_t size) {
    if (n < *room)
        return array;
    size_t more = *room ? 2 * *room : ROOM_FIRST;
    void *grown = arena_alloc(&m->rq->x->arena, more * size);
    if (!grown)
        return NULL;
    if (n)
        memcpy(grown, array, n * size);
    *room = more;
    return grown;
}

static void add_name(struct buf *names, const struct rule *r) {
    buf_addf(names, "%s%s", names->n ? "," : "", r->name);
}

/* NULL: there is no room; the rule is then among those that were not judged. */
static struct event_act *add_act(struct making *m, const struct rule *r, enum event_did did) {
    struct event_act *acts =
        m->n_acts < ACTS_MAX ? with_room(m, m->acts, m->n_acts, &m->acts_room, sizeof *acts) : NULL;
    if (!acts) {
        add_name(&m->unjudged, r);
        return NULL;
    }
    m->acts = acts;
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

/* It could not be made; with no steps left that is why. */
static void add_failure(struct making *m, const struct rule *r, const struct err *why) {
    m->n_acts--;
    if (m->steps)
        add_error(m, r, why);
    else
        add_name(&m->unjudged, r);
}

/* Is a text of this rule for the same recipient there already, otherwise written? */
static bool is_repeated(const struct making *m, const struct event_act *a, const struct message *made) {
    for (const struct event_act *other = a; other-- > m->acts && sv_eq(other->rule, a->rule);)
        if (other->part >= 0 &&
            sv_eq(m->post->ask.parts[other->part].message->text[TEXT_TO], made->text[TEXT_TO]))
            return true;
    return false;
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
    in.steps = &m->steps;
    (void)api_stock(rq); /* the admitter's own: it must be up to date */
    struct ask *parts = with_room(m, ask->parts, ask->n_parts, &m->parts_room, sizeof *parts);
    if (!parts)
        return; /* the memory is full: the event is not taken */
    ask->parts = parts;
    if (!event_contact(rq, &rq->x->arena, r, run, &in, &e) ||
        !admit(f->admitter, f->settings, f->texts, &in, rq->now, &admitted, &e)) {
        add_failure(m, r, &e);
        return;
    }
    if (is_repeated(m, a, admitted.message)) {
        message_free(admitted.message);
        m->n_acts--;
        m->n_fires--;
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
                         .countries = directory_countries(api_directory(rq), rq->account_id, &rq->x->arena),
                         .caller_key = sid_sv(&rq->key),
                         .source = api_caller(rq)};
    api_lend_links(rq, &admitted, part);
    a->part = (int)ask->n_parts++;
}

/* For whom a digest gathers: an address, or a contact, who is looked up when the text is made. */
static bool digest_recipient(struct making *m, const struct rule_run *run, struct sv *out, struct err *e) {
    char number[SUPPRESSION_NUMBER_BYTES_MAX];
    struct buf BUF_AUTO contact = BUF_INIT(CONTACT_ID_BYTES_MAX + sizeof DIGEST_CONTACT);
    struct contact *known;
    if (run->contact.n) {
        if (!find_contact(m->rq, run->contact, &m->rq->x->arena, &known, e))
            return false;
        buf_join(&contact, SV(DIGEST_CONTACT), run->contact);
        *out = arena_dup(&m->rq->x->arena, buf_sv(&contact));
        return true;
    }
    struct sv to;
    if (!address_read(run->to, api_settings(m->rq)->defaults.region, number, &to, e))
        return false;
    *out = arena_dup(&m->rq->x->arena, to);
    return true;
}

/* Is it gathered for them already, of this rule and event? */
static bool is_gathered(const struct making *m, const struct event_act *a) {
    for (const struct event_act *other = a; other-- > m->acts && sv_eq(other->rule, a->rule);)
        if (other->did == EVENT_DIGESTED && sv_eq(other->to, a->to))
            return true;
    return false;
}

/* What the text will be made of, when the window is over. */
static void add_item(struct making *m, const struct rule *r, const struct rule_run *run,
                     struct event_act *a) {
    struct err e = ERR_INIT;
    if (!digest_recipient(m, run, &a->to, &e)) {
        add_failure(m, r, &e);
        return;
    }
    if (is_gathered(m, a)) {
        m->n_acts--;
        m->n_fires--;
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
    a->vars = arena_dup(&m->rq->x->arena, sv_of(text));
    a->digest_due_at = m->rq->now + r->digest_us;
    free(text);
}

static void add_fire(struct making *m, const struct rule *r, const struct rule_run *of_rule, size_t i) {
    struct event_act *a = add_act(m, r, EVENT_FIRED);
    struct rule_run run = *of_rule; /* this recipient's */
    if (!a)
        return;
    m->n_fires++;
    rule_run_choose(r, &run, i);
    json_incref(run.vars);
    a->key = run.key;
    a->dedupe = run.dedupe;
    a->dedupe_us = r->dedupe_us;
    if (r->digest_us)
        add_item(m, r, &run, a);
    else
        add_message(m, r, &run, a);
    json_decref(run.vars);
}

static void add_fires(struct making *m, const struct rule *r, const struct rule_run *run) {
    struct err e = ERR_INIT;
    for (size_t i = 0; i < run->n_whom && !m->rq->x->arena.full; i++) {
        if (m->n_fires == EVENT_FIRES_MAX) {
            err_set(&e, ERR_LIMITED, "one event makes at most %d texts; %zu of this rule were not made",
                    EVENT_FIRES_MAX, run->n_whom - i);
            add_error(m, r, &e);
            return;
        }
        add_fire(m, r, run, i);
    }
}

static void run_one(struct making *m, const struct rule *r) {
    struct rule_run run;
    rule_run(r, m->vars, m->rq->now, &m->rq->x->arena, &m->steps, &run);
    switch (run.verdict) {
    case RULE_FIRES: add_fires(m, r, &run); break;
    case RULE_PASSES: add_name(&m->passed, r); break;
    case RULE_IS_LATE: (void)add_act(m, r, EVENT_LATE); break;
    case RULE_FAILS: add_error(m, r, &run.err); break;
    case RULE_IS_LEFT: add_name(&m->unjudged, r); break;
    }
    json_decref(run.vars);
}

static void withdraw_one(struct making *m, const struct rule *r) {
    struct err e = ERR_INIT;
    struct sv key;
    if (!rule_run_cancel_key(r, m->vars, &m->rq->x->arena, &m->steps, &key, &e)) {
        if (m->steps)
            add_error(m, r, &e);
        else
            add_name(&m->unjudged, r);
        return;
    }
    if (m->n_withdrawals < WITHDRAWALS_MAX)
        m->withdrawals[m->n_withdrawals++] =
            (struct event_withdrawal){.rule = arena_dup(&m->rq->x->arena, sv_of(r->name)), .key = key};
    else
        add_name(&m->unjudged, r);
}

static struct sv names_of(struct making *m, struct buf *names) {
    struct sv out = names->n ? arena_dup(&m->rq->x->arena, buf_sv(names)) : SV_NONE;
    buf_done(names);
    return out;
}

static void tell_unjudged(struct making *m) {
    size_t n = 1;
    if (!m->unjudged.n)
        return;
    for (size_t i = 0; i < m->unjudged.n; i++)
        n += m->unjudged.p[i] == ',';
    meter_add(api_world(m->rq)->meters, COUNT_RULES_UNJUDGED, n);
    log_warn(api_world(m->rq)->log, "event.too_much", kv_text("type", m->in->type),
             kv_int("rules_not_judged", (int64_t)n));
}

/* Where no rule is for it, nothing of this takes memory. */
static bool run_rules(struct making *m, const struct rule_page *page) {
    const struct rule *on[2 * RULES_PER_ACCOUNT_MAX], *cancel[2 * RULES_PER_ACCOUNT_MAX];
    struct arena *mem = &m->rq->x->arena;
    size_t n_on = rule_page_match(page, RULE_SIDE_ON, m->in->type, on);
    size_t n_cancel = rule_page_match(page, RULE_SIDE_CANCEL, m->in->type, cancel);
    if (n_on + n_cancel == 0)
        return true;
    struct event_write *w = &m->post->write;
    m->withdrawals = arena_alloc(mem, (n_cancel + 1) * sizeof *m->withdrawals);
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
    w->outcomes_max = m->n_acts + (m->n_withdrawals ? WITHDRAWN_TOLD_MAX : 0);
    w->outcomes = arena_alloc(mem, (w->outcomes_max + 1) * sizeof *w->outcomes);
    tell_unjudged(m);
    w->passed = names_of(m, &m->passed);
    w->unjudged = names_of(m, &m->unjudged);
    return !mem->full;
}

static struct sv dump(struct api_request *rq, const json_t *data) {
    char *text = json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY);
    struct sv out = text ? arena_dup(&rq->x->arena, sv_of(text)) : SV_NONE;
    free(text);
    return out;
}

struct event_post *event_post_new(struct api_request *rq, struct event_in *in, uint64_t *steps,
                                  struct err *e) {
    const struct rule_page *page;
    struct event_post *p = arena_zalloc(&rq->x->arena, sizeof *p);
    struct making m = {.rq = rq,
                       .in = in,
                       .post = p,
                       .steps = EVENT_STEPS_MAX,
                       .passed = BUF_INIT(NAMES_BYTES_MAX),
                       .unjudged = BUF_INIT(NAMES_BYTES_MAX)};
    bool too_much = *steps < EVENT_STEPS_MAX;
    if (!p || too_much || !event_page(rq, &page, e)) {
        event_in_done(in);
        if (too_much)
            err_set(e, ERR_BUSY,
                    "the rules of the events before it took all the work that one request may "
                    "cause: post it again");
        else if (!p)
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
    *steps -= EVENT_STEPS_MAX - m.steps;
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
