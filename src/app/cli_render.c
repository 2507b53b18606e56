#include "app/cli.h"

#include "app/config.h"
#include "base/buf.h"
#include "base/json.h"
#include "ingest/admit.h"
#include "text/segments.h"
#include "text/template/template.h"

#include <getopt.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] =
    "hongyan render (-t NAME [--lang LANG] [-c FILE] | -f TEMPLATE_FILE) [--vars JSON] [--json]\n\n"
    "Renders a template of the templates folder, or a file (- for standard input), and says how it would be "
    "sent.\n"
    "渲染模板目录中的模板或一个文件(- 为标准输入),并显示编码与条数。\n";

struct render_options {
    const char *config, *name, *language, *file, *vars;
    bool json;
};

static bool parse(int argc, char **argv, struct render_options *o, bool *asked) {
    static const struct option longs[] = {{"lang", required_argument, NULL, 'l'},
                                          {"vars", required_argument, NULL, 'v'},
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
        case 'j': o->json = true; break;
        default: *asked = c == 'h'; return false;
        }
    }
    return optind == argc && (o->name != NULL) != (o->file != NULL);
}

static bool render_file(const struct render_options *o, const json_t *vars, struct buf *out, struct err *e) {
    struct buf BUF_AUTO source = BUF_INIT(TEMPLATE_SOURCE_BYTES_MAX);
    FILE *f = strcmp(o->file, "-") == 0 ? stdin : fopen(o->file, "rbe");
    if (!f)
        return err_set(e, ERR_NOT_FOUND, "cannot read %s", o->file);
    char part[4096];
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        buf_add(&source, sv_make(part, n));
    if (f != stdin)
        fclose(f);
    struct template *t = template_compile(sv_of(o->file), buf_sv(&source), NULL, e);
    bool ok = t && template_render(t, vars, NULL, out, e);
    template_free(t);
    return ok;
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

int cli_render(int argc, char **argv) {
    struct render_options o;
    bool asked;
    if (!parse(argc, argv, &o, &asked)) {
        fputs(usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
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
        json_pair(&out, "encoding", sv_of(sms_encoding_name(n.encoding)));
        json_pair_i64(&out, "segments", (int64_t)n.segments);
        json_pair_i64(&out, "units", (int64_t)n.units);
        buf_adds(&out, "}\n");
        fputs(out.p, stdout);
        return EX_OK;
    }
    fwrite(text.n ? text.p : "", 1, text.n, stdout);
    fputc('\n', stdout);
    fprintf(stderr, "%s, %zu %s, %zu %s\n", sms_encoding_name(n.encoding), n.units,
            cli_say("units", "个单位"), n.segments, cli_say("segment(s)", "条"));
    return EX_OK;
}
