#include "ingest/rule_run.h"

#include "base/clock.h"
#include "base/json.h"
#include "store/events.h"

#include <stdio.h>
#include <string.h>

enum { VALUE_BYTES_MAX = 4096, SCHEDULE_DAYS_MAX = 365 };

static const struct template_limits limits = {
    .steps_max = 20000, .depth_max = 100, .memory_bytes_max = 1 << 18, .output_bytes_max = 64 * 1024};

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

/* An expression's value as text. */
static bool text_of(const struct template *t, const char *field, const json_t *vars, struct arena *mem,
                    size_t max, struct sv *out, struct err *e) {
    struct buf BUF_AUTO text = BUF_INIT(VALUE_BYTES_MAX);
    struct err why = ERR_INIT;
    *out = SV_NONE;
    if (!t)
        return true;
    if (!template_render(t, vars, &limits, &text, &why))
        return fail(field, &why, e);
    if (text.n > max)
        return err_set_field(e, ERR_UNPROCESSABLE, field, "its value is longer than %zu bytes", max);
    if (text.n)
        *out = arena_dup(mem, buf_sv(&text));
    return !text.n || out->p || err_set(e, ERR_OUTSIDE, "out of memory for a rule");
}

/* The same where there must be one. */
static bool some_text_of(const struct template *t, const char *field, const json_t *vars, struct arena *mem,
                         size_t max, struct sv *out, struct err *e) {
    if (!text_of(t, field, vars, mem, max, out, e))
        return false;
    return !t || out->n || err_set_field(e, ERR_UNPROCESSABLE, field, "it has no value for this event");
}

/* RFC 3339 with its offset, or seconds since 1970. */
static bool moment_of(const json_t *v, int64_t *at) {
    if (json_is_string(v))
        return clock_parse_rfc3339(sv_make(json_string_value(v), json_string_length(v)), at);
    if (!json_is_integer(v) || json_integer_value(v) <= 0 || json_integer_value(v) > INT64_C(253402300799))
        return false;
    *at = json_integer_value(v) * US_PER_S;
    return true;
}

static bool anchor_of(const struct rule *r, const json_t *vars, int64_t *at, struct err *e) {
    struct buf BUF_AUTO text = BUF_INIT(VALUE_BYTES_MAX);
    struct err why = ERR_INIT;
    if (!template_json(r->anchor, vars, &limits, &text, &why))
        return fail("delay", &why, e);
    json_t *v = json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL);
    bool ok = v && moment_of(v, at);
    json_decref(v);
    return ok || err_set_field(e, ERR_UNPROCESSABLE, "delay",
                               "the time it counts from is %.60s: it must be a text such as "
                               "\"2026-12-24T19:00:00+08:00\" (with its offset, or Z), or seconds since 1970",
                               text.n ? text.p : "missing");
}

/* When it is to be sent; *late: that has passed, and nothing is. */
static bool when_to_send(const struct rule *r, const json_t *vars, int64_t now, int64_t *send_at, bool *late,
                         struct err *e) {
    int64_t from = now;
    *send_at = 0;
    *late = false;
    if (r->delay == RULE_AT_ONCE)
        return true;
    if (r->delay != RULE_AFTER_NOW && !anchor_of(r, vars, &from, e))
        return false;
    int64_t at = r->delay == RULE_BEFORE ? from - r->delay_us : from + r->delay_us;
    if (at > now + SCHEDULE_DAYS_MAX * INT64_C(86400) * US_PER_S)
        return err_set_field(e, ERR_UNPROCESSABLE, "delay", "it would be sent more than a year ahead");
    /* A reminder of what is over is of use to nobody. */
    bool over = r->delay == RULE_BEFORE && from <= now;
    *late = at < now && (over || !r->send_late);
    *send_at = at > now ? at : 0;
    return true;
}

static bool make_vars(const struct rule *r, const json_t *vars, json_t **out, struct err *e) {
    if (!r->n_vars) {
        *out = json_incref((json_t *)(uintptr_t)vars);
        return true;
    }
    json_t *made = json_object();
    ASSERT(made);
    json_object_set(made, "event", json_object_get(vars, "event"));
    json_object_set(made, "data", json_object_get(vars, "data"));
    for (size_t i = 0; i < r->n_vars; i++) {
        struct buf BUF_AUTO text = BUF_INIT(64 * 1024);
        struct err why = ERR_INIT;
        char field[ERR_FIELD_MAX];
        snprintf(field, sizeof field, "vars.%.50s", r->vars[i].name.p);
        if (!template_json(r->vars[i].value, vars, &limits, &text, &why)) {
            json_decref(made);
            return fail(field, &why, e);
        }
        json_object_set_new(made, r->vars[i].name.p, json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL));
    }
    *out = made;
    return true;
}

static bool run(const struct rule *r, const json_t *vars, int64_t now, struct arena *mem,
                struct rule_run *out) {
    struct err why = ERR_INIT, *e = &out->err;
    bool yes = true, late;
    if (r->when && !template_test(r->when, vars, &limits, &yes, &why))
        return fail("when", &why, e);
    if (!yes) {
        out->verdict = RULE_PASSES;
        return true;
    }
    if (!some_text_of(r->to, "to", vars, mem, VALUE_BYTES_MAX, &out->to, e) ||
        !some_text_of(r->contact, "contact", vars, mem, 255, &out->contact, e) ||
        !text_of(r->language, "language", vars, mem, 35, &out->language, e) ||
        !some_text_of(r->key, "key", vars, mem, EVENT_KEY_BYTES_MAX, &out->key, e) ||
        !some_text_of(r->dedupe, "dedupe.key", vars, mem, EVENT_KEY_BYTES_MAX, &out->dedupe, e) ||
        !when_to_send(r, vars, now, &out->send_at, &late, e))
        return false;
    out->verdict = late ? RULE_IS_LATE : RULE_FIRES;
    return late || make_vars(r, vars, &out->vars, e);
}

void rule_run(const struct rule *r, const json_t *vars, int64_t now, struct arena *mem,
              struct rule_run *out) {
    *out = (struct rule_run){.err = ERR_INIT};
    if (!run(r, vars, now, mem, out))
        out->verdict = RULE_FAILS;
}

bool rule_run_cancel_key(const struct rule *r, const json_t *vars, struct arena *mem, struct sv *key,
                         struct err *e) {
    return some_text_of(r->cancel_key ? r->cancel_key : r->key, r->cancel_key ? "cancel_key" : "key", vars,
                        mem, EVENT_KEY_BYTES_MAX, key, e);
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
