#include "ingest/rule_run.h"

#include "base/clock.h"
#include "base/json.h"
#include "store/contacts.h"
#include "store/events.h"

#include <stdio.h>
#include <string.h>

enum {
    VALUE_BYTES_MAX = 4096,
    LIST_BYTES_MAX = 32 * 1024,
    SCHEDULE_DAYS_MAX = 365,
    EXPRESSION_STEPS_MAX = 20000
};

/* What the expressions of one rule are evaluated with. */
struct evaluation {
    const json_t *vars;
    struct arena *mem;
    uint64_t *steps; /* left for the event */
    struct err *e;
};

/* An expression's limits; steps count from `spent`, which evaluated takes off. */
static struct template_limits limits_of(const struct evaluation *in, uint64_t *spent) {
    *spent = 0;
    return (struct template_limits){.steps_max =
                                        *in->steps < EXPRESSION_STEPS_MAX ? *in->steps : EXPRESSION_STEPS_MAX,
                                    .depth_max = 100,
                                    .memory_bytes_max = 1 << 18,
                                    .output_bytes_max = 64 * 1024,
                                    .spent = spent};
}

/* By its address: what an argument's own call changes, another argument may have read before or after. */
static bool evaluated(const struct evaluation *in, const uint64_t *spent, bool ok) {
    *in->steps -= *spent;
    return ok;
}

json_t *rule_vars(const json_t *event, const json_t *data) {
    json_t *vars = json_is_object(data) ? json_copy((json_t *)(uintptr_t)data) : json_object();
    ASSERT(vars);
    json_object_set(vars, "data", (json_t *)(uintptr_t)data);
    json_object_set(vars, "event", (json_t *)(uintptr_t)event);
    return vars;
}

static bool fail(const char *field, const struct err *why, struct err *e) {
    unsigned line = why->line, column = why->column;
    if (!line && sscanf(why->text, "template x:%u:%u:", &line, &column) != 2)
        line = column = 0;
    err_set_field(e, why->kind == ERR_INTERNAL ? ERR_INTERNAL : ERR_UNPROCESSABLE, field, "%s",
                  rule_expression_trouble(why));
    return err_place(e, line, column);
}

/* An expression's value, as text or as JSON. */
static bool value_of(const struct evaluation *in, const struct template *t, const char *field, bool json,
                     struct buf *out) {
    struct err why = ERR_INIT;
    uint64_t spent;
    const struct template_limits limits = limits_of(in, &spent);
    bool ok = json ? template_json(t, in->vars, &limits, out, &why)
                   : template_render(t, in->vars, &limits, out, &why);
    return evaluated(in, &spent, ok) || fail(field, &why, in->e);
}

static bool keep(const struct evaluation *in, struct sv text, struct sv *out) {
    *out = arena_dup(in->mem, text);
    return out->p || err_set(in->e, ERR_OUTSIDE, "out of memory for a rule");
}

static bool too_long(const struct evaluation *in, const char *field, size_t max) {
    return err_set_field(in->e, ERR_UNPROCESSABLE, field, "its value is longer than %zu bytes", max);
}

static bool has_none(const struct evaluation *in, const char *field) {
    return err_set_field(in->e, ERR_UNPROCESSABLE, field, "it has no value for this event");
}

static bool text_of(const struct evaluation *in, const struct template *t, const char *field, size_t max,
                    struct sv *out) {
    struct buf BUF_AUTO text = BUF_INIT(VALUE_BYTES_MAX);
    *out = SV_NONE;
    if (!t)
        return true;
    if (!value_of(in, t, field, false, &text))
        return false;
    if (text.n > max)
        return too_long(in, field, max);
    return !text.n || keep(in, buf_sv(&text), out);
}

/* The same where there must be one. */
static bool some_text_of(const struct evaluation *in, const struct template *t, const char *field, size_t max,
                         struct sv *out) {
    if (!text_of(in, t, field, max, out))
        return false;
    return !t || out->n || has_none(in, field);
}

/* ---- to whom ---- */

static bool is_among(const struct sv *list, size_t n, struct sv one) {
    for (size_t i = 0; i < n; i++)
        if (sv_eq(list[i], one))
            return true;
    return false;
}

/* A text or a number; nothing and "" are left out. */
static bool add_whom(const struct evaluation *in, const char *field, const json_t *v, size_t max,
                     struct sv *list, size_t *n) {
    char digits[32];
    struct sv text = SV_NONE;
    if (json_is_string(v))
        text = sv_make(json_string_value(v), json_string_length(v));
    else if (json_is_integer(v))
        text = sv_make(digits,
                       (size_t)snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(v)));
    else if (!json_is_null(v))
        return err_set_field(in->e, ERR_UNPROCESSABLE, field, "its value must be a text, or a list of texts");
    if (text.n > max)
        return too_long(in, field, max);
    if (!text.n || is_among(list, *n, text))
        return true;
    return keep(in, text, &list[(*n)++]);
}

static bool whom_of(const struct evaluation *in, const struct rule *r, struct rule_run *out) {
    const char *field = r->to ? "to" : "contact";
    size_t max = r->to ? VALUE_BYTES_MAX : CONTACT_ID_BYTES_MAX;
    struct buf BUF_AUTO text = BUF_INIT(LIST_BYTES_MAX);
    if (!value_of(in, r->to ? r->to : r->contact, field, true, &text))
        return false;
    json_t *v = json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL);
    size_t given = json_is_array(v) ? json_array_size(v) : 1;
    struct sv *list = given <= RULE_RECIPIENTS_MAX ? arena_alloc(in->mem, (given + 1) * sizeof *list) : NULL;
    bool ok = list || err_set_field(in->e, ERR_UNPROCESSABLE, field, "it names more than %d recipients",
                                    RULE_RECIPIENTS_MAX);
    for (size_t i = 0; ok && i < given; i++)
        ok = add_whom(in, field, json_is_array(v) ? json_array_get(v, i) : v, max, list, &out->n_whom);
    json_decref(v);
    out->whom = list;
    return ok && (out->n_whom || has_none(in, field));
}

void rule_run_choose(const struct rule *r, struct rule_run *run, size_t i) {
    ASSERT(i < run->n_whom);
    run->to = r->to ? run->whom[i] : SV_NONE;
    run->contact = r->to ? SV_NONE : run->whom[i];
}

/* ---- when ---- */

/* RFC 3339 with its offset, or seconds since 1970. */
static bool moment_of(const json_t *v, int64_t *at) {
    if (json_is_string(v))
        return clock_parse_rfc3339(sv_make(json_string_value(v), json_string_length(v)), at);
    if (!json_is_integer(v) || json_integer_value(v) <= 0 || json_integer_value(v) > INT64_C(253402300799))
        return false;
    *at = json_integer_value(v) * US_PER_S;
    return true;
}

static bool anchor_of(const struct evaluation *in, const struct rule *r, int64_t *at) {
    struct buf BUF_AUTO text = BUF_INIT(VALUE_BYTES_MAX);
    if (!value_of(in, r->anchor, "delay", true, &text))
        return false;
    json_t *v = json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL);
    bool ok = v && moment_of(v, at);
    json_decref(v);
    return ok || err_set_field(in->e, ERR_UNPROCESSABLE, "delay",
                               "the time it counts from is %.60s: it must be a text such as "
                               "\"2026-12-24T19:00:00+08:00\" (with its offset, or Z), or seconds since 1970",
                               text.n ? text.p : "missing");
}

/* When it is to be sent; *late: that has passed, and nothing is. */
static bool when_to_send(const struct evaluation *in, const struct rule *r, int64_t now, int64_t *send_at,
                         bool *late) {
    int64_t from = now;
    *send_at = 0;
    *late = false;
    if (r->delay == RULE_AT_ONCE)
        return true;
    if (r->delay != RULE_AFTER_NOW && !anchor_of(in, r, &from))
        return false;
    int64_t at = r->delay == RULE_BEFORE ? from - r->delay_us : from + r->delay_us;
    if (at > now + SCHEDULE_DAYS_MAX * INT64_C(86400) * US_PER_S)
        return err_set_field(in->e, ERR_UNPROCESSABLE, "delay", "it would be sent more than a year ahead");
    /* A reminder of what is over is of use to nobody. */
    bool over = r->delay == RULE_BEFORE && from <= now;
    *late = at < now && (over || !r->send_late);
    *send_at = at > now ? at : 0;
    return true;
}

static bool make_vars(const struct evaluation *in, const struct rule *r, json_t **out) {
    if (!r->n_vars) {
        *out = json_incref((json_t *)(uintptr_t)in->vars);
        return true;
    }
    json_t *made = json_object();
    ASSERT(made);
    json_object_set(made, "event", json_object_get(in->vars, "event"));
    json_object_set(made, "data", json_object_get(in->vars, "data"));
    for (size_t i = 0; i < r->n_vars; i++) {
        struct buf BUF_AUTO text = BUF_INIT(64 * 1024);
        char field[ERR_FIELD_MAX];
        snprintf(field, sizeof field, "vars.%.50s", r->vars[i].name.p);
        if (!value_of(in, r->vars[i].value, field, true, &text)) {
            json_decref(made);
            return false;
        }
        json_object_set_new(made, r->vars[i].name.p, json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL));
    }
    *out = made;
    return true;
}

static bool is_for(const struct evaluation *in, const struct rule *r, bool *yes) {
    struct err why = ERR_INIT;
    uint64_t spent;
    const struct template_limits limits = limits_of(in, &spent);
    *yes = true;
    return !r->when || evaluated(in, &spent, template_test(r->when, in->vars, &limits, yes, &why)) ||
           fail("when", &why, in->e);
}

static bool run(const struct evaluation *in, const struct rule *r, int64_t now, struct rule_run *out) {
    bool yes, late;
    if (!is_for(in, r, &yes))
        return false;
    if (!yes) {
        out->verdict = RULE_PASSES;
        return true;
    }
    if (!whom_of(in, r, out) || !text_of(in, r->language, "language", 35, &out->language) ||
        !some_text_of(in, r->key, "key", EVENT_KEY_BYTES_MAX, &out->key) ||
        !some_text_of(in, r->dedupe, "dedupe.key", EVENT_KEY_BYTES_MAX, &out->dedupe) ||
        !when_to_send(in, r, now, &out->send_at, &late))
        return false;
    out->verdict = late ? RULE_IS_LATE : RULE_FIRES;
    return late || make_vars(in, r, &out->vars);
}

void rule_run(const struct rule *r, const json_t *vars, int64_t now, struct arena *mem, uint64_t *steps,
              struct rule_run *out) {
    *out = (struct rule_run){.err = ERR_INIT, .verdict = RULE_IS_LEFT};
    const struct evaluation in = {.vars = vars, .mem = mem, .steps = steps, .e = &out->err};
    if (*steps && !run(&in, r, now, out))
        out->verdict = *steps ? RULE_FAILS : RULE_IS_LEFT;
}

bool rule_run_cancel_key(const struct rule *r, const json_t *vars, struct arena *mem, uint64_t *steps,
                         struct sv *key, struct err *e) {
    const struct evaluation in = {.vars = vars, .mem = mem, .steps = steps, .e = e};
    return some_text_of(&in, r->cancel_key ? r->cancel_key : r->key, r->cancel_key ? "cancel_key" : "key",
                        EVENT_KEY_BYTES_MAX, key);
}

/* ---- why not ---- */

static bool begins_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The next dotted name of an expression, which is left behind it; texts in quotes are passed over. */
static struct sv next_name(struct sv *rest) {
    for (; rest->n; *rest = sv_from(*rest, 1)) {
        char c = rest->p[0];
        if (c == '"' || c == '\'') {
            size_t end = sv_find_char(sv_from(*rest, 1), c);
            *rest = sv_from(*rest, end == SIZE_MAX ? rest->n - 1 : end + 1);
            continue;
        }
        if (!begins_name(c))
            continue;
        size_t n = 1;
        while (n < rest->n &&
               (begins_name(rest->p[n]) || rest->p[n] == '.' || (rest->p[n] >= '0' && rest->p[n] <= '9')))
            n++;
        struct sv name = sv_sub(*rest, 0, n);
        *rest = sv_from(*rest, n);
        return name;
    }
    return SV_NONE;
}

void rule_explain_when(const struct rule *r, const json_t *vars, struct buf *out) {
    static const struct template_options options = {.expression = true};
    static const struct template_limits limits = {
        .steps_max = 1000, .depth_max = 100, .memory_bytes_max = 1 << 18, .output_bytes_max = 64 * 1024};
    const json_t *when = json_object_get(r->doc, "when");
    struct sv rest = when ? sv_make(json_string_value(when), json_string_length(when)) : SV_NONE;
    json_t *seen = json_object();
    buf_addc(out, '{');
    for (struct sv name; (name = next_name(&rest)).n;) {
        struct sv whole = name, root = sv_cut(&whole, '.');
        char key[128];
        snprintf(key, sizeof key, "%.*s", SV_FMT(root));
        if (!json_object_get(vars, key) || name.n >= sizeof key)
            continue;
        snprintf(key, sizeof key, "%.*s", SV_FMT(name));
        if (json_object_get(seen, key))
            continue;
        json_object_set_new(seen, key, json_true());
        struct err ignored = ERR_INIT;
        struct template *t = template_compile(SV("x"), name, &options, &ignored);
        struct buf BUF_AUTO value = BUF_INIT(1024);
        if (t && template_json(t, vars, &limits, &value, &ignored)) {
            json_key(out, key);
            buf_add(out, buf_sv(&value));
        }
        template_free(t);
    }
    buf_addc(out, '}');
    json_decref(seen);
}
