#include "provider.h"

#include "base/clock.h"
#include "base/json.h"
#include "model/form.h"

#include <string.h>

const char *const host_names[HOSTS] = {"main", "spare", "third"};

void provider_init(struct provider *p, uint64_t (*random)(void *), void *ctx) {
    *p = (struct provider){.random = random, .ctx = ctx};
    buf_init(&p->answer, 1 << 20);
}

void provider_done(struct provider *p) {
    buf_done(&p->answer);
}

static bool chance(struct provider *p, unsigned percent) {
    return p->random(p->ctx) % 100 < percent;
}

static void answered(struct provider *p, struct http_response *r, int status) {
    *r = (struct http_response){
        .transport = HTTP_ANSWERED, .status = status, .body = buf_sv(&p->answer), .elapsed_us = 1000};
}

static void refused(struct provider *p, struct http_response *r, int status, int code) {
    buf_reset(&p->answer);
    buf_addf(&p->answer, "{\"code\":%d,\"message\":\"no\",\"more_info\":\"\",\"status\":%d}", code, status);
    answered(p, r, status);
}

static void add_message(struct buf *out, const struct taken *t, const char *status) {
    buf_addf(out, "{\"sid\":\"%s\",\"to\":\"%s\",\"from\":\"+15005550006\",\"body\":", t->provider_id, t->to);
    json_add_string(out, sv_of(t->body));
    buf_addf(out,
             ",\"status\":\"%s\",\"direction\":\"outbound-api\",\"error_code\":null,\"num_segments\":\"1\",",
             status);
    buf_adds(out, "\"date_created\":\"");
    clock_add_rfc2822(out, t->at);
    buf_adds(out, "\"}");
}

static void schedule(struct provider *p, size_t taken, enum state s, int64_t due_at) {
    if (p->n_reports < REPORTS_MAX)
        p->reports[p->n_reports++] = (struct report){.due_at = due_at, .taken = taken, .state = s};
}

static void plan_receipts(struct provider *p, size_t i, int64_t now) {
    if (chance(p, p->lies.no_receipt)) { /* then only who asks may hear how it ended */
        p->taken[i].state = i % 5 == 0 ? STATE_UNDELIVERED : STATE_DELIVERED;
        p->taken[i].final_at = i % 3 ? now + 10 * US_PER_S : 0;
        return;
    }
    enum state last = chance(p, p->lies.undelivered) ? STATE_UNDELIVERED : STATE_DELIVERED;
    p->taken[i].state = last;
    int64_t first =
        chance(p, p->lies.early_receipt) ? now : now + (int64_t)(p->random(p->ctx) % (2 * US_PER_S));
    int64_t second = first + (int64_t)(p->random(p->ctx) % (5 * US_PER_S));
    if (chance(p, p->lies.backwards)) {
        int64_t swap = first;
        first = second;
        second = swap;
    }
    p->taken[i].final_at = first > second ? first : second;
    schedule(p, i, STATE_SENT, first);
    schedule(p, i, last, second);
    if (chance(p, p->lies.twice))
        schedule(p, i, last, second + US_PER_S);
}

static void copy(char *to, size_t size, struct sv from) {
    snprintf(to, size, "%.*s", SV_FMT(from));
}

static void take(struct provider *p, unsigned host, const struct form *f, int64_t now) {
    if (p->n_taken == TAKEN_MAX)
        return;
    struct taken *t = &p->taken[p->n_taken];
    *t = (struct taken){.host = host, .at = now, .state = STATE_SENT};
    snprintf(t->provider_id, sizeof t->provider_id, "SM%032zx", p->n_taken + 1);
    copy(t->to, sizeof t->to, form_get(f, SV("To")));
    copy(t->body, sizeof t->body, form_get(f, SV("Body")));
    struct sv callback = form_get(f, SV("StatusCallback"));
    size_t token = sv_find(callback, SV("?t="));
    copy(t->token, sizeof t->token, token == SIZE_MAX ? SV_NONE : sv_from(callback, token + 3));
    plan_receipts(p, p->n_taken++, now);
}

static void cut(struct http_response *r) {
    *r = (struct http_response){.transport = HTTP_CUT, .error = SV("cut"), .elapsed_us = 1000};
}

static void create(struct provider *p, unsigned host, const struct http_request *rq, int64_t now,
                   struct http_response *r) {
    static struct form f;
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 20);
    struct err e;
    ASSERT(form_parse(rq->body, &mem, &f, &e));
    p->calls++;
    if (chance(p, p->lies.refuse_connection)) {
        *r = (struct http_response){.transport = HTTP_NOT_SENT, .error = SV("connection refused")};
    } else if (chance(p, p->lies.throttle)) {
        refused(p, r, 429, 20429);
    } else if (chance(p, p->lies.refuse_number)) {
        refused(p, r, 400, 21211);
    } else if (chance(p, p->lies.lost_request)) {
        cut(r);
    } else if (chance(p, p->lies.server_error)) {
        if (chance(p, 50))
            take(p, host, &f, now); /* it says 500 and may have taken it all the same */
        refused(p, r, 500, 20500);
    } else {
        take(p, host, &f, now);
        if (chance(p, p->lies.lost_answer)) {
            cut(r);
            return;
        }
        buf_reset(&p->answer);
        if (chance(p, p->lies.garbage))
            buf_adds(&p->answer, "<html>oops");
        else
            add_message(&p->answer, &p->taken[p->n_taken - 1], "queued");
        answered(p, r, 201);
    }
}

/* One of several: taken, or refused for itself. A line of the answer. */
static void create_one(struct provider *p, unsigned host, struct sv form, int64_t now, struct buf *out) {
    static struct form f;
    struct arena ARENA_AUTO mem;
    struct err e;
    arena_init(&mem, 1 << 20);
    ASSERT(form_parse(form, &mem, &f, &e));
    if (chance(p, p->lies.refuse_number)) {
        buf_adds(out, "400{\"code\":21211,\"message\":\"no\",\"more_info\":\"\",\"status\":400}");
    } else if (chance(p, p->lies.throttle)) {
        buf_adds(out, "429{\"code\":20429,\"message\":\"no\",\"more_info\":\"\",\"status\":429}");
    } else if (p->n_taken < TAKEN_MAX) {
        take(p, host, &f, now);
        buf_adds(out, "201");
        add_message(out, &p->taken[p->n_taken - 1], "queued");
    }
}

/* Several by one request, a line each. What happens to the answer happens to all of them; a request that died
 * half way was taken in part. */
static void create_many(struct provider *p, unsigned host, const struct http_request *rq, int64_t now,
                        struct http_response *r) {
    struct sv rest = rq->body;
    p->calls++;
    if (chance(p, p->lies.refuse_connection)) {
        *r = (struct http_response){.transport = HTTP_NOT_SENT, .error = SV("connection refused")};
        return;
    }
    if (chance(p, p->lies.throttle)) {
        refused(p, r, 429, 20429);
        return;
    }
    bool dies = chance(p, p->lies.lost_request), fails = chance(p, p->lies.server_error);
    buf_reset(&p->answer);
    while (rest.n && !((dies || fails) && chance(p, 30))) {
        buf_adds(&p->answer, p->answer.n ? "\n" : "");
        create_one(p, host, sv_cut(&rest, '\n'), now, &p->answer);
    }
    if (dies || chance(p, p->lies.lost_answer)) {
        cut(r);
    } else if (fails) {
        refused(p, r, 500, 20500);
    } else {
        if (chance(p, p->lies.garbage)) /* the last of it is missing */
            p->answer.n -= p->answer.n / 3;
        answered(p, r, BATCH_STATUS);
    }
}

/* The list, newest first, by exact To; now and then only its first few, with the rest on a next page. */
static void list(struct provider *p, unsigned host, const struct http_request *rq, int64_t now,
                 struct http_response *r) {
    static struct form f;
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 20);
    struct err e;
    size_t q = sv_find_char(rq->url, '?');
    ASSERT(q != SIZE_MAX && form_parse(sv_from(rq->url, q + 1), &mem, &f, &e));
    p->lookups++;
    if (chance(p, p->lies.lost_answer)) {
        cut(r);
        return;
    }
    if (chance(p, p->lies.server_error)) {
        refused(p, r, 500, 20500);
        return;
    }
    struct sv to = form_get(&f, SV("To"));
    buf_reset(&p->answer);
    buf_adds(&p->answer, "{\"messages\":[");
    bool first = true;
    bool cut_off = false;
    size_t left = chance(p, p->lies.short_list) ? p->random(p->ctx) % 3 : SIZE_MAX;
    for (size_t i = p->n_taken; i-- > 0;) {
        const struct taken *t = &p->taken[i];
        if (t->host != host || !sv_eq(to, sv_of(t->to)))
            continue;
        cut_off = left-- == 0;
        if (cut_off)
            break;
        if (!first)
            buf_addc(&p->answer, ',');
        first = false;
        add_message(&p->answer, t, t->final_at && now >= t->final_at ? state_name(t->state) : "sent");
    }
    buf_addf(&p->answer, "],\"page\":0,\"page_size\":50,\"next_page_uri\":%s}",
             cut_off ? "\"/next\"" : "null");
    answered(p, r, 200);
}

static unsigned host_of(struct sv url) {
    for (unsigned i = 0; i < HOSTS; i++)
        if (sv_starts(sv_from(url, strlen("http://")), sv_of(host_names[i])))
            return i;
    BUG("no such provider");
}

void provider_answer(struct provider *p, const struct http_request *rq, int64_t now,
                     struct http_response *r) {
    unsigned host = host_of(rq->url);
    if (p->away[host])
        *r = (struct http_response){.transport = HTTP_NOT_SENT, .error = SV("connection refused")};
    else if (p->locked[host])
        refused(p, r, 401, 20003);
    else if (rq->method == HTTP_POST && sv_find_char(rq->body, '\n') != SIZE_MAX)
        create_many(p, host, rq, now, r);
    else if (rq->method == HTTP_POST)
        create(p, host, rq, now, r);
    else
        list(p, host, rq, now, r);
}

bool provider_report(struct provider *p, int64_t now, struct report *out) {
    for (size_t i = 0; i < p->n_reports; i++)
        if (p->reports[i].due_at <= now) {
            *out = p->reports[i];
            p->reports[i] = p->reports[--p->n_reports];
            return true;
        }
    return false;
}

int64_t provider_next_report_at(const struct provider *p) {
    int64_t at = 0;
    for (size_t i = 0; i < p->n_reports; i++)
        if (at == 0 || p->reports[i].due_at < at)
            at = p->reports[i].due_at;
    return at;
}
