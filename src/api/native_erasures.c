/* Erasing one person, and the certificate of it: what waits to be sent to them is canceled, then all of it
 * goes in the journal's transaction. The certificate is signed with a key derived from that of the
 * installation, over what it says: it can be checked without the row it came from. */
#include "api/native.h"

#include "base/clock.h"
#include "base/json.h"
#include "store/erasures.h"

#include <string.h>

enum {
    CANCEL_PAGE = API_ASKS_MAX,
    CANCEL_ROUNDS_MAX = 10,
    PERSON_BYTES_MAX = 4 << 20,
    SIGNED_BYTES_MAX = 2048
};

/* ---- shapes ---- */

const struct api_field erasure_create_fields[] = {
    {"number", FIELD_TEXT, "The person's number, or e-mail address.", .required = true,
     .max = SUPPRESSION_NUMBER_BYTES_MAX},
    {0},
};

const struct api_field erasure_verify_fields[] = {
    {"certificate", FIELD_OBJECT, "The certificate, as it was given.", .required = true},
    {"subject", FIELD_TEXT, "Whom it should be of: the contact's id, or the number in E.164, or the address.",
     .max = SUPPRESSION_NUMBER_BYTES_MAX},
    {0},
};

#define COUNT(name_, says_)                                                                                  \
    { name_, FIELD_INT, says_, .required = true, .max = INT32_MAX }

const struct api_field erasure_shape[] = {
    {"id", FIELD_TEXT, "ER and 32 hexadecimal digits.", .required = true},
    {"account_id", FIELD_TEXT, "Whose data it was.", .required = true},
    {"subject", FIELD_TEXT, "A keyed hash of the id or number that was asked for.", .required = true},
    {"request", FIELD_TEXT, "The id of the request that asked for it.", .required = true},
    {"requested_at", FIELD_TIME, "When that was.", .required = true},
    {"finished_at", FIELD_TIME,
     "When the last of it was gone; null: `left_over` messages are not over yet, or "
     "events are still being gone through."},
    COUNT("contacts", "Contacts erased."),
    COUNT("devices", "Their devices."),
    COUNT("consents", "Rows of the history of consents."),
    COUNT("messages", "Messages to them, whose number and texts are gone."),
    COUNT("replies", "Texts from them, likewise."),
    COUNT("links", "Short links with their clicks."),
    COUNT("events", "Business events that mention them: their data, id and subject are gone."),
    COUNT("gathered", "What waited for them in digests."),
    COUNT("counted", "Dedupe keys, ties and counts of caps."),
    COUNT("marks", "Opt-outs and blocks that stay, under a pseudonym."),
    COUNT("left_over", "Messages that are not over: they follow when they are."),
    {"signature", FIELD_TEXT, "HMAC-SHA-256 of all this, by a key of this installation.", .required = true},
    {0},
};

const struct api_field erasure_verdict_shape[] = {
    {"valid", FIELD_BOOL, "This installation made it, and nothing of it was changed.", .required = true},
    {"subject_matches", FIELD_BOOL, "It is of that subject; null: none was given."},
    {0},
};

/* ---- signing ---- */

static void key_of(const struct api_request *rq, uint8_t key[SHA256_BYTES]) {
    const struct sip_key *installation = &api_world(rq)->id_key;
    uint8_t bytes[2 * sizeof(uint64_t)];
    memcpy(bytes, &installation->k0, sizeof(uint64_t));
    memcpy(bytes + sizeof(uint64_t), &installation->k1, sizeof(uint64_t));
    hmac_sha256(sv_make((const char *)bytes, sizeof bytes), SV("hongyan erasure certificates 1"), key);
}

/* hex of the first n bytes of the HMAC. */
static void sign(const struct api_request *rq, struct sv what, size_t n, struct buf *out) {
    uint8_t key[SHA256_BYTES], mac[SHA256_BYTES];
    key_of(rq, key);
    hmac_sha256(sv_make((const char *)key, sizeof key), what, mac);
    hex_add(out, mac, n);
}

static void add_subject(const struct api_request *rq, struct sv subject, struct buf *out) {
    struct buf BUF_AUTO all = BUF_INIT(SIGNED_BYTES_MAX);
    buf_addf(&all, "subject\n%s\n", rq->account_sid.text);
    buf_add(&all, subject);
    sign(rq, buf_sv(&all), ERASURE_SUBJECT_BYTES / 2, out);
}

/* All members but the signature, in the order and form of the certificate. */
static void print_unsigned(const struct api_request *rq, const struct erasure *r, struct buf *out) {
    buf_addc(out, '{');
    json_pair(out, "id", sv_of(r->id));
    json_pair(out, "account_id", sid_sv(&rq->account_sid));
    json_pair(out, "subject", sv_of(r->subject));
    json_pair(out, "request", sv_of(r->request));
    json_pair_time(out, "requested_at", r->requested_at);
    json_pair_time(out, "finished_at", r->finished_at);
    json_pair_i64(out, "contacts", r->contacts);
    json_pair_i64(out, "devices", r->devices);
    json_pair_i64(out, "consents", r->consents);
    json_pair_i64(out, "messages", r->messages);
    json_pair_i64(out, "replies", r->replies);
    json_pair_i64(out, "links", r->links);
    json_pair_i64(out, "events", r->events);
    json_pair_i64(out, "gathered", r->gathered);
    json_pair_i64(out, "counted", r->counted);
    json_pair_i64(out, "marks", r->marks);
    json_pair_i64(out, "left_over", r->left_over);
    buf_addc(out, '}');
}

static void answer_certificate(struct api_request *rq, const struct erasure *r) {
    struct buf BUF_AUTO text = BUF_INIT(SIGNED_BYTES_MAX);
    struct buf BUF_AUTO signature = BUF_INIT(2 * SHA256_BYTES + 1);
    print_unsigned(rq, r, &text);
    sign(rq, buf_sv(&text), SHA256_BYTES, &signature);
    struct buf *out = api_scratch(rq);
    buf_add(out, sv_sub(buf_sv(&text), 0, text.n - 1));
    json_pair(out, "signature", buf_sv(&signature));
    buf_addc(out, '}');
    api_answer_json(rq, r->finished_at ? 200 : 202, buf_sv(out));
}

void native_erasure_get(struct api_request *rq) {
    struct erasure r;
    struct err e = ERR_INIT;
    if (erasures_get(api_db(rq), rq->account_id, rq->params[0], &r, &e))
        answer_certificate(rq, &r);
    else
        api_fail(rq, &e);
}

/* ---- verifying ---- */

/* The members as a certificate has them, so that its text can be made again. Whatever is not so is none.
 * Certificates of earlier versions lack what those did not count: all of it, or nothing. */
static bool read_certificate(const json_t *o, struct sv signature, struct buf *text) {
    static const struct {
        const char *name;
        bool newer;
    } members[] = {{"id", 0},           {"account_id", 0},  {"subject", 0},  {"request", 0},
                   {"requested_at", 0}, {"finished_at", 0}, {"contacts", 0}, {"devices", 0},
                   {"consents", 0},     {"messages", 0},    {"replies", 0},  {"links", 0},
                   {"events", 1},       {"gathered", 1},    {"counted", 1},  {"marks", 0},
                   {"left_over", 0}};
    bool earlier = !json_object_get(o, "events");
    size_t n = 0;
    buf_addc(text, '{');
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (members[i].newer && earlier)
            continue;
        n++;
        const json_t *v = json_object_get(o, members[i].name);
        if (json_is_string(v))
            json_pair(text, members[i].name, sv_make(json_string_value(v), json_string_length(v)));
        else if (json_is_integer(v))
            json_pair_i64(text, members[i].name, json_integer_value(v));
        else if (json_is_null(v))
            json_pair_or_null(text, members[i].name, SV_NONE);
        else
            return false;
    }
    buf_addc(text, '}');
    return !text->overflow && signature.n == 2 * SHA256_BYTES && json_object_size(o) == n + 1;
}

void native_erasure_verify(struct api_request *rq) {
    enum { CERTIFICATE, SUBJECT };
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX];
    if (!api_read_json(rq, erasure_verify_fields, &root, v))
        return;
    const json_t *o = v[CERTIFICATE].json, *given = json_object_get(o, "signature"),
                 *subject = json_object_get(o, "subject"), *id = json_object_get(o, "id");
    struct sv signature = sv_make(json_string_value(given), json_string_length(given));
    struct buf BUF_AUTO text = BUF_INIT(SIGNED_BYTES_MAX);
    struct buf BUF_AUTO expected = BUF_INIT(2 * SHA256_BYTES + 1);
    struct buf BUF_AUTO hash = BUF_INIT(ERASURE_SUBJECT_BYTES + 1);
    bool valid = read_certificate(o, signature, &text);
    sign(rq, buf_sv(&text), SHA256_BYTES, &expected);
    valid = valid && sv_eq_secret(buf_sv(&expected), signature) &&
            sv_eq(sv_of(json_string_value(id)), rq->params[0]);
    add_subject(rq, v[SUBJECT].text, &hash);
    struct buf *out = api_scratch(rq);
    buf_addc(out, '{');
    json_pair_bool(out, "valid", valid);
    if (v[SUBJECT].given)
        json_pair_bool(out, "subject_matches",
                       valid && sv_eq(sv_of(json_string_value(subject)), buf_sv(&hash)));
    else
        json_pair_or_null(out, "subject_matches", SV_NONE);
    buf_addc(out, '}');
    api_answer_json(rq, 200, buf_sv(out));
}

/* ---- erasing ---- */

struct erasing {
    struct erasure_write write;
    unsigned rounds;
    int64_t after_id; /* those up to it were asked to be canceled */
};

static void was_erased(struct api_request *rq, struct ask *a) {
    const struct erasing *g = rq->own;
    const struct erasure *r = &g->write.erasure;
    struct err e = ERR_INIT;
    if (a->result != ASK_DONE) {
        api_fail(rq, &a->err);
        return;
    }
    if (g->write.absent) {
        err_set(&e, ERR_NOT_FOUND, "there is no such contact");
        api_fail(rq, &e);
        return;
    }
    log_info(api_world(rq)->log, "person.erased", kv_word("account", sid_sv(&rq->account_sid)),
             kv_word("key", sid_sv(&rq->key)), kv_name("erasure", r->id), kv_int("messages", r->messages),
             kv_int("events", r->events), kv_int("left_over", r->left_over));
    answer_certificate(rq, r);
}

static void erase(struct api_request *rq, struct erasing *g) {
    struct ask *a = api_new_ask(rq, ASK_WRITE);
    a->write = &g->write.write;
    api_ask(rq, a, was_erased);
}

static void cancel_some(struct api_request *rq, struct erasing *g);

/* Whatever came of it: what could not be canceled is erased when it is over. */
static void was_canceled(struct api_request *rq, struct ask *a) {
    (void)a;
    if (rq->asks_out == 0)
        cancel_some(rq, rq->own);
}

static void cancel_some(struct api_request *rq, struct erasing *g) {
    struct arena ARENA_AUTO mem;
    struct person *p = malloc(sizeof *p);
    struct err e = ERR_INIT;
    int64_t ids[CANCEL_PAGE];
    size_t n = 0;
    bool more;
    ASSERT(p);
    arena_init(&mem, PERSON_BYTES_MAX);
    bool found = g->write.contact.n
                     ? person_of_contact(api_db(rq), rq->account_id, g->write.contact, &mem, p, &e)
                     : person_of_address(api_db(rq), rq->account_id, g->write.address, &mem, p, &e);
    found = found && person_messages(api_db(rq), p, true, g->after_id, CANCEL_PAGE, ids, &n, &more, &e);
    free(p);
    if (!found) {
        api_fail(rq, &e);
        return;
    }
    if (n == 0 || ++g->rounds > CANCEL_ROUNDS_MAX) {
        erase(rq, g);
        return;
    }
    g->after_id = ids[n - 1];
    if (api_ask_each(rq, ASK_CANCEL, ids, n, was_canceled))
        cancel_some(rq, g);
}

static void begin(struct api_request *rq, struct sv contact, struct sv address) {
    const struct world *w = api_world(rq);
    struct erasing *g = arena_zalloc(&rq->x->arena, sizeof *g);
    struct buf BUF_AUTO subject = BUF_INIT(ERASURE_SUBJECT_BYTES + 1);
    ASSERT(g);
    g->write =
        (struct erasure_write){.write = {.run = erasure_write_run}, .contact = contact, .address = address};
    struct erasure *r = &g->write.erasure;
    r->account_id = rq->account_id;
    snprintf(r->id, sizeof r->id, "ER%016llx%016llx", (unsigned long long)w->random(w->ctx),
             (unsigned long long)w->random(w->ctx));
    snprintf(r->request, sizeof r->request, "%s", rq->id);
    add_subject(rq, contact.n ? contact : address, &subject);
    snprintf(r->subject, sizeof r->subject, "%s", subject.p);
    rq->own = g;
    cancel_some(rq, g);
}

void native_contact_erase(struct api_request *rq) {
    begin(rq, rq->params[0], SV_NONE);
}

void native_erasure_create(struct api_request *rq) {
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    struct sv address;
    if (!api_read_json(rq, erasure_create_fields, &root, v))
        return;
    if (native_read_address(rq, v[0].text, &address, &e))
        begin(rq, SV_NONE, address);
    else
        api_fail(rq, &e);
}
