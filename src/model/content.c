#include "model/content.h"

#include <jansson.h>

static void json_free(json_t **j) {
    json_decref(*j);
}

#define JSON_OWNED __attribute__((cleanup(json_free)))

static json_t *load(const struct message *m) {
    struct sv v = m->text[TEXT_CONTENT];
    return v.n ? json_loadb(v.p, v.n, 0, NULL) : NULL;
}

static struct sv string_of(const json_t *object, const char *key) {
    const json_t *v = json_object_get(object, key);
    return json_is_string(v) ? sv_make(json_string_value(v), json_string_length(v)) : SV_NONE;
}

static uint32_t wait_of(const json_t *object) {
    json_int_t s = json_integer_value(json_object_get(object, "wait_s"));
    return s > 0 && s <= UINT32_MAX ? (uint32_t)s : 0;
}

struct sv content_time_zone(const struct message *m) {
    static const struct sv begins = SV("{\"time_zone\":\"");
    struct sv v = m->text[TEXT_CONTENT];
    if (!sv_starts(v, begins))
        return SV_NONE;
    v = sv_from(v, begins.n);
    return sv_cut(&v, '"'); /* names of zones have nothing in them that JSON escapes */
}

void content_note_plan(struct message *m) {
    m->n_plan = 0;
    m->sealed = false;
    m->max_price = 0;
    if (!m->text[TEXT_CONTENT].n)
        return;
    JSON_OWNED json_t *root = load(m);
    const json_t *plan = json_object_get(root, "plan"), *step;
    size_t i;
    m->sealed = json_is_string(json_object_get(root, "sealed"));
    json_int_t max_price = json_integer_value(json_object_get(root, "max_price"));
    m->max_price = max_price > 0 ? max_price : 0;
    json_array_foreach(plan, i, step) {
        enum channel c;
        if (m->n_plan < PLAN_MAX && channel_find(string_of(step, "channel"), &c))
            m->plan[m->n_plan++] = (uint8_t)c;
    }
}

enum channel content_channel(const struct message *m, unsigned step) {
    return step == 0 || step > m->n_plan ? m->channel : (enum channel)m->plan[step - 1];
}

/* The object that holds the parts of a step: the root itself for the first. */
static const json_t *object_of(const json_t *root, unsigned step) {
    return step == 0 ? root : json_array_get(json_object_get(root, "plan"), step - 1);
}

static struct sv dumped(const json_t *v, struct arena *mem) {
    size_t n = v ? json_dumpb(v, NULL, 0, JSON_COMPACT) : 0;
    char *text = n ? arena_alloc(mem, n + 1) : NULL;
    if (!text)
        return SV_NONE;
    json_dumpb(v, text, n, JSON_COMPACT);
    text[n] = '\0';
    return sv_make(text, n);
}

static void read_code(const json_t *root, const char *provider, const char *lane, struct arena *mem,
                      struct content_code *out) {
    const json_t *codes = json_object_get(root, "codes");
    const json_t *code = json_object_get(codes, lane);
    if (!code)
        code = json_object_get(codes, provider);
    if (!code)
        code = json_object_get(codes, "*");
    if (!code)
        return;
    out->code = arena_dup(mem, string_of(code, "code"));
    out->sign = arena_dup(mem, string_of(code, "sign"));
    out->params = dumped(json_object_get(code, "params"), mem);
}

void content_read(const struct message *m, unsigned step, const char *provider, const char *lane,
                  struct arena *mem, struct content_step *out, struct content_code *code) {
    *code = (struct content_code){0};
    *out = (struct content_step){.channel = content_channel(m, step),
                                 .to = m->text[TEXT_TO],
                                 .from = m->text[TEXT_FROM],
                                 .body = m->text[TEXT_BODY]};
    if (!m->text[TEXT_CONTENT].n)
        return;
    JSON_OWNED json_t *root = load(m);
    const json_t *at = object_of(root, step);
    if (step) {
        out->to = arena_dup(mem, string_of(at, "to"));
        out->from = arena_dup(mem, string_of(at, "from"));
        out->body = arena_dup(mem, string_of(at, "body"));
    }
    out->title = arena_dup(mem, string_of(at, "title"));
    out->html = arena_dup(mem, string_of(at, "html"));
    out->language = arena_dup(mem, string_of(root, "language"));
    out->data = dumped(json_object_get(at, "data"), mem);
    out->collapse = arena_dup(mem, string_of(at, "collapse"));
    out->wait_s = wait_of(at);
    read_code(root, provider, lane, mem, code);
}

uint32_t content_wait_s(const struct message *m, unsigned step) {
    if (!m->text[TEXT_CONTENT].n)
        return 0;
    JSON_OWNED json_t *root = load(m);
    return wait_of(object_of(root, step));
}
