/* pages: what people and machines look at that is no message: health, metrics, the landing page, and what
 * problems mean. */
#include "api/native.h"

#include "base/json.h"

enum { METRICS_BYTES_MAX = 1024 * 1024 };

void page_health(struct api_request *rq) {
    api_answer_text(rq, 200, "text/plain; charset=utf-8", SV("alive\n"));
}

void page_ready(struct api_request *rq) {
    const struct meters *m = api_world(rq)->meters;
    bool stopping = api_is_draining(rq);
    bool leaseless = !lease_holds(api_world(rq)->lease);
    bool stuck = atomic_load_explicit(&m->gauges[GAUGE_JOURNAL_HEALTHY], memory_order_relaxed) == 0;
    const struct {
        bool is;
        struct sv why;
    } reasons[] = {{stopping, SV("the gateway is stopping")},
                   {stuck, SV("the database does not take writes")},
                   {leaseless, SV("this node's lease has ended, and the database has not renewed it")}};
    struct buf *out = api_scratch(rq);
    unsigned n = 0;
    buf_addc(out, '{');
    json_pair_bool(out, "ready", !stopping && !stuck && !leaseless);
    json_key(out, "reasons");
    buf_addc(out, '[');
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (!reasons[i].is)
            continue;
        if (n++)
            buf_addc(out, ',');
        json_add_string(out, reasons[i].why);
    }
    buf_adds(out, "]}");
    api_answer_json(rq, n ? 503 : 200, buf_sv(out));
}

void page_metrics(struct api_request *rq) {
    BUF_AUTO struct buf out = BUF_INIT(METRICS_BYTES_MAX);
    meters_print(api_world(rq)->meters, &out);
    rules_print_metrics(rq, &out);
    api_answer_text(rq, 200, "text/plain; version=0.0.4; charset=utf-8", buf_sv(&out));
}

void page_landing(struct api_request *rq) {
    static const char html[] =
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width\">"
        "<title>Hongyan</title>\n<style>body{font:16px/1.6 system-ui,sans-serif;max-width:40em;margin:3em "
        "auto;padding:0 1em}code{background:#eee;padding:.1em .3em}</style>\n"
        "<h1>Hongyan 鸿雁</h1>\n"
        "<p>This is an SMS gateway, and it is running. People look at it in the <a "
        "href=\"console\">console</a>; it speaks to programs:</p>\n"
        "<ul><li><code>POST /v1/messages</code> sends a message; <a href=\"/openapi.json\">/openapi.json</a> "
        "describes "
        "every address.</li>\n"
        "<li><a href=\"/readyz\">/readyz</a> says whether it can take messages, <a "
        "href=\"/metrics\">/metrics</a> what it "
        "counts.</li></ul>\n"
        "<p lang=\"zh-CN\">这是一个短信网关，正在运行。<a href=\"console\">控制台</a>供人查看；程序用 "
        "<code>POST /v1/messages</code> "
        "发送短信；全部接口见 "
        "<a href=\"/openapi.json\">/openapi.json</a>，就绪状态见 <a href=\"/readyz\">/readyz</a>，指标见 <a "
        "href=\"/metrics\">/metrics</a>。</p>\n</html>\n";
    api_answer_text(rq, 200, "text/html; charset=utf-8", sv_make(html, sizeof html - 1));
}

/* ---- the console ---- */

/* Its pages hold a key: nothing of another place runs in them, frames them or learns their address. */
static const char CONSOLE_POLICY[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static void answer_file(struct api_request *rq, struct sv name) {
    const struct http_file *file = api_console_file(rq, name);
    if (!file) {
        struct err e = ERR_INIT;
        err_set(&e, ERR_NOT_FOUND, "the console has no such file");
        api_fail(rq, &e);
        return;
    }
    bool known = sv_eq(exchange_header(rq->x, "If-None-Match"), sv_of(file->tag));
    api_answer(rq, &(struct answer){.status = known ? 304 : 200,
                                    .content_type = known ? NULL : file->content_type,
                                    .body = known ? SV("") : file->body,
                                    .headers = {{SV("ETag"), sv_of(file->tag)},
                                                {SV("Cache-Control"), SV("no-cache")},
                                                {SV("Content-Security-Policy"), sv_of(CONSOLE_POLICY)},
                                                {SV("X-Content-Type-Options"), SV("nosniff")},
                                                {SV("Referrer-Policy"), SV("no-referrer")}},
                                    .n_headers = 5});
}

void page_console(struct api_request *rq) {
    answer_file(rq, SV("index.html"));
}

void page_console_file(struct api_request *rq) {
    answer_file(rq, rq->params[0]);
}

/* The page's addresses are relative to the folder above it, wherever a proxy has put that. */
void page_console_folder(struct api_request *rq) {
    api_answer(
        rq, &(struct answer){.status = 308, .headers = {{SV("Location"), SV("../console")}}, .n_headers = 1});
}

void page_problem(struct api_request *rq) {
    enum problem p;
    if (!problem_find(rq->params[0], &p)) {
        struct err e = ERR_INIT;
        err_set(&e, ERR_NOT_FOUND, "there is no problem of that name");
        api_fail(rq, &e);
        return;
    }
    struct buf *out = api_scratch(rq);
    buf_addf(out, "%s\nHTTP status %d\n\n%s\n", problems[p].title, problems[p].status, problems[p].meaning);
    api_answer_text(rq, 200, "text/plain; charset=utf-8", buf_sv(out));
}
