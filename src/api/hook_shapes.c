/* What webhooks post, for the OpenAPI document; notify/hook_post writes it. And what a rule may say, as
 * ingest/rule reads it. */
#include "api/native_webhooks.h"

const struct api_field hook_message_shape[] = {
    {"id", FIELD_TEXT, "The message.", .required = true},
    {"status", FIELD_TEXT, "Which state it came to.", .required = true},
    {"event", FIELD_INT, "The number of this event among the message's.", .required = true, .min = 1,
     .max = UINT16_MAX},
    {"to", FIELD_TEXT, "To whom.", .required = true},
    {"from", FIELD_TEXT, "As whom."},
    {"topic", FIELD_TEXT, "Its topic."},
    {"reason", FIELD_TEXT, "Why, where there is a reason; else it is not there."},
    {"provider_code", FIELD_INT, "The provider's own code, likewise.", .min = INT32_MIN, .max = INT32_MAX},
    {"outcome", FIELD_TEXT,
     "Where the provider's answer made it: what that means for the message, as in its attempts."},
    {"lane_hint", FIELD_TEXT, "And for the lane, likewise."},
    {"metadata", FIELD_OBJECT, "The caller's own, where there is any."},
    {0},
};

const struct api_field hook_reply_shape[] = {
    {"id", FIELD_TEXT, "The text.", .required = true},
    {"status", FIELD_TEXT, "`received`.", .required = true},
    {"event", FIELD_INT, "1.", .required = true, .min = 1, .max = UINT16_MAX},
    {"from", FIELD_TEXT, "Who wrote it.", .required = true},
    {"to", FIELD_TEXT, "To which number."},
    {"body", FIELD_TEXT, "What it says.", .required = true},
    {"provider", FIELD_TEXT, "Which lane it came by."},
    {"in_reply_to", FIELD_TEXT, "The message it answers, where that is known."},
    {"action", FIELD_TEXT, "What it did: `stop`, `start`, `help`, `confirm` or `other`."},
    {"keyword", FIELD_TEXT, "By which word."},
    {"mood", FIELD_TEXT, "`negative`, `neutral` or `positive`."},
    {"polarity", FIELD_INT, "From -1000 to 1000.", .min = -1000, .max = 1000},
    {"answer", FIELD_TEXT, "What it was answered; null: nothing."},
    {0},
};

const struct api_field hook_consent_shape[] = {
    {"number", FIELD_TEXT, "Whose word it is: a number or address.", .required = true},
    {"topic", FIELD_TEXT, "About which topic; null: all."},
    {"source", FIELD_TEXT, "How it came: `reply`, `provider`, `api`, `import` or `console`.",
     .required = true},
    {"message_id", FIELD_TEXT, "The text that said it, or was refused; else it is not there."},
    {"keyword", FIELD_TEXT, "By which word, of a reply."},
    {"provider_code", FIELD_INT, "By which refusal, of a provider.", .min = INT32_MIN, .max = INT32_MAX},
    {"act", FIELD_TEXT, "Where no text said it: `granted`, `withdrawn` or `released`."},
    {"at", FIELD_TIME, "When it was said, likewise."},
    {0},
};

const struct api_field hook_disabled_shape[] = {
    {"webhook_id", FIELD_TEXT, "Which webhook.", .required = true},
    {"url", FIELD_TEXT, "Its address.", .required = true},
    {"reason", FIELD_TEXT, "`gone`: it answered 410; `failing`: nothing was taken for too long.",
     .required = true},
    {"failing_since", FIELD_TIME, "Since when it failed."},
    {0},
};

const struct api_field hook_test_shape[] = {
    {"test", FIELD_BOOL, "True.", .required = true},
    {0},
};

const char *hook_schema_of(unsigned type) {
    switch (type) {
    case STATE_RECEIVED:
    case HOOK_REPLY_NEGATIVE: return "WebhookReplyData";
    case HOOK_OPTED_OUT:
    case HOOK_OPTED_IN: return "WebhookConsentData";
    case HOOK_TEST: return "WebhookTestData";
    case HOOK_DISABLED: return "WebhookDisabledData";
    default: return "WebhookMessageData";
    }
}

const struct api_field rule_document_shape[] = {
    {"on", FIELD_LIST, "Types of events it is for; `*` stands for a word. One may be a text.",
     .required = true},
    {"when", FIELD_TEXT, "An expression: only when it is true.", .example = "\"data.total >= 100\""},
    {"to", FIELD_TEXT, "An expression: an address, or a list of up to 100. Or `contact`.",
     .example = "\"data.phone\""},
    {"contact", FIELD_TEXT, "An expression: the id of a contact, or a list of up to 100."},
    {"template", FIELD_TEXT, "The template of its text.", .required = true},
    {"language", FIELD_TEXT, "An expression: which translation."},
    {"vars", FIELD_OBJECT, "Names with expressions: what the template sees."},
    {"channel", FIELD_TEXT, "As messages have it."},
    {"channels", FIELD_LIST, "Likewise.", .ref = ""},
    {"from", FIELD_TEXT, "Likewise."},
    {"topic", FIELD_TEXT, "Likewise."},
    {"priority", FIELD_TEXT, "Likewise."},
    {"delivery", FIELD_TEXT, "Likewise."},
    {"validity", FIELD_TEXT, "How long the message may be sent.", .example = "\"4h\""},
    {"delay", FIELD_TEXT, "`30m`, `24h before EXPRESSION` or `1h after EXPRESSION`.",
     .example = "\"24h before data.start_at\""},
    {"late", FIELD_TEXT, "When that moment has passed: `skip` or `send`."},
    {"key", FIELD_TEXT, "An expression that ties events of one thing together."},
    {"cancel_on", FIELD_LIST,
     "Types of events that withdraw what it made for the same key. One may be a text."},
    {"cancel_key", FIELD_TEXT, "The key as those events have it."},
    {"dedupe", FIELD_OBJECT, "`key`, an expression, and `window`: once for each in that time.",
     .example = "{\"key\":\"data.device\",\"window\":\"1h\"}"},
    {"digest", FIELD_OBJECT, "`window`: all events for one recipient become one text.",
     .example = "{\"window\":\"10m\"}"},
    {"enabled", FIELD_BOOL, "False: it does nothing."},
    {"note", FIELD_TEXT, "For people."},
    {0},
};
