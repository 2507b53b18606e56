/* One-time codes in the world: in a third of the seeds they are begun, sent anew, guessed right and wrong,
 * several guesses at once, by id and by number, and withdrawn, as fronts ask for it, through crashes and a
 * database that fails. What they are is drawn apart, so that the other seeds stay what they were. */
#include "world.h"

#include "base/clock.h"
#include "model/secret.h"

#include <string.h>

enum { PEOPLE = 6, CHARS = 8, ATTEMPTS_MAX = 3, RESENDS_MAX = 2, RESEND_US = 2000000, VALID_US = 60000000 };

/* One request with all that the core is lent; the ask owns it. */
struct wish {
    struct verification_write write;
    char code[CODE_CHARS_MAX + 1]; /* what is said, or guessed */
    char to[24];
};

bool sim_codes_has(const struct sim *s) {
    return siphash((struct sip_key){.k0 = s->seed, .k1 = 13}, SV("codes")) % 3 == 0 && !s->skewed;
}

void sim_codes_settings(struct settings *set) {
    set->verifications.keep_days = 60;
}

/* ---- asking ---- */

static struct ask *new_ask(struct sim *s, enum ask_kind kind, enum verification_act act, struct wish **out) {
    struct wish *w = calloc(1, sizeof *w);
    struct ask *a = calloc(1, sizeof *a);
    ASSERT(w && a);
    w->write = (struct verification_write){
        .act = act, .account_id = 1, .purpose = SV("login"), .key = &s->p->world.vault};
    *a = (struct ask){.kind = kind,
                      .account_id = 1,
                      .reply_to = s->p->replies,
                      .lost = client_forget,
                      .owner = w,
                      .account_name = routes_account_name(),
                      .verification = &w->write};
    *out = w;
    return a;
}

static struct message *text_of(const struct wish *w, const char *code, int64_t now) {
    char body[64];
    snprintf(body, sizeof body, "code %s is yours", code);
    const struct sv text[TEXT_COUNT] = {
        [TEXT_TO] = sv_of(w->to), [TEXT_BODY] = sv_of(body), [TEXT_TOPIC] = SV("otp")};
    struct message *m = message_new(text);
    ASSERT(m);
    m->account_id = 1;
    m->priority = PRIORITY_OTP;
    m->delivery = DELIVERY_AT_MOST_ONCE;
    m->segments = 1;
    m->created_at = now;
    m->expires_at = now + VALID_US;
    return m;
}

static struct message *sealed(struct sim *s, const struct wish *w) {
    uint8_t nonce[VAULT_NONCE_BYTES];
    struct message *said = text_of(w, w->code, s->now), *shown = text_of(w, "********", s->now);
    world_random_bytes(&s->p->world, nonce, sizeof nonce);
    struct message *m = secret_seal(said, shown, &s->p->world.vault, nonce);
    ASSERT(m);
    message_free(said);
    message_free(shown);
    return m;
}

static void begin(struct sim *s) {
    struct wish *w;
    struct ask *a = new_ask(s, ASK_SUBMIT, VERIFICATION_BEGIN, &w);
    snprintf(w->to, sizeof w->to, "+8613700137%03u", (unsigned)(sim_random(s) % PEOPLE));
    code_draw(&s->p->world, CODE_ALPHANUMERIC, CHARS, w->code);
    world_random_bytes(&s->p->world, w->write.salt, sizeof w->write.salt);
    code_hash(&s->p->world.vault, w->write.salt, sv_of(w->code), w->write.hash);
    w->write.attempts_max = ATTEMPTS_MAX;
    w->write.resends_max = RESENDS_MAX;
    w->write.resend_us = RESEND_US;
    w->write.valid_us = VALID_US;
    a->message = sealed(s, w);
    sim_say(s, "code %s for %s", w->code, w->to);
    client_ask(s, a);
}

static struct sim_code *draw(struct sim *s) {
    size_t recent = s->n_codes < 8 ? s->n_codes : 8;
    return &s->codes[s->n_codes - 1 - sim_random(s) % recent];
}

static void resend(struct sim *s) {
    struct wish *w;
    struct ask *a = new_ask(s, ASK_SUBMIT, VERIFICATION_RESEND, &w);
    const struct sim_code *c = draw(s);
    w->write.id = c->id;
    memcpy(w->code, c->code, sizeof w->code);
    memcpy(w->to, c->to, sizeof w->to);
    a->message = sealed(s, w);
    sim_say(s, "code of %llx once more", (unsigned long long)c->id);
    client_ask(s, a);
}

static void guess(struct sim *s) {
    const struct sim_code *c = draw(s), *said = sim_chance(s, 40) ? c : draw(s);
    bool by_number = sim_chance(s, 20), nonsense = sim_chance(s, 40);
    for (unsigned times = sim_chance(s, 20) ? 5 : 1; times; times--) {
        struct wish *w;
        struct ask *a = new_ask(s, ASK_VERIFY, VERIFICATION_CHECK, &w);
        snprintf(w->code, sizeof w->code, "%s", nonsense ? "AAAAAAAA" : said->code);
        memcpy(w->to, c->to, sizeof w->to);
        w->write.id = by_number ? 0 : c->id;
        w->write.to = sv_of(w->to);
        w->write.code = sv_of(w->code);
        sim_say(s, "guess %s for %llx", w->code, (unsigned long long)c->id);
        if (!client_ask(s, a))
            return;
    }
}

static void withdraw(struct sim *s) {
    struct wish *w;
    struct ask *a = new_ask(s, ASK_VERIFY, VERIFICATION_CANCEL, &w);
    w->write.id = draw(s)->id;
    client_ask(s, a);
}

void sim_codes_act(struct sim *s) {
    unsigned dice = (unsigned)(sim_random(s) % 100);
    if (dice < 25 || !s->n_codes)
        begin(s);
    else if (dice < 35)
        resend(s);
    else if (dice < 97)
        guess(s);
    else
        withdraw(s);
}

/* ---- hearing ---- */

static struct sim_code *code_of(struct sim *s, int64_t id) {
    for (size_t i = 0; i < s->n_codes; i++)
        if (s->codes[i].id == id)
            return &s->codes[i];
    return NULL;
}

static void begun(struct sim *s, const struct ask *a) {
    const struct wish *w = a->owner;
    if (a->result != ASK_DONE || w->write.act != VERIFICATION_BEGIN || s->n_codes == SIM_CODES_MAX)
        return;
    struct sim_code *c = &s->codes[s->n_codes++];
    *c = (struct sim_code){.id = a->id};
    memcpy(c->code, w->code, sizeof c->code);
    memcpy(c->to, w->to, sizeof c->to);
}

/* As many as were ever answered, unless it is forgotten. */
static void check_on_disk(struct sim *s, const struct sim_code *c) {
    static const char sql[] = "SELECT attempts FROM verification WHERE id=?";
    struct err e = ERR_INIT;
    struct db_stmt *st = db_stmt(s->db, sql, &e);
    bool row;
    bool calm = s->calm;
    s->calm = true;
    db_int(st, c->id);
    bool ok = db_next(st, &row, &e);
    ASSERT(ok);
    s->calm = calm;
    if (row && db_col_int(st, 0) < c->attempts)
        sim_broken(s, "I19", "%llx had %u guesses, and %lld are on disk", (unsigned long long)c->id,
                   c->attempts, (long long)db_col_int(st, 0));
    db_end(st);
}

/* A node that was paused answers what it had committed after others have answered later guesses, that the
 * code was taken before among them (seeds 201800, 2665). */
static void guessed(struct sim *s, const struct wish *w) {
    const struct verification *v = &w->write.row;
    struct sim_code *c = code_of(s, v->id);
    unsigned long long id = (unsigned long long)v->id;
    if (v->attempts > v->attempts_max)
        sim_broken(s, "I19", "%llx was guessed at %u times, %u are allowed", id, v->attempts,
                   v->attempts_max);
    if (!c) /* nobody heard that it was begun */
        return;
    if (w->write.valid && strcmp(w->code, c->code) != 0)
        sim_broken(s, "I19", "%llx took %s for %s", id, w->code, c->code);
    if (w->write.valid && c->taken)
        sim_broken(s, "I19", "the code of %llx was taken twice", id);
    if (w->write.valid && v->status != VERIFICATION_APPROVED)
        sim_broken(s, "I19", "%llx took its code and is %s", id, verification_status_name(v->status));
    if (v->attempts > c->attempts)
        c->attempts = v->attempts;
    check_on_disk(s, c);
    c->taken |= w->write.valid;
}

void sim_codes_heard(struct sim *s, const struct ask *a) {
    const struct wish *w = a->owner;
    if (a->kind == ASK_SUBMIT)
        begun(s, a);
    else if (a->result == ASK_DONE && w->write.act == VERIFICATION_CHECK)
        guessed(s, w);
}

/* ---- looking ---- */

/* What goes out says the code, and of no code that was over when the attempt began. */
void sim_codes_check_call(struct sim *s, const struct call *c, struct sv request) {
    static const char sql[] =
        "SELECT v.id, v.done_at, a.started_at FROM verification_message AS m JOIN verification AS v ON "
        "v.id=m.verification_id JOIN attempt AS a ON a.message_id=m.message_id AND a.number=? WHERE "
        "m.message_id=?";
    if (c->kind != CALL_ATTEMPT || !sim_codes_has(s))
        return;
    struct err e = ERR_INIT;
    struct db_stmt *st = db_stmt(s->db, sql, &e);
    bool row;
    s->calm = true;
    db_int(st, c->attempt);
    db_int(st, c->message->id);
    bool ok = db_next(st, &row, &e);
    ASSERT(ok);
    s->calm = false;
    if (!row)
        return;
    const struct sim_code *k = code_of(s, db_col_int(st, 0));
    if (db_col_int(st, 1) && db_col_int(st, 1) < db_col_int(st, 2))
        sim_broken(s, "I19", "message %llx went out for a code that was over",
                   (unsigned long long)c->message->id);
    if (k && sv_find(request, sv_of(k->code)) == SIZE_MAX)
        sim_broken(s, "I19", "message %llx does not say its code", (unsigned long long)c->message->id);
    db_end(st);
}

static int64_t count(struct sim *s, const char *sql, const char *code) {
    struct err e = ERR_INIT;
    struct db_stmt *st = db_stmt(s->db, sql, &e);
    bool row;
    if (code)
        db_text(st, sv_of(code));
    bool ok = db_next(st, &row, &e);
    ASSERT(ok && row);
    int64_t n = db_col_int(st, 0);
    db_end(st);
    return n;
}

void sim_codes_end(struct sim *s) {
    static const char plain[] =
        "SELECT count(*) FROM message WHERE instr(body, ?1) OR instr(coalesce(content, "
        "''), ?1) OR instr(coalesce(metadata, ''), ?1)";
    static const char kept[] = "SELECT count(*) FROM verification WHERE instr(coalesce(sealed, ''), ?1) OR "
                               "instr(cast(hash AS TEXT), ?1)";
    static const struct {
        const char *sql, *says;
    } never[] = {
        {"SELECT count(*) FROM verification WHERE attempts>attempts_max OR resends>resends_max",
         "has more guesses or texts than are allowed"},
        {"SELECT count(*) FROM verification WHERE done_at<>0 AND sealed IS NOT NULL",
         "is over, and its code is kept"},
        {"SELECT count(*) FROM (SELECT 1 FROM verification WHERE done_at=0 GROUP BY recipient, purpose "
         "HAVING count(*)>1)",
         "waits beside another of its number"},
        {"SELECT count(*) FROM verification WHERE id NOT IN (SELECT verification_id FROM "
         "verification_message)",
         "has no text"},
        {"SELECT count(*) FROM message WHERE due_at IS NULL AND topic='otp' AND body LIKE 'code %' AND "
         "instr(coalesce(content, ''), 'sealed')",
         "has its text sealed although that is over"},
    };
    if (!sim_codes_has(s))
        return;
    s->calm = true;
    for (size_t i = 0; i < s->n_codes; i++)
        if (count(s, plain, s->codes[i].code) || count(s, kept, s->codes[i].code))
            sim_broken(s, "I13", "the code %s stands in the database", s->codes[i].code);
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        if (count(s, never[i].sql, NULL))
            sim_broken(s, "I19", "a verification %s", never[i].says);
}
