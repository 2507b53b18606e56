/* What requests about webhooks may carry, and what answers say of them. */
#include "api/native_webhooks.h"

#include "base/json.h"
#include "notify/hook_post.h"

static const char *status_word(int i) {
    static const char *const words[] = {"enabled", "disabled"};
    return words[i];
}

static const char *why_word(int i) {
    return hook_status_name((enum hook_status)i);
}

static const char *outcome_word(int i) {
    return delivery_outcome_name((enum delivery_outcome)i);
}

#define URL_FIELD                                                                                            \
    "url", FIELD_TEXT, "Where events are posted to: https, at a public address.",                            \
        .max = HOOK_URL_BYTES_MAX, .example = "\"https://example.com/hooks\""
#define EVENTS_FIELD                                                                                         \
    "events", FIELD_LIST,                                                                                    \
        "Types of events it wants, or patterns such as `message.*`; without it `*`, all of them."
#define TOPICS_FIELD "topics", FIELD_LIST, "Only events of messages with one of these topics; empty: of all."
#define DESCRIPTION_FIELD "description", FIELD_TEXT, "For people.", .max = 500
#define SECRET_FIELD                                                                                         \
    "secret", FIELD_TEXT,                                                                                    \
        "A secret of your own: whsec_ and 24 to 64 bytes in base64; without it one is made.", .max = 100

const struct api_field webhook_create_fields[] = {
    {URL_FIELD, .required = true}, {EVENTS_FIELD}, {TOPICS_FIELD}, {DESCRIPTION_FIELD}, {SECRET_FIELD}, {0},
};

const struct api_field webhook_update_fields[] = {
    {URL_FIELD}, {EVENTS_FIELD}, {TOPICS_FIELD}, {DESCRIPTION_FIELD}, {0},
};

const struct api_field webhook_rotate_fields[] = {
    {SECRET_FIELD},
    {"overlap_s", FIELD_INT, "How long the secret of before signs as well; 86400 without it.",
     .max = 2592000},
    {0},
};

const struct api_field webhook_replay_fields[] = {
    {"since", FIELD_TIME, "What happened at this time or later is delivered again.", .required = true},
    {0},
};

const struct api_field webhook_delivery_fields[] = {
    {"outcome", .summary = "Only those.", .kind = FIELD_WORD, .word = outcome_word,
     .word_end = DELIVERY_OUTCOMES},
    {"limit", FIELD_INT,
     "Deliveries on a page; 50 without it. With a filter a page may be short, or empty, and others follow.",
     .min = 1, .max = DELIVERY_PAGE_MAX},
    {"cursor", FIELD_TEXT, "`next_cursor` of the page before.", .max = 64},
    {0},
};

const struct api_field webhook_shape[] = {
    {"id", FIELD_TEXT, "WH and 32 hex digits.", .required = true},
    {"url", FIELD_TEXT, "Where events are posted to.", .required = true},
    {"events", FIELD_LIST, "Types and patterns it wants.", .required = true},
    {"topics", FIELD_LIST, "Topics it is for; empty: all.", .required = true},
    {"description", FIELD_TEXT, "For people."},
    {"status", .summary = "Whether events are delivered.", .required = true, .kind = FIELD_WORD,
     .word = status_word, .word_end = 2},
    {"disabled_reason",
     .summary = "Why not: `by_caller`, `gone` (it answered 410), `failing` (it took nothing for long).",
     .kind = FIELD_WORD, .word = why_word, .word_first = HOOK_BY_CALLER, .word_end = HOOK_STATUSES},
    {"disabled_since", FIELD_TIME, "Since when."},
    {"failing_since", FIELD_TIME, "Since when it has taken nothing, though tried; null: it is well."},
    {"old_secret_until", FIELD_TIME, "Until when the secret of before signs as well."},
    {"replaying", FIELD_BOOL, "A replay is under way.", .required = true},
    {"created_at", FIELD_TIME, "When it was created.", .required = true},
    {"updated_at", FIELD_TIME, "When it was changed last.", .required = true},
    {"secret", FIELD_TEXT, "Given once: where it is created, and where the secret is rotated."},
    {0},
};

const struct api_field webhook_list_shape[] = {
    {"data", FIELD_LIST, "Oldest first.", .required = true, .ref = "Webhook"},
    {0},
};

const struct api_field webhook_delivery_shape[] = {
    {"webhook_id", FIELD_TEXT, "What the header webhook-id says.", .required = true},
    {"type", FIELD_TEXT, "Of the event.", .required = true},
    {"message_id", FIELD_TEXT, "The message it is about; null: none."},
    {"outcome", .summary = "How it stands.", .required = true, .kind = FIELD_WORD, .word = outcome_word,
     .word_end = DELIVERY_OUTCOMES},
    {"attempts", FIELD_INT, "Tries made.", .required = true, .max = INT32_MAX},
    {"status_code", FIELD_INT, "HTTP status of the latest; null: there was no answer.", .max = 599},
    {"error", FIELD_TEXT, "Why there was none."},
    {"duration_ms", FIELD_INT, "How long the latest took.", .max = INT32_MAX},
    {"created_at", FIELD_TIME, "When it became owed.", .required = true},
    {"attempted_at", FIELD_TIME, "When the latest try ended."},
    {"next_attempt_at", FIELD_TIME,
     "When the next is due; null where it is over, or waits for an earlier event of the same message."},
    {0},
};

const struct api_field webhook_delivery_page_shape[] = {
    {"data", FIELD_LIST, "Those of the newest messages first.", .required = true, .ref = "WebhookDelivery"},
    NEXT_CURSOR_FIELD,
    {0},
};

static void print_list(struct buf *out, const char *key, struct sv lines) {
    json_key(out, key);
    buf_addc(out, '[');
    for (bool first = true; lines.n; first = false) {
        if (!first)
            buf_addc(out, ',');
        json_add_string(out, sv_cut(&lines, '\n'));
    }
    buf_addc(out, ']');
}

void webhook_print(const struct api_request *rq, const struct webhook *h, struct sv secret, struct buf *out) {
    struct sid sid = sid_hook(api_world(rq)->id_key, h->id);
    bool off = h->status != HOOK_ENABLED;
    buf_addc(out, '{');
    json_pair(out, "id", sid_sv(&sid));
    json_pair(out, "url", h->url);
    print_list(out, "events", h->types);
    print_list(out, "topics", h->topics);
    json_pair_or_null(out, "description", h->description);
    json_pair(out, "status", sv_of(status_word(off)));
    json_pair_or_null(out, "disabled_reason", off ? sv_of(hook_status_name(h->status)) : SV_NONE);
    json_pair_time(out, "disabled_since", off ? h->status_since : 0);
    json_pair_time(out, "failing_since", h->failing_since);
    json_pair_time(out, "old_secret_until", h->old_until > rq->now ? h->old_until : 0);
    json_pair_bool(out, "replaying", h->replay_until != 0);
    json_pair_time(out, "created_at", h->created_at);
    json_pair_time(out, "updated_at", h->updated_at);
    if (secret.n)
        json_pair(out, "secret", secret);
    buf_addc(out, '}');
}

void webhook_print_delivery(const struct api_request *rq, const struct delivery_row *r, struct buf *out) {
    struct sip_key key = api_world(rq)->id_key;
    char id[HOOK_EVENT_ID_MAX];
    struct sid message = {.text = ""};
    const char *type = hook_type_name(r->type);
    hook_event_id(key, &r->key, id);
    if (r->key.event)
        message = sid_message(key, r->key.subject_id);
    buf_addc(out, '{');
    json_pair(out, "webhook_id", sv_of(id));
    json_pair(out, "type", sv_of(type ? type : "unknown"));
    json_pair_or_null(out, "message_id", sv_of(message.text));
    json_pair(out, "outcome", sv_of(delivery_outcome_name(r->outcome)));
    json_pair_i64(out, "attempts", r->tries);
    if (r->status)
        json_pair_i64(out, "status_code", r->status);
    else
        json_pair_or_null(out, "status_code", SV_NONE);
    json_pair_or_null(out, "error", sv_of(r->error));
    if (r->tried_at)
        json_pair_i64(out, "duration_ms", (r->duration_us + 999) / 1000);
    else
        json_pair_or_null(out, "duration_ms", SV_NONE);
    json_pair_time(out, "created_at", r->created_at);
    json_pair_time(out, "attempted_at", r->tried_at);
    json_pair_time(out, "next_attempt_at", r->due_at == DELIVERY_WAITS ? 0 : r->due_at);
    buf_addc(out, '}');
}
