#include "app/cli.h"

#include "app/cli_lengths.h"
#include "app/config.h"
#include "base/buf.h"
#include "base/json.h"
#include "ingest/preview.h"
#include "store/account.h"
#include "text/segments.h"
#include "text/template/template.h"
#include "text/utf8.h"

#include <getopt.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] =
    "hongyan render (-t NAME [--lang LANG] [-c FILE] [--account NAME [--version N]] | -f TEMPLATE_FILE)\n"
    "               [--channel sms|voice|email|push] [--vars JSON] [--lengths JSON] [--json]\n\n"
    "Renders a template and says how it would be sent: of the account's store (with --account), of the "
    "templates "
    "folder,\n"
    "or a file (- for standard input). Without --vars a stored template shows its sample data.\n"
    "渲染模板并显示编码与条数:账户的模板库(--account)、模板目录中的模板或一个文件(- 为标准输入)。\n"
    "不给 --vars 时使用模板自带的示例数据。\n\n"
    "With --lengths it tells how many segments the template can make when values are so long, and without "
    "--vars "
    "nothing\n"
    "else: {\"name\":[2,20],\"code\":[6,6,\"ascii\"],\"*\":[0,30]}.\n"
    "给出 --lengths 时按变量长度列出最少、最多条数;不带 --vars 则只列出这些。\n";

struct render_options {
    const char *config, *name, *language, *file, *vars, *account, *version, *channel, *lengths;
    bool json;
};

static bool parse(int argc, char **argv, struct render_options *o, bool *asked) {
    static const struct option longs[] = {{"lang", required_argument, NULL, 'l'},
                                          {"vars", required_argument, NULL, 'v'},
                                          {"account", required_argument, NULL, 'a'},
                                          {"version", required_argument, NULL, 'n'},
                                          {"channel", required_argument, NULL, 'k'},
                                          {"lengths", required_argument, NULL, 's'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    *o = (struct render_options){0};
    *asked = false;
    for (int c; (c = getopt_long(argc, argv, "c:t:f:h", longs, NULL)) != -1;) {
        switch (c) {
        case 'c': o->config = optarg; break;
        case 't': o->name = optarg; break;
        case 'f': o->file = optarg; break;
        case 'l': o->language = optarg; break;
        case 'v': o->vars = optarg; break;
        case 'a': o->account = optarg; break;
        case 'n': o->version = optarg; break;
        case 'k': o->channel = optarg; break;
        case 's': o->lengths = optarg; break;
        case 'j': o->json = true; break;
        default: *asked = c == 'h'; return false;
        }
    }
    return optind == argc && (o->name != NULL) != (o->file != NULL) && !(o->version && !o->account);
}

/* One option's JSON object; NULL and true when it was not given. */
static bool read_object(const char *option, const char *text, json_t **out) {
    json_error_t why;
    *out = NULL;
    if (!text)
        return true;
    *out = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (json_is_object(*out))
        return true;
    fprintf(stderr, "hongyan render: --%s is no JSON object: %s\n", option,
            *out ? "another kind of value" : why.text);
    json_decref(*out);
    *out = NULL;
    return false;
}

static bool read_source(const char *file, struct buf *out, struct err *e) {
    FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "rbe");
    if (!f)
        return err_set(e, ERR_NOT_FOUND, "cannot read %s", file);
    char part[4096];
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        buf_add(out, sv_make(part, n));
    if (f != stdin)
        fclose(f);
    return !out->overflow || err_set(e, ERR_TOO_LARGE, "%s: a template to render has at most %d bytes", file,
                                     PREVIEW_SOURCE_BYTES_MAX);
}

/* Renders nothing. */
static int tell_lengths(const struct render_options *o) {
    struct buf BUF_AUTO out = BUF_INIT(4 << 20), source = BUF_INIT(PREVIEW_SOURCE_BYTES_MAX);
    struct err e = ERR_INIT;
    struct template *t = read_source(o->file, &source, &e)
                             ? template_compile(sv_of(o->file), buf_sv(&source), NULL, &e)
                             : NULL;
    bool ok = t && cli_lengths(t, o->lengths, &out, &e);
    template_free(t);
    if (!ok)
        return cli_fail("render", &e);
    fputs(out.p, stdout);
    return EX_OK;
}

/* The settings that -c names; without it the defaults. */
static struct settings *settings_of_file(const struct render_options *o) {
    return o->config ? cli_load_settings(o->config) : config_defaults();
}

static bool of_file(const struct render_options *o, struct preview_want *w, struct preview *p,
                    struct err *e) {
    struct buf BUF_AUTO source = BUF_INIT(PREVIEW_SOURCE_BYTES_MAX);
    if (!read_source(o->file, &source, e))
        return false;
    struct settings *s = settings_of_file(o);
    if (!s)
        return err_set(e, ERR_INVALID, "the settings have errors");
    w->source = buf_sv(&source);
    w->called = sv_of(o->file);
    bool ok = preview_make(NULL, s, NULL, w, p, e);
    config_free(s);
    return ok;
}

static bool of_store(const struct render_options *o, const struct settings *s, const struct texts *t,
                     struct preview_want *w, struct preview *p, struct err *e) {
    struct db *db = db_open(s->database, DB_READER, e);
    struct stock *stock = db ? stock_new(db, (struct sip_key){0}, e) : NULL;
    bool ok =
        stock && account_find(db, sv_of(o->account), &w->account_id, e) && preview_make(stock, s, t, w, p, e);
    stock_free(stock);
    db_close(db);
    return ok;
}

static bool of_name(const struct render_options *o, struct preview_want *w, struct preview *p,
                    struct err *e) {
    struct settings *s = cli_load_settings(cli_config_path(o->config));
    if (!s)
        return err_set(e, ERR_INVALID, "the settings have errors");
    w->name = sv_of(o->name);
    struct texts *t = texts_load(s, e);
    bool ok = t && (o->account ? of_store(o, s, t, w, p, e) : preview_make(NULL, s, t, w, p, e));
    texts_free(t);
    config_free(s);
    return ok;
}

static bool fill(const struct render_options *o, struct preview_want *w, struct err *e) {
    uint64_t version = 0;
    if (o->version && (!sv_to_u64(sv_of(o->version), &version) || version < 1 || version > UINT32_MAX))
        return err_set(e, ERR_INVALID, "--version is a number from 1");
    if (o->channel && !channel_find(sv_of(o->channel), &w->channel))
        return err_set(e, ERR_INVALID, "--channel is sms, voice, email or push");
    w->version = (uint32_t)version;
    w->language = sv_of(o->language);
    return true;
}

/* Which characters made it UCS-2, and what the text would take without them. */
static void tell_culprits(const struct segments *n, struct sv text) {
    for (size_t i = 0; i < n->culprits_n && i < SEGMENTS_CULPRITS_MAX; i++) {
        const unsigned char *from = (const unsigned char *)text.p + n->culprits[i].offset, *to = from;
        utf8_next(&to, (const unsigned char *)text.p + text.n);
        fprintf(stderr, "%s%.*s", i ? " " : cli_say("not GSM-7: ", "不属于 GSM-7:"), (int)(to - from),
                (const char *)from);
    }
    if (n->culprits_n)
        fprintf(stderr, "%s; %s %zu %s, %zu %s\n", n->culprits_n > SEGMENTS_CULPRITS_MAX ? " ..." : "",
                cli_say("with GSM-7 characters in their place", "若换成 GSM-7 字符则为"), n->gsm7_units,
                cli_say("units", "个单位"), n->gsm7_segments, cli_say("segment(s)", "条"));
}

static void tell_extent(const struct template_extent *x) {
    fprintf(stderr, "%s %zu", cli_say("with values of these lengths:", "按给出的变量长度:"),
            x->segments_least);
    if (!x->bounded)
        fprintf(stderr, "%s\n", cli_say(" segment(s) or more, no most can be told", " 条起,上限无法判断"));
    else
        fprintf(stderr, "%s%zu %s\n", cli_say(" to ", " 至 "), x->segments_most, cli_say("segment(s)", "条"));
}

static void tell_counts(const struct preview *p) {
    fprintf(stderr, "%s, %zu %s, %zu %s\n", sms_encoding_name(p->count.encoding), p->count.units,
            cli_say("units", "个单位"), p->count.segments, cli_say("segment(s)", "条"));
    tell_culprits(&p->count, p->parts[p->main].text);
}

static int say(const struct preview *p, const struct render_options *o) {
    struct buf BUF_AUTO out = BUF_INIT(8 << 20);
    bool text_message = p->channel == CHANNEL_SMS;
    if (o->lengths && !o->vars && !o->json && text_message) {
        cli_lengths_of(p, &out);
        fputs(out.p, stdout);
        return EX_OK;
    }
    if (o->json) {
        preview_print(p, &out);
        buf_addc(&out, '\n');
        fputs(out.p, stdout);
        return p->failure.n ? EX_DATAERR : EX_OK;
    }
    if (p->failure.n) {
        fprintf(stderr, "hongyan render: %.*s\n", SV_FMT(p->failure));
        return EX_DATAERR;
    }
    bool alone = text_message || p->channel == CHANNEL_VOICE;
    for (int i = 0; i < TEMPLATE_PARTS; i++)
        if (p->parts[i].there)
            buf_addf(&out, "%s%s%.*s\n", alone ? "" : template_part_name((enum template_part)i),
                     alone ? "" : ": ", SV_FMT(p->parts[i].text));
    fwrite(out.n ? out.p : "", 1, out.n, stdout);
    fflush(stdout);
    if (text_message)
        tell_counts(p);
    if (text_message && o->lengths)
        tell_extent(&p->extent);
    return EX_OK;
}

int cli_render(int argc, char **argv) {
    struct render_options o;
    bool asked;
    if (!parse(argc, argv, &o, &asked)) {
        fputs(usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    if (o.file && o.lengths && !o.vars && !o.config)
        return tell_lengths(&o);
    struct err e = ERR_INIT;
    json_auto_t *vars = NULL, *lengths = NULL;
    bool fine = read_object("vars", o.vars, &vars) && read_object("lengths", o.lengths, &lengths);
    if (!fine)
        return EX_DATAERR;
    struct preview_want w = {.vars = vars, .lengths = lengths};
    struct preview *p = calloc(1, sizeof *p);
    ASSERT(p);
    bool ok = fill(&o, &w, &e) && (o.file ? of_file(&o, &w, p, &e) : of_name(&o, &w, p, &e));
    int code = ok ? say(p, &o) : cli_fail("render", &e);
    preview_done(p);
    free(p);
    return code;
}
