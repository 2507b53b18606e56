#include "ingest/rule.h"

#include "base/clock.h"
#include "store/events.h"

#include <stdlib.h>
#include <string.h>

enum { EXPRESSION_BYTES_MAX = 4096, YEAR_DAYS = 366 };

/* ---- words ---- */

static bool is_word_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool rule_name_check(struct sv name, struct err *e) {
    bool ok = name.n >= 1 && name.n <= RULE_NAME_BYTES_MAX;
    for (size_t i = 0; i < name.n; i++)
        ok &= is_word_byte(name.p[i]) || name.p[i] == '.';
    return ok || err_set_field(e, ERR_INVALID, "name",
                               "a rule's name is 1 to %d letters, digits, dots, dashes and underscores, such "
                               "as `order-paid`",
                               RULE_NAME_BYTES_MAX);
}

bool rule_type_is_valid(struct sv type) {
    bool ok = type.n >= 1 && type.n <= EVENT_TYPE_BYTES_MAX;
    for (size_t i = 0; i < type.n; i++)
        ok &= is_word_byte(type.p[i]) || type.p[i] == '.' || type.p[i] == ':' || type.p[i] == '/';
    return ok;
}

bool rule_pattern_matches(struct sv pattern, struct sv type) {
    while (pattern.p && type.p) {
        struct sv p = sv_cut(&pattern, '.'), t = sv_cut(&type, '.');
        bool any = sv_eq(p, SV("*"));
        if (any && !pattern.p)
            return true;
        if (!any && !sv_eq(p, t))
            return false;
    }
    return !pattern.p && !type.p;
}

static bool pattern_is_valid(struct sv pattern) {
    struct sv rest = pattern;
    bool ok = pattern.n >= 1 && pattern.n <= EVENT_TYPE_BYTES_MAX;
    while (ok && rest.p) {
        struct sv word = sv_cut(&rest, '.');
        ok = sv_eq(word, SV("*")) || rule_type_is_valid(word);
    }
    return ok;
}

bool rule_span_parse(struct sv text, int64_t *us) {
    static const struct {
        struct sv name;
        int64_t s;
    } units[] = {{{"s", 1}, 1},    {{"m", 1}, 60},    {{"min", 3}, 60},
                 {{"h", 1}, 3600}, {{"d", 1}, 86400}, {{"w", 1}, 7 * 86400}};
    size_t digits = 0;
    int64_t n;
    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    if (digits > 9 || !sv_to_i64(sv_sub(text, 0, digits), &n))
        return false;
    struct sv unit = sv_trim(sv_from(text, digits));
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (sv_eq(unit, units[i].name) && n <= YEAR_DAYS * INT64_C(86400) / units[i].s) {
            *us = n * units[i].s * US_PER_S;
            return true;
        }
    return false;
}

/* ---- reading members ---- */

struct reading {
    struct rule *r;
    struct err *e;
    const char *at; /* "" or "dedupe." */
};

static bool wrong(const struct reading *in, const char *key, const char *what) {
    char field[ERR_FIELD_MAX];
    snprintf(field, sizeof field, "%s%s", in->at, key);
    return err_set_field(in->e, ERR_INVALID, field, "`%s` %s", field, what);
}

static bool text_of(const struct reading *in, const char *key, const json_t *v, struct sv *out) {
    *out = json_is_string(v) ? sv_make(json_string_value(v), json_string_length(v)) : SV_NONE;
    if (!json_is_string(v))
        return wrong(in, key, "must be a text: put it in quotes");
    if (!out->n)
        return wrong(in, key, "is empty: leave it out, or write something");
    return true;
}

const char *rule_expression_trouble(const struct err *why) {
    const char *at = why->text;
    if (strncmp(at, "template ", 9) != 0)
        return at;
    for (int colons = 0; *at && colons < 3; at++)
        colons += *at == ':';
    return *at == ' ' ? at + 1 : why->text;
}

static bool expression(const struct reading *in, const char *key, const json_t *v, struct template **out) {
    static const struct template_options options = {.expression = true};
    struct sv text;
    struct err why = ERR_INIT;
    if (!text_of(in, key, v, &text))
        return false;
    if (text.n > EXPRESSION_BYTES_MAX)
        return wrong(in, key, "is longer than 4096 bytes");
    *out = template_compile(SV("x"), text, &options, &why);
    if (*out)
        return true;
    char field[ERR_FIELD_MAX];
    snprintf(field, sizeof field, "%s%s", in->at, key);
    bool braces = text.n > 1 && text.p[0] == '{' && text.p[1] == '{';
    err_set_field(in->e, ERR_INVALID, field, "`%s` is no expression: %s%s", field,
                  rule_expression_trouble(&why), braces ? ". Write it without {{ and }}" : "");
    return err_place(in->e, why.line, why.column);
}

static bool span(const struct reading *in, const char *key, const json_t *v, int64_t *out) {
    struct sv text;
    if (!text_of(in, key, v, &text))
        return false;
    return (rule_span_parse(text, out) && *out > 0) ||
           wrong(in, key, "is no span of time: write 90s, 30m, 2h, 1d or 1w");
}

static bool pattern(const struct reading *in, const char *key, const json_t *v, struct sv *list, size_t *n) {
    struct sv text;
    if (!text_of(in, key, v, &text))
        return false;
    if (!pattern_is_valid(text))
        return wrong(in, key,
                     "is no type of events: write words and dots, such as `order.paid`, with `*` for a "
                     "whole word, such as `order.*`");
    if (*n == RULE_PATTERNS_MAX)
        return wrong(in, key, "has more than 16 types: use `*`, or another rule");
    list[(*n)++] = text;
    return true;
}

static bool patterns(const struct reading *in, const char *key, const json_t *v, struct sv *list, size_t *n) {
    if (!json_is_array(v))
        return pattern(in, key, v, list, n);
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)(uintptr_t)v, i, item) if (!pattern(in, key, item, list, n)) return false;
    return *n > 0 || wrong(in, key, "names no type: write one, such as `order.paid`");
}

static bool boolean(const struct reading *in, const char *key, const json_t *v, bool *out) {
    *out = json_is_true(v);
    return json_is_boolean(v) || wrong(in, key, "must be true or false");
}

/* ---- the members ---- */

typedef bool take(const struct reading *in, const char *key, const json_t *v);

static bool take_on(const struct reading *in, const char *key, const json_t *v) {
    return patterns(in, key, v, in->r->on, &in->r->n_on);
}

static bool take_cancel_on(const struct reading *in, const char *key, const json_t *v) {
    return patterns(in, key, v, in->r->cancel_on, &in->r->n_cancel_on);
}

static bool take_when(const struct reading *in, const char *key, const json_t *v) {
    return expression(in, key, v, &in->r->when);
}

static bool take_to(const struct reading *in, const char *key, const json_t *v) {
    return expression(in, key, v, &in->r->to);
}

static bool take_contact(const struct reading *in, const char *key, const json_t *v) {
    return expression(in, key, v, &in->r->contact);
}

static bool take_language(const struct reading *in, const char *key, const json_t *v) {
    return expression(in, key, v, &in->r->language);
}

static bool take_key(const struct reading *in, const char *key, const json_t *v) {
    return expression(in, key, v, &in->r->key);
}

static bool take_cancel_key(const struct reading *in, const char *key, const json_t *v) {
    return expression(in, key, v, &in->r->cancel_key);
}

static bool take_template(const struct reading *in, const char *key, const json_t *v) {
    return text_of(in, key, v, &in->r->template);
}

static bool take_from(const struct reading *in, const char *key, const json_t *v) {
    return text_of(in, key, v, &in->r->from);
}

static bool take_topic(const struct reading *in, const char *key, const json_t *v) {
    return text_of(in, key, v, &in->r->topic);
}

static bool take_channel(const struct reading *in, const char *key, const json_t *v) {
    struct sv text;
    if (!text_of(in, key, v, &text))
        return false;
    return channel_find(text, &in->r->channel) ||
           wrong(in, key, "is no channel: sms, voice, email, push or whatsapp");
}

static bool take_channels(const struct reading *in, const char *key, const json_t *v) {
    in->r->channels = v;
    return (json_is_array(v) && json_array_size(v) > 0) ||
           wrong(in, key, "must be a list of channels, as messages have it");
}

static bool take_priority(const struct reading *in, const char *key, const json_t *v) {
    struct sv text;
    in->r->has_priority = true;
    return text_of(in, key, v, &text) && (priority_parse(text, &in->r->priority) ||
                                          wrong(in, key, "must be otp, transactional or marketing"));
}

static bool take_delivery(const struct reading *in, const char *key, const json_t *v) {
    struct sv text;
    in->r->has_delivery = true;
    return text_of(in, key, v, &text) && (delivery_parse(text, &in->r->delivery) ||
                                          wrong(in, key, "must be at_most_once or at_least_once"));
}

static bool take_validity(const struct reading *in, const char *key, const json_t *v) {
    int64_t us;
    if (!span(in, key, v, &us))
        return false;
    in->r->validity_s = us / US_PER_S;
    return in->r->validity_s <= 7 * 86400 || wrong(in, key, "is at most 7d");
}

static bool take_delay(const struct reading *in, const char *key, const json_t *v) {
    struct rule *r = in->r;
    struct sv text, rest;
    if (!text_of(in, key, v, &text))
        return false;
    rest = sv_trim(text);
    struct sv first = sv_word(&rest), word = rest.n ? sv_word(&rest) : SV_NONE;
    struct sv anchor = sv_trim(rest);
    bool before = sv_eq(word, SV("before")), after = sv_eq(word, SV("after"));
    if (!rule_span_parse(first, &r->delay_us) || (word.n && !((before || after) && anchor.n)))
        return wrong(in, key,
                     "is no delay: write `30m`, `24h before data.start_at` or `1h after data.end_at`");
    r->delay = before ? RULE_BEFORE : after ? RULE_AFTER : RULE_AFTER_NOW;
    if (!word.n)
        return true;
    json_t *source = json_stringn(anchor.p, anchor.n);
    bool ok = expression(in, key, source, &r->anchor);
    json_decref(source);
    if (!ok && in->e->line == 1)
        (void)err_place(in->e, 1, in->e->column + (unsigned)(anchor.p - text.p));
    return ok;
}

static bool take_late(const struct reading *in, const char *key, const json_t *v) {
    struct sv text;
    if (!text_of(in, key, v, &text))
        return false;
    in->r->send_late = sv_eq(text, SV("send"));
    return in->r->send_late || sv_eq(text, SV("skip")) || wrong(in, key, "must be send or skip");
}

static bool take_enabled(const struct reading *in, const char *key, const json_t *v) {
    return boolean(in, key, v, &in->r->enabled);
}

static bool take_note(const struct reading *in, const char *key, const json_t *v) {
    struct sv text;
    return text_of(in, key, v, &text);
}

static bool take_dedupe_key(const struct reading *in, const char *key, const json_t *v) {
    return expression(in, key, v, &in->r->dedupe);
}

static bool take_dedupe_window(const struct reading *in, const char *key, const json_t *v) {
    return span(in, key, v, &in->r->dedupe_us);
}

static bool take_digest_window(const struct reading *in, const char *key, const json_t *v) {
    return span(in, key, v, &in->r->digest_us);
}

struct member {
    const char *name;
    take *take;
};

/* Unknown ones are refused with the names there are. */
static bool take_members(const struct reading *in, const json_t *object, const struct member *members) {
    for (void *i = json_object_iter((json_t *)(uintptr_t)object); i;
         i = json_object_iter_next((json_t *)(uintptr_t)object, i)) {
        const char *key = json_object_iter_key(i);
        const json_t *v = json_object_iter_value(i);
        const struct member *m = members;
        while (m->name && strcmp(m->name, key) != 0)
            m++;
        if (m->name) {
            if (!json_is_null(v) && !m->take(in, key, v))
                return false;
            continue;
        }
        struct buf BUF_AUTO known = BUF_INIT(ERR_TEXT_MAX);
        for (m = members; m->name; m++)
            buf_addf(&known, "%s%s", m == members ? "" : ", ", m->name);
        char name[ERR_FIELD_MAX / 2];
        snprintf(name, sizeof name, "%s", key);
        char what[ERR_TEXT_MAX];
        snprintf(what, sizeof what, "is not known here; there are: %.*s", SV_FMT(buf_sv(&known)));
        return wrong(in, name, what);
    }
    return true;
}

static bool take_dedupe(const struct reading *in, const char *key, const json_t *v) {
    static const struct member members[] = {
        {"key", take_dedupe_key}, {"window", take_dedupe_window}, {NULL, NULL}};
    const struct reading inner = {.r = in->r, .e = in->e, .at = "dedupe."};
    if (!json_is_object(v))
        return wrong(in, key, "must have a `key` and a `window`, such as {key: data.order_id, window: 1h}");
    return take_members(&inner, v, members) &&
           ((in->r->dedupe && in->r->dedupe_us) ||
            wrong(in, key, "must have a `key` and a `window`, such as {key: data.order_id, window: 1h}"));
}

static bool take_digest(const struct reading *in, const char *key, const json_t *v) {
    static const struct member members[] = {{"window", take_digest_window}, {NULL, NULL}};
    const struct reading inner = {.r = in->r, .e = in->e, .at = "digest."};
    if (!json_is_object(v))
        return wrong(in, key, "must have a `window`, such as {window: 10m}");
    return take_members(&inner, v, members) &&
           (in->r->digest_us || wrong(in, key, "must have a `window`, such as {window: 10m}"));
}

static bool take_vars(const struct reading *in, const char *key, const json_t *v) {
    const struct reading inner = {.r = in->r, .e = in->e, .at = "vars."};
    struct rule *r = in->r;
    if (!json_is_object(v))
        return wrong(in, key, "must be names with expressions, such as {name: data.customer.name}");
    for (void *i = json_object_iter((json_t *)(uintptr_t)v); i;
         i = json_object_iter_next((json_t *)(uintptr_t)v, i)) {
        const char *name = json_object_iter_key(i);
        if (r->n_vars == RULE_VARS_MAX)
            return wrong(in, key, "has more than 32 names");
        char shown[ERR_FIELD_MAX / 2];
        snprintf(shown, sizeof shown, "%s", name);
        if (!expression(&inner, shown, json_object_iter_value(i), &r->vars[r->n_vars].value))
            return false;
        r->vars[r->n_vars++].name = sv_of(name);
    }
    return true;
}

static bool take_name(const struct reading *in, const char *key, const json_t *v) {
    struct sv text;
    return text_of(in, key, v, &text) && (sv_eq(text, sv_of(in->r->name)) || wrong(in, key, "is another"));
}

static const struct member rule_members[] = {{"name", take_name},
                                             {"note", take_note},
                                             {"enabled", take_enabled},
                                             {"on", take_on},
                                             {"when", take_when},
                                             {"to", take_to},
                                             {"contact", take_contact},
                                             {"template", take_template},
                                             {"language", take_language},
                                             {"vars", take_vars},
                                             {"channel", take_channel},
                                             {"channels", take_channels},
                                             {"from", take_from},
                                             {"topic", take_topic},
                                             {"priority", take_priority},
                                             {"delivery", take_delivery},
                                             {"validity", take_validity},
                                             {"delay", take_delay},
                                             {"late", take_late},
                                             {"key", take_key},
                                             {"cancel_on", take_cancel_on},
                                             {"cancel_key", take_cancel_key},
                                             {"dedupe", take_dedupe},
                                             {"digest", take_digest},
                                             {NULL, NULL}};

/* What members say together. */
static bool check_whole(const struct reading *in) {
    const struct rule *r = in->r;
    if (!r->n_on)
        return wrong(in, "on", "is missing: name the types of events it is for, such as `order.paid`");
    if (!r->to == !r->contact)
        return wrong(in, "to",
                     "or `contact` says whom it writes to, one of the two: such as `to: data.phone`, or "
                     "`contact: data.customer_id`");
    if (!r->template.n)
        return wrong(in, "template", "is missing: name the template of its text");
    if (r->n_cancel_on && !r->key)
        return wrong(in, "key", "is missing: `cancel_on` finds messages by it, such as `data.booking_id`");
    if (r->cancel_key && !r->n_cancel_on)
        return wrong(in, "cancel_on", "is missing: `cancel_key` is of use only with it");
    if (r->digest_us && r->delay != RULE_AT_ONCE)
        return wrong(in, "delay", "cannot be given with `digest`, whose window says when it is sent");
    return true;
}

struct rule *rule_compile(const json_t *doc, struct sv name, uint32_t version, struct err *e) {
    if (!rule_name_check(name, e))
        return NULL;
    if (!json_is_object(doc)) {
        err_set(e, ERR_INVALID, "a rule is an object: on, to, template, ...");
        return NULL;
    }
    struct rule *r = calloc(1, sizeof *r);
    ASSERT(r);
    memcpy(r->name, name.p, name.n);
    r->version = version;
    r->enabled = true;
    r->doc = json_deep_copy(doc);
    ASSERT(r->doc);
    const struct reading in = {.r = r, .e = e, .at = ""};
    if (take_members(&in, r->doc, rule_members) && check_whole(&in))
        return r;
    rule_free(r);
    return NULL;
}

void rule_free(struct rule *r) {
    if (!r)
        return;
    struct template *all[] = {r->when,       r->to,     r->language, r->key,
                              r->cancel_key, r->dedupe, r->anchor,   r->contact};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        template_free(all[i]);
    for (size_t i = 0; i < RULE_VARS_MAX; i++)
        template_free(r->vars[i].value);
    json_decref(r->doc);
    free(r);
}
