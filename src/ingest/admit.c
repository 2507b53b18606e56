#include "ingest/admit.h"

#include "base/clock.h"
#include "base/codec.h"
#include "ingest/admitter.h"
#include "ingest/counting.h"
#include "ingest/lookup.h"
#include "ingest/recipient.h"
#include "ingest/steps.h"
#include "ingest/texts.h"
#include "text/blank.h"
#include "text/phone.h"
#include "text/segments.h"
#include "text/smart.h"
#include "text/zone.h"

#include <string.h>

enum {
    SENDER_ALPHA_MAX = 11,
    SENDER_BYTES_MAX = 64,
    TOPIC_BYTES_MAX = 64,
    METADATA_BYTES_MAX = 2048,
    URL_BYTES_MAX = 4000,
    KEY_BYTES_MAX = 255,
    VALIDITY_S_MAX = 7 * 86400,
    SCHEDULE_S_MAX = 366 * 86400,
    PAST_S_MAX = 60,
};

enum { MEM_BYTES_MAX = 8 * CONTENT_BYTES_MAX };

struct admitter *admitter_new(struct stock *stock, const struct world *world, struct err *e) {
    struct admitter *a = calloc(1, sizeof *a);
    struct screen_scratch *scratch = screen_scratch_new();
    if (!a || !scratch) {
        free(a);
        screen_scratch_free(scratch);
        err_set(e, ERR_OUTSIDE, "out of memory for screening");
        return NULL;
    }
    a->stock = stock;
    a->scratch = scratch;
    buf_init(&a->rendered, BODY_BYTES_MAX);
    buf_init(&a->smart, BODY_BYTES_MAX);
    buf_init(&a->screened, HTML_BYTES_MAX);
    buf_init(&a->html, HTML_BYTES_MAX);
    buf_init(&a->content, CONTENT_BYTES_MAX);
    arena_init(&a->mem, MEM_BYTES_MAX);
    shortener_init(&a->links, world);
    return a;
}

void admitter_free(struct admitter *a) {
    if (!a)
        return;
    screen_scratch_free(a->scratch);
    buf_done(&a->rendered);
    buf_done(&a->smart);
    buf_done(&a->screened);
    buf_done(&a->html);
    buf_done(&a->content);
    arena_done(&a->mem);
    shortener_done(&a->links);
    free(a);
}

static const struct admit_names native_names = {.to = "to",
                                                .from = "from",
                                                .body = "body",
                                                .status_callback = "status_callback",
                                                .send_at = "send_at",
                                                .validity = "validity_s"};

static bool plain_text(struct sv v) {
    return sv_is_utf8(v) && sv_find_char(v, '\0') == SIZE_MAX;
}

/* A number, a short code, or an alphanumeric sender of up to 11 characters with at least one letter
 * (3GPP 23.040, 9.1.2.5). Provider accounts may know others (messaging services), so only what surely cannot
 * be a sender is refused. */
static bool check_from(const struct submission *in, struct err *e) {
    const char *field = in->names->from;
    struct sv v = in->from;
    if (v.n > SENDER_BYTES_MAX || !plain_text(v))
        return err_set_field(e, ERR_INVALID, field,
                             "not a sender: a number, a short code, or up to %d letters and digits",
                             SENDER_ALPHA_MAX);
    for (size_t i = 0; i < v.n; i++)
        if ((unsigned char)v.p[i] < ' ')
            return err_set_field(e, ERR_INVALID, field, "a sender has no control characters");
    return true;
}

static bool check_url(const struct submission *in, struct err *e) {
    struct sv v = in->status_callback;
    if (!v.n)
        return true;
    bool http = sv_starts(v, SV("http://")) || sv_starts(v, SV("https://"));
    bool clean = true;
    for (size_t i = 0; i < v.n; i++)
        clean &= (unsigned char)v.p[i] > ' ' && v.p[i] != 0x7f;
    size_t host = sv_find(v, SV("://"));
    bool has_host = host != SIZE_MAX && v.n > host + 3 && v.p[host + 3] != '/';
    if (!http || !clean || !has_host || v.n > URL_BYTES_MAX || sv_find_char(v, '#') != SIZE_MAX)
        return err_set_field(e, ERR_INVALID, in->names->status_callback,
                             "not an absolute http or https URL of up to %d bytes, without fragment",
                             URL_BYTES_MAX);
    return true;
}

static bool check_small(const struct submission *in, struct err *e) {
    if (in->topic.n > TOPIC_BYTES_MAX || !plain_text(in->topic))
        return err_set_field(e, ERR_INVALID, "topic", "a topic has up to %d bytes of UTF-8", TOPIC_BYTES_MAX);
    if (in->metadata.n > METADATA_BYTES_MAX)
        return err_set_field(e, ERR_INVALID, "metadata", "metadata has up to %d bytes as JSON",
                             METADATA_BYTES_MAX);
    if (in->idempotency_key.n > KEY_BYTES_MAX)
        return err_set_field(e, ERR_INVALID, "Idempotency-Key", "an idempotency key has up to %d characters",
                             KEY_BYTES_MAX);
    return true;
}

static bool check_times(const struct submission *in, int64_t now, struct err *e) {
    if (in->validity_s < 0 || in->validity_s > VALIDITY_S_MAX)
        return err_set_field(e, ERR_INVALID, in->names->validity, "between 1 and %d seconds", VALIDITY_S_MAX);
    if (in->time_zone.n && !zone_is_known(in->time_zone))
        return err_set_field(e, ERR_INVALID, "time_zone",
                             "no time zone of the IANA database, such as Asia/Shanghai");
    if (in->send_at == 0)
        return true;
    if (in->send_at < now - PAST_S_MAX * US_PER_S)
        return err_set_field(e, ERR_INVALID, in->names->send_at, "this time has passed");
    if (in->send_at > now + SCHEDULE_S_MAX * US_PER_S)
        return err_set_field(e, ERR_INVALID, in->names->send_at, "at most a year ahead");
    return true;
}

/* What the account has published under that name, else a file of the folder. */
static bool render(struct admitter *a, const struct settings *s, const struct texts *t,
                   const struct submission *in, const struct render_want *w, struct stock_text *found,
                   struct err *e) {
    buf_reset(&a->rendered);
    if (!lookup_text(a->stock, s, t, w, found, e))
        return false;
    if (!found->compiled)
        return lookup_has_none(w, found, e);
    shortener_begin(&a->links, s);
    return lookup_render(a->stock, found->compiled, in->vars, &a->links, in->steps, &a->rendered, e);
}

static size_t characters(struct sv v) {
    size_t n = 0;
    for (size_t i = 0; i < v.n; i++)
        n += ((unsigned char)v.p[i] & 0xC0) != 0x80;
    return n;
}

bool admit_check_text(struct sv text, size_t bytes_max, size_t chars_max, const char *field, bool rendered,
                      struct err *e) {
    if (!text.n)
        return err_set_field(e, ERR_INVALID, field,
                             rendered ? "the template renders to nothing" : "the text is missing");
    if (!plain_text(text))
        return err_set_field(e, ERR_INVALID, field, "the text is not UTF-8, or has a NUL in it");
    if (text_is_blank(text))
        return err_set_field(e, ERR_INVALID, field,
                             rendered ? "the template renders to nothing but spaces"
                                      : "the text is nothing but spaces and invisible characters");
    if (text.n > bytes_max || characters(text) > chars_max)
        return err_set_field(e, ERR_UNPROCESSABLE, field, "the text is longer than %zu characters",
                             chars_max);
    return true;
}

/* Look-alikes of GSM-7 for what is not, unless the text gets longer than may be, or dearer (a tab becomes
 * seven spaces). */
static void make_cheaper(struct admitter *a, const struct settings *s, struct sv *body, size_t *saved) {
    buf_reset(&a->smart);
    if (!smart_encode(*body, &a->smart))
        return;
    struct sv smart = buf_sv(&a->smart);
    size_t now = segments_count(smart, SEGMENTS_INTERNATIONAL).segments,
           before = segments_count(*body, SEGMENTS_INTERNATIONAL).segments;
    if (characters(smart) > s->limits.body_chars_max || now > before)
        return;
    *body = smart;
    *saved = before - now;
}

/* The text as it would be sent, before screening; found: the template it is from, until stock is asked again.
 */
static bool make_body(struct admitter *a, const struct settings *s, const struct texts *t,
                      const struct submission *in, struct sv *body, struct stock_text *found, struct err *e) {
    const char *field = in->names->body;
    *body = in->body;
    *found = (struct stock_text){0};
    if (in->template.n) {
        if (in->body.p)
            return err_set_field(e, ERR_INVALID, field, "give either a body or a template, not both");
        const struct render_want want = {.account_id = in->account_id,
                                         .name = in->template,
                                         .language = in->language,
                                         .channel = CHANNEL_SMS,
                                         .part = TEMPLATE_TEXT};
        if (!render(a, s, t, in, &want, found, e))
            return false;
        *body = buf_sv(&a->rendered);
        field = "template";
    }
    if (!admit_check_text(*body, BODY_BYTES_MAX, s->limits.body_chars_max, field, in->template.n > 0, e))
        return false;
    if (in->smart_encoding == SMART_YES ||
        (in->smart_encoding == SMART_BY_SETTING && s->defaults.smart_encoding))
        make_cheaper(a, s, body, &a->saved_segments);
    return true;
}

bool admit_screen(struct admitter *a, const struct texts *t, const struct submission *in, struct sv *text,
                  struct admitted *out, struct err *e) {
    struct screen_verdict said;
    buf_reset(&a->screened);
    if (!screens_check(t->screens, a->scratch, in->account_name, in->topic, *text, &said, &a->screened, e))
        return false;
    if (said.worst >= out->screened.worst)
        out->screened = said;
    if (said.worst == SCREEN_BLOCK)
        out->suppress = REASON_SCREENED;
    else if (said.replaced)
        *text = buf_sv(&a->screened);
    return true;
}

/* One plain text message: nearly all are. */
static bool make_plain(struct admitter *a, const struct settings *s, const struct texts *t,
                       const struct submission *in, struct phone *to, struct content_step *out,
                       struct sv *content, uint32_t *version, struct admitted *admitted, struct err *e) {
    struct stock_text found;
    *out = (struct content_step){.channel = CHANNEL_SMS, .from = in->from};
    if (!recipient_check(CHANNEL_SMS, in->to, s->defaults.region, in->names->to, to, NULL, &out->to, e) ||
        !make_body(a, s, t, in, &out->body, &found, e))
        return false;
    *version = found.version;
    return steps_codes(a, t, in, found.doc, content, admitted, e) &&
           admit_screen(a, t, in, &out->body, admitted, e);
}

/* Those that stand in some text of the message. */
static void keep_links(struct admitter *a, struct sv body, struct sv content) {
    struct buf BUF_AUTO all = BUF_INIT(BODY_BYTES_MAX + CONTENT_BYTES_MAX);
    buf_add(&all, body);
    buf_add(&all, content);
    shortener_keep(&a->links, buf_sv(&all));
}

/* Of a submission that was found good, `first` what its first step sends. NULL: out of memory. */
static struct message *new_message(const struct admitter *a, const struct settings *s,
                                   const struct submission *in, const struct content_step *first,
                                   struct sv content, int64_t now) {
    bool only_sender = s->n_lanes == 1 && !s->n_routes && !s->lanes[0].senders.n;
    const struct sv texts[TEXT_COUNT] = {
        [TEXT_TO] = first->to,
        [TEXT_FROM] = !first->from.n && only_sender ? s->lanes[0].from : first->from,
        [TEXT_BODY] = first->body,
        [TEXT_TOPIC] = in->topic,
        [TEXT_METADATA] = in->metadata,
        [TEXT_STATUS_CALLBACK] = in->status_callback,
        [TEXT_TRACEPARENT] = in->traceparent,
        [TEXT_TEMPLATE] = in->template,
        [TEXT_CONTENT] = content,
        [TEXT_IDEMPOTENCY_KEY] = in->idempotency_key,
    };
    struct message *m = message_new(texts);
    if (!m)
        return NULL;
    struct segments count = segments_count(m->text[TEXT_BODY], counting_rule(s, first->to));
    if (in->idempotency_key.n) {
        uint8_t hash[SHA256_BYTES];
        sha256(in->fingerprint_of, hash);
        memcpy(m->fingerprint, hash, sizeof m->fingerprint);
    }
    m->account_id = in->account_id;
    m->direction = DIRECTION_OUT;
    m->priority = in->priority;
    m->delivery = in->delivery;
    m->face = in->face;
    m->encoding = count.encoding == SMS_GSM7 ? ENCODING_GSM7 : ENCODING_UCS2;
    m->channel = first->channel;
    m->segments = first->channel == CHANNEL_SMS ? (uint16_t)count.segments : 0;
    m->saved_segments = (uint16_t)a->saved_segments;
    content_note_plan(m);
    m->created_at = now;
    m->send_at = in->send_at > now ? in->send_at : 0;
    m->expires_at = now + (in->validity_s ? in->validity_s : (int64_t)s->defaults.validity_s) * US_PER_S;
    return m;
}

bool admit(struct admitter *a, const struct settings *s, const struct texts *t,
           const struct submission *given, int64_t now, struct admitted *out, struct err *e) {
    struct submission in = *given;
    if (!in.names)
        in.names = &native_names;
    struct phone to;
    struct content_step first;
    struct sv content = SV_NONE;
    uint32_t template_version = 0;
    *out = (struct admitted){0};
    a->links.n = 0;
    a->saved_segments = 0;
    if (!check_from(&in, e) || !check_url(&in, e) || !check_small(&in, e) || !check_times(&in, now, e))
        return false;
    if (!(steps_needed(&in) ? steps_make(a, s, t, &in, &first, &content, &template_version, out, e)
                            : make_plain(a, s, t, &in, &to, &first, &content, &template_version, out, e)))
        return false;
    out->message = new_message(a, s, &in, &first, content, now);
    if (!out->message)
        return err_set(e, ERR_OUTSIDE, "out of memory");
    out->message->template_version = template_version;
    if (a->links.n)
        keep_links(a, first.body, content);
    out->links = a->links.links;
    out->n_links = a->links.n;
    return true;
}
