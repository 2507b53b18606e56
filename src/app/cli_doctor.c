#include "app/cli.h"

#include "api/keyless.h"
#include "app/config.h"
#include "app/real_world.h"
#include "app/sharing.h"
#include "base/clock.h"
#include "base/json.h"
#include "ingest/admit.h"
#include "ingest/file.h"
#include "net/inlet.h"
#include "provider/adapter.h"
#include "store/account.h"
#include "store/migrate.h"

#include <getopt.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "hongyan doctor [-c FILE] [--json]\n\n"
    "Looks at everything a text needs on its way: settings, data folder, database, templates and words, "
    "every provider's\n"
    "address and credentials, clock, callback address. Sends nothing. Exit code 0 when nothing fails.\n"
    "检查短信发送所需的一切:"
    "配置、数据目录、数据库、模板与词表、服务商地址和凭据、时钟、回调地址。不会发送短信。\n";

enum finding { FINE, WARNING, FAILURE };

struct doctor {
    bool json;
    unsigned failures;
    struct buf out;
};

static void tell(struct doctor *d, enum finding f, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void tell(struct doctor *d, enum finding f, const char *what, const char *fmt, ...) {
    static const char *const names[] = {"ok", "warning", "failure"};
    const char *marks[] = {"ok  ", cli_say("warn", "警告"), cli_say("FAIL", "失败")};
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    d->failures += f == FAILURE;
    if (!d->json) {
        printf("%s  %-18s %s\n", marks[f], what, text);
        return;
    }
    if (d->out.n > 1)
        buf_addc(&d->out, ',');
    buf_addc(&d->out, '{');
    json_pair(&d->out, "check", sv_of(what));
    json_pair(&d->out, "result", sv_of(names[f]));
    json_pair(&d->out, "detail", sv_of(text));
    buf_addc(&d->out, '}');
}

static void check_folder(struct doctor *d, const struct settings *s) {
    struct statvfs fs;
    if (access(s->data_dir.p, W_OK | X_OK) != 0) {
        bool there = access(s->data_dir.p, F_OK) == 0;
        tell(d, there ? FAILURE : WARNING, "data_dir", "%s: %s", s->data_dir.p,
             there ? cli_say("this user may not write there: chown it to who runs the gateway",
                             "当前用户不可写:请将其属主改为运行网关的用户")
                   : cli_say("not there yet: serve makes it, where this user may write in its parent",
                             "尚不存在:若上级目录可写,serve 会创建它"));
        return;
    }
    if (statvfs(s->data_dir.p, &fs) != 0)
        return;
    uint64_t mb = (uint64_t)fs.f_bavail * fs.f_frsize / 1000000;
    tell(d,
         mb < 100    ? FAILURE
         : mb < 2000 ? WARNING
                     : FINE,
         "data_dir", "%s, %llu MB %s", s->data_dir.p, (unsigned long long)mb, cli_say("free", "可用"));
}

static void check_database(struct doctor *d, const struct settings *s) {
    struct err e = ERR_INIT;
    if (!db_is_postgres(s->database) && access(s->database.p + 7, F_OK) != 0) {
        tell(d, FINE, "database", "%s", cli_say("none yet: made at the first start", "尚无:首次启动时创建"));
        return;
    }
    struct db *db = db_open(s->database, DB_READER, &e);
    if (!db)
        tell(d, FAILURE, "database", "%s", e.text);
    else if (!db_check(db, &e))
        tell(d, FAILURE, "database", "%s: %s", s->database.p, e.text);
    else
        tell(d, FINE, "database", "%s", s->database.p);
    db_close(db);
}

/* As the thread that shares does: it has to be let in, and take the scripts. */
static void check_redis(struct doctor *d, const struct settings *s) {
    struct err e = ERR_INIT;
    if (!s->redis.url.n)
        return;
    struct shared *shared = sharing_open(s, NULL, &e);
    struct shared_call hello = {.kind = SHARED_HELLO}, *calls[] = {&hello};
    int64_t begun = clock_monotonic_us();
    if (shared)
        shared_run(shared, calls, 1);
    if (!shared || hello.result != SHARED_DONE)
        tell(d, FAILURE, "redis", "%s", shared ? shared_trouble(shared)->text : e.text);
    else
        tell(d, FINE, "redis", "%s, %lld ms", s->redis.url.p,
             (long long)((clock_monotonic_us() - begun) / US_PER_MS));
    shared_free(shared);
}

static void check_texts(struct doctor *d, const struct settings *s) {
    struct err e = ERR_INIT;
    struct texts *t = texts_load(s, &e);
    if (t)
        tell(d, FINE, "templates, words", "%s", cli_say("readable", "可读"));
    else
        tell(d, FAILURE, "templates, words", "%s", e.text);
    texts_free(t);
}

static void check_clock(struct doctor *d, const struct cli_answer *a) {
    struct tm tm = {0};
    if (!a->date[0] || !strptime(a->date, "%a, %d %b %Y %H:%M:%S GMT", &tm))
        return;
    int64_t skew_s = clock_system_us() / US_PER_S - (int64_t)timegm(&tm);
    if (skew_s < -30 || skew_s > 30)
        tell(d, WARNING, "clock",
             cli_say("%lld s off the provider's clock: signatures and look-ups may fail; let NTP set it "
                     "(timedatectl "
                     "set-ntp true)",
                     "与服务商时钟相差 %lld 秒:签名和查询可能失败;请启用 NTP(timedatectl set-ntp true)"),
             (long long)skew_s);
    else
        tell(d, FINE, "clock", cli_say("within %lld s of the provider's", "与服务商相差 %lld 秒以内"),
             (long long)(skew_s < 0 ? -skew_s : skew_s) + 1);
}

/* The answer as adapters read it; its views are into a. */
static struct http_response response_of(const struct cli_answer *a) {
    return (struct http_response){.transport = a->transport,
                                  .status = a->status,
                                  .body = sv_make(a->body, a->body_n),
                                  .error = sv_of(a->error),
                                  .elapsed_us = a->elapsed_us};
}

/* As a sender thread fetches one (app/sender), step by step. */
static bool fetch_grant(const struct lane_config *l, struct cli_answer *a, struct arena *mem,
                        struct grant *out, struct err *e) {
    enum { STEPS_MAX = 8 };
    const struct adapter *ad = l->adapter;
    struct sv path = ad->grant_file ? ad->grant_file(l) : SV_NONE;
    struct buf BUF_AUTO first = BUF_INIT(sizeof out->text - 1);
    if (path.n && !ingest_read_file(path.p, &first, e))
        return false;
    snprintf(out->text, sizeof out->text, "%.*s", SV_FMT(buf_sv(&first)));
    out->more = true;
    for (int i = 0; out->more; i++) {
        struct http_request rq = {0};
        struct grant next = {0};
        if (i == STEPS_MAX)
            return err_set(e, ERR_OUTSIDE, "the provider's token needs too many steps");
        if (!ad->grant(l, sv_of(out->text), clock_system_us(), real_random(NULL), mem, &rq, e) ||
            !cli_http(&rq, l->timeout_ms, a, e))
            return false;
        struct http_response r = response_of(a);
        if (!ad->judge_grant(l, sv_of(out->text), clock_system_us(), &r, &next, e))
            return false;
        *out = next;
    }
    return true;
}

static void check_lane(struct doctor *d, const struct lane_config *l) {
    static struct cli_answer a;
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 256 * 1024);
    struct http_request rq = {0};
    struct grant grant = {0};
    struct err e = ERR_INIT;
    char what[64];
    snprintf(what, sizeof what, "lane %s", l->name);
    bool granted = lane_needs_grant(l);
    if (granted && !(l->adapter->mint ? l->adapter->mint(l, clock_system_us(), &grant, &e)
                                      : fetch_grant(l, &a, &mem, &grant, &e))) {
        tell(d, FAILURE, what, "%s", e.text);
        return;
    }
    if (granted && !l->adapter->probe_granted) {
        tell(d, FINE, what, "%s", l->adapter->name);
        return;
    }
    int64_t now = clock_system_us();
    uint64_t nonce = real_random(NULL);
    bool built = granted ? l->adapter->probe_granted(l, sv_of(grant.text), now, nonce, &mem, &rq, &e)
                         : l->adapter->probe(l, now, nonce, &mem, &rq, &e);
    if (!built || !cli_http(&rq, l->timeout_ms, &a, &e)) {
        tell(d, FAILURE, what, "%s", e.text);
        return;
    }
    struct http_response r = response_of(&a);
    if (!l->adapter->judge_probe(l, &r, &e)) {
        tell(d, FAILURE, what, "%s", e.text);
        return;
    }
    tell(d, FINE, what, "%s, %lld ms", l->adapter->name, (long long)(a.elapsed_us / US_PER_MS));
    check_clock(d, &a);
}

static void check_door(struct doctor *d, const struct door *door) {
    struct err e = ERR_INIT;
    char what[64];
    snprintf(what, sizeof what, "door %s", door->name);
    if (inlet_probe(door, &e))
        tell(d, FINE, what, "%.*s %s", SV_FMT(door->url), cli_say("takes the credentials", "可登录"));
    else
        tell(d, FAILURE, what, "%.*s: %s", SV_FMT(door->url), e.text);
}

static void check_public_url(struct doctor *d, const struct settings *s) {
    static struct cli_answer a;
    struct err e = ERR_INIT;
    struct buf BUF_AUTO url = BUF_INIT(4096);
    if (!s->public_url.n) {
        tell(d, WARNING, "public_url", "%s",
             cli_say("not set: providers cannot post receipts or replies; set it to the https address by "
                     "which they "
                     "reach this gateway",
                     "未设置:服务商无法回调状态和回复;请设为服务商可访问的 https 地址"));
        return;
    }
    buf_addf(&url, "%.*s/healthz", SV_FMT(s->public_url));
    struct http_request rq = {.method = HTTP_GET, .url = buf_sv(&url)};
    bool reached = cli_http(&rq, 5000, &a, &e) && a.transport == HTTP_ANSWERED && a.status == 200;
    tell(d, reached ? FINE : WARNING, "public_url", "%s %s", url.p,
         reached ? cli_say("answers", "可访问")
                 : cli_say("does not answer from here: is the gateway running, and reachable from outside?",
                           "从本机无法访问:网关在运行吗?外部能访问吗?"));
}

static void check_keyless(struct doctor *d, const struct settings *s) {
    struct err e = ERR_INIT;
    tell(
        d, FINE, "keys", "%s",
        keyless_allowed(s, &e)
            ? cli_say(
                  "needed, but for POST /send from this machine: put no proxy in front, or set public_url to "
                  "its address",
                  "需要密钥;本机的 POST /send 除外:若前面有反向代理,请把 public_url 设为它的地址")
            : cli_say("needed by every request", "所有请求都需要密钥"));
}

static void check_limits(struct doctor *d, const struct settings *s) {
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return;
    bool enough = r.rlim_max >= s->limits.connections_max + 3000;
    tell(d, enough ? FINE : WARNING, "open files", "%llu%s", (unsigned long long)r.rlim_max,
         enough
             ? ""
             : cli_say(
                   ": limits.connections_max and some 3000 besides are needed: raise LimitNOFILE= (systemd) "
                   "or `ulimit -n`, or lower limits.connections_max",
                   ":应不少于 limits.connections_max 加 3000:请提高 LimitNOFILE=(systemd)或 ulimit -n,"
                   "或降低 limits.connections_max"));
}

int cli_doctor(int argc, char **argv) {
    static const struct option longs[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    const char *given = NULL;
    struct doctor d = {.out = BUF_INIT(1 << 20)};
    for (int c; (c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1;) {
        if (c == 'c') {
            given = optarg;
        } else if (c == 'j') {
            d.json = true;
            setenv("LC_ALL", "C", 1); /* programs read English */
        } else {
            fputs(usage, c == 'h' ? stdout : stderr);
            return c == 'h' ? EX_OK : EX_USAGE;
        }
    }
    if (optind != argc) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    const char *path = cli_config_path(given);
    struct settings *s = cli_load_settings(path);
    if (!s)
        return EX_CONFIG;
    if (d.json)
        buf_addc(&d.out, '[');
    tell(&d, FINE, "settings", "%s", path);
    check_folder(&d, s);
    check_database(&d, s);
    check_redis(&d, s);
    check_texts(&d, s);
    check_limits(&d, s);
    if (s->n_lanes == 0)
        tell(&d, FAILURE, "lanes", "%s",
             cli_say("none configured: nothing can be sent; list a provider's account under `lanes:`",
                     "未配置:无法发送;请在 lanes: 下列出服务商账户"));
    for (uint32_t i = 0; i < s->n_lanes; i++)
        check_lane(&d, &s->lanes[i]);
    for (uint32_t i = 0; i < s->n_doors; i++)
        check_door(&d, &s->doors[i]);
    check_public_url(&d, s);
    check_keyless(&d, s);
    if (d.json)
        printf("%s]\n", d.out.p);
    buf_done(&d.out);
    config_free(s);
    return d.failures ? EX_UNAVAILABLE : EX_OK;
}
