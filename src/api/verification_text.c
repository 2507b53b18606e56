#include "api/verification_text.h"

#include "api/fields.h"
#include "base/clock.h"
#include "base/json.h"
#include "ingest/lookup.h"

#include <string.h>

enum { RECIPE_BYTES_MAX = 64 * 1024, BODY_MAX = 16 * 1024 };

/* ---- kept ---- */

static struct sv text_of(const json_t *root, const char *key) {
    const json_t *v = json_object_get(root, key);
    return json_is_string(v) ? sv_make(json_string_value(v), json_string_length(v)) : SV_NONE;
}

static void print(const struct recipe *r, struct buf *out) {
    buf_addc(out, '{');
    json_pair(out, "code", r->code);
    json_pair_i64(out, "alphabet", r->alphabet);
    json_pair(out, "brand", r->brand);
    json_pair(out, "template", r->template);
    json_pair(out, "language", r->language);
    json_pair(out, "from", r->from);
    json_pair(out, "app_hash", r->reader.app_hash);
    json_pair(out, "web_domain", r->reader.web_domain);
    json_pair_i64(out, "fallback_s", r->fallback_s);
    json_key(out, "channels");
    buf_addc(out, '[');
    for (size_t i = 0; i < r->n_channels; i++)
        buf_addf(out, "%s%d", i ? "," : "", r->channels[i]);
    buf_addc(out, ']');
    if (r->vars) {
        char *vars = json_dumps(r->vars, JSON_COMPACT);
        ASSERT(vars);
        json_key(out, "vars");
        buf_adds(out, vars);
        free(vars);
    }
    buf_addc(out, '}');
}

struct sv recipe_seal(struct api_request *rq, const struct recipe *r) {
    const struct world *w = api_world(rq);
    uint8_t nonce[VAULT_NONCE_BYTES];
    BUF_AUTO struct buf plain = BUF_INIT(RECIPE_BYTES_MAX), sealed = BUF_INIT(2 * RECIPE_BYTES_MAX);
    world_random_bytes(w, nonce, sizeof nonce);
    print(r, &plain);
    if (plain.overflow || !vault_seal(&w->vault, nonce, buf_sv(&plain), &sealed))
        return SV_NONE; /* so many variables: the code cannot be sent anew */
    memset(plain.p, 0, plain.n);
    return arena_dup(&rq->x->arena, buf_sv(&sealed));
}

bool recipe_open(struct api_request *rq, struct sv sealed, json_t **root, struct recipe *out) {
    BUF_AUTO struct buf plain = BUF_INIT(2 * RECIPE_BYTES_MAX);
    *root = NULL;
    if (!vault_open(&api_world(rq)->vault, sealed, &plain))
        return false;
    *root = json_loadb(plain.p, plain.n, 0, NULL);
    memset(plain.p, 0, plain.n);
    *out = (struct recipe){
        .code = text_of(*root, "code"),
        .alphabet = json_integer_value(json_object_get(*root, "alphabet")) == CODE_ALPHANUMERIC
                        ? CODE_ALPHANUMERIC
                        : CODE_DIGITS,
        .brand = text_of(*root, "brand"),
        .template = text_of(*root, "template"),
        .language = text_of(*root, "language"),
        .from = text_of(*root, "from"),
        .reader = {.app_hash = text_of(*root, "app_hash"), .web_domain = text_of(*root, "web_domain")},
        .vars = json_object_get(*root, "vars"),
        .fallback_s = (uint32_t)json_integer_value(json_object_get(*root, "fallback_s")),
    };
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(*root, "channels"), i, item) {
        json_int_t c = json_integer_value(item);
        if (c >= 0 && c < CHANNEL_COUNT && out->n_channels <= PLAN_MAX)
            out->channels[out->n_channels++] = (enum channel)c;
    }
    return out->code.n && out->n_channels;
}

/* ---- said and shown ---- */

struct making {
    struct api_request *rq;
    const struct code_message *m;
    struct sv code; /* or its mask */
    json_t *root;   /* owned: what the submission's JSON stands in */
    uint32_t minutes;
    struct err *e;
};

static json_t *vars_of(const struct making *k) {
    const struct recipe *r = k->m->recipe;
    json_t *vars = r->vars ? json_deep_copy(r->vars) : json_object();
    json_object_set_new(vars, "code", json_stringn(k->code.p, k->code.n));
    json_object_set_new(vars, "minutes", json_integer(k->minutes));
    if (r->brand.n || !json_object_get(vars, "brand"))
        json_object_set_new(vars, "brand", json_stringn(r->brand.n ? r->brand.p : "", r->brand.n));
    return vars;
}

/* The template's text by itself: something is to be put around it. */
static bool render(const struct making *k, enum channel channel, const json_t *vars, struct buf *out) {
    const struct recipe *r = k->m->recipe;
    const struct settings *s = api_settings(k->rq);
    struct stock *stock = api_stock(k->rq);
    const struct render_want want = {.account_id = k->rq->account_id,
                                     .name = r->template,
                                     .language = code_spoken(r->language, k->m->number),
                                     .channel = channel,
                                     .part = TEMPLATE_TEXT};
    struct stock_text found;
    if (!lookup_text(stock, s, api_texts(k->rq), &want, &found, k->e))
        return false;
    if (!found.compiled)
        return lookup_has_none(&want, &found, k->e);
    return lookup_render(stock, found.compiled, vars, NULL, NULL, out, k->e);
}

/* The text of one channel, as JSON wants it; NULL with no error: the template's own. */
static bool body_of(const struct making *k, enum channel channel, struct buf *out) {
    const struct recipe *r = k->m->recipe;
    bool fits = channel == CHANNEL_SMS && (r->reader.app_hash.n || r->reader.web_domain.n);
    BUF_AUTO struct buf plain = BUF_INIT(BODY_MAX);
    if (r->template.n) {
        json_t *vars = vars_of(k);
        bool ok = render(k, channel, vars, &plain);
        json_decref(vars);
        if (!ok)
            return false;
    } else {
        const struct code_saying say = {.code = k->code,
                                        .brand = r->brand,
                                        .minutes = k->minutes,
                                        .language = code_language(r->language, k->m->number)};
        code_say(&say, channel, r->alphabet == CODE_ALPHANUMERIC, &plain);
    }
    const struct code_reader none = {0};
    return code_fit(fits ? &r->reader : &none, buf_sv(&plain), k->code, out, k->e);
}

/* One member of the plan, with its text unless the template makes that. */
static json_t *step_of(const struct making *k, size_t i) {
    const struct recipe *r = k->m->recipe;
    json_t *step = json_object();
    bool reads = r->channels[i] == CHANNEL_SMS && (r->reader.app_hash.n || r->reader.web_domain.n);
    json_object_set_new(step, "channel", json_string(channel_name(r->channels[i])));
    if (r->from.n)
        json_object_set_new(step, "from", json_stringn(r->from.p, r->from.n));
    if (i + 1 < r->n_channels && r->fallback_s)
        json_object_set_new(step, "wait_s", json_integer(r->fallback_s));
    if (r->template.n && !reads)
        return step;
    BUF_AUTO struct buf body = BUF_INIT(BODY_MAX);
    if (!body_of(k, r->channels[i], &body)) {
        json_decref(step);
        return NULL;
    }
    json_object_set_new(step, "body", json_stringn(body.p ? body.p : "", body.n));
    return step;
}

/* Only the first step's own text, where one text message is all there is: nearly always. */
static bool make_one(struct making *k, struct submission *in) {
    json_t *step = step_of(k, 0);
    if (!step)
        return false;
    json_object_set_new(k->root, "step", step);
    in->body = text_of(step, "body");
    return true;
}

static bool make_plan(struct making *k, struct submission *in) {
    json_t *plan = json_array();
    json_object_set_new(k->root, "plan", plan);
    for (size_t i = 0; i < k->m->recipe->n_channels; i++) {
        json_t *step = step_of(k, i);
        if (!step)
            return false;
        json_array_append_new(plan, step);
    }
    in->channels = plan;
    return true;
}

static bool make(struct making *k, struct submission *in) {
    const struct code_message *m = k->m;
    const struct recipe *r = m->recipe;
    int64_t valid_s = m->valid_us / US_PER_S;
    *in = (struct submission){
        .account_id = k->rq->account_id,
        .to = m->to,
        .from = r->from,
        .language = code_spoken(r->language, k->m->number),
        .channel = CHANNEL_SMS,
        .topic = SV("otp"),
        .metadata = m->metadata,
        .traceparent = m->traceparent,
        .idempotency_key = m->idempotency_key,
        .fingerprint_of = m->fingerprint_of,
        .validity_s = valid_s > 0 ? valid_s : 1,
        .priority = PRIORITY_OTP,
        .delivery = DELIVERY_AT_MOST_ONCE,
        .face = FACE_NATIVE,
        .smart_encoding = SMART_NO,
    };
    bool one = r->n_channels == 1 && r->channels[0] == CHANNEL_SMS;
    if (!(one ? make_one(k, in) : make_plan(k, in)))
        return false;
    if (r->template.n && !in->body.n) {
        json_t *vars = vars_of(k);
        json_object_set_new(k->root, "vars", vars);
        in->template = r->template;
        in->vars = vars;
    }
    return true;
}

void code_message_submit(struct api_request *rq, const struct code_message *m, struct verification_write *v,
                         struct sv client_ip, api_submitted *done) {
    struct err e = ERR_INIT;
    struct submission said, shown;
    char mask[CODE_CHARS_MAX + 1];
    memset(mask, '*', sizeof mask);
    struct making k = {.rq = rq,
                       .m = m,
                       .code = m->recipe->code,
                       .root = json_object(),
                       .minutes = (uint32_t)((m->valid_us + 60 * US_PER_S - 1) / (60 * US_PER_S)),
                       .e = &e};
    struct making masked = k;
    masked.code = sv_make(mask, k.code.n);
    masked.root = json_object();
    if (make(&k, &said) && make(&masked, &shown))
        api_submit_secret(rq, &said, &shown, v, client_ip, done);
    else
        api_fail(rq, &e);
    json_decref(k.root);
    json_decref(masked.root);
}
