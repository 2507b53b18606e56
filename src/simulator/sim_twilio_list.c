/* GET /2010-04-01/Accounts/{Sid}/Messages.json: filters and pages, newest first. */
#include "simulator/sim_answer.h"
#include "simulator/sim_twilio.h"
#include "simulator/sim_twilio_answer.h"

#include "base/clock.h"
#include "base/json.h"
#include "model/form.h"
#include "simulator/sim.h"

enum { PAGE_SIZE_DEFAULT = 50, PAGE_SIZE_MAX = 1000 };

#define US_PER_DAY (86400 * US_PER_S)

struct query {
    uint16_t account;
    bool has_to, has_from, has_date, from_known;
    uint64_t to;
    uint16_t from;
    int64_t sent_min, sent_max; /* inclusive */
    uint64_t page_size, page;
    uint64_t after; /* the page begins below this message; 0: no token */
};

/* One of DateSent's three forms. A day stands for all of it, and so does an instant that is to be equalled,
 * which is how Twilio's SDK sends a day. */
static bool read_date(const struct form *f, struct sv key, bool min, bool max, struct query *q) {
    struct sv v = form_get(f, key);
    if (!v.n)
        return true;
    int64_t at, end;
    if (clock_parse_day(v, &at))
        end = at + US_PER_DAY - 1;
    else if (clock_parse_rfc3339(v, &at))
        end = at + US_PER_S - 1;
    else
        return false;
    if (min && max) {
        at -= at % US_PER_DAY;
        end = at + US_PER_DAY - 1;
    }
    q->has_date = true;
    if (min && at > q->sent_min)
        q->sent_min = at;
    if (max && end < q->sent_max)
        q->sent_max = end;
    return true;
}

static bool read_number(const struct form *f, struct sv key, uint64_t *out) {
    struct sv v = form_get(f, key);
    return !v.p || sv_to_u64(v, out);
}

/* Twilio's code of what is wrong, or 0. */
static int read_query(struct sim *sim, const struct form *f, struct query *q) {
    struct sv to = form_get(f, SV("To")), from = form_get(f, SV("From")),
              token = form_get(f, SV("PageToken"));
    q->has_to = to.n > 0;
    q->has_from = from.n > 0;
    if (sv_starts(to, SV("whatsapp:")))
        to = sv_from(to, 9);
    if (q->has_to && !sim_number_parse(to, &q->to))
        q->to = 0; /* nothing has that number */
    q->from_known = words_find(&sim->store.words, from, &q->from);
    if (!read_date(f, SV("DateSent"), true, true, q) || !read_date(f, SV("DateSent>"), true, false, q) ||
        !read_date(f, SV("DateSent<"), false, true, q))
        return 20422;
    if (!read_number(f, SV("PageSize"), &q->page_size) || !read_number(f, SV("Page"), &q->page) ||
        q->page_size == 0 || q->page > UINT32_MAX)
        return 20422;
    if (q->page_size > PAGE_SIZE_MAX)
        return 20007;
    if (token.n && (!sv_starts(token, SV("PA")) || !(q->after = store_seq(&sim->store, sv_from(token, 2)))))
        return 20422;
    return 0;
}

static bool matches(const struct query *q, const struct sim_message *m, int64_t now, int64_t lag_us) {
    if (m->deleted || m->provider != TWILIO_PLACE || m->account != q->account || m->created_at + lag_us > now)
        return false;
    if (q->has_from && (!q->from_known || m->from != q->from))
        return false;
    if (!q->has_date)
        return true;
    uint32_t sent_ms = m->sent_ms != SIM_NEVER ? m->sent_ms : m->final_ms;
    int64_t sent_at = m->created_at + sent_ms * US_PER_MS;
    return sent_ms != SIM_NEVER && sent_at <= now && sent_at >= q->sent_min && sent_at <= q->sent_max;
}

/* The next candidate older than seq (0: the newest). */
static uint64_t older(const struct store *s, const struct query *q, uint64_t seq) {
    if (q->has_to)
        return store_older_of(s, q->to, seq);
    if (seq == 0)
        return s->next > s->first ? s->next - 1 : 0;
    return seq > s->first ? seq - 1 : 0;
}

/* The first candidate of the page. Behind a message that is forgotten there is nothing, and a token of
 * another number's message is no place in this number's chain. */
static uint64_t start(const struct store *s, const struct query *q) {
    const struct sim_message *m = store_get(s, q->after);
    if (q->after && (!m || (q->has_to && m->number != q->to)))
        return 0;
    return older(s, q, q->after);
}

static void write_uri(struct buf *out, const char *key, const struct exchange *x, const struct form *f,
                      uint64_t page, const struct sid *token) {
    struct buf BUF_AUTO uri = BUF_INIT(16384);
    char number[24];
    buf_add(&uri, x->path);
    buf_addc(&uri, '?');
    for (size_t i = 0; i < f->n; i++)
        if (!sv_eq(f->pairs[i].key, SV("Page")) && !sv_eq(f->pairs[i].key, SV("PageToken")))
            form_add(&uri, f->pairs[i].key, f->pairs[i].value);
    snprintf(number, sizeof number, "%llu", (unsigned long long)page);
    form_add(&uri, SV("Page"), sv_of(number));
    if (token) {
        struct buf BUF_AUTO text = BUF_INIT(64);
        buf_adds(&text, "PA");
        buf_add(&text, sid_sv(token));
        form_add(&uri, SV("PageToken"), buf_sv(&text));
    }
    json_pair(out, key, buf_sv(&uri));
}

static void write_page(struct sim *sim, struct exchange *x, const struct form *f, const struct query *q) {
    struct buf *out = &sim->out;
    int64_t now = sim_now(sim), lag_us = (int64_t)sim->profile.list_lag_ms * US_PER_MS;
    uint64_t skip = q->after ? 0 : q->page * q->page_size, n = 0, last = 0;
    bool more = false;
    buf_reset(out);
    buf_adds(out, "{\"messages\":[");
    for (uint64_t seq = start(&sim->store, q); seq && !more; seq = older(&sim->store, q, seq)) {
        const struct sim_message *m = store_get(&sim->store, seq);
        if (!matches(q, m, now, lag_us) || (skip && skip--))
            continue;
        more = n == q->page_size;
        if (more)
            break;
        if (n++)
            buf_addc(out, ',');
        message_write(sim, seq, m, out);
        last = seq;
    }
    uint64_t first = q->page * q->page_size;
    buf_addc(out, ']');
    json_pair_i64(out, "page", (int64_t)q->page);
    json_pair_i64(out, "page_size", (int64_t)q->page_size);
    json_pair_i64(out, "start", (int64_t)first);
    json_pair_i64(out, "end", (int64_t)(first + (n ? n - 1 : 0)));
    struct sid token = store_sid(&sim->store, last);
    json_pair(out, "uri", x->target);
    write_uri(out, "first_page_uri", x, f, 0, NULL);
    if (more)
        write_uri(out, "next_page_uri", x, f, q->page + 1, &token);
    else
        buf_adds(out, ",\"next_page_uri\":null");
    if (q->page)
        write_uri(out, "previous_page_uri", x, f, q->page - 1, NULL);
    else
        buf_adds(out, ",\"previous_page_uri\":null");
    buf_addc(out, '}');
    answer_json(x, 200, out);
}

void sim_twilio_list(struct sim *sim, struct exchange *x, uint16_t account) {
    sim->stats.lists++;
    struct form form;
    struct query q = {
        .account = account, .sent_min = INT64_MIN, .sent_max = INT64_MAX, .page_size = PAGE_SIZE_DEFAULT};
    int code = form_parse(x->query, &x->arena, &form, NULL) ? read_query(sim, &form, &q) : 20422;
    if (code)
        answer_error(sim, x, 0, code, 0);
    else
        write_page(sim, x, &form, &q);
}
