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
        "<p>This is an SMS gateway, and it is running. It speaks to programs:</p>\n"
        "<ul><li><code>POST /v1/messages</code> sends a message; <a href=\"/openapi.json\">/openapi.json</a> "
        "describes "
        "every address.</li>\n"
        "<li><a href=\"/readyz\">/readyz</a> says whether it can take messages, <a "
        "href=\"/metrics\">/metrics</a> what it "
        "counts.</li></ul>\n"
        "<p lang=\"zh-CN\">这是一个短信网关，正在运行。程序用 <code>POST /v1/messages</code> "
        "发送短信；全部接口见 "
        "<a href=\"/openapi.json\">/openapi.json</a>，就绪状态见 <a href=\"/readyz\">/readyz</a>，指标见 <a "
        "href=\"/metrics\">/metrics</a>。</p>\n</html>\n";
    api_answer_text(rq, 200, "text/html; charset=utf-8", sv_make(html, sizeof html - 1));
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
