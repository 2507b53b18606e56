/* Push in the seeded world: in some seeds a contact has devices, whose apps show themselves at any time, and
 * which the provider calls dead, since now or since some time ago. A device goes exactly when that is heard
 * of it, unless its app has shown itself since; and nothing is begun to one that is gone. Drawn apart from
 * all else, so that the other seeds stay what they were.
 */
#include "world.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/json.h"
#include "model/form.h"
#include "store/contacts.h"

#include <string.h>

static const char person[] = "li";
static const char timestamp[] = "\"timestamp\":";

bool sim_push_has(const struct sim *s) {
    return s->n_procs == 1 && !s->batches && !s->plain &&
           siphash((struct sip_key){.k0 = s->seed, .k1 = 14}, SV("push")) % 5 == 0;
}

static struct sv name_of(unsigned device, char out[16]) {
    return sv_make(out, (size_t)snprintf(out, 16, "fcm:device-%u", device));
}

/* The device that a push goes to; PUSH_DEVICES: none. */
static unsigned device_of(struct sv to) {
    char name[16];
    for (unsigned i = 0; i < PUSH_DEVICES; i++)
        if (sv_eq(to, name_of(i, name)))
            return i;
    return PUSH_DEVICES;
}

/* ---- what happens ---- */

/* What is asked of a contact; the ask owns it. */
struct showing {
    struct contact_write write;
    struct contact contact;
    char token[16];
};

static struct showing *showing(enum contact_act act, unsigned device) {
    struct showing *w = calloc(1, sizeof *w);
    ASSERT(w);
    w->contact = (struct contact){.account_id = 1, .id = SV("li")};
    w->write = (struct contact_write){
        .write = {.run = contact_write_run},
        .act = act,
        .contact = &w->contact,
        .device = {.platform = SV("fcm"), .token = sv_from(name_of(device, w->token), 4)}};
    return w;
}

void sim_push_open(struct sim *s) {
    struct err e = ERR_INIT;
    struct showing *w = showing(CONTACT_PUT, 0);
    bool ok = !sim_push_has(s) || contacts_write(s->db, &w->write, s->now, &e);
    ASSERT(ok && sv_eq(w->contact.id, sv_of(person)));
    free(w);
}

static void show(struct sim *s) {
    unsigned device = (unsigned)(sim_random(s) % PUSH_DEVICES);
    struct showing *w = showing(CONTACT_ADD_DEVICE, device);
    struct ask *a = calloc(1, sizeof *a);
    ASSERT(a);
    *a = (struct ask){.kind = ASK_WRITE,
                      .reply_to = s->p->replies,
                      .lost = client_forget,
                      .owner = w,
                      .write = &w->write.write};
    sim_say(s, "device %u shows itself", device);
    client_ask(s, a);
}

void sim_push_act(struct sim *s) {
    unsigned device = (unsigned)(sim_random(s) % PUSH_DEVICES), dice = (unsigned)(sim_random(s) % 10);
    char name[16];
    if (dice < 4) {
        client_push(s, name_of(device, name));
    } else if (dice < 8) {
        show(s);
    } else {
        s->push.dead[device] = sim_chance(s, 75);
        s->push.since[device] = sim_chance(s, 70) ? s->now / US_PER_MS * US_PER_MS : 0;
        sim_say(s, "device %u: dead %d since %lld", device, s->push.dead[device],
                (long long)s->push.since[device]);
    }
}

/* ---- the provider ---- */

struct verdict sim_push_judge(const struct lane_config *lane, const struct http_response *r) {
    struct verdict v = adapter_find(SV("twilio"))->judge(lane, r);
    size_t at = sv_find(r->body, sv_of(timestamp));
    int64_t ms;
    struct sv rest = at == SIZE_MAX ? SV_NONE : sv_from(r->body, at + strlen(timestamp));
    if (v.reason == REASON_INVALID_NUMBER && sv_to_i64(sv_cut(&rest, ','), &ms) && ms > 0)
        v.dead_since = ms * US_PER_MS;
    return v;
}

static unsigned device_of_call(const struct call *c) {
    return c->kind == CALL_ATTEMPT ? device_of(c->message->text[TEXT_TO]) : PUSH_DEVICES;
}

bool sim_push_refuses(struct sim *s, const struct call *c, struct http_response *r) {
    unsigned device = device_of_call(c);
    if (device == PUSH_DEVICES || !s->push.dead[device])
        return false;
    struct buf *out = &s->provider.answer;
    buf_reset(out);
    buf_addf(out, "{\"code\":21211,\"timestamp\":%lld,\"message\":\"gone\",\"status\":400}",
             (long long)(s->push.since[device] / US_PER_MS));
    *r = (struct http_response){
        .transport = HTTP_ANSWERED, .status = 400, .body = buf_sv(out), .elapsed_us = 1000};
    sim_push_answered(s, c, r);
    return true;
}

void sim_push_answered(struct sim *s, const struct call *c, const struct http_response *r) {
    unsigned device = device_of_call(c);
    if (device == PUSH_DEVICES || r->status != 400 || s->push.n_told == PUSH_TOLD_MAX)
        return;
    bool dead = s->push.dead[device];
    sim_say(s, "device %u is called dead; seen %lld", device, (long long)s->push.seen[device]);
    s->push.told[s->push.n_told++] = (struct push_told){.message_id = c->message->id,
                                                        .attempt = c->attempt,
                                                        .device = device,
                                                        .since = dead ? s->push.since[device] : 0};
}

/* ---- what always holds ---- */

static int64_t number(struct sim *s, const char *sql, int64_t a, int64_t b, struct sv text) {
    struct err e;
    bool row;
    struct db_stmt *st = db_stmt(s->db, sql, &e);
    ASSERT(st);
    if (text.n)
        db_text(st, text);
    if (a)
        db_int(st, a);
    if (b)
        db_int(st, b);
    s->calm = true;
    bool ok = db_next(st, &row, &e);
    ASSERT(ok);
    s->calm = false;
    int64_t out = row ? db_col_int(st, 0) : 0;
    if (row)
        db_end(st);
    return out;
}

/* When its app was seen; 0: it is nobody's. */
static int64_t seen_at(struct sim *s, unsigned device) {
    char name[16];
    return number(s, "SELECT seen_at FROM contact_device WHERE account_id=1 AND platform='fcm' AND token=?",
                  0, 0, sv_from(name_of(device, name), 4));
}

/* Of what was told, what has come to the disk since the last look. At most one call of a message is out. */
static void look(struct sim *s, struct push_told *t, int64_t now_seen) {
    static const char heard[] =
        "SELECT ended_at FROM attempt WHERE message_id=? AND number=? AND ended_at<>0 AND fate=1";
    static const char there[] = "SELECT count(*) FROM attempt WHERE message_id=? AND number=?";
    _Static_assert(FATE_REJECTED == 1, "as the statement has it");
    int64_t before = s->push.seen[t->device], at = number(s, heard, t->message_id, t->attempt, SV_NONE);
    bool after_all =
        !at && !number(s, there, t->message_id, t->attempt, SV_NONE); /* it was deleted: who knows */
    bool may = !t->since || t->since >= before;
    s->push.excused[t->device] |= may && (at || after_all);
    if (!at)
        return;
    t->heard = true;
    if (before && now_seen == before && may)
        sim_broken(s, "I7", "device %u was called dead by attempt %u of %llx, and is still there", t->device,
                   t->attempt, (unsigned long long)t->message_id);
    if (!now_seen)
        s->push.gone_at[t->device] = at;
}

void sim_push_watch(struct sim *s) {
    int64_t seen[PUSH_DEVICES];
    if (!sim_push_has(s))
        return;
    for (unsigned i = 0; i < PUSH_DEVICES; i++) {
        seen[i] = seen_at(s, i);
        s->push.excused[i] = false;
    }
    for (size_t i = 0; i < s->push.n_told; i++)
        if (!s->push.told[i].heard)
            look(s, &s->push.told[i], seen[s->push.told[i].device]);
    for (unsigned i = 0; i < PUSH_DEVICES; i++) {
        if (s->push.seen[i] && !seen[i] && !s->push.excused[i])
            sim_broken(s, "I7", "device %u is gone, and nobody called it dead after its app was seen", i);
        if (seen[i])
            s->push.gone_at[i] = 0;
        s->push.seen[i] = seen[i];
    }
}

void sim_push_check_call(struct sim *s, const struct call *c) {
    static const char began[] = "SELECT started_at FROM attempt WHERE message_id=? AND number=?";
    unsigned device = sim_push_has(s) ? device_of_call(c) : PUSH_DEVICES;
    if (device == PUSH_DEVICES || !s->push.gone_at[device])
        return;
    if (number(s, began, c->message->id, c->attempt, SV_NONE) > s->push.gone_at[device])
        sim_broken(s, "I7", "attempt %u of %llx began after device %u was called dead", c->attempt,
                   (unsigned long long)c->message->id, device);
}
