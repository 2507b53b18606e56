#include "ingest/steps.h"

#include "base/json.h"
#include "ingest/codes.h"
#include "ingest/contact.h"
#include "ingest/extras.h"
#include "ingest/lookup.h"
#include "ingest/recipient.h"
#include "provider/adapter.h"

#include <string.h>

enum {
    TITLE_BYTES_MAX = 512,
    FIELD_MAX = 40,
    WAIT_S_MAX = 7 * 86400,
    CODE_BYTES_MAX = 128,
    PARAMS_BYTES_MAX = 16 * 1024,
};

/* One channel as the caller wants it. */
struct want {
    enum channel channel;
    struct sv to, from, body, title, html;
    const json_t *push;
    uint32_t wait_s;
    char prefix[FIELD_MAX]; /* "" or "channels[1]." */
};

struct making {
    struct admitter *a;
    const struct settings *s;
    const struct texts *t;
    const struct submission *in;
    struct admitted *out;
    uint32_t version;
    enum channel channel; /* of the step that is being made */
    struct err *e;
};

bool steps_needed(const struct submission *in) {
    return in->channel != CHANNEL_SMS || in->channels || in->title.n || in->html.n || in->push || in->code;
}

/* ---- reading what is wanted ---- */

static const char *field_of(const struct want *w, const char *name, char out[2 * FIELD_MAX]) {
    snprintf(out, 2 * FIELD_MAX, "%s%s", w->prefix, name);
    return out;
}

static bool wrong(const struct want *w, const char *name, const char *should, struct err *e) {
    char field[2 * FIELD_MAX];
    field_of(w, name, field);
    return err_set_field(e, ERR_INVALID, field, "`%s` must be %s", field, should);
}

static bool read_member(struct want *w, const char *key, const json_t *v, struct err *e) {
    const struct {
        const char *name;
        struct sv *to;
    } texts[] = {
        {"to", &w->to}, {"from", &w->from}, {"body", &w->body}, {"title", &w->title}, {"html", &w->html}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(key, texts[i].name) == 0) {
            *texts[i].to = sv_make(json_string_value(v), json_string_length(v));
            return json_is_string(v) || wrong(w, key, "a text", e);
        }
    if (strcmp(key, "wait_s") == 0) {
        json_int_t n = json_integer_value(v);
        w->wait_s = n > 0 && n <= WAIT_S_MAX ? (uint32_t)n : 0;
        return w->wait_s || wrong(w, key, "a whole number of seconds from 1 to 604800", e);
    }
    if (strcmp(key, "channel") == 0)
        return (json_is_string(v) && channel_find(sv_of(json_string_value(v)), &w->channel)) ||
               wrong(w, key, "one of sms, voice, email, push, whatsapp, chat", e);
    if (strcmp(key, "push") == 0) {
        w->push = v;
        return true;
    }
    char field[2 * FIELD_MAX];
    field_of(w, key, field);
    return err_set_field(e, ERR_INVALID, field,
                         "`%s` is not known: channel, to, from, body, title, html, push, wait_s", field);
}

/* "voice", or {"channel": "voice", ...}. */
static bool read_want(const json_t *v, size_t index, struct want *w, struct err *e) {
    snprintf(w->prefix, sizeof w->prefix, "channels[%zu].", index);
    if (json_is_string(v))
        return read_member(w, "channel", v, e);
    if (!json_is_object(v) || !json_object_get(v, "channel"))
        return wrong(w, "channel", "there: the name of a channel, or an object with `channel` in it", e);
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)(uintptr_t)v, key, value) if (!read_member(w, key, value, e)) return false;
    return true;
}

/* A push to a contact goes to the device seen last; where that is gone, to the next, as far as a plan has
 * room. With wait_s the plan goes on by itself: no other device is asked to show it again. */
static void add_devices(const struct contact *c, struct arena *mem, struct want *w, size_t *n) {
    struct sv first = contact_device_address(c, 0, mem);
    for (size_t i = 0; i < *n; i++) {
        if (w[i].channel != CHANNEL_PUSH || w[i].wait_s || !first.n || !sv_eq(w[i].to, first))
            continue;
        size_t more = 0, room = 1 + PLAN_MAX - *n;
        while (more < room && more + 1 < c->n_devices)
            more++;
        memmove(&w[i + 1 + more], &w[i + 1], (*n - i - 1) * sizeof *w);
        for (size_t d = 1; d <= more; d++) {
            w[i + d] = w[i];
            w[i + d].to = contact_device_address(c, d, mem);
        }
        *n += more;
        return;
    }
}

/* Leaves out the channels by which the contact cannot be reached. */
static bool reach_contact(const struct submission *in, struct arena *mem, struct want *w, size_t *n,
                          struct err *e) {
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        if (!w[i].to.n)
            w[i].to = contact_address(in->contact, w[i].channel, mem);
        if (w[i].to.n || w[i].channel == CHANNEL_CHAT)
            w[kept++] = w[i];
    }
    *n = kept;
    add_devices(in->contact, mem, w, n);
    return kept || err_set_field(e, ERR_UNPROCESSABLE, "contact",
                                 "the contact has no number, address or device for any of the channels");
}

static bool read_wants(const struct submission *in, struct arena *mem, struct want *w, size_t *n,
                       struct err *e) {
    const json_t *v;
    size_t i;
    w[0] = (struct want){.channel = in->channel,
                         .to = in->to,
                         .from = in->from,
                         .body = in->body,
                         .title = in->title,
                         .html = in->html,
                         .push = in->push};
    *n = 1;
    if (!in->channels) {
        if (in->contact)
            add_devices(in->contact, mem, w, n);
        return true;
    }
    if (!json_is_array(in->channels) || json_array_size(in->channels) == 0 ||
        json_array_size(in->channels) > 1 + PLAN_MAX)
        return err_set_field(e, ERR_INVALID, "channels", "`channels` is a list of 1 to %d channels",
                             1 + PLAN_MAX);
    json_array_foreach(in->channels, i, v) {
        /* What a later channel does not say itself is the message's; but one e-mail has no number. */
        w[i] = (struct want){.from = i ? SV_NONE : in->from,
                             .body = in->body,
                             .title = in->title,
                             .html = in->html,
                             .push = in->push};
        if (!read_want(v, i, &w[i], e))
            return false;
        if (!w[i].to.n && (i == 0 || channel_has_numbers(w[i].channel)))
            w[i].to = in->to;
    }
    if (w[0].to.p == in->to.p)
        w[0].prefix[0] = '\0';
    *n = json_array_size(in->channels);
    return !in->contact || reach_contact(in, mem, w, n, e);
}

/* ---- texts ---- */

static enum template_part text_part(enum channel c) {
    return c == CHANNEL_PUSH ? TEMPLATE_BODY : TEMPLATE_TEXT;
}

/* Not even the text message that stands for what a channel lacks. Whoever wrote texts for the channel itself
 * is told of those. */
static bool has_none(const struct making *m, const struct render_want *w, const struct stock_text *found) {
    struct render_want own = *w;
    own.channel = m->channel;
    own.part = text_part(m->channel);
    for (size_t i = 0; i < found->doc->n_bodies; i++)
        if (found->doc->bodies[i].channel == own.channel && found->doc->bodies[i].part == own.part)
            return lookup_has_none(&own, found, m->e);
    return lookup_has_none(w, found, m->e);
}

/* Renders one part of the template into `out`; *there: it has such a part. */
static bool render(struct making *m, enum channel c, enum template_part part, struct buf *out, bool *there) {
    const struct render_want w = {.account_id = m->in->account_id,
                                  .name = m->in->template,
                                  .language = m->in->language,
                                  .channel = c,
                                  .part = part};
    struct stock_text found;
    *there = false;
    if (m->version == 0 && (c != CHANNEL_SMS || part != TEMPLATE_TEXT)) {
        /* A file has a text message only: that is no fault here. */
        struct err ignored = ERR_INIT;
        if (!lookup_text(m->a->stock, m->s, m->t, &w, &found, &ignored))
            return ignored.kind == ERR_UNPROCESSABLE || (*m->e = ignored, false);
    } else if (!lookup_text(m->a->stock, m->s, m->t, &w, &found, m->e)) {
        return false;
    }
    m->version = found.version;
    if (!found.compiled)
        return c != CHANNEL_SMS || part != TEMPLATE_TEXT || has_none(m, &w, &found);
    *there = true;
    buf_reset(out);
    return lookup_render(m->a->stock, found.compiled, m->in->vars, &m->a->links, m->in->steps, out, m->e);
}

static bool keep(struct making *m, const struct buf *b, struct sv *out) {
    *out = b->n ? arena_dup(&m->a->mem, buf_sv(b)) : SV_NONE;
    return !b->n || out->p || err_set(m->e, ERR_TOO_LARGE, "the message is too much text");
}

static bool render_to(struct making *m, enum channel c, enum template_part part, struct sv *out) {
    bool there;
    struct buf *b = part == TEMPLATE_HTML ? &m->a->html : &m->a->rendered;
    return render(m, c, part, b, &there) && (!there || keep(m, b, out));
}

/* From the template, where the caller gave nothing himself. */
static bool render_want(struct making *m, struct want *w) {
    bool push = w->channel == CHANNEL_PUSH;
    m->channel = w->channel;
    if (!w->title.n && w->channel == CHANNEL_EMAIL && !render_to(m, w->channel, TEMPLATE_SUBJECT, &w->title))
        return false;
    if (!w->title.n && (push || w->channel == CHANNEL_CHAT) &&
        !render_to(m, w->channel, TEMPLATE_TITLE, &w->title))
        return false;
    if (!w->html.n && w->channel == CHANNEL_EMAIL && !render_to(m, w->channel, TEMPLATE_HTML, &w->html))
        return false;
    if (!w->body.n && !render_to(m, w->channel, text_part(w->channel), &w->body))
        return false;
    if (!w->body.n && !w->html.n && w->channel != CHANNEL_SMS)
        return render_to(m, CHANNEL_SMS, TEMPLATE_TEXT, &w->body);
    return true;
}

static bool check_title(const struct want *w, struct err *e) {
    char field[2 * FIELD_MAX];
    field_of(w, "title", field);
    for (size_t i = 0; i < w->title.n; i++)
        if ((unsigned char)w->title.p[i] < ' ' || w->title.p[i] == 0x7f)
            return err_set_field(e, ERR_INVALID, field, "a title has no line breaks or control characters");
    if (w->title.n > TITLE_BYTES_MAX || !sv_is_utf8(w->title))
        return err_set_field(e, ERR_INVALID, field, "a title has at most %d bytes of UTF-8", TITLE_BYTES_MAX);
    if (w->channel == CHANNEL_EMAIL && !w->title.n)
        return err_set_field(e, ERR_INVALID, field,
                             "an e-mail needs a `title`, its subject (or a template with a subject)");
    return true;
}

static bool check_texts(struct making *m, struct want *w) {
    char field[2 * FIELD_MAX];
    bool text = w->channel == CHANNEL_SMS || w->channel == CHANNEL_WHATSAPP;
    bool rendered = m->in->template.n > 0;
    if (!check_title(w, m->e))
        return false;
    if ((w->html.n && w->channel == CHANNEL_EMAIL &&
         !admit_check_text(w->html, HTML_BYTES_MAX, HTML_BYTES_MAX, field_of(w, "html", field), rendered,
                           m->e)))
        return false;
    if (w->channel == CHANNEL_PUSH && !extras_check(w->push, field_of(w, "push", field), m->e))
        return false;
    if (w->channel == CHANNEL_EMAIL && w->html.n && !w->body.n)
        return true;
    return admit_check_text(w->body, BODY_BYTES_MAX, text ? m->s->limits.body_chars_max : BODY_BYTES_MAX,
                            field_of(w, rendered ? "template" : m->in->names->body, field), rendered, m->e);
}

static bool screen_kept(struct making *m, struct sv *v) {
    struct sv before = *v;
    if (!v->n)
        return true;
    if (!admit_screen(m->a, m->t, m->in, v, m->out, m->e))
        return false;
    if (v->p != before.p)
        *v = arena_dup(&m->a->mem, *v); /* the next text takes the same buffer */
    return v->p || err_set(m->e, ERR_TOO_LARGE, "the message is too much text");
}

static bool has_lane(const struct settings *s, enum channel c) {
    for (uint32_t i = 0; i < s->n_lanes; i++)
        if (lane_has_channel(&s->lanes[i], c))
            return true;
    return false;
}

/* A channel no lane is for would only ever wait: a plan goes without it, while it has another. */
static bool leave_out_laneless(const struct making *m, struct want *w, size_t *n) {
    char field[2 * FIELD_MAX];
    struct want first = w[0];
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (has_lane(m->s, w[i].channel))
            w[kept++] = w[i];
    *n = kept;
    return kept || err_set_field(m->e, ERR_UNPROCESSABLE, field_of(&first, "channel", field),
                                 "no lane is for %s", channel_name(first.channel));
}

static bool make_step(struct making *m, struct want *w) {
    struct phone *number = arena_zalloc(&m->a->mem, sizeof *number);
    char *email = arena_alloc(&m->a->mem, RECIPIENT_EMAIL_BYTES_MAX + 1), field[2 * FIELD_MAX];
    if (!number || !email)
        return err_set(m->e, ERR_TOO_LARGE, "the message is too much text");
    if (!recipient_check(w->channel, w->to, m->s->defaults.region, field_of(w, m->in->names->to, field),
                         number, email, &w->to, m->e))
        return false;
    if (m->in->template.n && !render_want(m, w))
        return false;
    if (w->channel != CHANNEL_EMAIL)
        w->html = SV_NONE;
    return check_texts(m, w) && screen_kept(m, &w->title) && screen_kept(m, &w->body) &&
           screen_kept(m, &w->html) &&
           (w->channel != CHANNEL_PUSH ||
            extras_fit(w->push, w->title, w->body, field_of(w, "body", field), m->e));
}

/* ---- the content ---- */

static bool add_given_code(const struct submission *in, const struct codes_reader *reader, struct buf *out,
                           struct err *e) {
    static const char field[] = "provider_template";
    const json_t *code = json_object_get(in->code, "code"), *sign = json_object_get(in->code, "sign"),
                 *params = json_object_get(in->code, "params"), *value;
    size_t known = (code ? 1u : 0) + (sign ? 1u : 0) + (params ? 1u : 0), i;
    const char *key;
    bool texts = true;
    json_object_foreach((json_t *)(uintptr_t)params, key, value) texts &= json_is_string(value);
    json_array_foreach(params, i, value) texts &= json_is_string(value);
    if (!json_is_string(code) || !json_string_length(code) || json_string_length(code) > CODE_BYTES_MAX ||
        (sign && (!json_is_string(sign) || json_string_length(sign) > CODE_BYTES_MAX)) ||
        known != json_object_size(in->code) ||
        (params && !json_is_object(params) && !json_is_array(params)) || !texts)
        return err_set_field(
            e, ERR_INVALID, field,
            "`%s` is {\"code\": text, \"sign\": text, \"params\": {name: text} or [text]}; sign "
            "and params may be left out",
            field);
    buf_adds(out, "{\"*\":{");
    json_pair(out, "code", sv_of(json_string_value(code)));
    json_pair_or_null(out, "sign", sign ? sv_of(json_string_value(sign)) : SV_NONE);
    json_key(out, "params");
    size_t before = out->n;
    if (!params)
        buf_adds(out, "null");
    else if (!codes_add_given(params, reader, out, e))
        return false;
    size_t bytes = out->n - before;
    buf_adds(out, "}}");
    return bytes <= PARAMS_BYTES_MAX ||
           err_set_field(e, ERR_TOO_LARGE, field, "`%s` is longer than %d bytes", field, PARAMS_BYTES_MAX);
}

/* The parameters are words of the message, too: what the lists say of them counts. */
static bool screen_param(void *self, struct sv *param, struct err *e) {
    struct making *m = self;
    return !param->n || admit_screen(m->a, m->t, m->in, param, m->out, e);
}

/* The codes that a stored template has at providers; doc: its version, as stock found it last. */
static bool add_codes(struct making *m, const struct template_doc *doc, struct buf *out) {
    struct codes_reader reader = {screen_param, m};
    struct language l;
    if (!doc || !doc->n_codes)
        return true;
    if (!language_parse(m->in->language, &l))
        return err_set_field(m->e, ERR_INVALID, "language", "not a language tag, such as zh or zh-CN");
    struct template_options o = stock_options(m->a->stock);
    json_key(out, "codes");
    return codes_add(m->a->stock, &m->a->links, &o, doc, &l, m->in->vars, &reader, out, m->e);
}

static bool find_codes(struct making *m, struct buf *out) {
    struct stock_want w = {.account_id = m->in->account_id, .name = m->in->template};
    struct stock_text found = {0};
    if (m->in->code) {
        struct codes_reader reader = {screen_param, m};
        json_key(out, "codes");
        return add_given_code(m->in, &reader, out, m->e);
    }
    if (!m->version) /* of no stored template */
        return true;
    return language_parse(m->in->language, &w.language) &&
           stock_find(m->a->stock, m->s, m->t, &w, &found, m->e) && add_codes(m, found.doc, out);
}

static void pair(struct buf *out, const char *key, struct sv v) {
    if (v.n)
        json_pair(out, key, v);
}

static void add_step(const struct want *w, bool first, struct buf *out) {
    if (!first) {
        json_pair(out, "channel", sv_of(channel_name(w->channel)));
        pair(out, "to", w->to);
        pair(out, "from", w->from);
        pair(out, "body", w->body);
    }
    pair(out, "title", w->title);
    pair(out, "html", w->html);
    if (w->channel == CHANNEL_PUSH)
        extras_add(w->push, out);
    if (w->wait_s)
        json_pair_i64(out, "wait_s", w->wait_s);
}

static bool write_content(struct making *m, const struct want *w, size_t n, struct sv *content) {
    struct buf *out = &m->a->content;
    struct language l;
    buf_reset(out);
    buf_addc(out, '{');
    pair(out, "time_zone", m->in->time_zone); /* first: content_time_zone looks there */
    if (m->in->max_price)
        json_pair_i64(out, "max_price", m->in->max_price);
    if (m->in->language.n && language_parse(m->in->language, &l))
        json_pair(out, "language", sv_of(l.text));
    add_step(&w[0], true, out);
    if (!find_codes(m, out))
        return false;
    for (size_t i = 1; i < n; i++) {
        if (i == 1)
            json_key(out, "plan");
        buf_adds(out, i == 1 ? "[{" : ",{");
        add_step(&w[i], false, out);
        buf_adds(out, i + 1 == n ? "}]" : "}");
    }
    buf_addc(out, '}');
    if (out->overflow)
        return err_set(m->e, ERR_TOO_LARGE, "the message is longer than %d bytes with all its channels",
                       CONTENT_BYTES_MAX);
    *content = out->n > 2 ? buf_sv(out) : SV_NONE;
    return true;
}

bool steps_codes(struct admitter *a, const struct texts *t, const struct submission *in,
                 const struct template_doc *doc, struct sv *content, struct admitted *out, struct err *e) {
    struct making m = {.a = a, .t = t, .in = in, .out = out, .e = e};
    bool codes = doc && doc->n_codes;
    if (!codes && !in->time_zone.n && !in->max_price)
        return true;
    buf_reset(&a->content);
    buf_addc(&a->content, '{');
    pair(&a->content, "time_zone", in->time_zone);
    if (in->max_price)
        json_pair_i64(&a->content, "max_price", in->max_price);
    if (codes && !add_codes(&m, doc, &a->content))
        return false;
    buf_addc(&a->content, '}');
    *content = buf_sv(&a->content);
    return !a->content.overflow ||
           err_set_field(e, ERR_TOO_LARGE, "vars", "the parameters are too much text");
}

bool steps_make(struct admitter *a, const struct settings *s, const struct texts *t,
                const struct submission *in, struct content_step *first, struct sv *content,
                uint32_t *version, struct admitted *out, struct err *e) {
    struct making m = {.a = a, .s = s, .t = t, .in = in, .out = out, .e = e};
    struct want w[1 + PLAN_MAX];
    size_t n;
    arena_reset(&a->mem);
    shortener_begin(&a->links, s);
    if (!read_wants(in, &a->mem, w, &n, e) || !leave_out_laneless(&m, w, &n))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!make_step(&m, &w[i]))
            return false;
    *first =
        (struct content_step){.channel = w[0].channel, .to = w[0].to, .from = w[0].from, .body = w[0].body};
    *version = m.version;
    return write_content(&m, w, n, content);
}
