/* Consents over HTTP: what recipients said, with its proof, through the journal; and the history of a number,
 * read by this front's own connection. */
#include "api/native.h"

#include "base/clock.h"
#include "base/json.h"
#include "ingest/address.h"
#include "store/consents.h"

#include <string.h>

enum { HISTORY_MAX = 200, AHEAD_S_MAX = 300 };

/* ---- shapes ---- */

static const char *act_word(int i) {
    return consent_act_name((enum consent_act)i);
}

static const char *source_word(int i) {
    return suppression_source_name((enum suppression_source)i);
}

#define ACT_FIELD(end_)                                                                                      \
    .kind = FIELD_WORD, .word = act_word, .word_first = CONSENT_GRANTED, .word_end = (end_)
#define PROOF_FIELDS                                                                                         \
    {"method", FIELD_TEXT, "How it was said, in your words: a web form, a paper, a call.",                   \
     .max = CONSENT_METHOD_BYTES_MAX, .example = "\"web form\""},                                            \
        {"text", FIELD_TEXT, "What they agreed to, word for word.", .max = CONSENT_TEXT_BYTES_MAX},          \
        {"ip", FIELD_TEXT, "The address it came from.", .max = CONSENT_IP_BYTES_MAX},                        \
        {"url", FIELD_TEXT, "The page of the form.", .max = CONSENT_URL_BYTES_MAX}, {                        \
        "note", FIELD_TEXT, "Anything more, for people.", .max = CONSENT_NOTE_BYTES_MAX                      \
    }

const struct api_field consent_create_fields[] = {
    {"number", FIELD_TEXT, "The number, or e-mail address.", .required = true,
     .max = SUPPRESSION_NUMBER_BYTES_MAX, .example = "\"+8613800138000\""},
    {"act", .summary = "What they said.", .required = true, ACT_FIELD(CONSENT_RELEASED)},
    {"topic", FIELD_TEXT, "Of which topic; every one without it.", .max = SUPPRESSION_TOPIC_BYTES_MAX},
    {"at", FIELD_TIME, "When they said it; now without it."},
    {"by", FIELD_TEXT, "Who says so: a clerk, a system; the API key without it.", .max = 64},
    PROOF_FIELDS,
    {"confirmed", FIELD_BOOL, "They confirmed it elsewhere already: no text asks for it."},
    {"language", FIELD_TEXT, "Of the text that asks for it; that of the number's country without it.",
     .max = 35},
    {0},
};

const struct api_field consent_list_fields[] = {
    {"topic", FIELD_TEXT, "Only words about this topic, or about all.", .max = SUPPRESSION_TOPIC_BYTES_MAX},
    {0},
};

const struct api_field consent_shape[] = {
    {"act",
     .summary = "What they said; released: an opt-out was taken off the list; requested: a text asks them to "
                "confirm. "
                "Neither is a consent.",
     .required = true, ACT_FIELD(CONSENT_ACTS)},
    {"topic", FIELD_TEXT, "Of which topic; null: of every one."},
    {"source", .summary = "By which way it came here.", .required = true, .kind = FIELD_WORD,
     .word = source_word, .word_first = SUPPRESSION_BY_API, .word_end = SUPPRESSION_SOURCES},
    {"by", FIELD_TEXT, "Who or what says so."},
    {"at", FIELD_TIME, "When it was said.", .required = true},
    {"created_at", FIELD_TIME, "When it was stored here.", .required = true},
    {"message_id", FIELD_TEXT, "The text that says it, or asks for it."},
    {"expires_at", FIELD_TIME, "Of what is requested: until when the answer counts."},
    PROOF_FIELDS,
    {0},
};

const struct api_field consent_history_shape[] = {
    {"number", FIELD_TEXT, "As messages have it.", .required = true},
    {"data", FIELD_LIST, "Latest first; the latest 200.", .required = true, .ref = "Consent"},
    {0},
};

void native_print_consent(const struct api_request *rq, const struct consent *c, struct buf *out) {
    struct sid sid = {.text = ""};
    if (c->message_id)
        sid = sid_message(api_world(rq)->id_key, c->message_id);
    buf_addc(out, '{');
    json_pair(out, "act", sv_of(consent_act_name(c->act)));
    json_pair_or_null(out, "topic", c->topic);
    json_pair(out, "source", sv_of(suppression_source_name(c->source)));
    json_pair_or_null(out, "by", c->by);
    json_pair_time(out, "at", c->at);
    json_pair_time(out, "created_at", c->created_at);
    json_pair_or_null(out, "message_id", sv_of(sid.text));
    json_pair_time(out, "expires_at", c->expires_at);
    json_pair_or_null(out, "method", c->method);
    json_pair_or_null(out, "text", c->text);
    json_pair_or_null(out, "ip", c->ip);
    json_pair_or_null(out, "url", c->url);
    json_pair_or_null(out, "note", c->note);
    buf_addc(out, '}');
}

void native_answer_consents(struct api_request *rq, int status, struct sv number, struct sv topic) {
    struct consent *rows = calloc(HISTORY_MAX, sizeof *rows);
    struct err e = ERR_INIT;
    size_t n;
    ARENA_AUTO struct arena mem;
    arena_init(&mem, HISTORY_MAX * CONSENT_BYTES_MAX);
    ASSERT(rows);
    if (!consents_of(api_db(rq), rq->account_id, number, topic, &mem, rows, HISTORY_MAX, &n, &e)) {
        free(rows);
        api_fail(rq, &e);
        return;
    }
    struct buf *out = api_scratch(rq);
    buf_addc(out, '{');
    json_pair(out, "number", number);
    json_key(out, "data");
    buf_addc(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_addc(out, ',');
        native_print_consent(rq, &rows[i], out);
    }
    buf_adds(out, "]}");
    free(rows);
    api_answer_json(rq, status, buf_sv(out));
}

bool native_check_history(struct api_request *rq, struct sv number, struct err *e) {
    return !consents_are_full(api_db(rq), rq->account_id, number) ||
           err_set_field(e, ERR_UNPROCESSABLE, "number",
                         "the history of this number has %d words or more: nothing but an opt-out of all "
                         "topics (PUT /v1/suppressions/{number}) is added to it",
                         CONSENT_WORDS_MAX);
}

/* ---- handlers ---- */

void native_consent_history(struct api_request *rq) {
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    struct sv number;
    if (!api_read_query(rq, consent_list_fields, v))
        return;
    if (native_read_address(rq, rq->params[0], &number, &e))
        native_answer_consents(rq, 200, number, v[0].given ? v[0].text : SV_NONE);
    else
        api_fail(rq, &e);
}

static void was_said(struct api_request *rq, struct ask *a) {
    const struct consent_write *w = rq->own;
    if (a->result != ASK_DONE) {
        api_fail(rq, &a->err);
        return;
    }
    /* For whoever has to tell later who said so; the number stays out. */
    log_info(api_world(rq)->log, "consent.said", kv_word("account", sid_sv(&rq->account_sid)),
             kv_word("key", sid_sv(&rq->key)), kv_name("act", consent_act_name(w->consent.act)));
    native_answer_consents(rq, 201, w->consent.number, SV_NONE);
}

static struct sv keep(struct api_request *rq, struct sv v) {
    return v.n ? arena_dup(&rq->x->arena, v) : SV("");
}

/* The positions of consent_create_fields. */
enum { NUMBER, ACT, TOPIC, AT, BY, METHOD, TEXT, IP, URL, NOTE, CONFIRMED, LANGUAGE };

static bool check_create(struct api_request *rq, const struct api_value *v, struct sv *number,
                         struct err *e) {
    if (v[TOPIC].text.n > SUPPRESSION_TOPIC_BYTES_MAX)
        return err_set_field(e, ERR_INVALID, "topic", "a topic has up to %d bytes",
                             SUPPRESSION_TOPIC_BYTES_MAX);
    if (v[AT].n > rq->now + AHEAD_S_MAX * US_PER_S)
        return err_set_field(e, ERR_INVALID, "at", "this time has not come");
    return native_read_address(rq, v[NUMBER].text, number, e) && address_check_listed(*number, e) &&
           native_check_history(rq, *number, e);
}

void native_consent_create(struct api_request *rq) {
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    struct sv number;
    if (!api_read_json(rq, consent_create_fields, &root, v))
        return;
    if (!check_create(rq, v, &number, &e)) {
        api_fail(rq, &e);
        return;
    }
    struct consent_write *w = arena_zalloc(&rq->x->arena, sizeof *w);
    ASSERT(w);
    w->write.run = consent_write_run;
    w->consent = (struct consent){
        .account_id = rq->account_id,
        .number = number,
        .topic = keep(rq, v[TOPIC].text),
        .act = (enum consent_act)v[ACT].n,
        .source = SUPPRESSION_BY_API,
        .at = v[AT].given ? v[AT].n : rq->now,
        .by = v[BY].text.n ? keep(rq, v[BY].text) : sid_sv(&rq->key),
        .method = keep(rq, v[METHOD].text),
        .text = keep(rq, v[TEXT].text),
        .ip = keep(rq, v[IP].text),
        .url = keep(rq, v[URL].text),
        .note = keep(rq, v[NOTE].text),
    };
    if (!v[CONFIRMED].n && native_confirm(rq, &w->consent, keep(rq, v[LANGUAGE].text)))
        return;
    rq->own = w;
    struct ask *a = api_new_ask(rq, ASK_WRITE);
    a->write = &w->write;
    api_ask(rq, a, was_said);
}
