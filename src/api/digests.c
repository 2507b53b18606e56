/* Digests: what is gathered on disk for one text is made into it when its time has come. Each front looks
 * once a second; the journal lets only one of them have the events, and only as they are on disk. */
#include "api/events.h"
#include "api/front_parts.h"

#include "base/clock.h"
#include "ingest/stock.h"

#include <stdlib.h>

enum { MEM_BYTES_MAX = 64 << 20, TRIES_MAX = 5, AGAIN_S = 60 };

struct digester {
    bool out;
    int64_t looked_at; /* monotonic; 0: look at once */
    struct arena mem;
    struct digest_row row;
    struct event_digest digest;
    struct event_write write;
    struct ask ask, part;
    struct api_request rq; /* for what needs one: there is no exchange */
};

struct digester *digester_new(struct err *e) {
    struct digester *d = calloc(1, sizeof *d);
    if (!d) {
        err_set(e, ERR_OUTSIDE, "out of memory for digests");
        return NULL;
    }
    arena_init(&d->mem, MEM_BYTES_MAX);
    return d;
}

void digester_free(struct digester *d) {
    if (!d)
        return;
    arena_done(&d->mem);
    free(d);
}

/* One event as the template sees it in `events`: its data's members, `data`, `event`, and the rule's vars. */
static json_t *item_vars(const json_t *item) {
    const json_t *event = json_object_get(item, "event");
    json_t *vars = rule_vars(event, json_object_get(event, "data"));
    json_object_update(vars, json_object_get(item, "vars"));
    return vars;
}

static json_t *digest_vars(const struct digest_row *row, struct arena *mem, struct sv *language) {
    json_t *vars = json_object(), *events = json_array();
    ASSERT(vars && events);
    for (size_t i = 0; i < row->n_items; i++) {
        json_t *item = json_loadb(row->items[i].p, row->items[i].n, 0, NULL);
        const json_t *tag = json_object_get(item, "language");
        if (json_is_string(tag)) /* the latest says */
            *language = arena_dup(mem, sv_of(json_string_value(tag)));
        if (item)
            json_array_append_new(events, item_vars(item));
        json_decref(item);
    }
    json_object_set_new(vars, "count", json_integer((json_int_t)json_array_size(events)));
    json_object_set_new(vars, "events", events);
    return vars;
}

static bool admit_digest(struct front *f, struct digester *d, const struct rule *r, struct err *e) {
    const struct account *account = directory_account(f->directory, d->row.account_id);
    bool by_contact = sv_starts(d->row.recipient, SV(DIGEST_CONTACT));
    struct rule_run run = {.to = by_contact ? SV_NONE : d->row.recipient};
    if (by_contact)
        run.contact = sv_from(d->row.recipient, sizeof DIGEST_CONTACT - 1);
    run.vars = digest_vars(&d->row, &d->mem, &run.language);
    struct submission in = event_submission(&d->rq, r, &run, SV_NONE);
    struct admitted admitted;
    in.metadata = SV_NONE;
    in.account_name = account ? sv_of(account->name) : SV_NONE;
    bool ok = event_contact(&d->rq, &d->mem, r, &run, &in, e) &&
              admit(f->admitter, f->settings, f->texts, &in, world_now(f->parts.world), &admitted, e);
    json_decref(run.vars);
    if (!ok)
        return false;
    d->part = (struct ask){.kind = ASK_SUBMIT,
                           .account_id = d->row.account_id,
                           .message = admitted.message,
                           .suppress = admitted.suppress,
                           .flagged = admitted.screened.worst == SCREEN_FLAG,
                           .default_validity = !in.validity_s,
                           .account_name = arena_dup(&d->mem, in.account_name),
                           .countries = directory_countries(f->directory, d->row.account_id, &d->mem)};
    struct link *links = arena_alloc(&d->mem, (admitted.n_links + 1) * sizeof *links);
    ASSERT(links);
    for (size_t i = 0; i < admitted.n_links; i++)
        links[i] = (struct link){.code = admitted.links[i].code,
                                 .target = arena_dup(&d->mem, admitted.links[i].target)};
    d->part.links = links;
    d->part.n_links = admitted.n_links;
    return true;
}

/* The rule as it is now makes the text. Without one there is none: it was switched off. */
static bool make(struct front *f, struct digester *d, bool *gone, struct err *e) {
    const struct account *account = directory_account(f->directory, d->row.account_id);
    const struct rule_page *page;
    uint64_t rules = atomic_load(&f->parts.world->meters->counters[COUNT_RULES_PUBLISHED]);
    uint64_t templates = atomic_load(&f->parts.world->meters->counters[COUNT_TEMPLATES_PUBLISHED]);
    int64_t monotonic = clock_monotonic_us();
    rulebook_refresh(f->rules, f->texts, monotonic, rules);
    stock_refresh(f->stock, monotonic, templates);
    if (!rulebook_page(f->rules, d->row.account_id, account ? sv_of(account->name) : SV_NONE, &page, e))
        return false;
    const struct rule *r = rule_page_find(page, d->row.rule);
    *gone = !r || !r->digest_us;
    return r && r->digest_us ? admit_digest(f, d, r, e)
                             : err_set(e, ERR_UNPROCESSABLE, "the rule is not at work any more");
}

static void put(struct front *f, struct digester *d) {
    struct err e = ERR_INIT;
    bool gone = false;
    d->digest = (struct event_digest){.rule = d->row.rule,
                                      .recipient = d->row.recipient,
                                      .last_event = d->row.last_event,
                                      .n_items = (unsigned)d->row.n_items};
    d->write = (struct event_write){.account_id = d->row.account_id, .digest = &d->digest};
    d->ask = (struct ask){.kind = ASK_DIGEST,
                          .account_id = d->row.account_id,
                          .owner = d,
                          .reply_to = f->parts.replies,
                          .business = &d->write};
    d->rq = (struct api_request){.front = f, .account_id = d->row.account_id};
    if (d->row.n_items && make(f, d, &gone, &e)) {
        d->ask.parts = &d->part;
        d->ask.n_parts = 1;
        d->part.merged = (unsigned)d->row.n_items;
    } else if (d->row.n_items) {
        bool last = gone || d->row.tries + 1 >= TRIES_MAX;
        d->digest.failed = arena_dup(&d->mem, sv_of(e.text[0] ? e.text : "it could not be made"));
        d->digest.again_at = last ? 0 : world_now(f->parts.world) + AGAIN_S * US_PER_S;
        log_warn(f->parts.world->log, "digest.failed", kv_text("rule", d->row.rule),
                 kv_int("events", (int64_t)d->row.n_items), kv_int("tries", d->row.tries + 1));
    }
    d->out = true;
    f->asks_out++;
    f->asks.asks[f->asks.n++] = &d->ask;
}

void front_put_digest(struct front *f) {
    struct digester *d = f->digester;
    struct err ignored = ERR_INIT;
    int64_t monotonic = clock_monotonic_us();
    bool found;
    if (d->out || f->draining || f->asks_out == f->asks_out_max ||
        (d->looked_at && monotonic - d->looked_at < US_PER_S))
        return;
    d->looked_at = monotonic;
    arena_reset(&d->mem);
    if (events_due_digest(f->db, world_now(f->parts.world), &d->mem, &d->row, &found, &ignored) && found)
        put(f, d);
}

void front_digest_done(struct front *f, struct ask *a) {
    struct digester *d = a->owner;
    (void)f;
    ASSERT(d->out && a == &d->ask);
    d->out = false;
    if (a->result == ASK_DONE)
        d->looked_at = 0; /* there may be more */
}
