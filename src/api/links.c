/* links: whoever opens a short link is sent to its address. */
#include "api/front_parts.h"
#include "api/native.h"

#include "store/links.h"

static const char lost_page[] =
    "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
    "content=\"width=device-width\"><title>404</title>\n<style>body{font:16px/1.6 "
    "system-ui,sans-serif;max-width:30em;margin:3em auto;padding:0 1em}</style>\n"
    "<p>This link leads nowhere: it is mistyped, or its time is up.</p>\n"
    "<p lang=\"zh-CN\">链接无效：输入有误，或已过期。</p>\n</html>\n";

static void answer_lost(struct api_request *rq) {
    struct answer a = {.status = 404,
                       .content_type = "text/html; charset=utf-8",
                       .body = sv_make(lost_page, sizeof lost_page - 1)};
    a.headers[a.n_headers++] = (struct http_header){SV("Cache-Control"), SV("no-store")};
    api_answer(rq, &a);
}

/* As it may stand in a header: what is not ASCII, or has no place in a URL, percent-encoded (RFC 3986). */
static void add_location(struct sv target, struct buf *out) {
    for (size_t i = 0; i < target.n; i++) {
        unsigned char c = (unsigned char)target.p[i];
        bool odd = c <= ' ' || c >= 0x7F || c == '"' || c == '<' || c == '>' || c == '\\' || c == '^' ||
                   c == '`' || c == '{' || c == '|' || c == '}';
        if (odd)
            buf_addf(out, "%%%02X", c);
        else
            buf_addc(out, (char)c);
    }
}

/* What previews it (HEAD) has not opened it. */
static void count(struct api_request *rq, int64_t code) {
    if (rq->x->method == HTTP_GET)
        clickbook_add(&rq->front->clicks, code, rq->now, rq->front->parts.world->meters);
}

void link_open(struct api_request *rq) {
    int64_t code;
    bool found = false;
    struct err e = ERR_INIT;
    BUF_AUTO struct buf target = BUF_INIT(LINK_TARGET_BYTES_MAX);
    if (!link_parse_code(rq->params[0], &code)) {
        answer_lost(rq);
        return;
    }
    if (!links_target(api_db(rq), code, rq->now, &target, &found, &e)) {
        api_fail(rq, &e);
        return;
    }
    if (!found) {
        answer_lost(rq);
        return;
    }
    count(rq, code);
    struct buf *location = api_scratch(rq);
    add_location(buf_sv(&target), location);
    struct answer a = {.status = 302};
    a.headers[a.n_headers++] = (struct http_header){SV("Location"), buf_sv(location)};
    a.headers[a.n_headers++] =
        (struct http_header){SV("Cache-Control"), SV("no-store")}; /* each is counted */
    api_answer(rq, &a);
}
