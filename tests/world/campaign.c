#include "campaign.h"

#include "base/clock.h"

bool campaign_submit(struct sim *s, unsigned recipient) {
    char to[24], body[64] = "";
    snprintf(to, sizeof to, "+861380%07u", recipient);
    snprintf(body, sizeof body, "order %u is ready", s->serial + 1);
    struct sv text[TEXT_COUNT] = {[TEXT_TO] = sv_of(to), [TEXT_BODY] = sv_of(body)};
    struct message *m = message_new(text);
    struct ask *a = calloc(1, sizeof *a);
    ASSERT(m && a);
    m->account_id = 1;
    m->delivery = DELIVERY_AT_MOST_ONCE;
    m->segments = 1;
    m->created_at = s->now;
    m->expires_at = s->now + (int64_t)86400 * US_PER_S;
    memcpy(m->fingerprint, body, FINGERPRINT_BYTES);
    *a = (struct ask){.kind = ASK_SUBMIT,
                      .reply_to = s->p->replies,
                      .lost = client_forget,
                      .message = m,
                      .account_name = routes_account_name()};
    if (!client_ask(s, a))
        return false;
    s->serial++;
    s->submitted++;
    return true;
}

static void hear(struct sim *s) {
    void *item;
    while (mailbox_take(s->p->replies, &item, 1)) {
        const struct ask *a = item;
        if (a->kind == ASK_SUBMIT && a->result != ASK_DONE && a->result != ASK_FAILED)
            sim_broken(s, "I1", "a message is answered for with %d", a->result);
        client_forget(item);
    }
}

static void provide(struct sim *s, const struct campaign *c) {
    for (size_t i = 0; i < s->p->n_flying;) {
        struct flying *f = &s->p->flying[i];
        if (!f->answered) { /* the provider decides when it is asked; the answer takes its time */
            struct http_response r;
            c->answer(s, c->ctx, f, &r);
            sim_say(s, "call kind %d message %llx attempt %u by %s -> %d/%d", f->call->kind,
                    (unsigned long long)f->call->message->id, f->call->attempt, f->call->lane->name,
                    r.transport, r.status);
            call_judge(f->call, &s->p->world, &r);
            f->answered = true;
            f->back_at = s->now + r.elapsed_us;
        }
        if (f->back_at <= s->now)
            sim_give_back(s, i);
        else
            i++;
    }
}

static bool is_busy(const struct sim *s) {
    const struct core_mail *m = &s->p->mail;
    return mailbox_fill(m->asks) || mailbox_fill(m->receipts) || mailbox_fill(m->journal) ||
           mailbox_fill(m->committed) || mailbox_fill(m->called) || mailbox_fill(m->senders[0]) ||
           mailbox_fill(m->senders[1]) || s->p->core_wants_at <= s->now;
}

static void sooner(int64_t *at, int64_t than) {
    if (than && than < *at)
        *at = than;
}

void campaign_step(struct sim *s, const struct campaign *c, int64_t until) {
    enum { TURN_US = 50 };
    sim_core_step(s);
    sim_journal_step(s);
    sim_sender_step(s);
    provide(s, c);
    sim_receipt_step(s);
    hear(s);
    if (is_busy(s)) {
        s->now += TURN_US;
        return;
    }
    sooner(&until, s->p->core_wants_at);
    sooner(&until, provider_next_report_at(&s->provider));
    for (size_t i = 0; i < s->p->n_flying; i++)
        sooner(&until, s->p->flying[i].back_at);
    s->now = until > s->now ? until : s->now + TURN_US;
}

void campaign_kill(struct sim *s) {
    s->crashes++;
    sim_restart(s, "crash");
}
