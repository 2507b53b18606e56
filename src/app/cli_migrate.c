#include "app/cli.h"

#include "app/config.h"
#include "app/config_value.h"
#include "base/clock.h"
#include "base/json.h"
#include "store/migrate.h"
#include "store/move.h"

#include <getopt.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
    "hongyan migrate [-c FILE]\n"
    "hongyan migrate --from DATABASE --to DATABASE [--json]\n"
    "hongyan migrate --from DATABASE --abandon\n\n"
    "Without --from: brings the database of the settings to the schema this program knows. serve does it by "
    "itself.\n"
    "With it: moves everything from one database to another, for good. The gateways on the old one are "
    "stopped "
    "before\n"
    "(SIGTERM); afterwards `database` names the new one. Run it again after any failure: it goes on where it "
    "was.\n"
    "--abandon gives up a move that is not finished; the old database may be used again.\n"
    "DATABASE: sqlite:PATH, or postgres://USER@HOST/NAME (docs/moving.md)\n"
    "不带 --from:升级数据库结构。serve 启动时会自动执行。\n"
    "带 --from 和 "
    "--to:把全部数据永久迁移到另一个数据库。请先停止旧库上的网关(SIGTERM),迁移后把 database "
    "改为新库。\n"
    "中断后重新执行即可继续;--abandon 放弃未完成的迁移。\n";

struct options {
    const char *config, *from, *to;
    bool abandon, json;
};

/* False: *code is what to end with. */
static bool parse(int argc, char **argv, struct options *o, int *code) {
    static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
                                          {"from", required_argument, NULL, 'f'},
                                          {"to", required_argument, NULL, 't'},
                                          {"abandon", no_argument, NULL, 'a'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    *o = (struct options){.config = NULL};
    *code = EX_USAGE;
    for (int c; (c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1;) {
        switch (c) {
        case 'c': o->config = optarg; break;
        case 'f': o->from = optarg; break;
        case 't': o->to = optarg; break;
        case 'a': o->abandon = true; break;
        case 'j': o->json = true; break;
        default:
            *code = c == 'h' ? EX_OK : EX_USAGE;
            fputs(usage, c == 'h' ? stdout : stderr);
            return false;
        }
    }
    bool moves = o->from || o->to || o->abandon;
    if (optind == argc && (!moves || (o->from && !o->to == o->abandon)))
        return true;
    fputs(usage, stderr);
    return false;
}

static int upgrade(const struct options *o) {
    struct settings *s = cli_load_settings(cli_config_path(o->config));
    if (!s)
        return EX_CONFIG;
    struct err e = ERR_INIT;
    int from = 0, to = 0;
    bool there = cli_make_folder(s->data_dir.p, &e);
    struct db *db = there ? db_open(s->database, DB_WRITER, &e) : NULL;
    bool ok = db && migrate(db, &from, &to, &e);
    db_close(db);
    config_free(s);
    if (!ok)
        return cli_fail("migrate", &e);
    printf("schema %d -> %d\n", from, to);
    return EX_OK;
}

/* A file by its whole path: what is written down of it must mean the same elsewhere. */
static bool name_database(const char *option, const char *given, struct buf *out, struct err *e) {
    char here[PATH_MAX];
    struct sv url = sv_of(given);
    if (!config_is_database(url))
        return err_set(e, ERR_INVALID,
                       "%s: a database is sqlite:PATH, or postgres://USER@HOST/NAME without a password (that "
                       "stands in a file: docs/postgresql.md)",
                       option);
    bool relative = sv_starts(url, SV("sqlite:")) && url.p[7] != '/';
    if (relative && !getcwd(here, sizeof here))
        return err_set(e, ERR_OUTSIDE, "%s: give the whole path", option);
    if (relative)
        buf_addf(out, "sqlite:%s/%s", here, given + 7);
    else
        buf_add(out, url);
    return !out->overflow || err_set(e, ERR_INVALID, "%s is too long", option);
}

struct progress {
    int64_t told_us;
    const char *table;
};

static void tell(void *ctx, enum move_step step, const char *table, int64_t rows, int64_t of) {
    struct progress *p = ctx;
    int64_t now = clock_monotonic_us();
    if (now - p->told_us < US_PER_S)
        return;
    p->told_us = now;
    switch (step) {
    case MOVE_WAITS:
        fprintf(stderr,
                cli_say("waiting for the leases of %lld gateways to end\n", "等待 %lld 个网关的租约结束\n"),
                (long long)rows);
        break;
    case MOVE_COPIES:
        fprintf(stderr, cli_say("copying %s: %lld of %lld rows\n", "复制 %s:%lld / %lld 行\n"), table,
                (long long)rows, (long long)of);
        break;
    case MOVE_COMPARES:
        fprintf(stderr, cli_say("comparing %s: %lld rows\n", "核对 %s:%lld 行\n"), table, (long long)rows);
        break;
    }
}

static void print_json(const struct move_report *r) {
    struct buf BUF_AUTO out = BUF_INIT(1024);
    buf_addc(&out, '{');
    json_pair_i64(&out, "tables", r->tables);
    json_pair_i64(&out, "rows", r->rows);
    json_pair_i64(&out, "resumed", r->resumed);
    json_pair_i64(&out, "mended", r->mended);
    json_pair_i64(&out, "parcels", r->parcels);
    json_pair_i64(&out, "shut_ms", r->shut_us / US_PER_MS);
    json_pair(&out, "digest", sv_of(r->digest));
    printf("%.*s}\n", SV_FMT(buf_sv(&out)));
}

static void print_report(const struct move_report *r, struct sv to) {
    double shut_s = (double)r->shut_us / (double)US_PER_S;
    if (r->was_done)
        puts(cli_say("this was done before; nothing is left to do", "此前已完成,无需再做"));
    else if (r->tables == 0) /* a run before came that far */
        puts(cli_say("the rows were moved and compared before; the new database is open now",
                     "数据此前已迁移并比对,新库现已开放"));
    else
        printf(cli_say("moved %lld rows of %u tables; both databases hold the same (digest %s)\n",
                       "已迁移 %lld 行,共 %u 张表;两库内容一致(摘要 %s)\n"),
               (long long)r->rows, r->tables, r->digest);
    if (r->resumed)
        printf(cli_say("%lld of the rows were there from runs before\n", "其中 %lld 行由先前的运行完成\n"),
               (long long)r->resumed);
    if (r->mended)
        printf(cli_say("%lld texts have bytes that PostgreSQL cannot hold: U+FFFD stands there now\n",
                       "%lld 段文本含 PostgreSQL 无法保存的字节,已替换为 U+FFFD\n"),
               (long long)r->mended);
    if (r->parcels)
        printf(
            cli_say("%lld receipts or commands wait for a node: start the gateway with `node.shared: yes`\n",
                    "%lld 条回执或命令等待节点处理:请以 node.shared: yes 启动网关\n"),
            (long long)r->parcels);
    printf(cli_say("the old database was shut %.1f s before the new one was open, and stays so\n",
                   "从旧库关闭到新库开放共 %.1f 秒,旧库不再可用\n"),
           shut_s);
    printf(cli_say("now set `database: %.*s` and start the gateways, with the same master key\n",
                   "现在请设置 database: %.*s,并用同一主密钥启动网关\n"),
           SV_FMT(to));
}

static int move(const struct options *o) {
    struct buf BUF_AUTO from = BUF_INIT(MOVE_PLACE_MAX), to = BUF_INIT(MOVE_PLACE_MAX);
    struct progress progress = {.told_us = clock_monotonic_us()};
    struct move_report r;
    struct err e = ERR_INIT;
    umask(077); /* a new file is for this user alone */
    bool ok =
        name_database("--from", o->from, &from, &e) && (!o->to || name_database("--to", o->to, &to, &e));
    if (ok && o->abandon) {
        if (!move_abandon(buf_sv(&from), &e))
            return cli_fail("migrate", &e);
        puts(cli_say("given up: the old database may be used again", "已放弃:旧库可继续使用"));
        return EX_OK;
    }
    if (ok && sv_eq(buf_sv(&from), buf_sv(&to)))
        ok = err_set(&e, ERR_INVALID, "--from and --to are the same database");
    struct move_plan plan = {.from = buf_sv(&from), .to = buf_sv(&to), .tell = tell, .ctx = &progress};
    if (!ok || !move_run(&plan, &r, &e))
        return cli_fail("migrate", &e);
    if (o->json)
        print_json(&r);
    else
        print_report(&r, plan.to);
    return EX_OK;
}

int cli_migrate(int argc, char **argv) {
    struct options o;
    int code;
    if (!parse(argc, argv, &o, &code))
        return code;
    return o.from ? move(&o) : upgrade(&o);
}
