/* What changes messages: create, cancel, delete, redact, and the one-line form /send. */
#include "api/native.h"
#include "api/keyless.h"

#include "base/json.h"
#include "ingest/contact.h"

#include <string.h>

enum { KEY_CHARS_MAX = 255, METADATA_BYTES_MAX = 2048, LOCATION_BYTES_MAX = 64 };

/* ---- creating ---- */

void native_answer_new(struct api_request *rq, int status, const struct buf *out, const char *path,
                       const struct sid *sid, bool replayed) {
    char location[LOCATION_BYTES_MAX];
    int n = snprintf(location, sizeof location, "%s%s", path, sid->text);
    ASSERT(n > 0 && (size_t)n < sizeof location);
    struct answer a = {.status = status, .content_type = "application/json", .body = buf_sv(out)};
    a.headers[a.n_headers++] = (struct http_header){SV("Location"), sv_make(location, (size_t)n)};
    if (replayed)
        a.headers[a.n_headers++] = (struct http_header){SV("Idempotency-Replayed"), SV("true")};
    api_answer(rq, &a);
}

static void created(struct api_request *rq, const struct api_brief *b, bool replayed) {
    struct buf *out = api_scratch(rq);
    struct sid sid = sid_message(api_world(rq)->id_key, b->id);
    native_print_brief(rq, b, out);
    native_answer_new(rq, 202, out, "/v1/messages/", &sid, replayed);
}

/* The positions of create_fields, in its order. */
enum {
    TO,
    FROM,
    CHANNEL,
    CHANNELS,
    BODY,
    TEMPLATE,
    VARS,
    TITLE,
    HTML,
    PUSH,
    CODE,
    LANGUAGE,
    SEND_AT,
    VALIDITY,
    TIME_ZONE,
    PRIORITY,
    TOPIC,
    METADATA,
    CALLBACK,
    DELIVERY,
    SMART,
    CONTACT,
    MAX_PRICE,
    CREATE_FIELDS_N
};

/* What was taken under its former key stays told by that. */
static bool use_former_key(const struct api_request *rq, struct sv *key, struct err *e) {
    struct sv former = rq->x->former_key;
    char after[KEY_CHARS_MAX + 2];
    bool has;
    if (!former.n)
        return true;
    int n = snprintf(after, sizeof after, "%.*s\x01", SV_FMT(former));
    if (!reader_has_key(api_db(rq), rq->account_id, former, sv_make(after, (size_t)n), rq->now, &has, e))
        return false;
    if (has)
        *key = former;
    return true;
}

/* What every new message of this face starts from; the headers are read here. */
static bool begin(struct api_request *rq, struct submission *in, struct err *e) {
    const struct settings *s = api_settings(rq);
    *in = (struct submission){
        .account_id = rq->account_id,
        .priority = s->defaults.priority,
        .delivery = s->defaults.delivery,
        .face = FACE_NATIVE,
        .fingerprint_of = rq->x->body,
        .traceparent = api_traceparent(rq),
    };
    if (!api_token_header(rq, "Idempotency-Key", KEY_CHARS_MAX, &in->idempotency_key, e) ||
        !use_former_key(rq, &in->idempotency_key, e))
        return false;
    return in->idempotency_key.n || !rq->x->must_be_named ||
           err_set_field(e, ERR_INVALID, "message_id",
                         "nothing tells this entry when it comes again: give it a message_id");
}

bool native_read_metadata(struct api_request *rq, const json_t *json, struct sv *out, struct err *e) {
    *out = SV_NONE;
    if (!json)
        return true;
    char *text = arena_alloc(&rq->x->arena, METADATA_BYTES_MAX);
    ASSERT(text);
    size_t n = json_dumpb(json, text, METADATA_BYTES_MAX, JSON_COMPACT);
    if (n > METADATA_BYTES_MAX)
        return err_set_field(e, ERR_INVALID, "metadata", "`metadata` has at most %d bytes as JSON",
                             METADATA_BYTES_MAX);
    *out = sv_make(text, n);
    return true;
}

static bool fill(struct api_request *rq, const struct api_value *v, struct submission *in, struct err *e) {
    in->to = v[TO].text;
    in->from = v[FROM].text;
    in->body = v[BODY].text;
    in->template = v[TEMPLATE].text;
    in->vars = v[VARS].json;
    in->channel = v[CHANNEL].given ? (enum channel)v[CHANNEL].n : CHANNEL_SMS;
    in->channels = v[CHANNELS].json;
    in->title = v[TITLE].text;
    in->html = v[HTML].text;
    in->push = v[PUSH].json;
    in->code = v[CODE].json;
    in->language = v[LANGUAGE].text;
    in->send_at = v[SEND_AT].n;
    in->validity_s = v[VALIDITY].n;
    in->time_zone = v[TIME_ZONE].text;
    if (v[PRIORITY].given)
        in->priority = (enum priority)v[PRIORITY].n;
    if (v[DELIVERY].given)
        in->delivery = (enum delivery)v[DELIVERY].n;
    in->topic = v[TOPIC].text;
    in->status_callback = v[CALLBACK].text;
    if (v[SMART].given)
        in->smart_encoding = v[SMART].n ? SMART_YES : SMART_NO;
    if (v[CALLBACK].text.n && !api_check_callback(rq, "status_callback", v[CALLBACK].text, e))
        return false;
    if (!v[BODY].given && !v[TEMPLATE].given && !v[HTML].given && !v[CHANNELS].given)
        return err_set_field(e, ERR_INVALID, "body", "give a `body` or a `template`");
    if (v[MAX_PRICE].given && !api_read_max_price(rq, "max_price", v[MAX_PRICE].text, &in->max_price, e))
        return false;
    return native_read_metadata(rq, v[METADATA].json, &in->metadata, e);
}

/* Whom it is for, by their id: what texts may say of them, in their language. *vars: the caller's to free. */
static bool add_contact(struct api_request *rq, struct sv id, struct submission *in, json_t **vars,
                        struct err *e) {
    struct contact *c = arena_alloc(&rq->x->arena, sizeof *c);
    ASSERT(c);
    if (!contacts_get(api_db(rq), rq->account_id, id, &rq->x->arena, c, e))
        return e->kind == ERR_NOT_FOUND
                   ? err_set_field(e, ERR_UNPROCESSABLE, "contact", "there is no such contact")
                   : false;
    in->contact = c;
    if (!in->time_zone.n)
        in->time_zone = c->zone;
    if (!in->to.n && !in->channels) {
        in->to = contact_address(c, in->channel, &rq->x->arena);
        if (!in->to.n && in->channel != CHANNEL_CHAT)
            return err_set_field(e, ERR_UNPROCESSABLE, "contact", "the contact has no %s",
                                 channel_has_numbers(in->channel) ? "number"
                                 : in->channel == CHANNEL_EMAIL   ? "e-mail address"
                                                                  : "device");
    }
    if (!in->language.n)
        in->language = c->language;
    *vars = in->vars ? json_copy((json_t *)(uintptr_t)in->vars) : json_object();
    if (!json_object_get(*vars, "contact"))
        json_object_set_new(*vars, "contact", contact_vars(c));
    in->vars = *vars;
    return true;
}

bool native_read_create(struct api_request *rq, const struct api_field *also, struct api_value *also_values,
                        json_t **root, json_t **vars, struct submission *in) {
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    if (!api_read_json_of_two(rq, create_fields, v, also, also_values, root))
        return false;
    if (begin(rq, in, &e) && fill(rq, v, in, &e) &&
        (!v[CONTACT].given || add_contact(rq, v[CONTACT].text, in, vars, &e)))
        return true;
    api_fail(rq, &e);
    return false;
}

void native_create(struct api_request *rq) {
    JSON_AUTO json_t *root = NULL;
    JSON_AUTO json_t *vars = NULL;
    struct submission in;
    if (native_read_create(rq, NULL, NULL, &root, &vars, &in))
        api_submit(rq, &in, false, created);
}

/* ---- /send ---- */

static bool let_in(struct api_request *rq, struct err *e) {
    if (!exchange_header(rq->x, "Authorization").p && keyless_local(rq)) {
        if (!keyless_allowed(api_settings(rq), e))
            return false;
        const struct account *first = directory_first(api_directory(rq));
        if (first) {
            api_act_for(rq, first);
            return true;
        }
    }
    return api_authenticate(rq, e) && api_need_scope(rq, SCOPE_SEND, e);
}

static bool read_send(struct api_request *rq, json_t **root, struct api_value *v) {
    if (!api_content_is(rq, SV("application/x-www-form-urlencoded")))
        return api_read_json(rq, send_fields, root, v);
    struct form f;
    struct err e = ERR_INIT;
    if (api_form(rq, &f, &e))
        return api_read_form(rq, send_fields, &f, v);
    api_fail(rq, &e);
    return false;
}

void native_send(struct api_request *rq) {
    enum { SEND_TO, SEND_MESSAGE, SEND_FROM };
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX];
    struct submission in;
    struct err e = ERR_INIT;
    if (!let_in(rq, &e)) {
        api_fail(rq, &e);
        return;
    }
    if (!read_send(rq, &root, v))
        return;
    if (!begin(rq, &in, &e)) {
        api_fail(rq, &e);
        return;
    }
    static const struct admit_names names = {
        .to = "to", .from = "from", .body = "message", .status_callback = "", .send_at = "", .validity = ""};
    in.to = v[SEND_TO].text;
    in.body = v[SEND_MESSAGE].text;
    in.from = v[SEND_FROM].text;
    in.names = &names;
    api_submit(rq, &in, false, created);
}

/* ---- stored messages ---- */

static void answer_stored(struct api_request *rq, struct ask *a) {
    struct err e = ERR_INIT;
    struct message *m = reader_message(api_db(rq), rq->account_id, a->id, &e);
    if (!m) {
        api_fail(rq, &e);
        return;
    }
    struct buf *out = api_scratch(rq);
    native_print_message(rq, m, out);
    message_free(m);
    api_answer_json(rq, 200, buf_sv(out));
}

static void answer_nothing(struct api_request *rq, struct ask *a) {
    (void)a;
    api_answer(rq, &(struct answer){.status = 204});
}

static void command(struct api_request *rq, enum ask_kind kind, api_done *done) {
    int64_t id;
    if (api_parse_sid(rq, rq->params[0], &id))
        api_command(rq, kind, id, done);
}

void native_cancel(struct api_request *rq) {
    command(rq, ASK_CANCEL, answer_stored);
}

void native_delete(struct api_request *rq) {
    command(rq, ASK_DELETE, answer_nothing);
}

void native_redact(struct api_request *rq) {
    command(rq, ASK_REDACT, answer_stored);
}
