#include "app/cli.h"

#include "app/config.h"
#include "net/client.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

bool cli_is_chinese(void) {
    const char *names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < 3; i++) {
        const char *v = getenv(names[i]);
        if (v && *v)
            return strncmp(v, "zh", 2) == 0;
    }
    return false;
}

const char *cli_say(const char *english, const char *chinese) {
    return cli_is_chinese() ? chinese : english;
}

const char *cli_config_path(const char *given) {
    if (given)
        return given;
    const char *env = getenv("HONGYAN_CONFIG");
    if (env && *env)
        return env;
    return access("hongyan.yaml", F_OK) == 0 ? "hongyan.yaml" : "/etc/hongyan/hongyan.yaml";
}

struct settings *cli_load_settings(const char *path) {
    struct config_source source = config_source_real();
    struct config_problems problems = {0};
    struct settings *s = config_load(sv_of(path), &source, &problems);
    if (s)
        return s;
    struct buf BUF_AUTO out = BUF_INIT(64 * 1024);
    config_problems_print(&problems, &out);
    fputs(out.n ? out.p : "no settings\n", stderr);
    if (access(path, F_OK) != 0)
        fprintf(
            stderr, "%s\n",
            cli_say(
                "name the file with -c FILE or HONGYAN_CONFIG; `source data/quickstart.env` sets the "
                "quickstart's",
                "请用 -c 文件 或 HONGYAN_CONFIG 指定配置;`source data/quickstart.env` 会设为快速上手的配置"));
    return NULL;
}

void cli_master_key(const char *path, struct buf *out) {
    struct config_source source = config_source_real();
    bool found = config_variable(sv_of(path), &source, SV("HONGYAN_MASTER_KEY"), out);
    if (!found)
        buf_reset(out);
}

bool cli_make_folder(const char *path, struct err *e) {
    return mkdir(path, 0700) == 0 || errno == EEXIST ||
           err_set(e, ERR_OUTSIDE, "cannot make %s: %s", path, strerror(errno));
}

int cli_exit_code(enum err_kind kind) {
    switch (kind) {
    case ERR_NONE: return EX_OK;
    case ERR_INVALID:
    case ERR_TOO_LARGE:
    case ERR_UNPROCESSABLE: return EX_DATAERR;
    case ERR_AUTH:
    case ERR_FORBIDDEN: return EX_NOPERM;
    case ERR_NOT_FOUND: return EX_NOINPUT;
    case ERR_CONFLICT:
    case ERR_LIMITED:
    case ERR_BUSY: return EX_TEMPFAIL;
    case ERR_OUTSIDE: return EX_UNAVAILABLE;
    case ERR_INTERNAL: return EX_SOFTWARE;
    }
    return EX_SOFTWARE;
}

int cli_fail(const char *command, const struct err *e) {
    fprintf(stderr, "hongyan %s: %s\n", command, e->text);
    return cli_exit_code(e->kind);
}

static void keep_answer(void *ctx, const struct http_response *r) {
    struct cli_answer *out = ctx;
    out->transport = r->transport;
    out->status = r->status;
    out->elapsed_us = r->elapsed_us;
    out->body_n = r->body.n < sizeof out->body - 1 ? r->body.n : sizeof out->body - 1;
    if (out->body_n)
        memcpy(out->body, r->body.p, out->body_n);
    out->body[out->body_n] = '\0';
    snprintf(out->error, sizeof out->error, "%.*s", SV_FMT(r->error));
    struct sv date = http_find_header(r->headers, r->n_headers, SV("Date"));
    snprintf(out->date, sizeof out->date, "%.*s", SV_FMT(date));
}

bool cli_http(const struct http_request *rq, unsigned timeout_ms, struct cli_answer *out, struct err *e) {
    const struct client_options o = {.connections_max = 1, .user_agent = "hongyan"};
    const struct client_call call = {.request = rq,
                                     .timeout_ms = timeout_ms,
                                     .connect_timeout_ms = timeout_ms,
                                     .body_bytes_max = sizeof out->body,
                                     .allow_private = true, /* a person at a shell says where to */
                                     .done = keep_answer,
                                     .ctx = out};
    struct client *c = client_open(&o, e);
    if (!c)
        return false;
    bool ok = client_start(c, &call, e);
    while (ok && client_in_flight(c))
        client_run(c, 200, -1);
    client_close(c);
    return ok;
}
