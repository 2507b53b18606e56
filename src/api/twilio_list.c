/* GET Messages.json: filters, pages and their addresses. */
#include "api/twilio.h"

#include "api/fields.h"

#include "base/clock.h"
#include "base/json.h"

enum {
    PAGE_BYTES_MAX = 4 * 1024 * 1024, /* a page that grows past this ends early, with a next page */
    URI_BYTES_MAX = 64 * 1024
};

#define US_PER_DAY (86400 * US_PER_S)

/* ---- reading ---- */

/* One of DateSent's forms, as [*from, *until). A day stands for all of it, and so does an instant that is to
 * be equalled, which is how the SDKs send a day; elsewhere an instant is its second. */
static bool read_date(const struct form *f, struct sv key, bool whole_day, int64_t *from, int64_t *until,
                      struct err *e) {
    struct sv v = form_get(f, key);
    int64_t at;
    if (!v.n)
        return true;
    if (clock_parse_day(v, &at))
        whole_day = true;
    else if (!clock_parse_rfc3339(v, &at))
        return err_set_field(e, ERR_INVALID, "DateSent", "a day (2026-01-31) or a time in UTC");
    if (whole_day)
        at -= at % US_PER_DAY;
    if (from && at > *from)
        *from = at;
    int64_t end = at + (whole_day ? US_PER_DAY : US_PER_S);
    if (until && (!*until || end < *until))
        *until = end ? end : 1; /* 0 stands for open */
    return true;
}

static bool read_token(struct sip_key key, const struct form *f, struct twilio_query *q, struct err *e) {
    struct sv token = form_get(f, SV("PageToken"));
    if (!token.n) {
        q->filter.before_id = 0;
        return q->page == 0 || err_set_field(e, ERR_INVALID, "Page",
                                             "pages are reached by the addresses in next_page_uri and "
                                             "previous_page_uri: Page alone does not say where");
    }
    struct sv sid = sv_from(token, 2);
    if (sv_starts(token, SV("PA")) && sid_parse_message(key, sid, &q->filter.before_id))
        return true;
    if (sv_starts(token, SV("PB")) && sid_parse_message(key, sid, &q->filter.after_id))
        return true;
    return err_set_field(e, ERR_INVALID, "PageToken", "this is none that was given out");
}

static bool read_page(const struct form *f, struct twilio_query *q, struct err *e) {
    struct sv size = form_get(f, SV("PageSize")), page = form_get(f, SV("Page"));
    uint64_t n = TWILIO_PAGE_DEFAULT;
    if (size.n && (!sv_to_u64(size, &n) || n == 0))
        return err_set_field(e, ERR_INVALID, "PageSize", "a number from 1 to %d", TWILIO_PAGE_MAX);
    if (n > TWILIO_PAGE_MAX)
        return err_set_field(e, ERR_UNPROCESSABLE, "PageSize", "at most %d", TWILIO_PAGE_MAX);
    q->filter.limit = (unsigned)n;
    return !page.n || (sv_to_u64(page, &q->page) && q->page <= UINT32_MAX) ||
           err_set_field(e, ERR_INVALID, "Page", "a number from 0");
}

/* whatsapp:+1...: the number, of messages on that channel alone. */
static struct sv read_address(const struct form *f, struct sv key, struct arena *mem,
                              struct message_filter *out) {
    static const struct sv whatsapp = {"whatsapp:", 9};
    struct sv v = form_get(f, key);
    bool on = sv_starts(v, whatsapp);
    if (on) {
        out->by_channel = true;
        out->channel = CHANNEL_WHATSAPP;
    }
    return api_query_number(mem, sv_from(v, on ? whatsapp.n : 0));
}

bool twilio_read_query(struct sip_key key, const struct form *f, struct arena *mem, struct twilio_query *q,
                       struct err *e) {
    *q = (struct twilio_query){.filter = {.any_direction = true}};
    q->filter.to = read_address(f, SV("To"), mem, &q->filter);
    q->filter.from = read_address(f, SV("From"), mem, &q->filter);
    int64_t *from = &q->filter.created_from, *until = &q->filter.created_until;
    return read_date(f, SV("DateSent"), true, from, until, e) &&
           read_date(f, SV("DateSent>"), false, from, NULL, e) &&
           read_date(f, SV("DateSent<"), false, NULL, until, e) && read_page(f, q, e) &&
           read_token(key, f, q, e);
}

struct twilio_token twilio_token_of(struct sip_key key, bool back, int64_t id) {
    struct twilio_token t;
    snprintf(t.text, sizeof t.text, "%s%s", back ? "PB" : "PA", sid_message(key, id).text);
    return t;
}

/* ---- writing ---- */

/* The same list at another place; token NULL: its beginning. */
static void print_uri(const struct api_request *rq, const struct form *f, const char *key, uint64_t page,
                      const struct twilio_token *token, struct buf *out) {
    static const struct sv own[] = {{"PageSize", 8}, {"Page", 4}, {"PageToken", 9}};
    BUF_AUTO struct buf uri = BUF_INIT(URI_BYTES_MAX), number = BUF_INIT(24);
    buf_add(&uri, rq->x->path);
    buf_addc(&uri, '?');
    for (size_t i = 0; i < f->n; i++) {
        const struct form_pair *p = &f->pairs[i];
        if (!sv_eq(p->key, own[1]) && !sv_eq(p->key, own[2]))
            form_add(&uri, p->key, p->value);
    }
    if (!form_has(f, own[0])) {
        buf_add_u64(&number, TWILIO_PAGE_DEFAULT);
        form_add(&uri, own[0], buf_sv(&number));
        buf_reset(&number);
    }
    buf_add_u64(&number, page);
    form_add(&uri, own[1], buf_sv(&number));
    if (token)
        form_add(&uri, own[2], sv_of(token->text));
    json_pair(out, key, buf_sv(&uri));
}

/* What a page knows of itself besides its rows. */
struct page {
    uint64_t number;
    unsigned size;
    size_t n;
    const struct twilio_token *next, *previous; /* NULL: there is none */
};

static void print_envelope(const struct api_request *rq, const struct form *f, const struct page *p,
                           struct buf *out) {
    uint64_t start = p->number * p->size;
    json_pair_i64(out, "end", (int64_t)(start + (p->n ? p->n - 1 : 0)));
    print_uri(rq, f, "first_page_uri", 0, NULL, out);
    if (p->next)
        print_uri(rq, f, "next_page_uri", p->number + 1, p->next, out);
    else
        buf_adds(out, ",\"next_page_uri\":null");
    json_pair_i64(out, "page", (int64_t)p->number);
    json_pair_i64(out, "page_size", (int64_t)p->size);
    if (p->previous)
        print_uri(rq, f, "previous_page_uri", p->number ? p->number - 1 : 0, p->previous, out);
    else
        buf_adds(out, ",\"previous_page_uri\":null");
    json_pair_i64(out, "start", (int64_t)start);
    json_pair(out, "uri", rq->x->target);
    buf_addc(out, '}');
}

static void print_page(const struct api_request *rq, const struct form *f, const struct twilio_query *q,
                       struct message **rows, size_t n, bool more, struct buf *out) {
    struct sip_key key = api_world(rq)->id_key;
    bool back = q->filter.after_id != 0;
    size_t i = 0;
    buf_adds(out, "{\"messages\":[");
    for (; i < n && out->n < PAGE_BYTES_MAX; i++) {
        if (i)
            buf_addc(out, ',');
        struct twilio_message shown = twilio_message_of(rq, rows[i]);
        twilio_print_message(&shown, out);
    }
    buf_addc(out, ']');
    /* A page reached backwards has the one it was reached from behind it. */
    bool older = i && (back || more || i < n);
    bool newer = i && (back ? more : q->filter.before_id != 0);
    struct twilio_token next = twilio_token_of(key, false, i ? rows[i - 1]->id : 0);
    struct twilio_token previous = twilio_token_of(key, true, i ? rows[0]->id : 0);
    struct page p = {.number = newer || !back ? q->page : 0,
                     .size = q->filter.limit,
                     .n = i,
                     .next = older ? &next : NULL,
                     .previous = newer ? &previous : NULL};
    print_envelope(rq, f, &p, out);
}

void twilio_list(struct api_request *rq) {
    struct form f;
    struct twilio_query q;
    struct message **rows;
    size_t n;
    bool more;
    struct err e = ERR_INIT;
    if (!twilio_own_account(rq))
        return;
    if (!twilio_url_query(rq, &f, &e) ||
        !twilio_read_query(api_world(rq)->id_key, &f, &rq->x->arena, &q, &e)) {
        api_fail(rq, &e);
        return;
    }
    q.filter.account_id = rq->account_id;
    if (!reader_list(api_db(rq), &q.filter, &rows, &n, &more, &e)) {
        api_fail(rq, &e);
        return;
    }
    struct buf *out = api_scratch(rq);
    print_page(rq, &f, &q, rows, n, more, out);
    reader_free(rows, n);
    api_answer_json(rq, 200, buf_sv(out));
}

/* Always empty: programs ask for it, texts have none. */
void twilio_media(struct api_request *rq) {
    struct form f;
    struct err e = ERR_INIT;
    if (!twilio_own_account(rq))
        return;
    if (!twilio_url_query(rq, &f, &e)) {
        api_fail(rq, &e);
        return;
    }
    struct message *m = api_find_message(rq, rq->params[1]);
    if (!m)
        return;
    message_free(m);
    struct buf *out = api_scratch(rq);
    buf_adds(out, "{\"media_list\":[]");
    print_envelope(rq, &f, &(struct page){.size = TWILIO_PAGE_DEFAULT}, out);
    api_answer_json(rq, 200, buf_sv(out));
}
