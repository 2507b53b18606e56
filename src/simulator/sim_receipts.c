#include "simulator/sim_receipts.h"

#include "base/clock.h"
#include "simulator/sim.h"
#include "simulator/sim_call.h"

#include <string.h>

enum { STEPS_MAX = 8, LIE_CODE = 30007 };

struct step {
    uint32_t after_ms; /* of created_at */
    enum sim_status status;
    int code;
    enum callback_sign sign; /* but SIGN_RIGHT: a lie */
};

struct receipt_job {
    struct timer timer; /* first: fire finds the job by it */
    struct receipt_job *prev, *next;
    struct receipt_job *next_ready;
    struct sim_call *call; /* waits for the last step, or NULL */
    uint64_t seq;
    int64_t created_at;
    uint64_t generation;
    uint8_t n_steps, at_step;
    uint8_t provider;
    bool tried, on_wire;
    struct step steps[STEPS_MAX];
    size_t url_n;
    char url[];
};

void receipts_init(struct receipts *rs) {
    *rs = (struct receipts){.ready_end = &rs->ready};
}

/* ---- jobs ---- */

static void link_job(struct receipts *rs, struct receipt_job *j) {
    j->next = rs->all;
    if (j->next)
        j->next->prev = j;
    rs->all = j;
    rs->n++;
}

static void unlink_job(struct receipts *rs, struct receipt_job *j) {
    *(j->prev ? &j->prev->next : &rs->all) = j->next;
    if (j->next)
        j->next->prev = j->prev;
    rs->n--;
}

static void end_job(struct sim *sim, struct receipt_job *j) {
    if (j->call)
        call_early_done(sim, j->call);
    unlink_job(&sim->receipts, j);
    free(j);
}

void receipts_reset(struct sim *sim) {
    struct receipts *rs = &sim->receipts;
    for (struct receipt_job *j = rs->all, *next; j; j = next) {
        next = j->next;
        timers_cancel(&sim->timers, &j->timer);
        if (j->on_wire)
            continue; /* its answer ends it */
        end_job(sim, j);
    }
    rs->ready = NULL;
    rs->ready_end = &rs->ready;
}

static void make_ready(struct sim *sim, struct receipt_job *j) {
    j->next_ready = NULL;
    *sim->receipts.ready_end = j;
    sim->receipts.ready_end = &j->next_ready;
}

static void fire(void *ctx, struct timer *t) {
    make_ready(ctx, (struct receipt_job *)t);
}

static void wait_until(struct sim *sim, struct receipt_job *j, int64_t at) {
    if (at <= sim_now(sim) || !timers_set(&sim->timers, &j->timer, at))
        make_ready(sim, j);
}

/* ---- plans ---- */

static void add_step(struct receipt_job *j, uint32_t after_ms, enum sim_status status, int code,
                     enum callback_sign sign) {
    ASSERT(j->n_steps < STEPS_MAX);
    j->steps[j->n_steps++] = (struct step){after_ms, status, code, sign};
}

static bool reports(const struct sim_message *m, enum sim_status status) {
    const struct sim_face *face = sim_faces[m->provider];
    return !face->reports || face->reports(status);
}

static void plan_truth(struct sim *sim, struct receipt_job *j, const struct sim_message *m,
                       const struct course *course) {
    bool has_sent = sim->profile.receipts.sent && m->sent_ms != SIM_NEVER && reports(m, SIM_SENT);
    bool has_final = m->final_ms != SIM_NEVER && reports(m, m->final);
    unsigned copies = course->duplicate ? 2 : 1;
    uint32_t last = has_final ? m->final_ms : m->sent_ms;
    for (unsigned i = 0; i < copies && has_sent && !course->out_of_order; i++)
        add_step(j, m->sent_ms, SIM_SENT, 0, SIGN_RIGHT);
    for (unsigned i = 0; i < copies && has_final; i++)
        add_step(j, m->final_ms, m->final, m->error_code, SIGN_RIGHT);
    for (unsigned i = 0; i < copies && has_sent && course->out_of_order; i++)
        add_step(j, last, SIM_SENT, 0, SIGN_RIGHT);
}

bool receipts_plan(struct sim *sim, uint64_t seq, struct sv url, const struct course *course,
                   struct sim_call *call) {
    struct receipts *rs = &sim->receipts;
    const struct sim_message *m = store_get(&sim->store, seq);
    if (!course->receipts || !url.n || !m)
        return false;
    struct receipt_job *j = rs->n < RECEIPT_JOBS_MAX ? malloc(sizeof *j + url.n) : NULL;
    if (!j) {
        sim->stats.receipts_dropped++;
        return false;
    }
    *j = (struct receipt_job){.timer.fire = fire,
                              .call = call,
                              .seq = seq,
                              .created_at = m->created_at,
                              .generation = sim->generation,
                              .provider = m->provider,
                              .url_n = url.n};
    memcpy(j->url, url.p, url.n);
    /* Lies come first: what believes them has lost before the truth arrives. */
    if (course->forged)
        add_step(j, 0, SIM_FAILED, LIE_CODE, SIGN_WRONG);
    if (course->unsigned_first)
        add_step(j, 0, SIM_FAILED, LIE_CODE, SIGN_NONE);
    plan_truth(sim, j, m, course);
    if (!j->n_steps) {
        free(j);
        return false;
    }
    link_job(rs, j);
    wait_until(sim, j, j->created_at + j->steps[0].after_ms * US_PER_MS);
    return true;
}

/* ---- posting ---- */

static void next_step(struct sim *sim, struct receipt_job *j) {
    j->tried = false;
    if (++j->at_step == j->n_steps)
        end_job(sim, j);
    else
        wait_until(sim, j, j->created_at + j->steps[j->at_step].after_ms * US_PER_MS);
}

static void count(struct sim *sim, const struct receipt_job *j, const struct http_response *r) {
    const struct step *step = &j->steps[j->at_step];
    bool ok = r->transport == HTTP_ANSWERED && r->status >= 200 && r->status < 300;
    if (ok && sim_faces[j->provider]->accepts)
        ok = sim_faces[j->provider]->accepts(r);
    if (step->sign != SIGN_RIGHT)
        sim->stats.forged_accepted += ok;
    else
        ++*(ok ? &sim->stats.receipts_ok : &sim->stats.receipts_failed);
}

static void on_answer(struct sim *sim, void *ctx, const struct http_response *r) {
    struct receipt_job *j = ctx;
    j->on_wire = false;
    if (j->generation != sim->generation) {
        end_job(sim, j);
        return;
    }
    /* Twilio's default: one more try when the connection failed, none after a time-out or an answer. */
    bool connection_failed =
        r->transport != HTTP_ANSWERED && r->elapsed_us < CALLBACK_CONNECT_TIMEOUT_MS * US_PER_MS;
    if (connection_failed && !j->tried) {
        j->tried = true;
        sim->stats.receipts_retried++;
        wait_until(sim, j, sim_now(sim) + RECEIPT_RETRY_MS * US_PER_MS);
        return;
    }
    count(sim, j, r);
    next_step(sim, j);
}

static void post(struct sim *sim, struct receipt_job *j, const struct sim_message *m) {
    const struct step *step = &j->steps[j->at_step];
    bool lie = step->sign != SIGN_RIGHT;
    struct sim_step said = {.message = m,
                            .seq = j->seq,
                            .number = j->at_step,
                            .status = step->status,
                            .code = step->code,
                            .sign = step->sign,
                            .word =
                                lie || !step->code ? SV_NONE : words_get(&sim->store.words, m->error_word),
                            .at = sim_now(sim)};
    struct callback *c = callback_begin(sim, sv_make(j->url, j->url_n));
    sim_faces[m->provider]->receipt(sim, &said, c);
    if (!j->tried)
        ++*(lie ? &sim->stats.forged_sent : &sim->stats.receipts_sent);
    j->on_wire = callback_send(c, on_answer, j, NULL);
    if (!j->on_wire) {
        sim->stats.receipts_failed += !lie;
        next_step(sim, j);
    }
}

void receipts_run(struct sim *sim) {
    struct receipts *rs = &sim->receipts;
    while (rs->ready && callbacks_have_room(&sim->callbacks)) {
        struct receipt_job *j = rs->ready;
        rs->ready = j->next_ready;
        if (!rs->ready)
            rs->ready_end = &rs->ready;
        const struct sim_message *m = store_get(&sim->store, j->seq);
        if (m && !m->deleted) {
            post(sim, j, m);
            continue;
        }
        sim->stats.receipts_dropped++;
        end_job(sim, j);
    }
}

bool receipts_pending_now(const struct sim *sim) {
    return sim->receipts.ready && callbacks_have_room(&sim->callbacks);
}
