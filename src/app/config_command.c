#include "app/config.h"

#include "base/json.h"
#include "provider/adapter.h"

#include <getopt.h>
#include <string.h>
#include <sysexits.h>

static const char help[] =
    "Usage: hongyan config check [-c FILE] [--json]   report all that is wrong with a configuration\n"
    "       hongyan config print [-c FILE]            show the settings in effect, secrets as ***\n"
    "       hongyan config explain [--zh] [KEY]       say what a key (or section) means\n"
    "       hongyan config doc [PROVIDER]             write docs/config.md to standard output, or the end "
    "of\n"
    "                                                 a provider's page: its settings and codes\n"
    "\n"
    "  -c, --config FILE  default: $HONGYAN_CONFIG, or hongyan.yaml\n"
    "      --json         check: one JSON object on standard output\n"
    "      --zh           explain: in Chinese (default where the locale is Chinese)\n"
    "  -h, --help         this text\n"
    "\n"
    "Exit: 0 fine, 64 wrong usage or unknown key, 66 no such file, 78 the configuration is wrong.\n";

struct command_options {
    const char *file;
    const char *action;
    const char *key; /* or NULL */
    bool json, chinese;
};

static int usage_error(const char *what, const char *value) {
    fprintf(stderr, "hongyan config: %s%s%s\nTry: hongyan config --help\n", what, value ? ": " : "",
            value ? value : "");
    return EX_USAGE;
}

static bool locale_is_chinese(void) {
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *v = getenv(names[i]);
        if (v && v[0])
            return strncmp(v, "zh", 2) == 0;
    }
    return false;
}

/* An exit code, or -1 to go on. */
static int read_options(int argc, char **argv, struct command_options *o) {
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"json", no_argument, NULL, 'j'},
        {"zh", no_argument, NULL, 'z'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *from_env = getenv("HONGYAN_CONFIG");
    *o = (struct command_options){.file = from_env && from_env[0] ? from_env : "hongyan.yaml",
                                  .chinese = locale_is_chinese()};
    optind = 0; /* GNU: start anew, as main may have read its own options */
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
        switch (c) {
        case 'c': o->file = optarg; break;
        case 'j': o->json = true; break;
        case 'z': o->chinese = true; break;
        case 'h': fputs(help, stdout); return EX_OK;
        default: return usage_error("unknown or incomplete option", argv[optind - 1]);
        }
    }
    if (optind == argc)
        return usage_error("say what to do: check, print, explain or doc", NULL);
    o->action = argv[optind++];
    bool explain = strcmp(o->action, "explain") == 0;
    bool doc = strcmp(o->action, "doc") == 0;
    if ((explain || doc) && optind < argc)
        o->key = argv[optind++];
    if (optind < argc)
        return usage_error("unexpected argument", argv[optind]);
    if (o->json && strcmp(o->action, "check") != 0)
        return usage_error("--json goes with check only", NULL);
    return -1;
}

static void put(const struct buf *b, FILE *to) {
    ASSERT(!b->overflow);
    fwrite(b->n ? b->p : "", 1, b->n, to);
}

/* Standard output may be a full disk or a closed pipe. */
static int done(int code) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fputs("hongyan config: cannot write to standard output\n", stderr);
    return EX_IOERR;
}

static void print_json(const struct command_options *o, const struct config_problems *p, struct buf *out) {
    buf_addc(out, '{');
    json_pair(out, "file", sv_of(o->file));
    json_pair_bool(out, "ok", p->n == 0);
    json_key(out, "problems");
    buf_addc(out, '[');
    for (size_t i = 0; i < p->n; i++) {
        buf_adds(out, i ? ",{" : "{");
        json_pair(out, "file", sv_of(p->at[i].file));
        json_pair_i64(out, "line", p->at[i].line);
        json_pair(out, "text", sv_of(p->at[i].text));
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
    json_pair_i64(out, "left_out", (int64_t)p->left_out);
    buf_adds(out, "}\n");
}

static int check_or_print(const struct command_options *o) {
    struct config_source src = config_source_real();
    struct config_problems problems = {0};
    struct settings *s = config_load(sv_of(o->file), &src, &problems);
    int code = s ? EX_OK : problems.no_input ? EX_NOINPUT : EX_CONFIG;
    bool print = strcmp(o->action, "print") == 0, good = s != NULL;
    struct buf BUF_AUTO out = BUF_INIT(64 << 20);
    if (o->json)
        print_json(o, &problems, &out);
    else if (!s)
        config_problems_print(&problems, &out);
    else if (print)
        config_print(s, &out);
    else
        buf_addf(&out, "%s: fine, %u lane%s\n", o->file, s->n_lanes, s->n_lanes == 1 ? "" : "s");
    config_free(s);
    put(&out, good || o->json ? stdout : stderr);
    return done(code);
}

static int explain(const struct command_options *o) {
    struct buf BUF_AUTO out = BUF_INIT(1 << 20);
    struct err e = ERR_INIT;
    if (!config_explain(sv_of(o->key), o->chinese, &out, &e)) {
        fprintf(stderr, "hongyan config: %s\n", e.text);
        return EX_USAGE;
    }
    put(&out, stdout);
    return done(EX_OK);
}

static int doc(const struct command_options *o) {
    struct buf BUF_AUTO out = BUF_INIT(1 << 20);
    const struct adapter *provider = o->key ? adapter_find(sv_of(o->key)) : NULL;
    if (o->key && !provider)
        return usage_error("no such provider", o->key);
    if (provider)
        config_provider_doc(provider, &out);
    else
        config_doc(&out);
    put(&out, stdout);
    return done(EX_OK);
}

int config_command(int argc, char **argv) {
    struct command_options o;
    int code = read_options(argc, argv, &o);
    if (code >= 0)
        return code;
    if (strcmp(o.action, "check") == 0 || strcmp(o.action, "print") == 0)
        return check_or_print(&o);
    if (strcmp(o.action, "explain") == 0)
        return explain(&o);
    if (strcmp(o.action, "doc") == 0)
        return doc(&o);
    return usage_error("unknown action", o.action);
}
