/* One-time codes over HTTP: begun, sent anew, looked at. An answer never holds a code, nor
 * the whole number, nor whether the number is one. */
#include "api/verification_parts.h"

#include "api/verification_text.h"
#include "base/clock.h"
#include "base/json.h"
#include "ingest/recipient.h"
#include "model/brand.h"
#include "text/mask.h"

#include <string.h>

enum { KEY_CHARS_MAX = 255, EXPIRY_S_MAX = 86400 };

/* ---- shapes ---- */

static const char *status_word(int i) {
    return verification_status_name((enum verification_status)i);
}

static const char *channel_word(int i) {
    static const enum channel channels[] = {CHANNEL_SMS, CHANNEL_VOICE, CHANNEL_WHATSAPP};
    return channel_name(channels[i]);
}

static const char *alphabet_word(int i) {
    return code_alphabet_name((enum code_alphabet)i);
}

#define CHANNEL_FIELD .kind = FIELD_WORD, .word = channel_word, .word_end = 3
#define STATUS_FIELD .kind = FIELD_WORD, .word = status_word, .word_end = VERIFICATION_STATUSES
#define PURPOSE_FIELD                                                                                        \
    {                                                                                                        \
        "purpose", FIELD_TEXT,                                                                               \
            "What it is for, in your words: a number has one pending code for each purpose.",                \
            .max = PURPOSE_BYTES_MAX, .example = "\"login\""                                                 \
    }

const struct api_field verification_create_fields[] = {
    {"to", FIELD_TEXT, "The number to be verified, in E.164 or as it is written in the configured region.",
     .required = true, .max = 64, .example = "\"+8613800138000\""},
    PURPOSE_FIELD,
    {"channel", .summary = "By what the code goes out; without it as `verifications.channels` says.",
     CHANNEL_FIELD},
    {"channels", FIELD_LIST,
     "Channels to try one after the other: sms, voice, whatsapp. The next one is tried when one has failed, "
     "or no receipt of delivery came within `fallback_s`.",
     .example = "[\"sms\", \"voice\"]"},
    {"fallback_s", FIELD_INT,
     "Seconds to wait for a receipt before the next channel; 0: only a failure "
     "leads on. Without it `verifications.fallback_s`.",
     .max = 3600},
    {"brand", FIELD_TEXT, "Whose code it is, as the text says it; else of the settings, by language.",
     .max = 64, .example = "\"Hongyan\""},
    {"template", FIELD_TEXT, "A template instead of the built-in text; it has code, brand and minutes.",
     .max = 128},
    {"vars", FIELD_OBJECT, "More variables of the template."},
    {"language", FIELD_TEXT, "Of the text; without it that of the number's country.", .max = 35,
     .example = "\"zh-CN\""},
    {"code_length", FIELD_INT, "Characters of the code.", .min = CODE_CHARS_MIN, .max = CODE_CHARS_MAX},
    {"alphabet", .kind = FIELD_WORD,
     .summary = "What it is made of; alphanumeric: capitals and digits without those that look alike.",
     .word = alphabet_word, .word_end = CODE_ALPHABETS},
    {"expiry_s", FIELD_INT, "How long the code is good.", .min = 1, .max = EXPIRY_S_MAX},
    {"from", FIELD_TEXT, "The sender. Without it the lane's own.", .max = 64},
    {"app_hash", FIELD_TEXT, "Android's SMS Retriever: the text begins with <#> and ends with this hash.",
     .max = 64, .example = "\"FA+9qCX9VSu\""},
    {"web_domain", FIELD_TEXT, "Web OTP: the text ends with the line `@example.com #123456`.", .max = 253,
     .example = "\"example.com\""},
    {"client_ip", FIELD_TEXT, "Who asks you for the code: what `verifications.rates` counts as source.",
     .max = 64, .example = "\"203.0.113.7\""},
    {"metadata", FIELD_OBJECT, "Anything of yours, kept with the message; at most 2048 bytes as JSON."},
    {0},
};

const struct api_field verification_check_fields[] = {
    {"code", FIELD_TEXT, "As the person typed it; spaces and dashes do not count.", .required = true,
     .max = 64, .example = "\"123456\""},
    {0},
};

const struct api_field verification_check_to_fields[] = {
    {"to", FIELD_TEXT, "The number that the code went to.", .required = true, .max = 64},
    PURPOSE_FIELD,
    {"code", FIELD_TEXT, "As the person typed it.", .required = true, .max = 64, .example = "\"123456\""},
    {0},
};

const struct api_field verification_resend_fields[] = {
    {"channel", .summary = "By another channel than before.", CHANNEL_FIELD},
    {"client_ip", FIELD_TEXT, "Who asks you for it.", .max = 64},
    {0},
};

const struct api_field verification_list_fields[] = {
    {"to", FIELD_TEXT, "Of exactly this number, in E.164.", .max = 64},
    {"status", .summary = "That stand so.", STATUS_FIELD},
    {"limit", FIELD_INT,
     "Verifications on a page; 50 without it. With a filter a page may be short, or empty, and others "
     "follow.",
     .min = 1, .max = VERIFICATIONS_PAGE_MAX},
    {"cursor", FIELD_TEXT, "`next_cursor` of the page before.", .max = 64},
    {0},
};

#define VERIFICATION_FIELDS                                                                                  \
    {"id", FIELD_TEXT, "VE and 32 hexadecimal digits; never changes.", .required = true},                    \
        {"status", .summary = "Where it stands.", .required = true, STATUS_FIELD},                           \
        {"reason", FIELD_TEXT, "superseded: a newer code for the same number and purpose withdrew it."},     \
        {"to", FIELD_TEXT, "The number, masked.", .required = true},                                         \
        {"purpose", FIELD_TEXT, "As it was given."},                                                         \
        {"channel", .summary = "By what the code went out last.", .required = true, .kind = FIELD_TEXT},     \
        {"message_id", FIELD_TEXT, "The latest message with the code; its text is shown masked.",            \
         .required = true},                                                                                  \
        {"attempts_left", FIELD_INT, "Guesses that are left.", .required = true, .max = 20},                 \
        {"resends_left", FIELD_INT, "How often it may still be sent anew.", .required = true, .max = 20},    \
        {"resend_after", FIELD_TIME, "Not before this time."},                                               \
        {"created_at", FIELD_TIME, "When it was begun.", .required = true},                                  \
        {"expires_at", FIELD_TIME, "When the code is no longer good.", .required = true}, {                  \
        "done_at", FIELD_TIME, "When it was settled; null: it is pending."                                   \
    }

const struct api_field verification_shape[] = {VERIFICATION_FIELDS, {0}};

const struct api_field verification_checked_shape[] = {
    {"valid", FIELD_BOOL, "This guess was right, and the first that was.", .required = true},
    VERIFICATION_FIELDS,
    {0},
};

const struct api_field verification_page_shape[] = {
    {"data", FIELD_LIST, "Newest first.", .required = true, .ref = "Verification"},
    NEXT_CURSOR_FIELD,
    {0},
};

/* ---- printing ---- */

void verification_print(const struct api_request *rq, const struct verification *v, struct buf *out) {
    struct sip_key key = api_world(rq)->id_key;
    struct sid id = sid_verification(key, v->id), message = sid_message(key, v->message_id);
    BUF_AUTO struct buf to = BUF_INIT(128);
    bool pending = v->status == VERIFICATION_PENDING;
    mask_phone(sv_of(v->to), &to);
    json_pair(out, "id", sid_sv(&id));
    json_pair(out, "status", sv_of(verification_status_name(v->status)));
    json_pair_or_null(out, "reason", v->superseded ? SV("superseded") : SV_NONE);
    json_pair(out, "to", buf_sv(&to));
    json_pair_or_null(out, "purpose", sv_of(v->purpose));
    json_pair(out, "channel", sv_of(channel_name(v->channel)));
    json_pair(out, "message_id", sid_sv(&message));
    json_pair_i64(out, "attempts_left", pending ? (int64_t)v->attempts_max - v->attempts : 0);
    json_pair_i64(out, "resends_left", pending ? (int64_t)v->resends_max - v->resends : 0);
    json_pair_time(out, "resend_after",
                   pending && v->resends < v->resends_max ? v->sent_at + v->resend_us : 0);
    json_pair_time(out, "created_at", v->created_at);
    json_pair_time(out, "expires_at", v->expires_at);
    json_pair_time(out, "done_at", v->done_at);
}

void verification_answer(struct api_request *rq, int status, const struct verification *v) {
    struct buf *out = api_scratch(rq);
    buf_addc(out, '{');
    verification_print(rq, v, out);
    buf_addc(out, '}');
    api_answer_json(rq, status, buf_sv(out));
}

bool verification_refuse_absent(struct api_request *rq) {
    struct err e = ERR_INIT;
    err_set(&e, ERR_NOT_FOUND, "there is no such verification");
    api_fail(rq, &e);
    return false;
}

/* ---- beginning ---- */

/* The positions of verification_create_fields. */
enum {
    TO,
    PURPOSE,
    CHANNEL,
    CHANNELS,
    FALLBACK,
    BRAND,
    TEMPLATE,
    VARS,
    LANGUAGE,
    LENGTH,
    ALPHABET,
    EXPIRY,
    FROM,
    APP_HASH,
    WEB_DOMAIN,
    CLIENT_IP,
    METADATA
};

void verification_tell(struct api_request *rq, const char *event, const struct verification *v) {
    struct sid id = sid_verification(api_world(rq)->id_key, v->id);
    log_info(api_world(rq)->log, event, kv_word("id", sid_sv(&id)),
             kv_word("account", sid_sv(&rq->account_sid)), kv_phone("to", sv_of(v->to)),
             kv_name("status", verification_status_name(v->status)), kv_int("attempts", v->attempts),
             kv_int("resends", v->resends));
}

/* The caller's row of this id; false and answered when there is none. */
static bool load(struct api_request *rq, int64_t id, struct verification *v, struct buf *sealed) {
    struct err e = ERR_INIT;
    if (verifications_get(api_db(rq), rq->account_id, id, rq->now, v, sealed, &e))
        return v->id || verification_refuse_absent(rq);
    api_fail(rq, &e);
    return false;
}

/* The same of the verification that a stored message belongs to. */
static bool of_message(struct api_request *rq, int64_t message_id, struct verification *v) {
    struct err e = ERR_INIT;
    int64_t id;
    if (verifications_of_message(api_db(rq), message_id, &id, &e))
        return load(rq, id, v, NULL);
    api_fail(rq, &e);
    return false;
}

static void answer_new(struct api_request *rq, const struct verification *v, bool replayed) {
    struct buf *out = api_scratch(rq);
    struct sid id = sid_verification(api_world(rq)->id_key, v->id);
    buf_addc(out, '{');
    verification_print(rq, v, out);
    buf_addc(out, '}');
    native_answer_new(rq, 201, out, "/v1/verifications/", &id, replayed);
}

static void begun(struct api_request *rq, const struct api_brief *b, bool replayed) {
    struct verification v;
    if (!of_message(rq, b->id, &v))
        return;
    if (!replayed) {
        meter_add(api_world(rq)->meters, COUNT_VERIFICATIONS, 1);
        verification_tell(rq, "verification.begun", &v);
    }
    answer_new(rq, &v, replayed);
}

static bool add_channel(struct recipe *r, struct sv name, struct err *e) {
    enum channel c;
    bool ok = channel_find(name, &c) && (c == CHANNEL_SMS || c == CHANNEL_VOICE || c == CHANNEL_WHATSAPP);
    if (!ok || r->n_channels > PLAN_MAX)
        return err_set_field(e, ERR_INVALID, "channels",
                             "`channels` is a list of 1 to %d of sms, voice, whatsapp", 1 + PLAN_MAX);
    r->channels[r->n_channels++] = c;
    return true;
}

static bool read_channels(const struct settings *s, const struct api_value *v, struct recipe *r,
                          struct err *e) {
    const json_t *item;
    size_t i;
    if (v[CHANNEL].given && v[CHANNELS].given)
        return err_set_field(e, ERR_INVALID, "channels", "give either `channel` or `channels`");
    if (v[CHANNEL].given)
        return add_channel(r, sv_of(channel_word((int)v[CHANNEL].n)), e);
    json_array_foreach(v[CHANNELS].json, i,
                       item) if (!add_channel(r, sv_of(json_is_string(item) ? json_string_value(item) : ""),
                                              e)) return false;
    for (uint32_t k = 0; !v[CHANNELS].given && k < s->verifications.channels.n; k++)
        if (!add_channel(r, s->verifications.channels.at[k], e))
            return false;
    return r->n_channels || add_channel(r, v[CHANNELS].given ? SV_NONE : SV("sms"), e);
}

static bool read_recipe(struct api_request *rq, const struct api_value *v, struct sv number,
                        char code[CODE_CHARS_MAX + 1], struct recipe *r, struct err *e) {
    const struct settings *s = api_settings(rq);
    unsigned length = v[LENGTH].given                ? (unsigned)v[LENGTH].n
                      : s->verifications.code_length ? s->verifications.code_length
                                                     : 6;
    struct sv language = code_spoken(v[LANGUAGE].text, number);
    *r = (struct recipe){
        .brand = v[BRAND].given ? v[BRAND].text
                                : brand_of(&s->verifications.brands, language, s->verifications.brand),
        .template = v[TEMPLATE].given ? v[TEMPLATE].text : s->verifications.template,
        .language = v[LANGUAGE].text,
        .from = v[FROM].text,
        .reader = {.app_hash = v[APP_HASH].text, .web_domain = v[WEB_DOMAIN].text},
        .vars = v[VARS].json,
        .fallback_s = v[FALLBACK].given ? (uint32_t)v[FALLBACK].n : s->verifications.fallback_s,
    };
    if (v[ALPHABET].given)
        r->alphabet = (enum code_alphabet)v[ALPHABET].n;
    else if (!code_alphabet_find(s->verifications.alphabet, &r->alphabet))
        r->alphabet = CODE_DIGITS;
    if (!read_channels(s, v, r, e) || !code_reader_check(&r->reader, e))
        return false;
    code_draw(api_world(rq), r->alphabet, length, code);
    r->code = sv_make(code, length);
    return true;
}

bool verification_read_number(struct api_request *rq, struct sv to, struct phone *mem, struct sv *number,
                              struct err *e) {
    struct sv found;
    if (!recipient_check(CHANNEL_SMS, to, api_settings(rq)->defaults.region, "to", mem, NULL, &found, e))
        return false;
    *number = arena_dup(&rq->x->arena, found);
    return true;
}

struct verification_write *verification_new_write(struct api_request *rq, enum verification_act act,
                                                  int64_t id) {
    struct verification_write *w = arena_zalloc(&rq->x->arena, sizeof *w);
    ASSERT(w);
    w->act = act;
    w->account_id = rq->account_id;
    w->id = id;
    w->key = &api_world(rq)->vault;
    return w;
}

static struct verification_write *new_begin(struct api_request *rq, const struct api_value *v,
                                            const struct recipe *r) {
    const struct settings *s = api_settings(rq);
    const struct world *w = api_world(rq);
    struct verification_write *b = verification_new_write(rq, VERIFICATION_BEGIN, 0);
    uint32_t expiry_s = v[EXPIRY].given ? (uint32_t)v[EXPIRY].n : s->verifications.expiry_s;
    world_random_bytes(w, b->salt, sizeof b->salt);
    code_hash(&w->vault, b->salt, r->code, b->hash);
    b->purpose = v[PURPOSE].text.n ? arena_dup(&rq->x->arena, v[PURPOSE].text) : SV("");
    b->sealed = recipe_seal(rq, r);
    b->attempts_max = s->verifications.attempts_max;
    b->resends_max = s->verifications.resends_max;
    b->resend_us = (int64_t)s->verifications.resend_s * US_PER_S;
    b->valid_us = (int64_t)expiry_s * US_PER_S;
    return b;
}

static struct sv client_of(struct api_request *rq, const struct api_value *v) {
    return v->text.n ? arena_dup(&rq->x->arena, v->text) : SV_NONE;
}

void native_verification_create(struct api_request *rq) {
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    struct recipe recipe;
    struct phone mem;
    char code[CODE_CHARS_MAX + 1];
    struct code_message m = {.recipe = &recipe, .fingerprint_of = rq->x->body};
    if (!api_read_json(rq, verification_create_fields, &root, v))
        return;
    m.to = v[TO].text;
    m.traceparent = api_traceparent(rq);
    if (!api_token_header(rq, "Idempotency-Key", KEY_CHARS_MAX, &m.idempotency_key, &e) ||
        !verification_read_number(rq, m.to, &mem, &m.number, &e) ||
        !native_read_metadata(rq, v[METADATA].json, &m.metadata, &e) ||
        !read_recipe(rq, v, m.number, code, &recipe, &e)) {
        api_fail(rq, &e);
        return;
    }
    struct verification_write *w = new_begin(rq, v, &recipe);
    m.valid_us = w->valid_us;
    code_message_submit(rq, &m, w, client_of(rq, &v[CLIENT_IP]), begun);
    memset(code, 0, sizeof code);
}

/* ---- one that is there ---- */

bool verification_of_path(struct api_request *rq, int64_t *id) {
    return sid_parse_verification(api_world(rq)->id_key, rq->params[0], id) || verification_refuse_absent(rq);
}

/* The row of the path's. */
static bool find(struct api_request *rq, struct verification *v, struct buf *sealed) {
    int64_t id;
    return verification_of_path(rq, &id) && load(rq, id, v, sealed);
}

void native_verification_get(struct api_request *rq) {
    struct verification v;
    if (find(rq, &v, NULL))
        verification_answer(rq, 200, &v);
}

static void sent_anew(struct api_request *rq, const struct api_brief *b, bool replayed) {
    struct verification v;
    if (!of_message(rq, b->id, &v))
        return;
    if (!replayed)
        verification_tell(rq, "verification.resent", &v);
    verification_answer(rq, 200, &v);
}

static void resend(struct api_request *rq, const struct verification *row, struct sv sealed,
                   const struct api_value *v) {
    JSON_AUTO json_t *root = NULL;
    struct recipe recipe;
    struct err e = ERR_INIT;
    struct code_message m = {.recipe = &recipe,
                             .to = sv_of(row->to),
                             .number = sv_of(row->to),
                             .traceparent = api_traceparent(rq),
                             .fingerprint_of = rq->x->body,
                             .valid_us = row->expires_at - rq->now};
    if (!recipe_open(rq, sealed, &root, &recipe)) {
        err_set(&e, ERR_CONFLICT, "the verification is `%s`, or its code is not kept: begin a new one",
                verification_status_name(row->status));
        api_fail(rq, &e);
        return;
    }
    if (v[0].given) {
        recipe.n_channels = 0;
        (void)!add_channel(&recipe, sv_of(channel_word((int)v[0].n)), &e);
    }
    code_message_submit(rq, &m, verification_new_write(rq, VERIFICATION_RESEND, row->id),
                        client_of(rq, &v[1]), sent_anew);
}

void native_verification_resend(struct api_request *rq) {
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX] = {{0}};
    struct verification row;
    BUF_AUTO struct buf sealed = BUF_INIT(256 * 1024);
    if ((rq->x->body.n && !api_read_json(rq, verification_resend_fields, &root, v)) ||
        !find(rq, &row, &sealed))
        return;
    resend(rq, &row, buf_sv(&sealed), v);
}

/* ---- lists ---- */

void native_verification_list(struct api_request *rq) {
    enum { L_TO, L_STATUS, L_LIMIT, L_CURSOR };
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    if (!api_read_query(rq, verification_list_fields, v))
        return;
    struct sip_key key = api_world(rq)->id_key;
    struct verification_filter f = {
        .account_id = rq->account_id,
        .to = api_query_number(&rq->x->arena, v[L_TO].text),
        .by_status = v[L_STATUS].given,
        .status = (enum verification_status)v[L_STATUS].n,
        .limit = native_page_limit(&v[L_LIMIT]),
    };
    size_t n = 0;
    bool more = false;
    int64_t last = 0;
    struct verification *rows = calloc(f.limit, sizeof *rows);
    ASSERT(rows);
    bool ok = !v[L_CURSOR].given || sid_parse_verification(key, v[L_CURSOR].text, &f.before_id) ||
              native_no_cursor(&e);
    ok = ok && verifications_list(api_db(rq), &f, rq->now, rows, &n, &more, &last, &e);
    struct buf *out = native_open_page(rq);
    for (size_t i = 0; ok && i < n; i++) {
        buf_adds(out, i ? ",{" : "{");
        verification_print(rq, &rows[i], out);
        buf_addc(out, '}');
    }
    free(rows);
    if (!ok) {
        api_fail(rq, &e);
        return;
    }
    struct sid next = {.text = ""};
    if (more)
        next = sid_verification(key, last);
    native_answer_page(rq, out, sv_of(next.text));
}
