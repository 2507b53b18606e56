#include "app/cli.h"

#include "base/clock.h"
#include "model/hook_signature.h"
#include "net/server.h"

#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] = "hongyan hooks listen [--port N] [--fail STATUS]\n\n"
                            "For trying webhooks out: takes what is posted to http://127.0.0.1:N/ (9000; 0: "
                            "any free port), shows each post and says whether\n"
                            "its signature fits WEBHOOK_SECRET (whsec_..., from the environment). Answers "
                            "204 to what fits, 401 to the rest; with --fail\n"
                            "always STATUS, so that it is tried again. Ends with Ctrl-C.\n"
                            "调试用:接收发往本机的 webhook,逐条显示并用环境变量 WEBHOOK_SECRET 验证签名。\n";

enum { BODY_BYTES_MAX = 1 << 20, TOLERANCE_S = 300 };

struct listener {
    struct sv secrets;
    int fail;
};

/* What is wrong with a post, or NULL. */
static const char *trouble_of(const struct listener *l, const struct hook_signed *post) {
    int64_t at, now_s = clock_system_us() / US_PER_S;
    if (!post->id.n || !post->signatures.n || !sv_to_i64(post->time, &at))
        return cli_say("NOT SIGNED: webhook-id, webhook-timestamp or webhook-signature is missing", "未签名");
    if (!hook_signature_fits(l->secrets, post))
        return cli_say("WRONG SIGNATURE: another secret, or a changed body", "签名不符");
    if (at > now_s + TOLERANCE_S || at < now_s - TOLERANCE_S)
        return cli_say("TOO OLD, or the clocks differ", "时间相差过大");
    return NULL;
}

/* What came is shown without what would act on a terminal. */
static void show(struct sv text) {
    for (size_t i = 0; i < text.n; i++)
        putchar((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f ? ' ' : text.p[i]);
}

static void take(void *ctx, struct exchange *x) {
    const struct listener *l = ctx;
    const struct hook_signed post = {.id = exchange_header(x, "webhook-id"),
                                     .time = exchange_header(x, "webhook-timestamp"),
                                     .body = x->body,
                                     .signatures = exchange_header(x, "webhook-signature")};
    const char *trouble = trouble_of(l, &post);
    printf("%s ", trouble ? trouble : cli_say("signed", "签名正确"));
    show(post.id);
    putchar('\n');
    show(x->body);
    putchar('\n');
    fflush(stdout);
    server_answer(x, &(struct answer){.status = l->fail ? l->fail : trouble ? 401 : 204});
}

static int listen_on(uint16_t port, struct listener *l) {
    struct err e = ERR_INIT;
    const struct server_options o = {.address = "127.0.0.1",
                                     .port = port,
                                     .body_bytes_max = BODY_BYTES_MAX,
                                     .connections_max = 100,
                                     .idle_s = 60,
                                     .request_ms_max = 10000,
                                     .header_bytes_max = 16384};
    struct server *s = server_open(&o, take, l, &e);
    if (!s)
        return cli_fail("hooks", &e);
    printf(cli_say("listening on http://127.0.0.1:%u/\n", "正在监听 http://127.0.0.1:%u/\n"), server_port(s));
    fflush(stdout);
    for (;;) {
        struct pollfd fd = {.fd = server_fd(s), .events = POLLIN};
        (void)poll(&fd, 1, server_timeout_ms(s));
        server_run(s);
    }
}

int cli_hooks(int argc, char **argv) {
    static const struct option longs[] = {{"port", required_argument, NULL, 'p'},
                                          {"fail", required_argument, NULL, 'f'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *secret = getenv("WEBHOOK_SECRET");
    struct listener l = {.secrets = secret ? sv_of(secret) : SV_NONE};
    int64_t port = 9000, fail = 0;
    bool good = true;
    for (int c; (c = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        if (c == 'h') {
            fputs(usage, stdout);
            return EX_OK;
        }
        good = good && c != '?' && sv_to_i64(sv_of(optarg), c == 'p' ? &port : &fail);
    }
    good = good && port >= 0 && port <= 65535 && (fail == 0 || (fail >= 300 && fail <= 599));
    if (!good || optind + 1 != argc || strcmp(argv[optind], "listen") != 0) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    if (!l.secrets.n) {
        fprintf(stderr, "hongyan hooks: %s\n",
                cli_say("set WEBHOOK_SECRET to the secret that POST /v1/webhooks answered (whsec_...)",
                        "请把 POST /v1/webhooks 返回的密钥(whsec_...)放入环境变量 WEBHOOK_SECRET"));
        return EX_USAGE;
    }
    l.fail = (int)fail;
    return listen_on((uint16_t)port, &l);
}
