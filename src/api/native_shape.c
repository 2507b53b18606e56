/* The shapes of the native API's answers, and their printers: a test holds the two together. */
#include "api/native.h"

#include "base/json.h"
#include "model/content.h"
#include "pipeline/explain.h"
#include "store/links.h"

enum { LINK_TEXT_BYTES_MAX = 4096 };

static const char *state_word(int i) {
    return state_name((enum state)i);
}

static const char *direction_word(int i) {
    return direction_name((enum direction)i);
}

static const char *priority_word(int i) {
    return priority_name((enum priority)i);
}

static const char *delivery_word(int i) {
    return delivery_name((enum delivery)i);
}

static const char *encoding_word(int i) {
    return encoding_name((enum encoding)i);
}

static const char *channel_word(int i) {
    return channel_name((enum channel)i);
}

static const char *fate_word(int i) {
    return fate_name((enum fate)i);
}

static const char *hint_word(int i) {
    return lane_hint_name((enum lane_hint)i);
}

const char *direction_name(enum direction d) {
    return d == DIRECTION_OUT ? "outbound" : "inbound";
}

#define OUTCOME_FIELD .kind = FIELD_WORD, .word = fate_word, .word_end = FATE_UNKNOWN + 1
#define HINT_FIELD .kind = FIELD_WORD, .word = hint_word, .word_end = LANE_BROKEN + 1
#define STATE_FIELD                                                                                          \
    .kind = FIELD_WORD, .word = state_word, .word_first = STATE_ACCEPTED, .word_end = STATE_COUNT
#define PRIORITY_FIELD .kind = FIELD_WORD, .word = priority_word, .word_end = PRIORITY_COUNT
#define DELIVERY_FIELD .kind = FIELD_WORD, .word = delivery_word, .word_end = DELIVERY_AT_LEAST_ONCE + 1
#define CHANNEL_FIELD .kind = FIELD_WORD, .word = channel_word, .word_end = CHANNEL_COUNT
#define DIRECTION_FIELD .kind = FIELD_WORD, .word = direction_word, .word_end = DIRECTION_IN + 1
#define ENCODING_FIELD .kind = FIELD_WORD, .word = encoding_word, .word_end = ENCODING_UCS2 + 1

/* ---- requests ---- */

const struct api_field create_fields[] = {
    {"to", FIELD_TEXT,
     "The recipient: a number in E.164 (+8613800138000) or as it is written in the configured region; on "
     "other channels an e-mail address, a device (fcm:TOKEN), a chat.",
     .max = 4096, .example = "\"+8613800138000\""},
    {"from", FIELD_TEXT, "The sender: a number, a short code or a name. Without it the lane's own.",
     .max = 64},
    {"channel", .summary = "By what it goes out; sms without it.", CHANNEL_FIELD},
    {"channels", FIELD_LIST,
     "Channels to try one after the other, each a name or an object of `channel` and what is other than in "
     "the message: to, from, body, title, html, push, wait_s (go on when no receipt of delivery came within "
     "so "
     "many "
     "seconds). The next one is tried when one has failed for good, or no lane could take it.",
     .example = "[{\"channel\": \"sms\", \"wait_s\": 120}, \"voice\", {\"channel\": \"email\", "
                "\"to\": \"li@example.com\", \"title\": \"Your code\"}]",
     .ref = ""},
    {"body", FIELD_TEXT, "The text. Either this or `template`.", .example = "\"Your code is 123456\""},
    {"template", FIELD_TEXT,
     "Name of a template, published here or in the templates folder, to be rendered with `vars`.",
     .max = 128},
    {"vars", FIELD_OBJECT, "The template's variables."},
    {"title", FIELD_TEXT, "An e-mail's subject, a push's title.", .max = 512},
    {"html", FIELD_TEXT, "An e-mail's other part, beside the text.", .max = 131072},
    {"push", FIELD_OBJECT,
     "What goes with a push: `data`, an object of texts that the app gets, and `collapse`, a word of at most "
     "64 bytes: it takes the place of an earlier one with the same word.",
     .example = "{\"data\": {\"order\": \"A-1\"}, \"collapse\": \"order-A-1\"}"},
    {"provider_template", FIELD_OBJECT,
     "How a provider that renders itself knows the text: {\"code\": \"SMS_1\", \"sign\": \"...\", "
     "\"params\": "
     "{\"code\": \"123456\"}}; params is an object or a list, as the provider wants. Stored templates have "
     "their "
     "own."},
    {"language", FIELD_TEXT,
     "Which translation of the template: zh-CN, then zh, then the one without language.", .max = 35},
    {"send_at", FIELD_TIME, "Not before this time; at most a year ahead.",
     .example = "\"2026-01-31T08:30:00Z\""},
    {"validity_s", FIELD_INT, "Seconds after which it is no longer sent (state `expired`), from send_at on.",
     .min = 1, .max = 7 * 86400},
    {"time_zone", FIELD_TEXT,
     "The recipient's time zone, for quiet hours and days. Without it the number's: of its area, else of all "
     "its "
     "country.",
     .max = 64, .example = "\"Asia/Shanghai\""},
    {"priority", .summary = "Which queue; lower ones wait for higher ones.", PRIORITY_FIELD},
    {"topic", FIELD_TEXT, "What it is about, in your words.", .max = 64},
    {"metadata", FIELD_OBJECT, "Anything of yours, kept and given back; at most 2048 bytes as JSON."},
    {"status_callback", FIELD_TEXT,
     "Absolute http(s) URL that is posted to when the message's state changes.", .max = 2048},
    {"delivery",
     .summary = "What to do when a provider's answer is lost and it cannot be asked: never risk sending "
                "twice (at_most_once), or never risk not sending (at_least_once).",
     DELIVERY_FIELD},
    {"smart_encoding", FIELD_BOOL,
     "Replace typographic look-alikes where that makes the text GSM-7, and so cheaper. Without it "
     "`defaults.smart_encoding` holds."},
    {"contact", FIELD_TEXT,
     "Id of a contact, instead of `to`: their number, address or device by channel, their language, and "
     "`contact` among the template's variables. Channels by which they cannot be reached are left out.",
     .max = 128},
    {"max_price", FIELD_TEXT,
     "What it may cost at most, all its segments together, as a decimal in the currency of the lanes' "
     "prices: "
     "lanes that cost more, or have no price for it, do not take it. 422 where no lane has prices.",
     .max = 32, .example = "\"0.05\""},
    {0},
};

const struct api_field send_fields[] = {
    {"to", FIELD_TEXT, "The recipient's number.", .required = true, .max = 64,
     .example = "\"+8613800138000\""},
    {"message", FIELD_TEXT, "The text.", .required = true, .example = "\"Hello\""},
    {"from", FIELD_TEXT, "The sender. Without it the lane's own.", .max = 64},
    {0},
};

const struct api_field list_fields[] = {
    {"to", FIELD_TEXT, "Exactly this recipient, in E.164.", .max = 64},
    {"from", FIELD_TEXT, "Exactly this sender.", .max = 64},
    {"status", .summary = "In this state.", STATE_FIELD},
    {"direction", .summary = "Without it both.", DIRECTION_FIELD},
    {"created_from", FIELD_TIME, "Created at this time or later."},
    {"created_until", FIELD_TIME, "Created before this time."},
    {"limit", FIELD_INT, "Messages on a page; 50 without it. A page may hold fewer when they are large.",
     .min = 1, .max = 1000},
    {"cursor", FIELD_TEXT, "`next_cursor` of the page before.", .max = 64},
    {0},
};

/* ---- answers ---- */

#define ID_FIELD                                                                                             \
    {                                                                                                        \
        "id", FIELD_TEXT, "SM and 32 hexadecimal digits; never changes.",                                    \
            .required = true, .example = "\"SM0123456789abcdef0123456789abcdef\""                            \
    }
#define STATUS_FIELD                                                                                         \
    { "status", .summary = "Where it stands.", .required = true, STATE_FIELD }
#define REASON_FIELD                                                                                         \
    { "reason", FIELD_TEXT, "Why, as a stable word." }
#define REASON_TEXT_FIELD                                                                                    \
    { "reason_text", FIELD_TEXT, "Why, in words." }
#define CODE_FIELD                                                                                           \
    { "code", FIELD_INT, "The provider's own error code.", .min = INT32_MIN, .max = INT32_MAX }
#define COMMON_FIELDS                                                                                        \
    {"direction", .summary = "Which way it went.", .required = true, DIRECTION_FIELD},                       \
        {"channel", .summary = "By what it goes out first.", .required = true, CHANNEL_FIELD},               \
        {"to", FIELD_TEXT, "The recipient; numbers in E.164.", .required = true},                            \
        {"from", FIELD_TEXT, "The sender that was asked for."},                                              \
        {"encoding", .summary = "What the text needs on the air.", .required = true, ENCODING_FIELD},        \
        {"segments", FIELD_INT, "Parts on the air, each billed as one text.", .required = true,              \
         .max = UINT16_MAX},                                                                                 \
        {"priority", .summary = "Its queue.", .required = true, PRIORITY_FIELD},                             \
        {"created_at", FIELD_TIME, "When it was stored.", .required = true},                                 \
        {"send_at", FIELD_TIME, "Not before this time; null: at once."}, {                                   \
        "expires_at", FIELD_TIME, "From then on it is no longer sent.", .required = true                     \
    }

const struct api_field brief_shape[] = {
    ID_FIELD, STATUS_FIELD, REASON_FIELD, REASON_TEXT_FIELD, COMMON_FIELDS, {0},
};

const struct api_field message_shape[] = {
    ID_FIELD,
    STATUS_FIELD,
    REASON_FIELD,
    REASON_TEXT_FIELD,
    COMMON_FIELDS,
    {"delivery", .summary = "Its rule for lost answers.", .required = true, DELIVERY_FIELD},
    {"body", FIELD_TEXT, "The text; empty once redacted.", .required = true},
    {"template", FIELD_TEXT, "The template it was rendered from."},
    {"template_version", FIELD_INT, "The version of it; null when it is a file.", .min = 1,
     .max = UINT32_MAX},
    {"plan", FIELD_LIST, "The channels after the first; null when there are none."},
    {"on_channel", .summary = "The channel it is on now, or was on last.", .required = true, CHANNEL_FIELD},
    {"topic", FIELD_TEXT, "As it was given."},
    {"metadata", FIELD_OBJECT, "As it was given."},
    {"status_callback", FIELD_TEXT, "As it was given."},
    {"traceparent", FIELD_TEXT, "The trace context it came with (W3C)."},
    {"waiting_for", FIELD_TEXT,
     "What it waits for: send_at, quiet_hours (their end), frequency_cap, spend_ceiling (the next day), "
     "fraud_hold (somebody's release), "
     "lane (a free place), route (one "
     "that is for it), "
     "retry (the next attempt), "
     "provider (its answer), "
     "reconciliation "
     "(asking whether the provider has it), receipt. Null when for nothing."},
    {"due_at", FIELD_TIME, "When something is done about it next."},
    {"attempts", FIELD_INT, "Calls to providers so far.", .required = true, .max = UINT16_MAX},
    {"price", FIELD_TEXT,
     "What its attempts came to that were taken, or may have been, as a decimal; null: nothing, or not "
     "known.",
     .example = "\"0.045\""},
    {"currency", FIELD_TEXT, "Of that.", .example = "\"USD\""},
    {"max_price", FIELD_TEXT, "As it was asked for."},
    {"provider", FIELD_TEXT, "The lane of the latest attempt."},
    {"provider_id", FIELD_TEXT, "The provider's id for it."},
    CODE_FIELD,
    {"updated_at", FIELD_TIME, "When something happened to it last.", .required = true},
    {"sent_at", FIELD_TIME, "When a provider took it."},
    {"done_at", FIELD_TIME, "When it came to its end."},
    {"expected_at", FIELD_TIME,
     "When what it waits for comes; null: nobody can say, or it waits for nothing (left out in lists)."},
    {"expected_is", FIELD_TEXT,
     "How sure that is: set (decided), earliest (a lane opens then), latest, or estimate (from the queue and "
     "the pace of its lanes) (left out in lists)."},
    {"ahead", FIELD_INT,
     "Messages of all accounts that are due before it, counted up to 10000; null unless it is in the queue "
     "(left out in lists).",
     .max = READER_AHEAD_MAX},
    {"in_reply_to", FIELD_TEXT, "Of a text from a handset: the message it answers (left out in lists)."},
    {"links", FIELD_LIST, "The short links in its text (only where this one message was asked for).",
     .ref = "Link"},
    {0},
};

const struct api_field link_shape[] = {
    {"code", FIELD_TEXT, "GET /l/CODE opens it.", .required = true, .example = "\"0b3FxQz81K\""},
    {"short_url", FIELD_TEXT, "As it is written with `links.base` as it is now; null without it."},
    {"url", FIELD_TEXT, "Where it leads.", .required = true},
    {"clicks", FIELD_INT, "How often it was opened; stored about once a second.", .required = true,
     .max = INT64_MAX},
    {"first_click_at", FIELD_TIME, "When it was opened first."},
    {"last_click_at", FIELD_TIME, "When it was opened last."},
    {"created_at", FIELD_TIME, "When it was stored.", .required = true},
    {"expires_at", FIELD_TIME, "From then on it leads nowhere.", .required = true},
    {0},
};

const struct api_field event_shape[] = {
    {"number", FIELD_INT, "1 is the first; with the message's id it is the event's stable id.",
     .required = true, .max = UINT16_MAX},
    {"at", FIELD_TIME, "When.", .required = true},
    STATUS_FIELD,
    REASON_FIELD,
    REASON_TEXT_FIELD,
    {"note", FIELD_BOOL, "Told, but the message's state stayed as it was: a late receipt, a look-up.",
     .required = true},
    {"attempt", FIELD_INT, "The attempt it belongs to.", .max = UINT16_MAX},
    CODE_FIELD,
    {"outcome", .summary = "When the provider's answer made it: what that means for the message; else null.",
     OUTCOME_FIELD},
    {"lane_hint", .summary = "And for the lane, as in attempts.", HINT_FIELD},
    {"duplicate_of", FIELD_TEXT, "Of a suppressed duplicate: the message it repeats."},
    {0},
};

const struct api_field attempt_shape[] = {
    {"number", FIELD_INT, "1 is the first.", .required = true, .max = UINT16_MAX},
    {"provider", FIELD_TEXT, "The lane.", .required = true},
    {"from", FIELD_TEXT, "The sender, when it was taken out of a pool."},
    {"started_at", FIELD_TIME, "When it was on disk; the call began after that.", .required = true},
    {"ended_at", FIELD_TIME, "When its outcome was known; null: not yet."},
    {"outcome",
     .summary = "What the provider's answer means for the message: it has it (`sent`), never again "
                "(`rejected`), surely not taken, may be tried again (`retry`), it may have it (`unknown`); "
                "null: not known yet.",
     OUTCOME_FIELD},
    {"lane_hint",
     .summary =
         "And for the lane: nothing (`fine`), pause for a throttle or quota (`slow_down`), the provider "
         "fails, use another lane (`down`), a person must mend the account (`broken`); null: not known "
         "yet.",
     HINT_FIELD},
    REASON_FIELD,
    REASON_TEXT_FIELD,
    CODE_FIELD,
    {"http_status", FIELD_INT, "Of the provider's answer.", .max = 599},
    {"provider_id", FIELD_TEXT, "The provider's id for it."},
    {"price", FIELD_TEXT,
     "What it costs by the lane's `prices`, as a decimal, unless it was not taken; null: the lane has none.",
     .example = "\"0.045\""},
    {"currency", FIELD_TEXT, "Of that.", .example = "\"USD\""},
    {0},
};

const struct api_field whoami_shape[] = {
    {"account_id", FIELD_TEXT, "AC and 32 hexadecimal digits.", .required = true},
    {"account_name", FIELD_TEXT, "The account's name.", .required = true},
    {"key_id", FIELD_TEXT, "The API key's SK sid; the account's own when its auth token was used.",
     .required = true},
    {"scopes", FIELD_TEXT, "What the key may do, separated by commas.", .required = true},
    {0},
};

const struct api_field problem_shape[] = {
    {"type", FIELD_TEXT, "/problems/NAME: a stable name, and an address that explains it.", .required = true},
    {"title", FIELD_TEXT, "The kind of problem.", .required = true},
    {"status", FIELD_INT, "The HTTP status.", .required = true, .min = 400, .max = 599},
    {"detail", FIELD_TEXT, "What is wrong this time, and how to mend it.", .required = true},
    {"field", FIELD_TEXT, "The field, parameter or header at fault, if it is one (left out otherwise)."},
    {"line", FIELD_INT, "Where in the text that `field` names, such as a template (left out otherwise).",
     .min = 1, .max = INT32_MAX},
    {"column", FIELD_INT, "In characters, from 1 (left out otherwise).", .min = 1, .max = INT32_MAX},
    {"instance", FIELD_TEXT, "The request's id, as in X-Request-Id.", .required = true},
    {0},
};

const struct api_field message_page_shape[] = {
    {"data", FIELD_LIST, "Newest first.", .required = true, .ref = "Message"},
    NEXT_CURSOR_FIELD,
    {0},
};

const struct api_field event_list_shape[] = {
    {"data", FIELD_LIST, "Oldest first.", .required = true, .ref = "Event"},
    {0},
};

const struct api_field attempt_list_shape[] = {
    {"data", FIELD_LIST, "Oldest first.", .required = true, .ref = "Attempt"},
    {0},
};

/* ---- printing ---- */

static void print_id(const struct api_request *rq, int64_t id, struct buf *out) {
    struct sid sid = sid_message(api_world(rq)->id_key, id);
    json_pair(out, "id", sid_sv(&sid));
}

static void print_status(enum state s, enum reason r, struct buf *out) {
    bool why = r != REASON_NONE;
    json_pair(out, "status", sv_of(state_name(s)));
    json_pair_or_null(out, "reason", why ? sv_of(reason_name(r)) : SV_NONE);
    json_pair_or_null(out, "reason_text", why ? sv_of(reason_meaning(r)) : SV_NONE);
}

static void print_int_or_null(const char *key, int64_t n, struct buf *out) {
    json_key(out, key);
    if (n)
        buf_add_i64(out, n);
    else
        buf_adds(out, "null");
}

static void print_common(const struct api_request *rq, const struct api_brief *b, struct buf *out) {
    buf_addc(out, '{');
    print_id(rq, b->id, out);
    print_status(b->state, b->reason, out);
    json_pair(out, "direction", sv_of(direction_name(b->direction)));
    json_pair(out, "channel", sv_of(channel_name(b->channel)));
    json_pair(out, "to", b->to);
    json_pair_or_null(out, "from", b->from);
    json_pair(out, "encoding", sv_of(encoding_name(b->encoding)));
    json_pair_i64(out, "segments", b->segments);
    json_pair(out, "priority", sv_of(priority_name(b->priority)));
    json_pair_time(out, "created_at", b->created_at);
    json_pair_time(out, "send_at", b->send_at);
    json_pair_time(out, "expires_at", b->expires_at);
}

void native_print_brief(const struct api_request *rq, const struct api_brief *b, struct buf *out) {
    print_common(rq, b, out);
    buf_addc(out, '}');
}

static void print_plan(const struct message *m, struct buf *out) {
    json_key(out, "plan");
    buf_adds(out, m->n_plan ? "[" : "null");
    for (unsigned i = 0; i < m->n_plan; i++)
        buf_addf(out, "%s\"%s\"", i ? "," : "", channel_name((enum channel)m->plan[i]));
    buf_adds(out, m->n_plan ? "]" : "");
    json_pair(out, "on_channel", sv_of(channel_name(content_channel(m, m->head.step))));
}

static void print_max_price(const struct message *m, struct buf *out) {
    BUF_AUTO struct buf text = BUF_INIT(64);
    if (m->max_price)
        price_print(m->max_price, &text);
    json_pair_or_null(out, "max_price", buf_sv(&text));
}

void native_print_message(const struct api_request *rq, const struct message *m, struct buf *out) {
    native_print_waiting(rq, m, expect_waiting_for(&m->head), out);
}

void native_print_waiting(const struct api_request *rq, const struct message *m, const char *waiting_for,
                          struct buf *out) {
    struct api_brief b = api_brief_of(m);
    const struct head *h = &m->head;
    print_common(rq, &b, out);
    json_pair(out, "delivery", sv_of(delivery_name(m->delivery)));
    json_pair(out, "body", m->text[TEXT_BODY]);
    json_pair_or_null(out, "template", m->text[TEXT_TEMPLATE]);
    print_int_or_null("template_version", m->template_version, out);
    print_plan(m, out);
    json_pair_or_null(out, "topic", m->text[TEXT_TOPIC]);
    json_key(out, "metadata");
    buf_add(out, m->text[TEXT_METADATA].n ? m->text[TEXT_METADATA] : SV("null")); /* JSON already */
    json_pair_or_null(out, "status_callback", m->text[TEXT_STATUS_CALLBACK]);
    json_pair_or_null(out, "traceparent", m->text[TEXT_TRACEPARENT]);
    json_pair_or_null(out, "waiting_for", sv_of(waiting_for));
    json_pair_time(out, "due_at", head_expected_at(h));
    json_pair_i64(out, "attempts", h->attempts);
    native_print_price(m->cost, sv_of(m->currency), out);
    print_max_price(m, out);
    json_pair_or_null(out, "provider", sv_of(h->lane));
    json_pair_or_null(out, "provider_id", sv_of(h->provider_id));
    print_int_or_null("code", h->code, out);
    json_pair_time(out, "updated_at", h->updated_at);
    json_pair_time(out, "sent_at", h->sent_at);
    json_pair_time(out, "done_at", h->done_at);
    buf_addc(out, '}');
}

static void print_link(struct sv base, const struct link_row *l, struct buf *out) {
    BUF_AUTO struct buf text = BUF_INIT(LINK_TEXT_BYTES_MAX);
    link_print_code(l->link.code, &text);
    buf_addc(out, '{');
    json_pair(out, "code", buf_sv(&text));
    buf_reset(&text);
    if (base.n)
        link_print(base, l->link.code, &text);
    json_pair_or_null(out, "short_url", buf_sv(&text));
    json_pair(out, "url", l->link.target);
    json_pair_i64(out, "clicks", l->clicks);
    json_pair_time(out, "first_click_at", l->first_click_at);
    json_pair_time(out, "last_click_at", l->last_click_at);
    json_pair_time(out, "created_at", l->created_at);
    json_pair_time(out, "expires_at", l->expires_at);
    buf_addc(out, '}');
}

void native_print_links(struct sv base, const struct link_row *rows, size_t n, struct buf *out) {
    json_key(out, "links");
    buf_addc(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_addc(out, ',');
        print_link(base, &rows[i], out);
    }
    buf_addc(out, ']');
}

void native_print_event(const struct event *ev, const struct attempt *a, struct buf *out) {
    enum fate fate = FATE_UNKNOWN;
    enum lane_hint hint = LANE_FINE;
    bool judged = a && event_verdict(ev, a, &fate, &hint);
    buf_addc(out, '{');
    json_pair_i64(out, "number", ev->number);
    json_pair_time(out, "at", ev->at);
    print_status(ev->state, ev->reason, out);
    json_pair_bool(out, "note", ev->note);
    print_int_or_null("attempt", ev->attempt, out);
    print_int_or_null("code", ev->code, out);
    json_pair_or_null(out, "outcome", judged ? sv_of(fate_name(fate)) : SV_NONE);
    json_pair_or_null(out, "lane_hint", judged ? sv_of(lane_hint_name(hint)) : SV_NONE);
    buf_addc(out, '}');
}

void native_print_price(int64_t micro, struct sv currency, struct buf *out) {
    BUF_AUTO struct buf text = BUF_INIT(64);
    if (currency.n)
        price_print(micro, &text);
    json_pair_or_null(out, "price", buf_sv(&text));
    json_pair_or_null(out, "currency", currency);
}

void native_print_attempt(const struct attempt *a, struct buf *out) {
    bool why = a->reason != REASON_NONE;
    buf_addc(out, '{');
    json_pair_i64(out, "number", a->number);
    json_pair(out, "provider", sv_of(a->lane));
    json_pair_or_null(out, "from", sv_of(a->sender));
    json_pair_time(out, "started_at", a->started_at);
    json_pair_time(out, "ended_at", a->ended_at);
    json_pair_or_null(out, "outcome", a->ended_at ? sv_of(fate_name(a->fate)) : SV_NONE);
    json_pair_or_null(out, "lane_hint", a->ended_at ? sv_of(lane_hint_name(a->hint)) : SV_NONE);
    json_pair_or_null(out, "reason", why ? sv_of(reason_name(a->reason)) : SV_NONE);
    json_pair_or_null(out, "reason_text", why ? sv_of(reason_meaning(a->reason)) : SV_NONE);
    print_int_or_null("code", a->code, out);
    print_int_or_null("http_status", a->http_status, out);
    json_pair_or_null(out, "provider_id", sv_of(a->provider_id));
    native_print_price(a->price, sv_of(a->currency), out);
    buf_addc(out, '}');
}
