/* What requests about templates carry, and the shapes of their answers. */
#include "api/native.h"

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
    {"next_cursor", FIELD_TEXT, "Give it as `cursor` for the next page; null: this is the last."},
    {0},
};
