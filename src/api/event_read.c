/* Events as they come: native ones, and CloudEvents 1.0 (github.com/cloudevents/spec, v1.0.2) in structured
 * and binary mode. */
#include "api/events.h"

#include "base/clock.h"

#include <string.h>

void event_in_done(struct event_in *in) {
    json_decref(in->data);
    in->data = NULL;
}

const struct api_field event_create_fields[] = {
    {"id", FIELD_TEXT, "Yours: the same id of the same source comes in once, however often it is posted.",
     .max = EVENT_NAME_BYTES_MAX, .example = "\"order-1001-paid\""},
    {"type", FIELD_TEXT, "What happened, in words and dots; rules are found by it.", .required = true,
     .max = EVENT_TYPE_BYTES_MAX, .example = "\"order.paid\""},
    {"source", FIELD_TEXT, "Where it happened.", .max = EVENT_NAME_BYTES_MAX, .example = "\"shop\""},
    {"time", FIELD_TIME, "When it happened; without it: now."},
    {"subject", FIELD_TEXT, "What it is about.", .max = EVENT_NAME_BYTES_MAX},
    {"data", FIELD_OBJECT, "All else: what rules and templates see as `data`.",
     .example = "{\"order_id\":1001,\"phone\":\"+8613800138000\",\"name\":\"Li\"}"},
    {0},
};

json_t *event_parse(struct sv text, struct err *e) {
    json_error_t why;
    if (api_json_bound(text) != JSON_BOUNDED) {
        err_set(e, ERR_INVALID, "the JSON has more than %d levels or %d values", JSON_DEPTH_MAX,
                JSON_VALUES_MAX);
        return NULL;
    }
    json_t *out = text.n ? json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why) : NULL;
    if (!out && text.n)
        err_set(e, ERR_INVALID, "not valid JSON: see line %d, column %d", why.line, why.column);
    else if (!out)
        err_set(e, ERR_INVALID, "the body is empty");
    return out;
}

static bool check(struct event_in *in, struct err *e) {
    if (!rule_type_is_valid(in->type))
        return err_set_field(e, ERR_INVALID, "type",
                             "`type` is 1 to %d letters, digits and . _ - : /, such as `order.paid`",
                             EVENT_TYPE_BYTES_MAX);
    if (in->name.n > EVENT_NAME_BYTES_MAX || in->source.n > EVENT_NAME_BYTES_MAX ||
        in->subject.n > EVENT_NAME_BYTES_MAX)
        return err_set_field(e, ERR_INVALID, "id", "`id`, `source` and `subject` have at most %d bytes each",
                             EVENT_NAME_BYTES_MAX);
    return true;
}

static struct sv keep(struct api_request *rq, struct sv v) {
    return v.n ? arena_dup(&rq->x->arena, v) : SV_NONE;
}

static bool read_native(struct api_request *rq, const json_t *object, struct event_in *in, struct err *e) {
    enum { ID, TYPE, SOURCE, TIME, SUBJECT, DATA };
    struct api_value v[FIELDS_MAX];
    if (!api_read_object(event_create_fields, object, v, e))
        return false;
    *in = (struct event_in){.name = keep(rq, v[ID].text),
                            .source = keep(rq, v[SOURCE].text),
                            .type = keep(rq, v[TYPE].text),
                            .subject = keep(rq, v[SUBJECT].text),
                            .at = v[TIME].given ? v[TIME].n : rq->now};
    if (!check(in, e))
        return false;
    in->data = v[DATA].json ? json_incref((json_t *)(uintptr_t)v[DATA].json) : json_object();
    return true;
}

/* ---- CloudEvents ---- */

static struct sv attribute(const json_t *object, const char *name) {
    const json_t *v = json_object_get(object, name);
    return json_is_string(v) ? sv_make(json_string_value(v), json_string_length(v)) : SV_NONE;
}

static bool take_attributes(struct api_request *rq, struct sv version, struct sv time, struct event_in *in,
                            struct err *e) {
    if (!sv_eq(version, SV("1.0")))
        return err_set_field(e, ERR_INVALID, "specversion", "`specversion` must be 1.0");
    if (!in->name.n || !in->source.n)
        return err_set_field(e, ERR_INVALID, in->name.n ? "source" : "id",
                             "a CloudEvent has an `id`, a `source` and a `type`");
    in->at = rq->now;
    if (time.n && !clock_parse_rfc3339(time, &in->at))
        return err_set_field(e, ERR_INVALID, "time", "`time` is no time of RFC 3339");
    in->name = keep(rq, in->name);
    in->source = keep(rq, in->source);
    in->type = keep(rq, in->type);
    in->subject = keep(rq, in->subject);
    return check(in, e);
}

static bool take_base64(struct sv text, struct event_in *in, struct err *e) {
    struct buf BUF_AUTO bytes = BUF_INIT(text.n + 8);
    struct err why = ERR_INIT;
    if (base64_parse(text, &bytes))
        in->data = event_parse(buf_sv(&bytes), &why);
    return in->data || err_set_field(e, ERR_INVALID, "data_base64", "`data_base64` must be JSON, in base64");
}

static bool read_cloud(struct api_request *rq, const json_t *object, struct event_in *in, struct err *e) {
    const json_t *data = json_object_get(object, "data");
    struct sv base64 = attribute(object, "data_base64");
    *in = (struct event_in){.name = attribute(object, "id"),
                            .source = attribute(object, "source"),
                            .type = attribute(object, "type"),
                            .subject = attribute(object, "subject")};
    if (!take_attributes(rq, attribute(object, "specversion"), attribute(object, "time"), in, e))
        return false;
    if (!data && base64.n)
        return take_base64(base64, in, e);
    in->data = data ? json_incref((json_t *)(uintptr_t)data) : json_object();
    return true;
}

bool event_read(struct api_request *rq, const json_t *object, struct event_in *in, struct err *e) {
    if (!json_is_object(object))
        return err_set(e, ERR_INVALID, "an event is a JSON object");
    return json_object_get(object, "specversion") ? read_cloud(rq, object, in, e)
                                                  : read_native(rq, object, in, e);
}

/* Header values are percent-encoded (HTTP binding, 3.1.3.2). */
static struct sv header(struct api_request *rq, const char *name) {
    struct sv raw = exchange_header(rq->x, name), out;
    bool ok =
        percent_decode(raw, &rq->x->arena, &out) && sv_is_utf8(out) && sv_find_char(out, '\0') == SIZE_MAX;
    return raw.n && ok ? out : SV_NONE;
}

bool event_read_binary(struct api_request *rq, struct event_in *in, struct err *e) {
    *in = (struct event_in){.name = header(rq, "ce-id"),
                            .source = header(rq, "ce-source"),
                            .type = header(rq, "ce-type"),
                            .subject = header(rq, "ce-subject")};
    if (!take_attributes(rq, header(rq, "ce-specversion"), header(rq, "ce-time"), in, e))
        return false;
    in->data = rq->x->body.n ? event_parse(rq->x->body, e) : json_object();
    return in->data != NULL;
}
