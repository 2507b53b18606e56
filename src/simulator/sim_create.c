/* POST /2010-04-01/Accounts/{Sid}/Messages.json: judges the parameters as Twilio does, lets the course
 * decide, stores, answers. */
#include "simulator/sim_answer.h"
#include "simulator/sim_twilio.h"

#include "base/clock.h"
#include "model/form.h"
#include "simulator/sim.h"
#include "text/segments.h"

enum {
    BODY_CHARS_MAX = 1600,
    CALLBACK_URL_BYTES_MAX = 4000,
    SENDER_BYTES_MAX = 64,
    TRACEPARENT_BYTES_MAX = 255,
    SCHEDULE_S_MIN = 300,
    SCHEDULE_S_MAX = 3024000,
};
/* The sender that a Messaging Service picks from its pool. */
#define POOL_SENDER SV("+15005550006")

struct request {
    struct sv to, from, service, body, callback;
    uint64_t number;
    int64_t send_at; /* 0: at once */
};

/* A create call that waits for its time. In the exchange's arena. */
struct held {
    struct timer timer; /* first: fire finds it by it */
    struct exchange *x;
    struct course course;
    uint64_t seq;
    uint64_t generation;
};

/* ---- parameters: each returns Twilio's code of what is wrong, or 0 ---- */

static size_t utf8_chars(struct sv v) {
    size_t n = 0;
    for (size_t i = 0; i < v.n; i++)
        n += ((unsigned char)v.p[i] & 0xC0) != 0x80;
    return n;
}

static bool only(struct sv v, const char *more) {
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!plain && sv_find_char(sv_of(more), c) == SIZE_MAX)
            return false;
    }
    return true;
}

static int judge_body(const struct form *f, struct sv body) {
    bool other_content = form_get(f, SV("MediaUrl")).n || form_get(f, SV("ContentSid")).n;
    if (body.n == 0 && !other_content)
        return 21602;
    if (!sv_is_utf8(body))
        return 20422;
    return utf8_chars(body) > BODY_CHARS_MAX ? 21617 : 0;
}

/* E.164, a short code, or a name of at most 11 characters with a letter in it. */
static bool is_sender(struct sv v) {
    uint64_t x;
    if (sv_starts(v, SV("+")))
        return sim_number_parse(v, &x);
    if (sv_to_u64(v, &x))
        return v.n >= 3 && v.n <= 8;
    return v.n <= 11 && only(v, " _-+&.");
}

static bool is_owned(const struct profile *p, struct sv from) {
    for (size_t i = 0; i < p->n_senders; i++)
        if (sv_eq(from, sv_of(p->senders[i])))
            return true;
    return p->n_senders == 0;
}

static int judge_sender(const struct sim *sim, const struct request *r) {
    uint8_t bytes[16];
    if (r->service.n &&
        !(sv_starts(r->service, SV("MG")) && hex_parse(sv_from(r->service, 2), bytes, sizeof bytes)))
        return 21701;
    if (!r->from.n)
        return r->service.n ? 0 : 21603;
    if (!is_sender(r->from) || sv_eq(r->from, SV("+15005550001")))
        return 21212;
    if (sv_eq(r->from, SV("+15005550007")))
        return 21606;
    if (sv_eq(r->from, SV("+15005550008")))
        return 21611;
    return is_owned(&sim->profile, r->from) ? 0 : 21606;
}

static int judge_callback(struct sv url) {
    if (url.n == 0)
        return 0;
    if (!sv_starts(url, SV("http://")) && !sv_starts(url, SV("https://")))
        return 21609;
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == 0x7f)
            return 21609;
    return url.n > CALLBACK_URL_BYTES_MAX ? 21609 : 0;
}

static int judge_times(const struct form *f, struct request *r, int64_t now) {
    struct sv validity = form_get(f, SV("ValidityPeriod")), type = form_get(f, SV("ScheduleType")),
              at = form_get(f, SV("SendAt"));
    uint64_t s;
    if (validity.p && (!sv_to_u64(validity, &s) || s < 1 || s > 36000))
        return 21624;
    if (!type.n && !at.n)
        return 0;
    if (!sv_eq(type, SV("fixed")))
        return 35126;
    if (!at.n)
        return 35111;
    if (!r->service.n)
        return 35118;
    bool fits = clock_parse_rfc3339(at, &r->send_at) && r->send_at >= now + SCHEDULE_S_MIN * US_PER_S &&
                r->send_at <= now + SCHEDULE_S_MAX * US_PER_S;
    return fits ? 0 : 35114;
}

static int judge(const struct sim *sim, const struct form *f, struct request *r) {
    r->to = form_get(f, SV("To"));
    r->from = form_get(f, SV("From"));
    r->service = form_get(f, SV("MessagingServiceSid"));
    r->body = form_get(f, SV("Body"));
    r->callback = form_get(f, SV("StatusCallback"));
    if (!r->to.n)
        return 21604;
    int code = judge_sender(sim, r);
    if (!code)
        code = judge_body(f, r->body);
    if (!code && !sim_number_parse(r->to, &r->number))
        code = 21211;
    if (!code)
        code = judge_callback(r->callback);
    return code ? code : judge_times(f, r, sim_now(sim));
}

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

/* ---- acting ---- */

static uint32_t whole_ms(double ms, double limit) {
    return (uint32_t)(ms < limit ? ms : limit);
}

static uint64_t record(struct sim *sim, struct exchange *x, uint16_t account, const struct request *r,
                       const struct course *course) {
    int64_t now = sim_now(sim);
    double wait_ms = r->send_at ? (double)(r->send_at - now) / 1000 : 0;
    double sent_ms = wait_ms + profile_draw_ms(&sim->profile.receipts.delay_ms, &sim->dice);
    double final_ms = sent_ms + profile_draw_ms(&sim->profile.receipts.delay_ms, &sim->dice);
    if (course->early)
        sent_ms = final_ms = wait_ms;
    struct sv trace = exchange_header(x, "traceparent");
    size_t segments = segments_count(r->body, SEGMENTS_INTERNATIONAL).segments;
    struct sim_draft d = {.number = r->number,
                          .body = r->body,
                          .traceparent = trace.n <= TRACEPARENT_BYTES_MAX ? trace : SV_NONE,
                          .row = {.sent_ms = whole_ms(sent_ms, SIM_NEVER - 1.0),
                                  .final_ms = whole_ms(final_ms, SIM_NEVER - 1.0),
                                  .error_code = course->error_code,
                                  .account = account,
                                  .segments = (uint8_t)(segments < UINT8_MAX ? segments : UINT8_MAX),
                                  .first = r->send_at     ? SIM_SCHEDULED
                                           : r->service.n ? SIM_ACCEPTED
                                                          : SIM_QUEUED,
                                  .final = (uint8_t)course->final}};
    if (course->final == SIM_SENT)
        d.row.final_ms = SIM_NEVER;
    if (course->final == SIM_FAILED) /* it never left the provider */
        d.row.sent_ms = SIM_NEVER;
    bool fresh;
    if (!words_put(&sim->store.words, r->from.n ? r->from : POOL_SENDER, &d.row.from) ||
        !words_put(&sim->store.words, r->service, &d.row.service))
        return 0;
    uint64_t seq = store_add(&sim->store, &d, now, &fresh);
    if (seq) {
        sim->stats.received++;
        sim->stats.unique += fresh;
    }
    return seq;
}

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

static void fire(void *ctx, struct timer *t) {
    struct sim *sim = ctx;
    struct held *h = (struct held *)t;
    sim->held--;
    struct course course = h->course; /* its memory goes with the exchange */
    if (h->generation == sim->generation)
        answer_course(sim, h->x, &course, h->seq);
    else
        answer_nothing(h->x);
}

/* True when the answer was put off. */
static bool hold(struct sim *sim, struct exchange *x, const struct course *course, uint64_t seq, double ms) {
    struct held *h = arena_zalloc(&x->arena, sizeof *h);
    if (!h)
        return false;
    *h = (struct held){
        .timer.fire = fire, .x = x, .course = *course, .seq = seq, .generation = sim->generation};
    if (!timers_set(&sim->timers, &h->timer, sim_now(sim) + (int64_t)(ms * 1000)))
        return false;
    sim->held++;
    return true;
}

static uint64_t once_key(const struct sim *sim, const struct request *r) {
    struct sip_key key = {sim->store.key.k0 ^ r->number, sim->store.key.k1};
    return siphash(key, r->body) ^ siphash(sim->store.key, r->from);
}

static void refuse(struct sim *sim, struct exchange *x, int code) {
    sim->stats.rejected++;
    answer_error(sim, x, 0, code, 0);
}

void sim_twilio_create(struct sim *sim, struct exchange *x, uint16_t account) {
    if (over_rate(sim)) {
        answer_error(sim, x, 0, 20429, (int)sim->profile.rate.retry_after_s);
        return;
    }
    struct form form;
    struct request r = {0};
    if (!form_parse(x->body, &x->arena, &form, NULL)) {
        refuse(sim, x, 20422);
        return;
    }
    int code = judge(sim, &form, &r);
    if (code) {
        refuse(sim, x, code);
        return;
    }
    struct course course = course_draw(sim, r.number, once_key(sim, &r));
    count(sim, &course);
    uint64_t seq = course.recorded ? record(sim, x, account, &r, &course) : 0;
    if (course.recorded && !seq) {
        answer_error(sim, x, 0, 20503, 0);
        return;
    }
    bool waits = course.early && course.act == COURSE_ANSWER;
    bool planned = seq && receipts_plan(sim, seq, r.callback, &course, waits ? x : NULL);
    if (waits && planned)
        return;
    double ms = course.act == COURSE_SILENCE ? sim->profile.silence_ms
                                             : profile_draw_ms(&sim->profile.latency_ms, &sim->dice);
    if (ms <= 0 || !hold(sim, x, &course, seq, ms))
        answer_course(sim, x, &course, seq);
}
