#include "app/cli.h"

#include "app/cli_lengths.h"
#include "app/config.h"
#include "base/buf.h"
#include "base/json.h"
#include "ingest/admit.h"
#include "text/segments_json.h"
#include "text/template/template.h"
#include "text/utf8.h"

#include <getopt.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] =
    "hongyan render (-t NAME [--lang LANG] [-c FILE] | -f TEMPLATE_FILE) [--vars JSON] [--json]\n"
    "hongyan render -f TEMPLATE_FILE --lengths JSON\n\n"
    "Renders a template of the templates folder, or a file (- for standard input), and says how it would be "
    "sent.\n"
    "渲染模板目录中的模板或一个文件(- 为标准输入),并显示编码与条数。\n\n"
    "With --lengths it renders nothing, but tells which variables the file needs, and how many segments it "
    "can make\n"
    "when their values are so long: {\"name\":[2,20],\"code\":[6,6,\"ascii\"],\"*\":[0,30]}.\n"
    "给出 --lengths 时不渲染,而是按变量长度列出所需变量与最少、最多条数。\n";

struct render_options {
    const char *config, *name, *language, *file, *vars, *lengths;
    bool json;
};

static bool parse(int argc, char **argv, struct render_options *o, bool *asked) {
    static const struct option longs[] = {
        {"lang", required_argument, NULL, 'l'},    {"vars", required_argument, NULL, 'v'},
        {"lengths", required_argument, NULL, 'n'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    *o = (struct render_options){0};
    *asked = false;
    for (int c; (c = getopt_long(argc, argv, "c:t:f:h", longs, NULL)) != -1;) {
        switch (c) {
        case 'c': o->config = optarg; break;
        case 't': o->name = optarg; break;
        case 'f': o->file = optarg; break;
        case 'l': o->language = optarg; break;
        case 'v': o->vars = optarg; break;
        case 'n': o->lengths = optarg; break;
        case 'j': o->json = true; break;
        default: *asked = c == 'h'; return false;
        }
    }
    return optind == argc && (o->name != NULL) != (o->file != NULL) && (o->file || !o->lengths) &&
           !(o->lengths && o->vars);
}

static struct template *read_template(const struct render_options *o, struct err *e) {
    struct buf BUF_AUTO source = BUF_INIT(TEMPLATE_SOURCE_BYTES_MAX);
    FILE *f = strcmp(o->file, "-") == 0 ? stdin : fopen(o->file, "rbe");
    if (!f) {
        err_set(e, ERR_NOT_FOUND, "cannot read %s", o->file);
        return NULL;
    }
    char part[4096];
    for (size_t n; !source.overflow && (n = fread(part, 1, sizeof part, f)) > 0;)
        buf_add(&source, sv_make(part, n));
    if (f != stdin)
        fclose(f);
    if (source.overflow) {
        err_set(e, ERR_TOO_LARGE, "%s: more than %d bytes", o->file, TEMPLATE_SOURCE_BYTES_MAX);
        return NULL;
    }
    return template_compile(sv_of(o->file), buf_sv(&source), NULL, e);
}

static bool render_file(const struct render_options *o, const json_t *vars, struct buf *out, struct err *e) {
    struct template *t = read_template(o, e);
    bool ok = t && template_render(t, vars, NULL, out, e);
    template_free(t);
    return ok;
}

static int tell_lengths(const struct render_options *o) {
    struct buf BUF_AUTO out = BUF_INIT(4 << 20);
    struct err e = ERR_INIT;
    struct template *t = read_template(o, &e);
    bool ok = t && cli_lengths(t, o->lengths, &out, &e);
    template_free(t);
    if (!ok)
        return cli_fail("render", &e);
    fputs(out.p, stdout);
    return EX_OK;
}

static bool render_named(const struct render_options *o, const json_t *vars, struct buf *out, struct err *e) {
    struct settings *s = cli_load_settings(cli_config_path(o->config));
    if (!s)
        return err_set(e, ERR_INVALID, "the settings have errors");
    const struct render_want want = {.name = sv_of(o->name), .language = sv_of(o->language)};
    uint32_t version;
    struct texts *t = texts_load(s, e);
    bool ok = t && admit_render(NULL, s, t, &want, vars, out, &version, e);
    texts_free(t);
    config_free(s);
    return ok;
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

int cli_render(int argc, char **argv) {
    struct render_options o;
    bool asked;
    if (!parse(argc, argv, &o, &asked)) {
        fputs(usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    if (o.lengths)
        return tell_lengths(&o);
    struct err e = ERR_INIT;
    json_error_t why;
    json_auto_t *vars = json_loads(o.vars ? o.vars : "{}", JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(vars)) {
        fprintf(stderr, "hongyan render: --vars is no JSON object: %s\n",
                vars ? "another kind of value" : why.text);
        return EX_DATAERR;
    }
    struct buf BUF_AUTO text = BUF_INIT(1 << 20), out = BUF_INIT(4 << 20);
    if (!(o.file ? render_file(&o, vars, &text, &e) : render_named(&o, vars, &text, &e)))
        return cli_fail("render", &e);
    struct segments n = segments_count(buf_sv(&text), SEGMENTS_INTERNATIONAL);
    if (o.json) {
        buf_addc(&out, '{');
        json_pair(&out, "text", buf_sv(&text));
        segments_add_json(&n, buf_sv(&text), &out);
        buf_adds(&out, "}\n");
        fputs(out.p, stdout);
        return EX_OK;
    }
    fwrite(text.n ? text.p : "", 1, text.n, stdout);
    fputc('\n', stdout);
    fprintf(stderr, "%s, %zu %s, %zu %s\n", sms_encoding_name(n.encoding), n.units,
            cli_say("units", "个单位"), n.segments, cli_say("segment(s)", "条"));
    tell_culprits(&n, buf_sv(&text));
    return EX_OK;
}
