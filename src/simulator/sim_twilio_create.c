/* POST /2010-04-01/Accounts/{Sid}/Messages.json: judges the parameters as Twilio does, lets the course
 * decide, stores, answers. */
#include "simulator/sim_call.h"
#include "simulator/sim_twilio.h"
#include "simulator/sim_twilio_answer.h"

#include "base/clock.h"
#include "model/form.h"
#include "simulator/sim.h"
#include "text/segments.h"

enum {
    BODY_CHARS_MAX = 1600,
    CALLBACK_URL_BYTES_MAX = 4000,
    SENDER_BYTES_MAX = 64,
    SCHEDULE_S_MIN = 300,
    SCHEDULE_S_MAX = 3024000,
};
/* The sender that a Messaging Service picks from its pool. */
#define POOL_SENDER SV("+15005550006")

/* Before both addresses of a message by WhatsApp. */
#define WHATSAPP SV("whatsapp:")

struct request {
    struct sv to, from, service, body, callback;
    struct sv sender; /* from as it was given, WhatsApp's word and all */
    uint64_t number;
    int64_t send_at; /* 0: at once */
};

/* ---- parameters: each returns Twilio's code of what is wrong, or 0 ---- */

static size_t utf8_chars(struct sv v) {
    size_t n = 0;
    for (size_t i = 0; i < v.n; i++)
        n += ((unsigned char)v.p[i] & 0xC0) != 0x80;
    return n;
}

static bool only(struct sv v, const char *more) {
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!plain && sv_find_char(sv_of(more), c) == SIZE_MAX)
            return false;
    }
    return true;
}

static int judge_body(const struct form *f, struct sv body) {
    bool other_content = form_get(f, SV("MediaUrl")).n || form_get(f, SV("ContentSid")).n;
    if (body.n == 0 && !other_content)
        return 21602;
    if (!sv_is_utf8(body))
        return 20422;
    return utf8_chars(body) > BODY_CHARS_MAX ? 21617 : 0;
}

/* E.164, a short code, or a name of at most 11 characters with a letter in it. */
static bool is_sender(struct sv v) {
    uint64_t x;
    if (sv_starts(v, SV("+")))
        return sim_number_parse(v, &x);
    if (sv_to_u64(v, &x))
        return v.n >= 3 && v.n <= 8;
    return v.n <= 11 && only(v, " _-+&.");
}

static bool is_owned(const struct profile *p, struct sv from) {
    for (size_t i = 0; i < p->n_senders; i++)
        if (sv_eq(from, sv_of(p->senders[i])))
            return true;
    return p->n_senders == 0;
}

static int judge_sender(const struct sim *sim, const struct request *r) {
    uint8_t bytes[16];
    if (r->service.n &&
        !(sv_starts(r->service, SV("MG")) && hex_parse(sv_from(r->service, 2), bytes, sizeof bytes)))
        return 21701;
    if (!r->from.n)
        return r->service.n ? 0 : 21603;
    if (!is_sender(r->from) || sv_eq(r->from, SV("+15005550001")))
        return 21212;
    if (sv_eq(r->from, SV("+15005550007")))
        return 21606;
    if (sv_eq(r->from, SV("+15005550008")))
        return 21611;
    return is_owned(&sim->profile, r->from) ? 0 : 21606;
}

static int judge_callback(struct sv url) {
    if (url.n == 0)
        return 0;
    if (!sv_starts(url, SV("http://")) && !sv_starts(url, SV("https://")))
        return 21609;
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == 0x7f)
            return 21609;
    return url.n > CALLBACK_URL_BYTES_MAX ? 21609 : 0;
}

static int judge_times(const struct form *f, struct request *r, int64_t now) {
    struct sv validity = form_get(f, SV("ValidityPeriod")), type = form_get(f, SV("ScheduleType")),
              at = form_get(f, SV("SendAt"));
    uint64_t s;
    if (validity.p && (!sv_to_u64(validity, &s) || s < 1 || s > 36000))
        return 21624;
    if (!type.n && !at.n)
        return 0;
    if (!sv_eq(type, SV("fixed")))
        return 35126;
    if (!at.n)
        return 35111;
    if (!r->service.n)
        return 35118;
    bool fits = clock_parse_rfc3339(at, &r->send_at) && r->send_at >= now + SCHEDULE_S_MIN * US_PER_S &&
                r->send_at <= now + SCHEDULE_S_MAX * US_PER_S;
    return fits ? 0 : 35114;
}

static int judge(const struct sim *sim, const struct form *f, struct request *r) {
    r->to = form_get(f, SV("To"));
    r->from = form_get(f, SV("From"));
    r->service = form_get(f, SV("MessagingServiceSid"));
    r->body = form_get(f, SV("Body"));
    r->callback = form_get(f, SV("StatusCallback"));
    r->sender = r->from;
    if (!r->to.n)
        return 21604;
    bool whatsapp = sv_starts(r->to, WHATSAPP);
    if (r->from.n && whatsapp != sv_starts(r->from, WHATSAPP))
        return 21910;
    if (whatsapp) {
        r->to = sv_from(r->to, WHATSAPP.n);
        r->from = sv_from(r->from, r->from.n ? WHATSAPP.n : 0);
    }
    int code = judge_sender(sim, r);
    if (!code)
        code = judge_body(f, r->body);
    if (!code && !sim_number_parse(r->to, &r->number))
        code = 21211;
    if (!code)
        code = judge_callback(r->callback);
    return code ? code : judge_times(f, r, sim_now(sim));
}

/* ---- acting ---- */

static void refuse(struct sim *sim, struct exchange *x, int code) {
    sim->stats.rejected++;
    answer_error(sim, x, 0, code, 0);
}

static bool fill(struct sim *sim, const struct request *r, uint16_t account, struct sim_item *item) {
    size_t segments = segments_count(r->body, SEGMENTS_INTERNATIONAL).segments;
    struct sim_message *row = &item->draft.row;
    item->draft.number = r->number;
    item->draft.body = r->body;
    item->callback = r->callback;
    item->send_at = r->send_at;
    row->account = account;
    row->segments = (uint8_t)(segments < UINT8_MAX ? segments : UINT8_MAX);
    row->first = r->send_at ? SIM_SCHEDULED : r->service.n ? SIM_ACCEPTED : SIM_QUEUED;
    return words_put(&sim->store.words, r->sender.n ? r->sender : POOL_SENDER, &row->from) &&
           words_put(&sim->store.words, r->service, &row->service);
}

void sim_twilio_create(struct sim *sim, struct exchange *x, uint16_t account) {
    if (!call_admit(sim, &sim_twilio, x))
        return;
    struct form form;
    struct request r = {0};
    if (!form_parse(x->body, &x->arena, &form, NULL)) {
        refuse(sim, x, 20422);
        return;
    }
    int code = judge(sim, &form, &r);
    if (code) {
        refuse(sim, x, code);
        return;
    }
    struct sim_call *call = call_new(sim, &sim_twilio, x, 1);
    if (!call)
        return;
    if (fill(sim, &r, account, &call->items[0]))
        call_take(sim, call);
    else
        answer_error(sim, x, 0, 20503, 0);
}
