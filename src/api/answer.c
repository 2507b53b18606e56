/* Answering: what every answer carries, and what of it is counted and logged. */
#include "api/front_parts.h"

#include "base/clock.h"

void api_warn(struct api_request *rq, const char *event, int status, const struct err *e) {
    struct front *f = rq->front;
    int64_t now = clock_monotonic_us();
    f->warnings_kept++;
    if (f->warned_at && now - f->warned_at < US_PER_S)
        return;
    log_warn(f->parts.world->log, event, kv_name("request", rq->id), kv_int("status", status),
             kv_name("route", rq->route ? rq->route->path : "-"), kv_cstr("error", e ? e->text : ""),
             kv_int("times", (int64_t)f->warnings_kept));
    f->warned_at = now;
    f->warnings_kept = 0;
}

struct number_text {
    char text[12];
};

static void add_number(struct answer *a, struct sv name, uint32_t value, struct number_text *mem) {
    int n = snprintf(mem->text, sizeof mem->text, "%u", value);
    a->headers[a->n_headers++] = (struct http_header){name, sv_make(mem->text, (size_t)n)};
}

void api_answer(struct api_request *rq, const struct answer *given) {
    struct front *f = rq->front;
    struct meters *meters = f->parts.world->meters;
    struct answer a = *given;
    struct number_text numbers[4];
    ASSERT(a.n_headers + 6 <= sizeof a.headers / sizeof a.headers[0]);
    if (rq->limit.max) { /* draft-ietf-httpapi-ratelimit-headers-03: the fields that clients know */
        add_number(&a, SV("RateLimit-Limit"), rq->limit.max, &numbers[0]);
        add_number(&a, SV("RateLimit-Remaining"), rq->limit.left, &numbers[1]);
        add_number(&a, SV("RateLimit-Reset"), rq->limit.reset_s, &numbers[2]);
    }
    if (a.status == 503 || a.status == 429 || rq->retry_after_s)
        add_number(&a, SV("Retry-After"), rq->retry_after_s ? rq->retry_after_s : 1, &numbers[3]);
    a.headers[a.n_headers++] = (struct http_header){SV("X-Request-Id"), sv_make(rq->id, REQUEST_ID_BYTES)};
    if (f->draining)
        a.headers[a.n_headers++] = (struct http_header){SV("Connection"), SV("close")};
    if (a.status >= 400 && a.status < 500)
        meter_add(meters, COUNT_REQUESTS_REFUSED, 1);
    if (rq->route && rq->route->creates) {
        if (a.status == 503)
            meter_add(meters, COUNT_PUSHED_BACK, 1);
        if (a.status < 300)
            meter_time(meters, HIST_ACCEPT, clock_monotonic_us() - rq->x->arrived_us);
    }
    server_answer(rq->x, &a);
}

void api_answer_json(struct api_request *rq, int status, struct sv body) {
    api_answer(rq, &(struct answer){.status = status, .content_type = "application/json", .body = body});
}

void api_answer_text(struct api_request *rq, int status, const char *content_type, struct sv body) {
    api_answer(rq, &(struct answer){.status = status, .content_type = content_type, .body = body});
}

void api_problem(struct api_request *rq, enum problem p, const struct err *e) {
    struct err nothing = ERR_INIT;
    if (problems[p].status >= 500)
        api_warn(rq, "request.failed", problems[p].status, e);
    rq->face->refuse(rq, p, e ? e : &nothing);
}

void api_fail(struct api_request *rq, const struct err *e) {
    api_problem(rq, problem_of(e->kind), e);
}
