#include "simulator/sim_call.h"

#include "simulator/sim.h"
#include "simulator/sim_answer.h"

enum { TRACEPARENT_BYTES_MAX = 255, MEMORY_CODE = 20503, RATE_CODE = 20429 };

/* ---- rate: GCRA, as the limit of one account ---- */

static bool over_rate(struct sim *sim) {
    const struct profile *p = &sim->profile;
    if (p->rate.per_s <= 0)
        return false;
    int64_t now = sim_now(sim);
    double step_us = 1e6 / p->rate.per_s;
    int64_t at = sim->rate_at > now ? sim->rate_at : now;
    if ((double)(at - now) > step_us * (p->rate.burst - 1) + 0.5)
        return true;
    sim->rate_at = at + (int64_t)step_us;
    return false;
}

bool call_admit(struct sim *sim, const struct sim_face *face, struct exchange *x) {
    if (!over_rate(sim))
        return true;
    struct sim_refusal r = {
        .status = 429, .code = RATE_CODE, .retry_after_s = (int)sim->profile.rate.retry_after_s};
    face->refuse(sim, x, &r);
    return false;
}

static void refuse_for_memory(struct sim *sim, const struct sim_face *face, struct exchange *x) {
    struct sim_refusal r = {.status = 503, .code = MEMORY_CODE};
    face->refuse(sim, x, &r);
}

struct sim_call *call_new(struct sim *sim, const struct sim_face *face, struct exchange *x, size_t n) {
    ASSERT(n > 0 && n <= UINT16_MAX);
    struct sim_call *call = arena_zalloc(&x->arena, sizeof *call);
    struct sim_item *items = arena_zalloc(&x->arena, n * sizeof *items);
    if (!call || !items) {
        refuse_for_memory(sim, face, x);
        return NULL;
    }
    *call = (struct sim_call){.x = x, .face = face, .n = n, .items = items, .generation = sim->generation};
    return call;
}

/* ---- storing ---- */

static uint32_t whole_ms(double ms, double limit) {
    return (uint32_t)(ms < limit ? ms : limit);
}

static void set_times(struct sim *sim, struct sim_item *item, int64_t now) {
    const struct course *course = &item->course;
    struct sim_message *row = &item->draft.row;
    double wait_ms = item->send_at ? (double)(item->send_at - now) / 1000 : 0;
    double sent_ms = wait_ms + profile_draw_ms(&sim->profile.receipts.delay_ms, &sim->dice);
    double final_ms = sent_ms + profile_draw_ms(&sim->profile.receipts.delay_ms, &sim->dice);
    if (course->early)
        sent_ms = final_ms = wait_ms;
    row->sent_ms = whole_ms(sent_ms, SIM_NEVER - 1.0);
    row->final_ms = whole_ms(final_ms, SIM_NEVER - 1.0);
    if (course->final == SIM_SENT)
        row->final_ms = SIM_NEVER;
    if (course->final == SIM_FAILED) /* it never left the provider */
        row->sent_ms = SIM_NEVER;
}

static bool record(struct sim *sim, const struct sim_call *call, struct sim_item *item) {
    int64_t now = sim_now(sim);
    struct sv trace = exchange_header(call->x, "traceparent");
    bool fresh;
    set_times(sim, item, now);
    item->draft.row.error_code = item->course.error_code;
    if (!words_put(&sim->store.words, sv_of(item->course.error_word), &item->draft.row.error_word))
        return false;
    item->draft.row.final = (uint8_t)item->course.final;
    item->draft.row.provider = sim_face_number(call->face);
    item->draft.traceparent = trace.n <= TRACEPARENT_BYTES_MAX ? trace : SV_NONE;
    item->seq = store_add(&sim->store, &item->draft, now, &fresh);
    if (item->seq) {
        sim->stats.received++;
        sim->stats.unique += fresh;
    }
    return item->seq != 0;
}

/* ---- the course ---- */

static void count(struct sim *sim, const struct course *course) {
    switch (course->act) {
    case COURSE_ANSWER: break;
    case COURSE_ERROR:
        sim->stats.rejected += course->status < 500 && course->status != 401 && course->status != 429;
        break;
    case COURSE_SILENCE: sim->stats.silenced++; break;
    case COURSE_LOST_ANSWER: sim->stats.lost_answers++; break;
    case COURSE_LOST_REQUEST: sim->stats.lost_requests++; break;
    case COURSE_HALF_ANSWER: sim->stats.half_answers++; break;
    }
}

static uint64_t once_key(const struct sim *sim, const struct sim_draft *d) {
    struct sip_key key = {sim->store.key.k0 ^ d->number, sim->store.key.k1};
    return siphash(key, d->body) ^ siphash(sim->store.key, words_get(&sim->store.words, d->row.from));
}

/* An item's refusal that says nothing of the others. */
static bool refused_apart(const struct sim_call *call, const struct course *course) {
    return call->face->items_apart && course->act == COURSE_ERROR && course->status < 500 &&
           course->status != 401 && course->status != 429;
}

/* The call's course is that of its first item to which something happens that it cannot have for itself. */
static void draw(struct sim *sim, struct sim_call *call) {
    bool decided = false;
    for (size_t i = 0; i < call->n; i++) {
        struct sim_item *item = &call->items[i];
        item->course = course_draw(sim, item->draft.number, once_key(sim, &item->draft), i == 0);
        if (decided || item->course.act == COURSE_ANSWER || refused_apart(call, &item->course))
            continue;
        call->course = item->course;
        decided = true;
    }
    if (!decided)
        call->course = (struct course){.act = COURSE_ANSWER, .recorded = true};
    count(sim, &call->course);
}

static void answer_taken(struct sim *sim, struct sim_call *call) {
    struct buf *out = &sim->out;
    buf_reset(out);
    int status = call->face->answer(sim, call, out);
    ASSERT(!out->overflow);
    /* Half: well framed, but its text ends in the middle: what a broken proxy makes of an answer. */
    size_t n = call->course.act == COURSE_HALF_ANSWER ? out->n / 2 : out->n;
    struct answer a = {
        .status = status, .content_type = call->face->content_type, .body = sv_sub(buf_sv(out), 0, n)};
    if (call->face->answer_header)
        a.headers[a.n_headers++] = call->face->answer_header(call);
    server_answer(call->x, &a);
}

static bool all_there(const struct sim *sim, const struct sim_call *call) {
    for (size_t i = 0; i < call->n; i++)
        if (call->items[i].seq && !store_get(&sim->store, call->items[i].seq))
            return false;
    return true;
}

static void answer(struct sim *sim, struct sim_call *call) {
    const struct course *course = &call->course;
    struct sim_refusal r = {
        .status = course->status, .code = course->code, .retry_after_s = course->retry_after_s};
    switch (course->act) {
    case COURSE_ANSWER:
    case COURSE_HALF_ANSWER:
        if (all_there(sim, call))
            answer_taken(sim, call);
        else /* forgotten meanwhile */
            answer_nothing(call->x);
        break;
    case COURSE_ERROR:
        r.word = sv_of(course->word);
        call->face->refuse(sim, call->x, &r);
        break;
    case COURSE_SILENCE:
    case COURSE_LOST_ANSWER:
    case COURSE_LOST_REQUEST: answer_nothing(call->x); break;
    }
}

static void fire(void *ctx, struct timer *t) {
    struct sim *sim = ctx;
    struct sim_call *call = (struct sim_call *)t;
    sim->held--;
    if (call->generation == sim->generation)
        answer(sim, call);
    else
        answer_nothing(call->x);
}

void call_early_done(struct sim *sim, struct sim_call *call) {
    if (--call->early)
        return;
    sim->held--;
    answer(sim, call);
}

/* True when the answer was put off. */
static bool hold(struct sim *sim, struct sim_call *call, double ms) {
    call->timer.fire = fire;
    if (!timers_set(&sim->timers, &call->timer, sim_now(sim) + (int64_t)(ms * 1000)))
        return false;
    sim->held++;
    return true;
}

static bool record_all(struct sim *sim, struct sim_call *call) {
    uint16_t place = 0;
    for (size_t i = 0; i < call->n; i++) {
        struct sim_item *item = &call->items[i];
        if (refused_apart(call, &item->course)) {
            sim->stats.rejected++;
            continue;
        }
        item->draft.row.group_place = place++;
        if (!record(sim, call, item))
            return false;
    }
    return true;
}

static struct sv receipts_to(const struct sim *sim, const struct sim_call *call,
                             const struct sim_item *item) {
    return item->callback.n ? item->callback : sim_receipt_url(sim, call->face);
}

void call_take(struct sim *sim, struct sim_call *call) {
    draw(sim, call);
    if (call->course.recorded && !record_all(sim, call)) {
        refuse_for_memory(sim, call->face, call->x);
        return;
    }
    bool may_wait = call->course.act == COURSE_ANSWER;
    for (size_t i = 0; i < call->n; i++) {
        const struct sim_item *item = &call->items[i];
        bool waits = may_wait && item->course.early;
        if (item->seq &&
            receipts_plan(sim, item->seq, receipts_to(sim, call, item), &item->course, waits ? call : NULL) &&
            waits)
            call->early++;
    }
    if (call->early) {
        sim->held++;
        return;
    }
    double ms = call->course.act == COURSE_SILENCE ? sim->profile.silence_ms
                                                   : profile_draw_ms(&sim->profile.latency_ms, &sim->dice);
    if (ms <= 0 || !hold(sim, call, ms))
        answer(sim, call);
}
