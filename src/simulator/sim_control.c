#include "simulator/sim_control.h"

#include "base/json.h"
#include "model/form.h"
#include "simulator/sim.h"
#include "simulator/sim_answer.h"
#include "simulator/sim_face.h"
#include "simulator/sim_page.h"
#include "simulator/sim_reply.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 100000 };

static void answer_problem(struct sim *sim, struct exchange *x, int status, const char *field,
                           const char *text) {
    buf_reset(&sim->out);
    buf_addf(&sim->out, "{\"status\":%d", status);
    if (field[0])
        json_pair(&sim->out, "field", sv_of(field));
    json_pair(&sim->out, "detail", sv_of(text));
    buf_addc(&sim->out, '}');
    answer_json(x, status, &sim->out);
}

/* ---- stats ---- */

#define COUNTER(name)                                                                                        \
    { #name, offsetof(struct sim_stats, name) }
static const struct {
    const char *name;
    size_t at;
} counters[] = {
    COUNTER(requests),        COUNTER(received),         COUNTER(unique),
    COUNTER(rejected),        COUNTER(throttled),        COUNTER(server_errors),
    COUNTER(auth_failures),   COUNTER(lost_answers),     COUNTER(lost_requests),
    COUNTER(half_answers),    COUNTER(silenced),         COUNTER(fetches),
    COUNTER(lists),           COUNTER(receipts_sent),    COUNTER(receipts_ok),
    COUNTER(receipts_failed), COUNTER(receipts_retried), COUNTER(receipts_dropped),
    COUNTER(forged_sent),     COUNTER(forged_accepted),  COUNTER(replies_sent),
    COUNTER(replies_ok),      COUNTER(handed_out),
};

static void stats(struct sim *sim, struct exchange *x) {
    struct buf *out = &sim->out;
    buf_reset(out);
    buf_addc(out, '{');
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        json_pair_i64(out, counters[i].name,
                      (int64_t) *
                          (const uint64_t *)(const void *)((const char *)&sim->stats + counters[i].at));
    json_pair_i64(out, "duplicates", (int64_t)(sim->stats.received - sim->stats.unique));
    json_pair_i64(out, "in_flight", (int64_t)sim->callbacks.in_flight);
    json_pair_i64(out, "receipts_pending", (int64_t)sim->receipts.n);
    json_pair_i64(out, "held", (int64_t)sim->held);
    json_pair_i64(out, "kept", (int64_t)(sim->store.next - sim->store.first));
    json_pair_i64(out, "connections", server_connections(sim->server));
    buf_addc(out, '}');
    answer_json(x, 200, out);
}

/* ---- messages ---- */

static void write_sids(struct sim *sim, uint64_t seq, struct buf *out) {
    buf_addc(out, '[');
    for (uint64_t at = seq; at; at = store_older_copy(&sim->store, at)) {
        struct sid sid = store_sid(&sim->store, at);
        if (at != seq)
            buf_addc(out, ',');
        json_add_string(out, sid_sv(&sid));
    }
    buf_addc(out, ']');
}

static void write_entry(struct sim *sim, uint64_t seq, const struct sim_message *m, struct buf *out) {
    struct sid sid = store_sid(&sim->store, seq);
    enum sim_status status = store_status(m, sim_now(sim));
    struct buf BUF_AUTO to = BUF_INIT(UINT8_MAX);
    sim_to_add(&to, m);
    buf_addc(out, '{');
    json_pair(out, "to", buf_sv(&to));
    json_pair(out, "provider", sv_of(sim_faces[m->provider]->name));
    json_pair(out, "from", words_get(&sim->store.words, m->from));
    json_pair(out, "body", store_body(m));
    json_pair_i64(out, "times", m->times);
    json_pair(out, "provider_id", sid_sv(&sid));
    json_key(out, "provider_ids");
    write_sids(sim, seq, out);
    json_pair(out, "status", sv_of(sim_status_name(status)));
    bool bad = status == SIM_UNDELIVERED || status == SIM_FAILED;
    if (bad && m->error_word)
        json_pair(out, "error_code", words_get(&sim->store.words, m->error_word));
    else if (bad && m->error_code)
        json_pair_i64(out, "error_code", m->error_code);
    else
        buf_adds(out, ",\"error_code\":null");
    json_pair_i64(out, "segments", m->segments);
    json_pair_time(out, "first_at", m->first_at);
    json_pair_time(out, "last_at", m->created_at);
    json_pair_or_null(out, "messaging_service_sid", words_get(&sim->store.words, m->service));
    json_pair_or_null(out, "traceparent", store_traceparent(m));
    json_pair_or_null(out, "reference", store_reference(m));
    json_key(out, "extra");
    buf_add(out, m->extra_n ? store_extra(m) : SV("null"));
    json_pair_i64(out, "seq", (int64_t)seq);
    buf_addc(out, '}');
}

/* Newest first, each text once. */
static void messages(struct sim *sim, struct exchange *x) {
    struct form f;
    uint64_t limit = LIMIT_DEFAULT, before = 0, number = 0;
    if (!form_parse(x->query, &x->arena, &f, NULL)) {
        answer_problem(sim, x, 400, "", "the query is malformed");
        return;
    }
    struct sv to = form_get(&f, SV("to")), most = form_get(&f, SV("limit")),
              below = form_get(&f, SV("before"));
    if (to.n && !sim_number_parse(to, &number) && sv_find_char(to, '@') != SIZE_MAX)
        number = sim_address_number(to);
    if ((most.n && !sv_to_u64(most, &limit)) || (below.n && !sv_to_u64(below, &before)) ||
        (to.n && !number)) {
        answer_problem(
            sim, x, 400, "",
            "to must be an E.164 number (+ as %2B) or an address with an @, limit and before whole "
            "numbers");
        return;
    }
    struct sv name = form_get(&f, SV("provider"));
    int place = sim_face_place(name);
    if (name.n && place < 0) {
        answer_problem(sim, x, 400, "", "no such provider is played");
        return;
    }
    struct store *s = &sim->store;
    uint64_t seq = to.n ? store_older_of(s, number, 0) : s->next - 1, n = 0;
    buf_reset(&sim->out);
    buf_addc(&sim->out, '[');
    for (; seq >= s->first && seq && n < limit && n < LIMIT_MAX;
         seq = to.n ? store_older_of(s, number, seq) : seq - 1) {
        const struct sim_message *m = store_get(s, seq);
        if (m->superseded || (before && seq >= before) || (name.n && m->provider != place))
            continue;
        if (n++)
            buf_addc(&sim->out, ',');
        write_entry(sim, seq, m, &sim->out);
        if (sim->out.n > SIM_ANSWER_BYTES_MAX / 2)
            break;
    }
    buf_addc(&sim->out, ']');
    if (sim->out.overflow)
        answer_problem(sim, x, 400, "limit", "the answer is too large: ask for fewer");
    else
        answer_json(x, 200, &sim->out);
}

/* ---- profile ---- */

static void profile(struct sim *sim, struct exchange *x) {
    struct err e = ERR_INIT;
    bool seeded = false;
    if (x->method == HTTP_POST && !profile_merge(&sim->profile, x->body, &seeded, &e)) {
        answer_problem(sim, x, err_http_status(e.kind), e.field, e.text);
        return;
    }
    if (seeded)
        prng_init(&sim->dice, (uint64_t)sim->profile.seed);
    buf_reset(&sim->out);
    profile_write(&sim->profile, &sim->out);
    answer_json(x, 200, &sim->out);
}

void control_reset(struct sim *sim) {
    sim->generation++;
    receipts_reset(sim);
    timers_run(&sim->timers, INT64_MAX, sim); /* all that is left there: held answers, now of the past */
    store_reset(&sim->store);
    sim->stats = (struct sim_stats){0};
    map_done(&sim->refused_once);
    map_init(&sim->refused_once);
    sim->rate_at = 0;
    json_array_clear(sim->kept_replies);
    sim->profile = sim->first_profile;
    prng_init(&sim->dice, (uint64_t)sim->profile.seed);
}

static void reset(struct sim *sim, struct exchange *x) {
    control_reset(sim);
    struct answer a = {.status = 204};
    server_answer(x, &a);
}

/* ---- the page ---- */

static void page(struct sim *sim, struct exchange *x) {
    (void)sim;
    struct answer a = {.status = 200,
                       .content_type = "text/html; charset=utf-8",
                       .body = sv_make(sim_page, sim_page_bytes),
                       .headers = {{SV("Cache-Control"), SV("no-store")}},
                       .n_headers = 1};
    server_answer(x, &a);
}

/* ---- routes ---- */

static const struct route {
    struct sv path;
    bool get, post;
    void (*handle)(struct sim *sim, struct exchange *x);
} routes[] = {
    {{"/", 1}, true, false, page},
    {{"/_sim/stats", 11}, true, false, stats},
    {{"/_sim/messages", 14}, true, false, messages},
    {{"/_sim/profile", 13}, true, true, profile},
    {{"/_sim/reply", 11}, false, true, reply_handle},
    {{"/_sim/reset", 11}, false, true, reset},
};

/* A page from elsewhere, open in the tester's browser, must not reach these doors. */
static bool foreign(const struct exchange *x) {
    struct sv origin = exchange_header(x, "Origin"), host = exchange_header(x, "Host");
    if (!origin.p)
        return false;
    return !sv_starts(origin, SV("http://")) || !sv_eq_nocase(sv_from(origin, 7), host);
}

void control_handle(struct sim *sim, struct exchange *x) {
    if (foreign(x)) {
        answer_problem(sim, x, 403, "", "pages of other origins may not use the simulator");
        return;
    }
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        const struct route *r = &routes[i];
        if (!sv_eq(x->path, r->path))
            continue;
        if ((x->method == HTTP_GET && r->get) || (x->method == HTTP_POST && r->post))
            r->handle(sim, x);
        else
            answer_problem(sim, x, 405, "", "this path does not take that method");
        return;
    }
    answer_problem(sim, x, 404, "",
                   "no such path: Twilio's API is under /2010-04-01/, the simulator's own under /_sim/ "
                   "(docs/simulator.md has the other providers')");
}
