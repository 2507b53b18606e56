/* One-time codes: the core counts the texts that say them, and hands guesses to the only writer, which judges
 * them one after the other and answers when they are on disk. */
#include "pipeline/core_parts.h"

#include "base/clock.h"

void core_verify(struct core *c, struct ask *a) {
    struct work *w = core_work(c, FOR_VERIFY, JOB_VERIFY, NULL);
    w->ask = a;
    w->job.verification = a->verification;
    core_record(c, w);
}

void core_verify_done(struct core *c, struct work *w) {
    struct ask *a = w->ask;
    const struct verification_write *v = a->verification;
    a->err = w->job.err;
    if (w->job.result == JOB_DONE && v->act == VERIFICATION_CHECK && v->row.id) {
        if (v->valid || v->lapsed)
            core_guard_ended(c, v->row.account_id, sv_of(v->row.to), v->valid);
        if (v->valid)
            meter_add(c->world->meters, COUNT_VERIFICATIONS_APPROVED, 1);
        else
            meter_add(c->world->meters, COUNT_VERIFICATIONS_WRONG, 1);
    }
    core_answer(c, a, w->job.result == JOB_DONE ? (v->row.id ? ASK_DONE : ASK_ABSENT) : ASK_FAILED);
}

/* Codes are asked for by somebody behind the caller: the address that counts is theirs. */
struct limit_subject core_verify_subject(const struct ask *a, const struct message *m) {
    struct limit_subject s = core_subject(a, m);
    s.parts[RATE_SOURCE] = a->client_ip;
    return s;
}

bool core_verify_counts(struct core *c, struct ask *a) {
    const struct settings *s = c->settings;
    struct limit_subject subject = core_verify_subject(a, a->message);
    struct limit_answer said;
    bool ok = core_shared_alone(c, c->code_limits, s->verifications.rates, s->verifications.n_rates, &subject,
                                &said);
    if (!ok)
        a->limit = said;
    return ok;
}

void core_verify_counts_not(struct core *c, const struct ask *a, const struct message *m) {
    const struct settings *s = c->settings;
    struct limit_subject subject = core_verify_subject(a, m);
    limits_give_back(c->code_limits, s->verifications.rates, s->verifications.n_rates, &subject, c->now);
}

void core_verify_lapsed(struct core *c, struct work *w) {
    for (unsigned i = 0; w->job.result == JOB_DONE && i < w->job.n_lapsed; i++)
        core_guard_ended(c, w->job.lapsed[i].account_id, sv_of(w->job.lapsed[i].to), false);
    if (w->job.result == JOB_DONE && w->job.n_lapsed)
        meter_add(c->world->meters, COUNT_VERIFICATIONS_LAPSED, w->job.n_lapsed);
}

int64_t core_verify_keep_from(const struct core *c) {
    return c->now - (int64_t)c->settings->verifications.keep_days * 86400 * US_PER_S;
}
