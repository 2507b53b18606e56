#include "app/cli.h"
#include "app/config.h"

#include "base/clock.h"
#include "base/json.h"
#include "store/account.h"
#include "store/migrate.h"
#include "store/seal.h"

#include <getopt.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] =
    "hongyan key create [-c FILE] [--account NAME] [--name NAME] [--scopes send,read,admin] [--json]\n"
    "hongyan key list   [-c FILE] [--json]\n"
    "hongyan key revoke [-c FILE] SK...\n"
    "\n"
    "Makes, lists and revokes API keys. A key's secret is shown once, when it is made. create makes the "
    "account too\n"
    "when there is none of that name (default: default), and prints its sid and auth token for Twilio's "
    "SDKs.\n"
    "创建、列出、吊销 API 密钥。密钥只在创建时显示一次;没有同名账户时会一并创建。\n";

struct key_options {
    const char *config, *account, *name, *scopes, *sid;
    bool json;
};

static bool open_db(const char *config, struct db **db, struct master_key *mk, bool *no_settings,
                    struct err *e) {
    struct buf BUF_AUTO hex = BUF_INIT(256);
    const char *path = cli_config_path(config);
    struct settings *s = cli_load_settings(path);
    cli_master_key(path, &hex);
    if (!s) {
        *no_settings = true;
        return err_set(e, ERR_INVALID, "the settings have errors");
    }
    int from, to;
    if (!cli_make_folder(s->data_dir.p, e)) {
        config_free(s);
        return false;
    }
    *db = db_open(s->database, DB_WRITER, e);
    bool ok = *db && master_key_load(buf_sv(&hex), s->data_dir, mk, e) && migrate(*db, &from, &to, e) &&
              master_key_fits(*db, mk, e);
    config_free(s);
    return ok;
}

static bool create(const struct key_options *o, struct db *db, const struct master_key *mk, struct err *e) {
    struct account a;
    struct api_key k;
    char secret[SECRET_CHARS + 1];
    unsigned scopes;
    bool made;
    int64_t now = clock_system_us();
    if (!scopes_parse(sv_of(o->scopes), &scopes, e) ||
        !account_ensure(db, mk, sv_of(o->account), now, &a, &made, e) ||
        !api_key_create(db, a.id, sv_of(o->name), scopes, now, &k, secret, e))
        return false;
    if (o->json) {
        printf("{\"account\":\"%s\",\"auth_token\":\"%s\",\"sid\":\"%s\",\"key\":\"%s.%s\"}\n", a.sid.text,
               a.auth_token, k.sid.text, k.sid.text, secret);
        return true;
    }
    printf(cli_say("account     %s (%s%s)\nauth token  %s\napi key     %s.%s\n"
                   "\nKeep the key now: it is not shown again. In HTTP: `Authorization: Bearer KEY`.\n",
                   "账户        %s (%s%s)\n认证令牌    %s\nAPI 密钥    %s.%s\n"
                   "\n请立即保存密钥:它不会再次显示。HTTP 用法:`Authorization: Bearer 密钥`。\n"),
           a.sid.text, a.name, made ? cli_say(", new", ",新建") : "", a.auth_token, k.sid.text, secret);
    return true;
}

static void add_row(struct buf *out, const struct api_key *k, bool json) {
    struct buf BUF_AUTO scopes = BUF_INIT(64), made = BUF_INIT(64);
    scopes_print(k->scopes, &scopes);
    clock_add_rfc3339(&made, k->created_at);
    if (!json) {
        buf_addf(out, "%s  %-16s  %-16s  %s  %s\n", k->sid.text, k->name, scopes.p, made.p,
                 k->revoked_at ? cli_say("revoked", "已吊销") : "");
        return;
    }
    if (out->p[out->n - 1] != '[')
        buf_addc(out, ',');
    buf_addc(out, '{');
    json_pair(out, "sid", sid_sv(&k->sid));
    json_pair(out, "name", sv_of(k->name));
    json_pair(out, "scopes", buf_sv(&scopes));
    json_pair_time(out, "created_at", k->created_at);
    json_pair_time(out, "revoked_at", k->revoked_at);
    buf_addc(out, '}');
}

static bool list(const struct key_options *o, struct db *db, struct err *e) {
    enum { KEYS_MAX = 10000 };
    struct api_key *keys = calloc(KEYS_MAX, sizeof *keys);
    struct buf BUF_AUTO out = BUF_INIT(8 << 20);
    ASSERT(keys);
    size_t n;
    bool ok = api_key_list(db, keys, KEYS_MAX, &n, e);
    if (o->json)
        buf_adds(&out, "[");
    for (size_t i = 0; ok && i < n; i++)
        add_row(&out, &keys[i], o->json);
    if (o->json)
        buf_adds(&out, "]\n");
    free(keys);
    if (ok && out.n)
        fputs(out.p, stdout);
    return ok;
}

static bool parse(int argc, char **argv, struct key_options *o) {
    static const struct option longs[] = {
        {"account", required_argument, NULL, 'a'}, {"name", required_argument, NULL, 'n'},
        {"scopes", required_argument, NULL, 's'},  {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    *o = (struct key_options){.account = "default", .name = "default", .scopes = "send,read"};
    for (int c; (c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1;) {
        switch (c) {
        case 'c': o->config = optarg; break;
        case 'a': o->account = optarg; break;
        case 'n': o->name = optarg; break;
        case 's': o->scopes = optarg; break;
        case 'j': o->json = true; break;
        default: return false;
        }
    }
    o->sid = optind < argc ? argv[optind++] : NULL;
    return optind >= argc;
}

int cli_key(int argc, char **argv) {
    struct key_options o;
    const char *what = argc > 1 ? argv[1] : "";
    bool known = strcmp(what, "create") == 0 || strcmp(what, "list") == 0 || strcmp(what, "revoke") == 0;
    bool wants_sid = strcmp(what, "revoke") == 0;
    if (!known || !parse(argc - 1, argv + 1, &o) || (o.sid != NULL) != wants_sid) {
        bool asked = argc > 1 && (strcmp(what, "--help") == 0 || strcmp(argv[argc - 1], "--help") == 0);
        fputs(usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    struct db *db = NULL;
    struct master_key mk;
    struct err e = ERR_INIT;
    bool no_settings = false;
    bool ok = open_db(o.config, &db, &mk, &no_settings, &e);
    if (ok && strcmp(what, "create") == 0)
        ok = create(&o, db, &mk, &e);
    else if (ok && strcmp(what, "list") == 0)
        ok = list(&o, db, &e);
    else if (ok)
        ok = api_key_revoke(db, sv_of(o.sid), clock_system_us(), &e);
    db_close(db);
    if (no_settings)
        return EX_CONFIG; /* what is wrong with them was said */
    return ok ? EX_OK : cli_fail("key", &e);
}
