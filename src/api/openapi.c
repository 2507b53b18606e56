/* openapi: the OpenAPI 3.1 document, made from the tables that route and read requests. */
#include "api/front.h"
#include "api/native.h"
#include "api/native_webhooks.h"

#include "base/json.h"

#include <string.h>

enum { DOCUMENT_BYTES_MAX = 1024 * 1024 };

static const struct api_field ready_shape[] = {
    {"ready", FIELD_BOOL, "Whether messages are taken.", .required = true},
    {"reasons", FIELD_LIST, "Why not, in words.", .required = true},
    {0},
};

static const struct schema {
    const char *name;
    const struct api_field *fields;
    bool request;                 /* unknown members are refused */
    const struct api_field *also; /* those of another table besides */
} schemas[] = {
    {"MessageCreate", create_fields, true},
    {"Send", send_fields, true},
    {"PreviewRequest", preview_fields, true},
    {"TemplateCreate", template_create_fields, true},
    {"Reply", reply_shape, false},
    {"ReplyPage", reply_page_shape, false},
    {"FraudBlock", fraud_block_shape, false},
    {"FraudBlockList", fraud_block_list_shape, false},
    {"FraudCountriesPut", fraud_countries_fields, true},
    {"FraudCountries", fraud_countries_shape, false},
    {"FraudHoldsSettle", fraud_bulk_fields, true},
    {"FraudHoldsSettled", fraud_bulk_shape, false},
    {"VerificationCreate", verification_create_fields, true},
    {"VerificationCheck", verification_check_fields, true},
    {"VerificationCheckTo", verification_check_to_fields, true},
    {"VerificationResend", verification_resend_fields, true},
    {"Verification", verification_shape, false},
    {"VerificationChecked", verification_checked_shape, false},
    {"VerificationPage", verification_page_shape, false},
    {"SuppressionPut", suppression_put_fields, true},
    {"SuppressionCreate", suppression_create_fields, true},
    {"SuppressionBulk", suppression_bulk_fields, true},
    {"Suppression", suppression_shape, false},
    {"SuppressionPage", suppression_page_shape, false},
    {"SuppressionsOfNumber", suppression_of_shape, false},
    {"SuppressionRefusal", suppression_refusal_shape, false},
    {"SuppressionBulkDone", suppression_bulk_shape, false},
    {"ContactPut", contact_put_fields, true},
    {"ContactCreate", contact_create_fields, true},
    {"ContactDeviceCreate", contact_device_fields, true},
    {"Contact", contact_shape, false},
    {"ContactDevice", contact_device_shape, false},
    {"ContactPage", contact_page_shape, false},
    {"ConsentCreate", consent_create_fields, true},
    {"Consent", consent_shape, false},
    {"ConsentHistory", consent_history_shape, false},
    {"Import", part_import_shape, false},
    {"ImportRefusal", part_import_refusal_shape, false},
    {"ErasureCreate", erasure_create_fields, true},
    {"ErasureVerify", erasure_verify_fields, true},
    {"Erasure", erasure_shape, false},
    {"ErasureVerdict", erasure_verdict_shape, false},
    {"PersonData", person_shape, false},
    {"MessageBrief", brief_shape, false},
    {"Message", message_shape, false},
    {"MessagePage", message_page_shape, false},
    {"Event", event_shape, false},
    {"EventList", event_list_shape, false},
    {"Attempt", attempt_shape, false},
    {"Link", link_shape, false},
    {"AttemptList", attempt_list_shape, false},
    {"Preview", preview_shape, false},
    {"Template", template_shape, false},
    {"TemplateHead", template_head_shape, false},
    {"TemplatePage", template_page_shape, false},
    {"TemplateVersion", template_version_shape, false},
    {"TemplateVersionBrief", template_brief_shape, false},
    {"EventCreate", event_create_fields, true},
    {"BusinessEvent", business_event_shape, false},
    {"EventOutcome", event_outcome_shape, false},
    {"EventBatch", event_batch_shape, false},
    {"EventRefusal", event_refusal_shape, false},
    {"EventPage", event_page_shape, false},
    {"RuleCreate", rule_create_fields, true},
    {"Rule", rule_shape, false},
    {"RuleHead", rule_head_shape, false},
    {"RulePage", rule_page_shape, false},
    {"RuleCounts", rule_counts_shape, false},
    {"RuleVersionBrief", rule_version_brief_shape, false},
    {"RuleTest", rule_test_fields, true},
    {"RuleTestDone", rule_test_shape, false},
    {"RuleDecision", rule_decision_shape, false},
    {"Lane", lane_shape, false},
    {"LaneList", lane_list_shape, false},
    {"LaneRate", lane_rate_shape, false},
    {"LaneQuota", lane_quota_shape, false},
    {"LaneWarmUp", lane_warm_up_shape, false},
    {"ExplainRequest", explain_fields, true, create_fields},
    {"Explanation", explain_shape, false},
    {"Decision", decision_shape, false},
    {"ExplainedNumber", explained_number_shape, false},
    {"ExplainedText", explained_text_shape, false},
    {"ExplainedRate", explained_rate_shape, false},
    {"ExplainedRoute", explained_route_shape, false},
    {"ExplainedLane", explained_lane_shape, false},
    {"WebhookCreate", webhook_create_fields, true},
    {"WebhookUpdate", webhook_update_fields, true},
    {"WebhookRotate", webhook_rotate_fields, true},
    {"WebhookReplay", webhook_replay_fields, true},
    {"Webhook", webhook_shape, false},
    {"WebhookList", webhook_list_shape, false},
    {"WebhookDelivery", webhook_delivery_shape, false},
    {"WebhookDeliveryPage", webhook_delivery_page_shape, false},
    {"WebhookMessageData", hook_message_shape, false},
    {"WebhookReplyData", hook_reply_shape, false},
    {"WebhookConsentData", hook_consent_shape, false},
    {"WebhookDisabledData", hook_disabled_shape, false},
    {"WebhookTestData", hook_test_shape, false},
    {"RuleDocument", rule_document_shape, false},
    {"Usage", usage_shape, false},
    {"UsageRow", usage_row_shape, false},
    {"Saved", saved_shape, false},
    {"RouteList", route_list_shape, false},
    {"Route", route_report_shape, false},
    {"RouteCanary", route_canary_shape, false},
    {"RouteSide", route_side_shape, false},
    {"SavedRow", saved_row_shape, false},
    {"Whoami", whoami_shape, false},
    {"Ready", ready_shape, false},
    {"Problem", problem_shape, false},
};

static void open(struct buf *out, const char *key, char bracket) {
    json_key(out, key);
    buf_addc(out, bracket);
}

static void comma(struct buf *out) {
    char last = out->p[out->n - 1];
    if (last != '[' && last != '{')
        buf_addc(out, ',');
}

static void print_ref(struct buf *out, const char *schema) {
    buf_addf(out, "{\"$ref\":\"#/components/schemas/%s\"}", schema);
}

/* ---- fields ---- */

static const char *type_of(enum field_kind kind) {
    switch (kind) {
    case FIELD_TEXT:
    case FIELD_WORD:
    case FIELD_TIME: return "string";
    case FIELD_INT: return "integer";
    case FIELD_BOOL: return "boolean";
    case FIELD_LIST: return "array";
    case FIELD_OBJECT:
    case FIELD_REF: break;
    }
    return "object";
}

static void print_words(struct buf *out, const struct api_field *f, bool nullable) {
    open(out, "enum", '[');
    for (int i = f->word_first; i < f->word_end; i++) {
        comma(out);
        json_add_string(out, sv_of(f->word(i)));
    }
    if (nullable)
        buf_adds(out, ",null");
    buf_addc(out, ']');
}

/* Beside its type. */
static void print_ref_beside(struct buf *out, const char *schema) {
    buf_addf(out, ",\"$ref\":\"#/components/schemas/%s\"", schema);
}

/* The members of one schema object, its description left to the caller. */
static void print_type(struct buf *out, const struct api_field *f, bool nullable) {
    json_key(out, "type");
    buf_addf(out, nullable ? "[\"%s\",\"null\"]" : "\"%s\"", type_of(f->kind));
    if (f->kind == FIELD_TIME)
        json_pair(out, "format", SV("date-time"));
    if (f->kind == FIELD_WORD)
        print_words(out, f, nullable);
    if (f->kind == FIELD_TEXT && f->max)
        json_pair_i64(out, "maxLength", f->max);
    if (f->kind == FIELD_INT) {
        json_pair_i64(out, "minimum", f->min);
        json_pair_i64(out, "maximum", f->max);
    }
    if (f->kind == FIELD_OBJECT && f->ref && !nullable)
        print_ref_beside(out, f->ref);
    if (f->kind == FIELD_LIST) {
        json_key(out, "items");
        if (f->ref && !*f->ref)
            buf_adds(out, "{}");
        else if (f->ref)
            print_ref(out, f->ref);
        else
            buf_adds(out, "{\"type\":\"string\"}");
    }
}

static void print_properties(struct buf *out, const struct api_field *fields) {
    for (const struct api_field *f = fields; f && f->name; f++) {
        open(out, f->name, '{');
        print_type(out, f, !f->required);
        json_pair(out, "description", sv_of(f->summary));
        if (f->example) {
            open(out, "examples", '[');
            buf_addf(out, "%s]", f->example);
        }
        buf_addc(out, '}');
    }
}

static void print_required(struct buf *out, const struct api_field *fields) {
    for (const struct api_field *f = fields; f && f->name; f++)
        if (f->required) {
            comma(out);
            json_add_string(out, sv_of(f->name));
        }
}

static void print_schema(struct buf *out, const struct schema *s) {
    open(out, s->name, '{');
    json_pair(out, "type", SV("object"));
    if (s->request)
        json_pair_bool(out, "additionalProperties", false);
    open(out, "properties", '{');
    print_properties(out, s->fields);
    print_properties(out, s->also);
    buf_addc(out, '}');
    open(out, "required", '[');
    print_required(out, s->fields);
    print_required(out, s->also);
    buf_adds(out, "]}");
}

/* ---- operations ---- */

static void print_parameter(struct buf *out, const char *in, struct sv name, bool required, struct sv summary,
                            const struct api_field *f) {
    comma(out);
    buf_addc(out, '{');
    json_pair(out, "name", name);
    json_pair(out, "in", sv_of(in));
    json_pair_bool(out, "required", required);
    if (summary.n)
        json_pair(out, "description", summary);
    open(out, "schema", '{');
    if (f)
        print_type(out, f, false);
    else
        json_pair(out, "type", SV("string"));
    buf_adds(out, "}}");
}

static void print_parameters(struct buf *out, const struct route *r) {
    open(out, "parameters", '[');
    for (const char *at = strchr(r->path, '{'); at; at = strchr(at + 1, '{'))
        print_parameter(out, "path", sv_make(at + 1, (size_t)(strchr(at, '}') - at - 1)), true, SV_NONE,
                        NULL);
    for (const struct api_field *f = r->query; f && f->name; f++)
        print_parameter(out, "query", sv_of(f->name), f->required, sv_of(f->summary), f);
    if (r->creates && !r->unkeyed) {
        print_parameter(
            out, "header", SV("Idempotency-Key"), false,
            SV("1 to 255 printable characters. The same key with the same body is done once, however "
               "often it is sent."),
            NULL);
        print_parameter(out, "header", SV("traceparent"), false,
                        SV("W3C trace context; passed on to the provider and to status callbacks."), NULL);
    }
    buf_addc(out, ']');
}

static const char *schema_of(const struct api_field *fields) {
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++)
        if (schemas[i].fields == fields)
            return schemas[i].name;
    return NULL;
}

static void print_content(struct buf *out, const char *type, const char *schema) {
    open(out, "content", '{');
    open(out, type, '{');
    json_key(out, "schema");
    print_ref(out, schema);
    buf_adds(out, "}}");
}

static void print_response(struct buf *out, const char *status, const char *summary, const char *schema) {
    open(out, status, '{');
    json_pair(out, "description", sv_of(summary));
    if (schema)
        print_content(out, strcmp(schema, "Problem") == 0 ? "application/problem+json" : "application/json",
                      schema);
    buf_addc(out, '}');
}

static void print_responses(struct buf *out, const struct route *r) {
    open(out, "responses", '{');
    for (const struct api_response *a = r->responses; a < r->responses + ROUTE_RESPONSES_MAX && a->status;
         a++) {
        char status[4] = {(char)('0' + a->status / 100), (char)('0' + a->status / 10 % 10),
                          (char)('0' + a->status % 10)};
        print_response(out, status, a->summary, a->schema);
    }
    print_response(out, "default", "A problem (RFC 9457).", "Problem");
    buf_addc(out, '}');
}

static void print_security(struct buf *out, const struct route *r) {
    if (r->check == CHECK_CALLER)
        buf_adds(out, ",\"security\":[{\"bearer\":[]},{\"basic\":[]}]");
    else if (r->check == CHECK_OWN)
        buf_adds(out, ",\"security\":[{\"bearer\":[]},{\"basic\":[]},{}]");
    if (r->scope) {
        BUF_AUTO struct buf scope = BUF_INIT(64);
        scopes_print(r->scope, &scope);
        json_pair(out, "x-scope", buf_sv(&scope));
    }
}

static void print_text_body(struct buf *out, const struct route *r) {
    if (!r->body_texts[0])
        return;
    open(out, "requestBody", '{');
    json_pair_bool(out, "required", true);
    open(out, "content", '{');
    for (size_t i = 0; i < sizeof r->body_texts / sizeof r->body_texts[0] && r->body_texts[i]; i++) {
        json_key(out, r->body_texts[i]);
        buf_adds(out, "{\"schema\":{\"type\":\"string\"}}");
    }
    buf_adds(out, "}}");
}

static void print_operation(struct buf *out, const struct route *r) {
    char method[8] = "";
    const char *upper = http_method_name(r->method);
    for (size_t i = 0; upper[i] && i + 1 < sizeof method; i++)
        method[i] = (char)(upper[i] | 0x20);
    open(out, method, '{');
    json_pair(out, "operationId", sv_of(r->name));
    json_pair(out, "summary", sv_of(r->summary));
    open(out, "tags", '[');
    json_add_string(out, sv_of(r->tag));
    buf_addc(out, ']');
    print_parameters(out, r);
    print_text_body(out, r);
    const char *body = r->body ? schema_of(r->body) : NULL;
    ASSERT(body || !r->body); /* a table that `schemas` lacks */
    if (body) {
        open(out, "requestBody", '{');
        json_pair_bool(out, "required", !r->body_optional);
        print_content(out, r->body_type ? r->body_type : "application/json", body);
        buf_addc(out, '}');
    }
    print_responses(out, r);
    print_security(out, r);
    buf_addc(out, '}');
}

static bool is_shown(const struct route *r) {
    return r->name != NULL;
}

static void print_paths(struct buf *out, const struct route_table *t) {
    for (size_t i = 0; i < t->n; i++) {
        const char *path = t->rows[i].path;
        bool first = is_shown(&t->rows[i]);
        for (size_t k = 0; k < i && first; k++)
            first = !is_shown(&t->rows[k]) || strcmp(t->rows[k].path, path) != 0;
        if (!first)
            continue;
        open(out, path, '{');
        for (size_t k = i; k < t->n; k++)
            if (is_shown(&t->rows[k]) && strcmp(t->rows[k].path, path) == 0)
                print_operation(out, &t->rows[k]);
        buf_addc(out, '}');
    }
}

/* What is posted to webhooks: for each type of event one post. */
static void print_webhooks(struct buf *out) {
    open(out, "webhooks", '{');
    for (unsigned type = 0; type < HOOK_TYPES_END; type++) {
        const char *name = hook_type_name(type);
        if (!name)
            continue;
        open(out, name, '{');
        open(out, "post", '{');
        json_pair(out, "summary", sv_of(hook_type_meaning(type)));
        buf_adds(out, ",\"requestBody\":{\"content\":{\"application/json\":{\"schema\":{\"type\":\"object\","
                      "\"required\":[\"type\",\"timestamp\",\"data\"],\"properties\":{\"type\":");
        buf_addf(out,
                 "{\"const\":\"%s\"},\"timestamp\":{\"type\":\"string\",\"format\":\"date-time\"},\"data\":",
                 name);
        print_ref(out, hook_schema_of(type));
        buf_adds(out,
                 "}}}}},\"responses\":{\"2XX\":{\"description\":\"It was taken.\"},\"410\":{\"description\":"
                 "\"Nothing more is to be posted there.\"}}}}");
    }
    buf_addc(out, '}');
}

void front_print_openapi(struct sv public_url, struct buf *out) {
    buf_adds(
        out,
        "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Hongyan\",\"version\":\"1\",\"description\":\"A "
        "self-hosted "
        "SMS notification gateway. An answer of 2xx to a new message means that it is on disk.\",\"license\":"
        "{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}}");
    open(out, "servers", '[');
    buf_addc(out, '{');
    json_pair(out, "url", public_url.n ? public_url : SV("/"));
    buf_adds(out, "}]");
    open(out, "paths", '{');
    for (size_t i = 0; i < api_faces_n; i++)
        for (size_t t = 0; t < api_faces[i]->n_tables; t++)
            print_paths(out, api_faces[i]->tables[t]);
    buf_addc(out, '}');
    print_webhooks(out);
    open(out, "components", '{');
    open(out, "schemas", '{');
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++)
        print_schema(out, &schemas[i]);
    buf_addc(out, '}');
    buf_adds(
        out,
        ",\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"An API "
        "key: its SK "
        "sid, a dot, its secret.\"},\"basic\":{\"type\":\"http\",\"scheme\":\"basic\",\"description\":\"An "
        "API key's SK sid "
        "and secret, or an account's AC sid and auth token.\"}}}}");
}

void page_openapi(struct api_request *rq) {
    BUF_AUTO struct buf out = BUF_INIT(DOCUMENT_BYTES_MAX);
    front_print_openapi(api_settings(rq)->public_url, &out);
    api_answer_json(rq, 200, buf_sv(&out));
}
