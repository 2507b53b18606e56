#include "app/cli.h"
#include "app/config.h"

#include "base/clock.h"
#include "base/json.h"
#include "store/nodes.h"

#include <getopt.h>
#include <sysexits.h>

static const char usage[] =
    "hongyan nodes [-c FILE] [--all] [--json]\n\n"
    "Lists the gateways that share the database: id, name, version, address, how long the lease still runs, "
    "and\n"
    "the messages each has something to do for. --all: those that are gone, too.\n"
    "列出共用数据库的网关:编号、名称、版本、地址、租约剩余时间及各自未完成的消息数。--all 也列出已离开的。\n";

static const char *state_of(const struct node_row *r, int64_t now) {
    if (r->taken == NODE_EMPTY)
        return "gone";
    if (r->taken == NODE_TAKEN)
        return "taken";
    return r->lease_until > now ? "alive" : "expired";
}

static void print_json(const struct node_row *rows, size_t n, bool all, int64_t now) {
    struct buf BUF_AUTO out = BUF_INIT(256 * 1024);
    unsigned told = 0;
    buf_addc(&out, '[');
    for (size_t i = 0; i < n; i++) {
        const struct node_row *r = &rows[i];
        if (!all && r->taken == NODE_EMPTY)
            continue;
        buf_adds(&out, told++ ? ",{" : "{");
        json_pair_i64(&out, "id", r->id);
        json_pair(&out, "name", sv_of(r->name));
        json_pair(&out, "version", sv_of(r->version));
        json_pair(&out, "address", sv_of(r->address));
        json_pair(&out, "state", sv_of(state_of(r, now)));
        json_pair_i64(&out, "lease_ms", r->taken == NODE_ALIVE ? (r->lease_until - now) / US_PER_MS : 0);
        json_pair_i64(&out, "pending", r->due);
        json_pair_time(&out, "started_at", r->started_at);
        json_pair_time(&out, "seen_at", r->seen_at);
        buf_addc(&out, '}');
    }
    printf("%.*s]\n", SV_FMT(buf_sv(&out)));
}

static void print_table(const struct node_row *rows, size_t n, bool all, int64_t now) {
    printf("%-4s %-20s %-10s %-22s %-8s %9s %9s\n", "id", cli_say("name", "名称"), cli_say("version", "版本"),
           cli_say("address", "地址"), cli_say("state", "状态"), cli_say("lease ms", "租约 ms"),
           cli_say("pending", "未完成"));
    for (size_t i = 0; i < n; i++) {
        const struct node_row *r = &rows[i];
        if (!all && r->taken == NODE_EMPTY)
            continue;
        int64_t lease_ms = r->taken == NODE_ALIVE ? (r->lease_until - now) / US_PER_MS : 0;
        printf("%-4u %-20s %-10s %-22s %-8s %9lld %9lld\n", r->id, r->name, r->version, r->address,
               state_of(r, now), (long long)lease_ms, (long long)r->due);
    }
}

int cli_nodes(int argc, char **argv) {
    static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
                                          {"all", no_argument, NULL, 'a'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *given = NULL;
    bool json = false, all = false;
    for (int c; (c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1;) {
        if (c == 'c')
            given = optarg;
        else if (c == 'j')
            json = true;
        else if (c == 'a')
            all = true;
        else {
            fputs(usage, c == 'h' ? stdout : stderr);
            return c == 'h' ? EX_OK : EX_USAGE;
        }
    }
    if (optind != argc) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    struct settings *s = cli_load_settings(cli_config_path(given));
    if (!s)
        return EX_CONFIG;
    struct err e = ERR_INIT;
    struct node_row rows[NODES_MAX];
    size_t n = 0;
    int64_t now = 0;
    struct db *db = db_open(s->database, DB_READER, &e);
    bool ok = db && nodes_list(db, rows, &n, &now, &e);
    db_close(db);
    config_free(s);
    if (!ok)
        return cli_fail("nodes", &e);
    if (json)
        print_json(rows, n, all, now);
    else
        print_table(rows, n, all, now);
    if (!json && n == 0)
        fputs(cli_say("no nodes: a lone gateway, or none of several has started yet\n",
                      "没有节点:只有一个独立网关,或多个网关均未启动\n"),
              stderr);
    return EX_OK;
}
