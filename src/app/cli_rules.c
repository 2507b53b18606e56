/* hongyan import rules: files of rules into an account's store, as its folder has them. */
#include "app/cli.h"

#include "app/config.h"
#include "base/clock.h"
#include "ingest/rule.h"
#include "store/account.h"
#include "store/migrate.h"
#include "store/rules.h"

#include <getopt.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] =
    "hongyan import rules DIR [-c FILE] [--account NAME] [--publish] [--dry-run]\n\n"
    "Takes the rules of DIR/*.yaml into the account's store (docs/events.md). What is there already makes no "
    "new version; a\n"
    "mistake is told with file, line and column, and then nothing is taken. The gateway may run meanwhile.\n"
    "将目录中的规则导入账户的规则库。内容未变的不产生新版本;有错误时列出文件、行号和列号,且不导入任何规则。"
    "导入时网关可以继续运行。\n";

struct rules_options {
    const char *config, *account, *dir;
    bool publish, dry_run;
};

static bool parse(int argc, char **argv, struct rules_options *o, bool *asked) {
    static const struct option longs[] = {{"account", required_argument, NULL, 'a'},
                                          {"publish", no_argument, NULL, 'p'},
                                          {"dry-run", no_argument, NULL, 'd'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    *o = (struct rules_options){.account = "default"};
    *asked = false;
    for (int c; (c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1;) {
        switch (c) {
        case 'c': o->config = optarg; break;
        case 'a': o->account = optarg; break;
        case 'p': o->publish = true; break;
        case 'd': o->dry_run = true; break;
        default: *asked = c == 'h'; return false;
        }
    }
    if (optind + 1 != argc)
        return false;
    o->dir = argv[optind];
    return true;
}

static bool write_one(struct db *db, const struct rules_options *o, int64_t account, const struct rule *r,
                      struct err *e) {
    char *doc = json_dumps(r->doc, JSON_COMPACT);
    struct rule_write w = {.act = RULE_ADD,
                           .publish = o->publish,
                           .account_id = account,
                           .name = sv_of(r->name),
                           .doc = sv_of(doc)};
    bool ok = doc && rules_write_run(db, &w.write, clock_system_us(), e);
    free(doc);
    if (ok && w.outcome == RULE_FULL)
        return err_set(e, ERR_CONFLICT, "the account has %d rules: no more fit", RULES_PER_ACCOUNT_MAX);
    if (ok)
        printf("%s  %u  %s\n", r->name, w.number,
               w.outcome == RULE_SAME && !w.changed ? "unchanged"
               : o->publish                         ? "published"
                                                    : "created");
    return ok;
}

static bool write_all(struct db *db, const struct rules_options *o, const struct rule_set *set,
                      struct err *e) {
    int64_t account;
    bool ok = account_find(db, sv_of(o->account), &account, e) && db_begin(db, e);
    if (!ok)
        return false;
    for (size_t i = 0; ok && i < set->n; i++)
        ok = write_one(db, o, account, set->rules[i], e);
    if (ok && !o->dry_run)
        return db_commit(db, e);
    db_rollback(db);
    return ok;
}

int cli_import_rules(int argc, char **argv) {
    struct rules_options o;
    bool asked;
    int from, to;
    if (!parse(argc, argv, &o, &asked)) {
        fputs(usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    struct settings *s = cli_load_settings(cli_config_path(o.config));
    if (!s)
        return EX_CONFIG; /* what is wrong with them was said */
    struct rule_set set = {0};
    struct err e = ERR_INIT;
    struct db *db = NULL;
    bool ok = rule_folder_read(o.dir, &set, &e) && cli_make_folder(s->data_dir.p, &e);
    if (ok)
        db = db_open(s->database, DB_WRITER, &e);
    ok = db && migrate(db, &from, &to, &e) && write_all(db, &o, &set, &e);
    db_close(db);
    rule_set_done(&set);
    config_free(s);
    return ok ? EX_OK : cli_fail("import", &e);
}
