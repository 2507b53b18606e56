/* What requests about templates carry, and the shapes of their answers. */
#include "api/native.h"

#include "model/message.h"
#include "model/template_doc.h"

static const char *state_word(int i) {
    return template_state_name((enum template_state)i);
}

const struct api_field template_create_fields[] = {
    {"name", FIELD_TEXT, "The template's name: what messages call it by.", .required = true,
     .max = TEMPLATE_NAME_BYTES_MAX, .example = "\"order-ready\""},
    {"note", FIELD_TEXT, "What is new in this version, for people.", .max = TEMPLATE_NOTE_BYTES_MAX},
    {"languages", FIELD_OBJECT,
     "Its texts, by language tag (`default` serves all others): for each `sms` and `voice` (a text), `email` "
     "(subject, html, text), `push` (title, body), and `codes`: by provider or lane the `code`, `sign` and "
     "`params` of "
     "a template it renders itself.",
     .required = true,
     .example =
         "{\"default\":{\"sms\":\"Your code is {{ code }}\"},\"zh\":{\"sms\":\"验证码 {{ code }}\","
         "\"codes\":{\"aliyun\":{\"code\":\"SMS_123\",\"sign\":\"鸿雁\",\"params\":{\"code\":\"{{ code "
         "}}\"}}}}}"},
    {"sample", FIELD_OBJECT, "Example variables: what a preview without `vars` shows.",
     .example = "{\"code\":\"123456\"}"},
    {"publish", FIELD_BOOL, "Publish it at once."},
    {0},
};

static const char *channel_word(int i) {
    return channel_name((enum channel)i);
}

static const char *encoding_word(int i) {
    return encoding_name((enum encoding)i);
}

#define CHANNEL_FIELD .kind = FIELD_WORD, .word = channel_word, .word_end = CHANNEL_COUNT

/* Its positions are known to native_preview. */
const struct api_field preview_fields[] = {
    {"template", FIELD_TEXT,
     "Name of a template, published here or in the templates folder. Either this or `source`.", .max = 128},
    {"source", FIELD_TEXT, "A template's own text.", .example = "\"Hello {{ name }}\""},
    {"vars", FIELD_OBJECT, "The template's variables; without them the version's sample data.",
     .example = "{\"name\":\"Li\"}"},
    {"language", FIELD_TEXT, "Which translation of the named template.", .max = 35},
    {"version", FIELD_INT, "A version of the named template, drafts too; without it the published one.",
     .min = 1, .max = UINT32_MAX},
    {"channel", .summary = "What it is for; without it a text message.", CHANNEL_FIELD},
    {"lengths", FIELD_OBJECT,
     "How long values can be, for `segments_least` and `segments_most`: the fewest and the most units, and "
     "perhaps the "
     "letters (any, gsm7, ascii). A list's is how many items it has, `items.price` each one's; `*` those not "
     "named "
     "(0 to 30 without it).",
     .example = "{\"name\":[2,20],\"code\":[6,6,\"ascii\"]}"},
    {0},
};

const struct api_field preview_shape[] = {
    {"text", FIELD_TEXT, "What would be sent; of several parts the main one. Null: `failure` says why."},
    {"failure", FIELD_TEXT, "Why it cannot be rendered, when variables are missing."},
    {"parts", FIELD_OBJECT, "All texts of the channel, by part.", .required = true},
    {"channel", .summary = "What it is for.", .required = true, CHANNEL_FIELD},
    {"version", FIELD_INT, "The version; null: a file, or a source.", .min = 1, .max = UINT32_MAX},
    {"language", FIELD_TEXT, "The language the text was found in; null: a file, or a source."},
    {"sample", FIELD_BOOL, "Rendered with the version's sample data, as no `vars` were given.",
     .required = true},
    {"encoding", .summary = "What a text message needs on the air; this and what follows is null for others.",
     .kind = FIELD_WORD, .word = encoding_word, .word_end = ENCODING_UCS2 + 1},
    {"segments", FIELD_INT, "Parts on the air.", .max = INT32_MAX},
    {"units", FIELD_INT, "Septets (GSM-7) or UTF-16 units (UCS-2) it takes.", .max = INT32_MAX},
    {"units_left", FIELD_INT, "Units free in the last segment.", .max = 160},
    {"forced_ucs2", FIELD_LIST, "The first few characters for which GSM-7 does not do."},
    {"gsm7_segments", FIELD_INT,
     "Segments it would take with GSM-7 characters in their place; null: it has none.", .max = INT32_MAX},
    {"gsm7_units", FIELD_INT, "Septets, likewise.", .max = INT32_MAX},
    {"segments_least", FIELD_INT,
     "The fewest segments the template can make, with values of the given lengths.", .min = 1,
     .max = INT32_MAX},
    {"segments_most", FIELD_INT, "The most; null: it cannot be told.", .min = 1, .max = INT32_MAX},
    {"segment_rule", FIELD_TEXT,
     "How segments are counted: gsm, or china (70 and 67 characters, whatever they are) where all lanes for "
     "text messages count so; then "
     "only texts to mainland numbers do."},
    {"ucs2", FIELD_TEXT, "Whether it can be UCS-2, with such values: no, possible or certain."},
    {"required", FIELD_LIST, "Variables it needs, those of what it includes too.", .required = true},
    {"optional", FIELD_LIST, "Variables that all stand behind a default.", .required = true},
    {"missing", FIELD_LIST, "Of those it needs, which were not given.", .required = true},
    {"codes", FIELD_OBJECT,
     "By provider or lane: code, sign and rendered params, for those that render themselves."},
    {0},
};

const struct api_field template_list_fields[] = {
    {"limit", FIELD_INT, "Templates on a page; 50 without it.", .min = 1, .max = 1000},
    {"cursor", FIELD_TEXT, "`next_cursor` of the page before.", .max = 2 * TEMPLATE_NAME_BYTES_MAX},
    {0},
};

#define HEAD_FIELDS                                                                                          \
    {"name", FIELD_TEXT, "The template's name.", .required = true},                                          \
        {"published_version", FIELD_INT, "The version messages are rendered from; null: none is published.", \
         .min = 1, .max = UINT32_MAX},                                                                       \
        {"latest_version", FIELD_INT, "The greatest number a version of it was given.",                      \
         .required = true, .min = 1,  .max = UINT32_MAX},                                                    \
        {"created_at", FIELD_TIME, "When its first version was written.", .required = true}, {               \
        "updated_at", FIELD_TIME, "When a version was last added, or what is published has changed.",        \
            .required = true                                                                                 \
    }

#define VERSION_FIELDS                                                                                       \
    {"version", FIELD_INT, "Its number, never given twice.", .required = true, .min = 1, .max = UINT32_MAX}, \
        {"state",                                                                                            \
         .kind = FIELD_WORD,                                                                                 \
         .summary = "draft, published or archived.",                                                         \
         .required = true,                                                                                   \
         .word = state_word,                                                                                 \
         .word_first = TEMPLATE_DRAFT,                                                                       \
         .word_end = TEMPLATE_ARCHIVED + 1},                                                                 \
        {"note", FIELD_TEXT, "What was new in it."},                                                         \
        {"created_at", FIELD_TIME, "When it was written.", .required = true}, {                              \
        "published_at", FIELD_TIME, "When it was published last; null: never."                               \
    }

const struct api_field template_head_shape[] = {HEAD_FIELDS, {0}};

const struct api_field template_brief_shape[] = {VERSION_FIELDS, {0}};

const struct api_field template_shape[] = {
    HEAD_FIELDS,
    {"versions", FIELD_LIST, "Newest first, a hundred at most.", .required = true,
     .ref = "TemplateVersionBrief"},
    {0},
};

const struct api_field template_version_shape[] = {
    {"name", FIELD_TEXT, "The template's name.", .required = true},
    VERSION_FIELDS,
    {"languages", FIELD_OBJECT, "Its texts and codes, as they were given.", .required = true},
    {"sample", FIELD_OBJECT, "Its example variables."},
    {0},
};

const struct api_field template_page_shape[] = {
    {"data", FIELD_LIST, "By name.", .required = true, .ref = "TemplateHead"},
    NEXT_CURSOR_FIELD,
    {0},
};
