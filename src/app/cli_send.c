#include "app/cli.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"

#include <getopt.h>
#include <jansson.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

static const char usage[] =
    "hongyan send --to NUMBER (--body TEXT | --template NAME [--vars JSON]) [--from SENDER] [--wait] "
    "[--json]\n\n"
    "Sends one text through a running gateway: HONGYAN_URL (default http://127.0.0.1:8080) and HONGYAN_KEY, "
    "an API key,\n"
    "come from the environment. --wait stays until the message is delivered or has failed, 60 seconds at "
    "most.\n"
    "通过运行中的网关发送一条短信;环境变量 HONGYAN_URL 与 HONGYAN_KEY 指定地址和密钥;--wait 等待最终状态。\n";

enum { CALL_MS = 15000, WAIT_S = 60, POLL_MS = 200 };

struct send_options {
    const char *to, *from, *body, *template, *vars;
    bool wait, json;
};

static bool parse(int argc, char **argv, struct send_options *o, bool *asked) {
    static const struct option longs[] = {{"to", required_argument, NULL, 't'},
                                          {"from", required_argument, NULL, 'f'},
                                          {"body", required_argument, NULL, 'b'},
                                          {"template", required_argument, NULL, 'T'},
                                          {"vars", required_argument, NULL, 'v'},
                                          {"wait", no_argument, NULL, 'w'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    *o = (struct send_options){0};
    *asked = false;
    for (int c; (c = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        switch (c) {
        case 't': o->to = optarg; break;
        case 'f': o->from = optarg; break;
        case 'b': o->body = optarg; break;
        case 'T': o->template = optarg; break;
        case 'v': o->vars = optarg; break;
        case 'w': o->wait = true; break;
        case 'j': o->json = true; break;
        default: *asked = c == 'h'; return false;
        }
    }
    return optind == argc && o->to && (o->body != NULL) != (o->template != NULL);
}

static void build_body(const struct send_options *o, struct buf *out) {
    buf_addc(out, '{');
    json_pair(out, "to", sv_of(o->to));
    if (o->from)
        json_pair(out, "from", sv_of(o->from));
    if (o->body)
        json_pair(out, "body", sv_of(o->body));
    if (o->template)
        json_pair(out, "template", sv_of(o->template));
    if (o->vars) {
        json_key(out, "vars");
        buf_adds(out, o->vars);
    }
    buf_addc(out, '}');
}

static bool call(enum http_method method, const char *url, const char *key, struct sv body,
                 struct cli_answer *a, struct err *e) {
    struct buf BUF_AUTO bearer = BUF_INIT(512);
    buf_addf(&bearer, "Bearer %s", key);
    struct http_request rq = {.method = method, .url = sv_of(url), .body = body};
    http_add_header(&rq, SV("Authorization"), buf_sv(&bearer));
    http_add_header(&rq, SV("Content-Type"), SV("application/json"));
    if (!cli_http(&rq, CALL_MS, a, e))
        return false;
    if (a->transport != HTTP_ANSWERED)
        return err_set(e, ERR_OUTSIDE, "%s: %s (is the gateway running?)", url, a->error);
    return true;
}

static const char *text_of(const json_t *j, const char *key) {
    const char *v = json_string_value(json_object_get(j, key));
    return v ? v : "";
}

static int refused(const struct cli_answer *a) {
    json_auto_t *j = json_loadb(a->body, a->body_n, 0, NULL);
    fprintf(stderr, "hongyan send: %d %s: %s\n", a->status, text_of(j, "title"), text_of(j, "detail"));
    if (a->status == 401 || a->status == 403)
        return EX_NOPERM;
    return a->status >= 500 || a->status == 429 ? EX_TEMPFAIL : EX_DATAERR;
}

static bool is_final(const char *status) {
    static const char *const open[] = {"accepted", "scheduled", "queued", "sending", "sent", "unknown"};
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
        if (strcmp(status, open[i]) == 0)
            return false;
    return true;
}

static void show(const struct send_options *o, const struct cli_answer *a) {
    json_auto_t *j = json_loadb(a->body, a->body_n, 0, NULL);
    if (o->json)
        printf("%s\n", a->body);
    else
        printf("%s %s %s\n", text_of(j, "id"), text_of(j, "status"), text_of(j, "reason"));
    fflush(stdout);
}

/* Polls until the state is final; EX_OK when delivered. */
static int wait_for(const struct send_options *o, const char *base, const char *key, const char *id,
                    struct err *e) {
    char url[2048];
    static struct cli_answer a;
    snprintf(url, sizeof url, "%s/v1/messages/%s", base, id);
    for (int i = 0; i < WAIT_S * 1000 / POLL_MS; i++) {
        if (!call(HTTP_GET, url, key, SV_NONE, &a, e))
            return cli_fail("send", e);
        json_auto_t *j = json_loadb(a.body, a.body_n, 0, NULL);
        const char *status = text_of(j, "status");
        if (is_final(status)) {
            show(o, &a);
            return strcmp(status, "delivered") == 0 ? EX_OK : EX_UNAVAILABLE;
        }
        struct timespec ts = {.tv_nsec = POLL_MS * 1000 * 1000};
        nanosleep(&ts, NULL);
    }
    show(o, &a);
    return EX_TEMPFAIL;
}

int cli_send(int argc, char **argv) {
    struct send_options o;
    bool asked;
    if (!parse(argc, argv, &o, &asked)) {
        fputs(usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    const char *base = getenv("HONGYAN_URL"), *key = getenv("HONGYAN_KEY");
    if (!base || !*base)
        base = "http://127.0.0.1:8080";
    if (!key || !*key) {
        fprintf(
            stderr, "hongyan send: %s\n",
            cli_say(
                "HONGYAN_KEY is not set: `source data/quickstart.env` sets the quickstart's, `hongyan key "
                "create` makes one",
                "未设置 HONGYAN_KEY:`source data/quickstart.env` 可载入快速上手的密钥,`hongyan key create` "
                "创建新密钥"));
        return EX_NOPERM;
    }
    char url[2048];
    static struct cli_answer a;
    struct err e = ERR_INIT;
    struct buf BUF_AUTO body = BUF_INIT(65536);
    build_body(&o, &body);
    if (body.overflow) {
        err_set(&e, ERR_TOO_LARGE, "the text or its variables are too long to send");
        return cli_fail("send", &e);
    }
    snprintf(url, sizeof url, "%s/v1/messages", base);
    if (!call(HTTP_POST, url, key, buf_sv(&body), &a, &e))
        return cli_fail("send", &e);
    if (a.status != 202)
        return refused(&a);
    if (!o.wait) {
        show(&o, &a);
        return EX_OK;
    }
    json_auto_t *j = json_loadb(a.body, a.body_n, 0, NULL);
    return wait_for(&o, base, key, text_of(j, "id"), &e);
}
