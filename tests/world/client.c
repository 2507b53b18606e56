#include "world.h"

#include "base/clock.h"

#include <string.h>

void client_forget(struct ask *a) {
    free(a->owner);
    free(a);
}

bool client_ask(struct sim *s, struct ask *a) {
    void *item = a;
    if (mailbox_put(s->p->mail.asks, &item, 1) == 1)
        return true;
    ask_drop_messages(a);
    client_forget(a); /* pushed back: 503, nothing promised */
    return false;
}

static bool is_open(const struct sim *s, int key) {
    for (unsigned i = 0; i < s->n_procs; i++)
        if (s->procs[i].key_open[key])
            return true;
    return false;
}

void client_submit(struct sim *s) {
    char to[24], body[64] = "", key[16] = "", meta[32] = "";
    unsigned who = (unsigned)(sim_random(s) % 40);
    snprintf(to, sizeof to, "+8613800138%03u", who);
    /* Some texts are the same, to the same number, on purpose: they must not be taken for each other. */
    unsigned serial = sim_chance(s, 15) ? 7 : ++s->serial;
    snprintf(body, sizeof body, "order %u is ready", serial);
    int k = sim_chance(s, 30) ? (int)(sim_random(s) % KEYS_MAX) : -1;
    if (k >= 0) { /* a key nearly always comes with the same request */
        snprintf(key, sizeof key, "key-%d", k);
        memset(body, 0, sizeof body);
        snprintf(body, sizeof body, "%c keyed %d", sim_chance(s, 95) ? 'A' : 'B', k);
        snprintf(to, sizeof to, "+8613900139%03d", k);
    }
    bool calls_back = sim_chance(s, 40);
    struct sv text[TEXT_COUNT] = {[TEXT_TO] = sv_of(to),
                                  [TEXT_FROM] = lanes_sender(s, who),
                                  [TEXT_BODY] = sv_of(body),
                                  [TEXT_METADATA] = sv_of(meta),
                                  [TEXT_TOPIC] = consent_topic(k >= 0 ? (unsigned)k : serial),
                                  [TEXT_STATUS_CALLBACK] = calls_back ? SV("http://client.test/cb") : SV_NONE,
                                  [TEXT_IDEMPOTENCY_KEY] = sv_of(key)};
    struct message *m = message_new(text);
    ASSERT(m);
    m->account_id = 1;
    m->priority = (enum priority)(sim_random(s) % PRIORITY_COUNT);
    m->delivery = sim_chance(s, 20) ? DELIVERY_AT_LEAST_ONCE : DELIVERY_AT_MOST_ONCE;
    if (k >= 0)
        m->delivery = k % 5 == 0 ? DELIVERY_AT_LEAST_ONCE : DELIVERY_AT_MOST_ONCE;
    m->segments = 1;
    m->created_at = s->now;
    if (sim_chance(s, 10))
        m->send_at = s->now + (int64_t)(sim_random(s) % (60 * US_PER_S));
    m->expires_at = s->now + (int64_t)(sim_chance(s, 10) ? 5 + sim_random(s) % 20 : 600) * US_PER_S;
    memcpy(m->fingerprint, body, FINGERPRINT_BYTES);
    struct ask *a = calloc(1, sizeof *a);
    ASSERT(a);
    *a = (struct ask){.kind = ASK_SUBMIT,
                      .reply_to = s->p->replies,
                      .lost = client_forget,
                      .message = m,
                      .account_name = routes_account_name()};
    struct promise *p = calloc(1, sizeof *p);
    ASSERT(p);
    p->delivery = m->delivery;
    p->key = k;
    p->expires_at = m->expires_at + (m->send_at > s->now ? m->send_at - s->now : 0);
    p->alone = k >= 0 && !is_open(s, k);
    memcpy(p->body, body, sizeof body);
    a->owner = p;
    if (!client_ask(s, a))
        return;
    if (k >= 0)
        s->p->key_open[k]++;
    s->submitted++;
    sim_say(s, "submit %s to %s key %d", body, to, k);
}

void client_push(struct sim *s, struct sv to) {
    char body[64] = "";
    snprintf(body, sizeof body, "push %u", ++s->serial);
    struct sv text[TEXT_COUNT] = {[TEXT_TO] = to, [TEXT_BODY] = sv_of(body)};
    struct message *m = message_new(text);
    struct ask *a = calloc(1, sizeof *a);
    struct promise *p = calloc(1, sizeof *p);
    ASSERT(m && a && p);
    m->account_id = 1;
    m->channel = CHANNEL_PUSH;
    m->priority = (enum priority)(sim_random(s) % PRIORITY_COUNT);
    m->delivery = sim_chance(s, 20) ? DELIVERY_AT_LEAST_ONCE : DELIVERY_AT_MOST_ONCE;
    m->segments = 1;
    m->created_at = s->now;
    m->expires_at = s->now + 600 * US_PER_S;
    memcpy(m->fingerprint, body, FINGERPRINT_BYTES);
    *p = (struct promise){.delivery = m->delivery, .key = -1, .expires_at = m->expires_at};
    memcpy(p->body, body, sizeof body);
    *a = (struct ask){.kind = ASK_SUBMIT,
                      .reply_to = s->p->replies,
                      .lost = client_forget,
                      .owner = p,
                      .message = m,
                      .account_name = routes_account_name()};
    sim_say(s, "push %s to %.*s", body, SV_FMT(to));
    if (client_ask(s, a))
        s->submitted++;
}

void client_command(struct sim *s) {
    static const enum ask_kind kinds[] = {ASK_CANCEL, ASK_CANCEL, ASK_CANCEL,
                                          ASK_DELETE, ASK_DELETE, ASK_REDACT};
    if (!s->n_promises)
        return;
    struct promise *p = &s->promises[sim_random(s) % s->n_promises];
    struct ask *a = calloc(1, sizeof *a);
    ASSERT(a);
    *a = (struct ask){.kind = kinds[sim_random(s) % 6],
                      .reply_to = s->p->replies,
                      .lost = client_forget,
                      .id = p->id,
                      .account_id = sim_chance(s, 5) ? 2 : 1};
    if (p->deleted) { /* told apart: a node that was paused answers late what it had found before */
        a->owner = calloc(1, 1);
        ASSERT(a->owner);
    }
    p->delete_asked |= a->kind == ASK_DELETE && a->account_id == 1;
    sim_say(s, "command %d for %llx", a->kind, (unsigned long long)a->id);
    client_ask(s, a);
    guard_command(s);
}

static void keyed(struct sim *s, const struct promise *p, const struct ask *a, int64_t id) {
    bool known = s->key_ids[p->key] != 0;
    bool same = known && s->key_texts[p->key] == p->body[0];
    if (a->result == ASK_MISMATCH) {
        if (same)
            sim_broken(s, "I2", "the same request with key %d is called another", p->key);
        return;
    }
    if (known && s->key_ids[p->key] != id)
        sim_broken(s, "I2", "key %d made two messages", p->key);
    if (known && !same)
        sim_broken(s, "I2", "another request with key %d is called the same", p->key);
    s->key_ids[p->key] = id;
    s->key_texts[p->key] = p->body[0];
}

static void submitted(struct sim *s, const struct ask *a) {
    struct promise *p = a->owner;
    if (p->key >= 0)
        s->p->key_open[p->key]--;
    if (a->result == ASK_IN_FLIGHT && p->alone)
        sim_broken(s, "I2", "key %d is called in flight, and no other request has it", p->key);
    if (a->result == ASK_FAILED || a->result == ASK_IN_FLIGHT)
        return;
    if (p->key < 0 && a->result != ASK_DONE)
        sim_broken(s, "I2", "a request without a key is answered %d", a->result);
    p->id = a->result == ASK_DONE ? a->id : a->dup_id;
    if (p->key >= 0)
        keyed(s, p, a, p->id);
    if (a->result == ASK_DONE && s->n_promises < PROMISES_MAX)
        s->promises[s->n_promises++] = *p;
}

static void commanded(struct sim *s, const struct ask *a) {
    struct promise *p = NULL;
    for (size_t i = 0; i < s->n_promises && !p; i++)
        if (s->promises[i].id == a->id)
            p = &s->promises[i];
    if (!p) /* of a rule, for an event whose answer nobody heard */
        return;
    if (a->account_id == 2 && a->result != ASK_ABSENT && a->result != ASK_FAILED)
        sim_broken(s, "I12", "another account's message is answered for with %d", a->result);
    bool was_deleted = a->owner != NULL;
    if (was_deleted && a->result != ASK_ABSENT && a->result != ASK_FAILED)
        sim_broken(s, "I1", "message %llx was deleted, and is still answered for with %d",
                   (unsigned long long)p->id, a->result);
    if (a->result == ASK_ABSENT && a->account_id == 1 && !p->delete_asked)
        sim_broken(s, "I1", "message %llx was promised and is absent", (unsigned long long)p->id);
    if (a->result != ASK_DONE)
        return;
    if (a->kind == ASK_CANCEL && a->head.state != STATE_CANCELED)
        sim_broken(s, "I6", "canceled, but the state is %s", state_name(a->head.state));
    p->canceled |= a->kind == ASK_CANCEL;
    p->deleted |= a->kind == ASK_DELETE;
    p->redacted |= a->kind == ASK_REDACT;
}

void client_hear(struct sim *s) {
    void *item;
    while (mailbox_take(s->p->replies, &item, 1)) {
        struct ask *a = item;
        sim_say(s, "answer kind %d message %llx result %d state %d", a->kind, (unsigned long long)a->id,
                a->result, a->head.state);
        if (a->verification)
            sim_codes_heard(s, a);
        else if (a->kind == ASK_SUBMIT)
            submitted(s, a);
        else if (a->kind == ASK_EVENT || a->kind == ASK_DIGEST)
            sim_events_heard(s, a);
        else if (a->kind == ASK_CANCEL || a->kind == ASK_DELETE || a->kind == ASK_REDACT)
            commanded(s, a);
        client_forget(a);
    }
}

uint64_t client_callback_key(int64_t id, unsigned event) {
    return (uint64_t)id ^ ((uint64_t)event << 48);
}

void client_missed(struct sim *s, const struct call *c) {
    uint64_t key = client_callback_key(c->callback.message_id, c->callback.event);
    map_put(&s->posts, key, (void *)((uintptr_t)map_get(&s->posts, key) + 2));
}

void client_callback(struct sim *s, const struct call *c, struct http_response *r) {
    uint64_t key = client_callback_key(c->callback.message_id, c->callback.event);
    uintptr_t before = (uintptr_t)map_get(&s->posts, key);
    bool fails = sim_chance(s, s->client_fails);
    map_put(&s->posts, key, (void *)((before + 2) | !fails));
    *r = (struct http_response){.transport = fails && sim_chance(s, 50) ? HTTP_CUT : HTTP_ANSWERED,
                                .status = fails ? 500 : 204,
                                .elapsed_us = 1000};
}
