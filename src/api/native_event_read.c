/* Events that are stored: what they look like to callers, one of them, and lists. */
#include "api/events.h"

#include "base/json.h"
#include "model/id.h"

#include <string.h>

enum { LOAD_BYTES_MAX = 1 << 24 };

/* ---- shapes ---- */

const struct api_field event_list_fields[] = {
    {"type", FIELD_TEXT, "Only events of this type.", .max = EVENT_TYPE_BYTES_MAX},
    {"event_id", FIELD_TEXT, "Only the event with this id of its sender's.", .max = EVENT_NAME_BYTES_MAX},
    {"source", FIELD_TEXT, "With `event_id`: of this source; without it, of those that named none.",
     .max = EVENT_NAME_BYTES_MAX},
    {"limit", FIELD_INT, "How many, at most.", .min = 1, .max = 1000},
    {"cursor", FIELD_TEXT, "`next_cursor` of the page before.", .max = SID_BYTES},
    {0},
};

const struct api_field event_outcome_shape[] = {
    {"rule", FIELD_TEXT, "Which rule.", .required = true},
    {"did", FIELD_TEXT,
     "`fired`: made a message; `deduplicated`, `late`, `limited`: made none, and why; `digested`: gathered "
     "for a text to come; `error`: could not be evaluated; `canceled`: withdrew a message; `too_late`: was "
     "to, but it was on its way; `ungathered`: took something out of a digest.",
     .required = true},
    {"message_id", FIELD_TEXT, "The message; of a digest once it was made."},
    {"detail", FIELD_TEXT, "What was wrong."},
    {0},
};

const struct api_field business_event_shape[] = {
    {"id", FIELD_TEXT, "The gateway's id of it.", .required = true},
    {"event_id", FIELD_TEXT, "Its sender's id."},
    {"source", FIELD_TEXT, "Where it happened."},
    {"type", FIELD_TEXT, "What happened.", .required = true},
    {"subject", FIELD_TEXT, "What it is about."},
    {"time", FIELD_TIME, "When it happened.", .required = true},
    {"received_at", FIELD_TIME, "When it came.", .required = true},
    {"data", FIELD_OBJECT, "All else; null in lists."},
    {"outcomes", FIELD_LIST, "What its rules did; null in lists.", .ref = "EventOutcome"},
    {"not_matched", FIELD_LIST, "Rules of its type whose `when` was false; null in lists."},
    {"not_judged", FIELD_LIST,
     "Rules of its type that did nothing because those before them took all the work one event may cause; "
     "null in lists."},
    {0},
};

const struct api_field event_page_shape[] = {
    {"data", FIELD_LIST, "The events, newest first.", .required = true, .ref = "BusinessEvent"},
    {"next_cursor", FIELD_TEXT, "For the next page; null: this is the last."},
    {0},
};

/* ---- printing ---- */

struct sid event_sid(const struct api_request *rq, int64_t id) {
    return sid_event(api_world(rq)->id_key, id);
}

bool event_parse_sid(const struct api_request *rq, struct sv text, int64_t *id) {
    char as_message[SID_BYTES];
    if (text.n != SID_BYTES || !sv_starts(text, SV("EV")))
        return false;
    memcpy(as_message, text.p, SID_BYTES);
    memcpy(as_message, "SM", 2);
    return sid_parse_message(api_world(rq)->id_key, sv_make(as_message, SID_BYTES), id);
}

static void print_outcome(const struct api_request *rq, const struct event_outcome *o, struct buf *out) {
    struct sid sid = sid_message(api_world(rq)->id_key, o->message_id);
    buf_addc(out, '{');
    json_pair(out, "rule", o->rule);
    json_pair(out, "did", sv_of(event_did_name(o->did)));
    json_pair_or_null(out, "message_id", o->message_id ? sid_sv(&sid) : SV_NONE);
    json_pair_or_null(out, "detail", o->detail);
    buf_addc(out, '}');
}

static void print_head(const struct api_request *rq, const struct event_row *row, struct buf *out) {
    struct sid sid = event_sid(rq, row->id);
    json_pair(out, "id", sid_sv(&sid));
    json_pair_or_null(out, "event_id", row->name);
    json_pair_or_null(out, "source", row->source);
    json_pair(out, "type", row->type);
    json_pair_or_null(out, "subject", row->subject);
    json_pair_time(out, "time", row->at);
    json_pair_time(out, "received_at", id_time(row->id));
}

static void print_names(struct buf *out, const char *key, struct sv names) {
    json_key(out, key);
    buf_addc(out, '[');
    for (struct sv rest = names; rest.n;) {
        json_add_string(out, sv_cut(&rest, ','));
        if (rest.p)
            buf_addc(out, ',');
    }
    buf_addc(out, ']');
}

void event_print(const struct api_request *rq, const struct event_row *row, struct buf *out) {
    buf_addc(out, '{');
    print_head(rq, row, out);
    json_key(out, "data");
    buf_add(out, row->data);
    json_key(out, "outcomes");
    buf_addc(out, '[');
    for (size_t i = 0; i < row->n_outcomes; i++) {
        if (i)
            buf_addc(out, ',');
        print_outcome(rq, &row->outcomes[i], out);
    }
    buf_addc(out, ']');
    print_names(out, "not_matched", row->passed);
    print_names(out, "not_judged", row->unjudged);
    buf_addc(out, '}');
}

/* ---- reading ---- */

void event_answer_stored(struct api_request *rq, int64_t id, int status) {
    struct err e = ERR_INIT;
    struct event_row row;
    ARENA_AUTO struct arena a;
    arena_init(&a, LOAD_BYTES_MAX);
    if (!events_load(api_db(rq), rq->account_id, id, &a, &row, &e)) {
        api_fail(rq, &e);
        return;
    }
    struct buf *out = api_scratch(rq);
    event_print(rq, &row, out);
    struct answer answer = {.status = status, .content_type = "application/json", .body = buf_sv(out)};
    if (status == 200 && rq->route->method == HTTP_POST)
        answer.headers[answer.n_headers++] = (struct http_header){SV("Idempotency-Replayed"), SV("true")};
    api_answer(rq, &answer);
}

static bool no_such(struct api_request *rq) {
    struct err e = ERR_INIT;
    err_set(&e, ERR_NOT_FOUND, "there is no such event: an event's id is EV and 32 hexadecimal digits");
    api_fail(rq, &e);
    return false;
}

void native_event_get(struct api_request *rq) {
    int64_t id;
    if (event_parse_sid(rq, rq->params[0], &id) || no_such(rq))
        event_answer_stored(rq, id, 200);
}

/* The only one that can have that id, if it is there: by its index, as when it comes again. */
static bool find_named(struct api_request *rq, struct sv type, struct sv source, struct sv name,
                       struct arena *a, struct event_row *out, size_t *n, struct err *e) {
    const struct event_write w = {
        .account_id = rq->account_id, .source = source.p ? source : SV(""), .name = name};
    int64_t id;
    *n = 0;
    if (!events_find(api_db(rq), &w, &id, e))
        return false;
    if (!id)
        return true;
    if (!events_load(api_db(rq), rq->account_id, id, a, out, e))
        return e->kind == ERR_NOT_FOUND; /* it went meanwhile */
    *n = !type.n || sv_eq(type, out->type);
    return true;
}

void native_event_list(struct api_request *rq) {
    enum { TYPE, EVENT_ID, SOURCE, LIMIT, CURSOR };
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    int64_t before = 0;
    size_t n;
    bool more = false;
    if (!api_read_query(rq, event_list_fields, v))
        return;
    unsigned limit = native_page_limit(&v[LIMIT]);
    if (v[CURSOR].given && !event_parse_sid(rq, v[CURSOR].text, &before)) {
        (void)native_no_cursor(&e);
        api_fail(rq, &e);
        return;
    }
    ARENA_AUTO struct arena a;
    arena_init(&a, LOAD_BYTES_MAX);
    struct event_row *rows = arena_zalloc(&a, limit * sizeof *rows);
    ASSERT(rows);
    bool read =
        v[EVENT_ID].given
            ? find_named(rq, v[TYPE].text, v[SOURCE].text, v[EVENT_ID].text, &a, rows, &n, &e)
            : events_list(api_db(rq), rq->account_id, v[TYPE].text, before, limit, &a, rows, &n, &more, &e);
    if (!read) {
        api_fail(rq, &e);
        return;
    }
    struct buf *out = native_open_page(rq);
    for (size_t i = 0; i < n; i++) {
        buf_adds(out, i ? ",{" : "{");
        print_head(rq, &rows[i], out);
        buf_adds(out, ",\"data\":null,\"outcomes\":null,\"not_matched\":null,\"not_judged\":null}");
    }
    struct sid sid = event_sid(rq, n ? rows[n - 1].id : 1);
    native_answer_page(rq, out, more ? sid_sv(&sid) : SV_NONE);
}
