#include "simulator/sim_course.h"

#include "simulator/sim.h"

#include <string.h>

/* Numbers that always do the same, whatever the profile says. The first five are Twilio's own (test
 * credentials); docs/simulator.md lists all, and a test tries each. */
enum magic_does {
    MAGIC_REFUSE, /* with the code */
    MAGIC_LOST_ANSWER,
    MAGIC_SILENCE,
    MAGIC_SERVER_ERROR,
    MAGIC_THROTTLE_ONCE,
    MAGIC_UNDELIVERED,
    MAGIC_NO_RECEIPT,
    MAGIC_DUPLICATE,
    MAGIC_OUT_OF_ORDER,
    MAGIC_EARLY,
    MAGIC_LOST_REQUEST,
    MAGIC_FORGED,
    MAGIC_HALF_ANSWER,
    MAGIC_FAILED,
    MAGIC_ERROR_RECORDED,
};

static const struct magic {
    uint64_t number;
    enum magic_does does;
    int code;
} magics[] = {
    {15005550001, MAGIC_REFUSE, 21211},
    {15005550002, MAGIC_REFUSE, 21612},
    {15005550003, MAGIC_REFUSE, 21408},
    {15005550004, MAGIC_REFUSE, 21610},
    {15005550009, MAGIC_REFUSE, 21614},
    {15005550101, MAGIC_LOST_ANSWER, 0},
    {15005550102, MAGIC_SILENCE, 0},
    {15005550103, MAGIC_SERVER_ERROR, 20500},
    {15005550104, MAGIC_THROTTLE_ONCE, 20429},
    {15005550105, MAGIC_UNDELIVERED, 30005},
    {15005550106, MAGIC_NO_RECEIPT, 0},
    {15005550107, MAGIC_DUPLICATE, 0},
    {15005550108, MAGIC_OUT_OF_ORDER, 0},
    {15005550109, MAGIC_EARLY, 0},
    {15005550110, MAGIC_LOST_REQUEST, 0},
    {15005550111, MAGIC_FORGED, 0},
    {15005550112, MAGIC_HALF_ANSWER, 0},
    {15005550113, MAGIC_FAILED, 30008},
    {15005550114, MAGIC_ERROR_RECORDED, 20500},
};

/* The same in China, for providers that reach nothing else: +86 139 0000 0 and the last three digits. */
#define CHINA UINT64_C(8613900000000)
#define NOWHERE UINT64_C(15005550000)

static const struct magic *magic_of(uint64_t number) {
    if (number > CHINA && number - CHINA <= 199)
        number = number - CHINA + NOWHERE;
    if (number < magics[0].number || number > NOWHERE + 199)
        return NULL;
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++)
        if (magics[i].number == number)
            return &magics[i];
    return NULL;
}

static void set_word(char out[PROFILE_WORD_BYTES_MAX + 1], const char *word) {
    memcpy(out, word, strlen(word) + 1);
}

static void fail(struct course *c, int status, int code, bool recorded) {
    c->act = COURSE_ERROR;
    c->status = status;
    c->code = code;
    c->recorded = recorded;
}

static void end_badly(struct course *c, enum sim_status final, int code) {
    c->final = final;
    c->error_code = code;
}

/* True the first time it is asked about a text. Remembers a bounded number; then all anew. */
static bool first_time(struct sim *sim, uint64_t text) {
    if (map_take(&sim->refused_once, text))
        return false;
    if (sim->refused_once.n >= SIM_REFUSED_ONCE_MAX) {
        map_done(&sim->refused_once);
        map_init(&sim->refused_once);
    }
    map_put(&sim->refused_once, text, sim);
    return true;
}

static struct course course_of(struct sim *sim, const struct magic *m, uint64_t text) {
    struct course c = {.act = COURSE_ANSWER, .recorded = true, .receipts = true, .final = SIM_DELIVERED};
    switch (m->does) {
    case MAGIC_REFUSE: fail(&c, 400, m->code, false); break;
    case MAGIC_LOST_ANSWER: c.act = COURSE_LOST_ANSWER; break;
    case MAGIC_SILENCE:
        c.act = COURSE_SILENCE;
        c.recorded = false;
        break;
    case MAGIC_SERVER_ERROR: fail(&c, 500, m->code, false); break;
    case MAGIC_THROTTLE_ONCE:
        if (first_time(sim, text)) {
            fail(&c, 429, m->code, false);
            c.retry_after_s = 1;
        }
        break;
    case MAGIC_UNDELIVERED: end_badly(&c, SIM_UNDELIVERED, m->code); break;
    case MAGIC_NO_RECEIPT:
        c.receipts = false;
        c.final = SIM_SENT;
        break;
    case MAGIC_DUPLICATE: c.duplicate = true; break;
    case MAGIC_OUT_OF_ORDER: c.out_of_order = true; break;
    case MAGIC_EARLY: c.early = true; break;
    case MAGIC_LOST_REQUEST:
        c.act = COURSE_LOST_REQUEST;
        c.recorded = false;
        break;
    case MAGIC_FORGED: c.forged = true; break;
    case MAGIC_HALF_ANSWER: c.act = COURSE_HALF_ANSWER; break;
    case MAGIC_FAILED: end_badly(&c, SIM_FAILED, m->code); break;
    case MAGIC_ERROR_RECORDED: fail(&c, 500, m->code, true); break;
    }
    return c;
}

/* True when the draw falls into the next share of what is left of [0, 1). */
static bool falls(double *draw, double share) {
    bool in = *draw >= 0 && *draw < share;
    *draw -= share;
    return in;
}

static void draw_act(struct sim *sim, struct course *c) {
    const struct profile *p = &sim->profile;
    double draw = prng_unit(&sim->dice);
    for (size_t i = 0; i < p->n_errors; i++) {
        if (!falls(&draw, p->errors[i].share))
            continue;
        fail(c, p->errors[i].status, p->errors[i].code, p->errors[i].recorded);
        c->retry_after_s = p->errors[i].retry_after_s;
        set_word(c->word, p->errors[i].word);
        return;
    }
    if (falls(&draw, p->silence)) {
        c->act = COURSE_SILENCE;
        c->recorded = p->silence_recorded;
    } else if (falls(&draw, p->lost_answers)) {
        c->act = COURSE_LOST_ANSWER;
    } else if (falls(&draw, p->lost_requests)) {
        c->act = COURSE_LOST_REQUEST;
        c->recorded = false;
    } else if (falls(&draw, p->half_answers)) {
        c->act = COURSE_HALF_ANSWER;
    }
}

static bool happens(struct sim *sim, double share) {
    return share > 0 && prng_unit(&sim->dice) < share;
}

static void draw_receipts(struct sim *sim, struct course *c) {
    const struct profile *p = &sim->profile;
    double draw = prng_unit(&sim->dice);
    if (falls(&draw, p->receipts.undelivered)) {
        end_badly(c, SIM_UNDELIVERED, (int)p->receipts.undelivered_code);
        set_word(c->error_word, p->receipts.undelivered_word);
    } else if (falls(&draw, p->receipts.failed)) {
        end_badly(c, SIM_FAILED, (int)p->receipts.failed_code);
        set_word(c->error_word, p->receipts.failed_word);
    } else if (falls(&draw, p->receipts.none)) {
        c->receipts = false;
        c->final = SIM_SENT;
    }
    c->duplicate = happens(sim, p->receipts.duplicate);
    c->out_of_order = happens(sim, p->receipts.out_of_order);
    c->early = happens(sim, p->receipts.early);
    c->unsigned_first = happens(sim, p->receipts.unsigned_first);
    c->forged = happens(sim, p->receipts.forged);
}

struct course course_draw(struct sim *sim, uint64_t number, uint64_t text, bool whole) {
    const struct magic *m = magic_of(number);
    if (m)
        return course_of(sim, m, text);
    struct course c = {.act = COURSE_ANSWER, .recorded = true, .receipts = true, .final = SIM_DELIVERED};
    if (whole)
        draw_act(sim, &c);
    draw_receipts(sim, &c);
    return c;
}
