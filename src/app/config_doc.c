#include "app/config_near.h"
#include "app/config_table.h"

#include "app/config.h"

#include <string.h>

/* The default in words: `75`, or what an empty one means. */
static void add_default(const struct config_row *row, bool chinese, bool markdown, struct buf *out) {
    const char *quote = markdown ? "`" : "";
    if (!row->fallback)
        buf_adds(out, chinese ? "(必填)" : "(required)");
    else if (row->fallback_is)
        buf_adds(out, chinese ? row->fallback_is_zh : row->fallback_is);
    else if (row->fallback[0])
        buf_addf(out, "%s%s%s", quote, row->fallback, quote);
    else
        buf_adds(out, chinese ? "无" : "none");
}

/* ---- explain ---- */

static void explain_row(const struct config_row *row, const char *prefix, bool chinese, struct buf *out) {
    buf_addf(out, "%s%s\n  %s\n", prefix, row->key, chinese ? row->doc_zh : row->doc);
    buf_adds(out, chinese ? "  取值:   " : "  value:   ");
    config_row_type(row, chinese, out);
    buf_adds(out, chinese ? "\n  默认值: " : "\n  default: ");
    add_default(row, chinese, false, out);
    if (row->example)
        buf_addf(out, chinese ? "\n  示例:   %s" : "\n  example: %s", row->example);
    buf_addc(out, '\n');
}

static void explain_lane_row(const struct config_row *row, const char *provider, bool chinese,
                             struct buf *out) {
    if (provider)
        buf_addf(out, "[provider: %s] ", provider);
    explain_row(row, "lanes[].", chinese, out);
}

static void list_row(const struct config_row *row, const char *prefix, bool chinese, struct buf *out) {
    char key[CONFIG_PLACE_MAX];
    snprintf(key, sizeof key, "%s%s", prefix, row->key);
    buf_addf(out, "%-28s %s\n", key, chinese ? row->doc_zh : row->doc);
}

static void list_lane_rows(bool chinese, struct buf *out) {
    for (const struct config_row *row = config_lane_rows; row->key; row++)
        list_row(row, "lanes[].", chinese, out);
    for (size_t a = 0; adapters[a]; a++) {
        buf_addf(out, "[provider: %s]\n", adapters[a]->name);
        for (size_t i = 0; i < adapters[a]->n_fields; i++) {
            struct config_row row = config_row_of_field(&adapters[a]->fields[i]);
            list_row(&row, "lanes[].", chinese, out);
        }
    }
}

/* Of the items of a section that is a list: `routes`. */
static void list_item_rows(struct sv section, bool chinese, struct buf *out) {
    if (sv_eq(section, SV("lanes"))) {
        list_lane_rows(chinese, out);
        return;
    }
    char prefix[CONFIG_PLACE_MAX];
    snprintf(prefix, sizeof prefix, "%.*s[].", SV_FMT(sv_sub(section, 0, 32)));
    for (const struct config_row *row = config_item_rows(section); row && row->key; row++)
        list_row(row, prefix, chinese, out);
}

static void list_section(struct sv key, bool chinese, struct buf *out) {
    for (const struct config_section *s = config_sections; s->key; s++)
        if (sv_eq(key, sv_of(s->key)))
            buf_addf(out, "%s: %s\n", s->key, chinese ? s->doc_zh : s->doc);
    list_item_rows(key, chinese, out);
    for (const struct config_row *row = config_rows; row->key; row++)
        if (sv_starts(sv_of(row->key), key) && row->key[key.n] == '.')
            list_row(row, "", chinese, out);
}

/* A lane's key, common or of any provider. NAME_file stands for NAME. */
static bool explain_lane_key(struct sv key, bool chinese, struct buf *out) {
    const struct config_row *common = config_row_find(config_lane_rows, key);
    bool found = common != NULL;
    if (common)
        explain_lane_row(common, NULL, chinese, out);
    for (size_t a = 0; adapters[a]; a++)
        for (size_t i = 0; i < adapters[a]->n_fields; i++) {
            const struct adapter_field *f = &adapters[a]->fields[i];
            struct sv name = sv_of(f->name);
            bool file = f->secret && sv_starts(key, name) && sv_eq(sv_from(key, name.n), SV("_file"));
            if (!file && !sv_eq(key, name))
                continue;
            struct config_row row = config_row_of_field(f);
            explain_lane_row(&row, adapters[a]->name, chinese, out);
            found = true;
        }
    return found;
}

/* One of an item in a section that is a list: `routes[].lanes`, `lanes.rates`. */
static bool explain_item_key(struct sv section, struct sv key, bool chinese, struct buf *out) {
    struct sv rest = sv_starts(key, section) ? sv_from(key, section.n) : SV_NONE;
    if (!sv_starts(rest, SV(".")) && !sv_starts(rest, SV("[")))
        return false;
    (void)sv_cut(&rest, '.');
    if (sv_eq(section, SV("lanes")))
        return rest.n && explain_lane_key(rest, chinese, out);
    const struct config_row *row = config_row_find(config_item_rows(section), rest);
    char prefix[CONFIG_PLACE_MAX];
    snprintf(prefix, sizeof prefix, "%.*s[].", SV_FMT(section));
    if (row)
        explain_row(row, prefix, chinese, out);
    return row != NULL;
}

static struct sv nearest(struct sv key) {
    struct config_near near = config_near_of(key);
    for (const struct config_row *row = config_rows; row->key; row++) {
        const char *dot = strchr(row->key, '.');
        unsigned before = near.best_steps;
        config_near_try(&near, sv_of(row->key));
        config_near_try(&near, sv_of(dot ? dot + 1 : row->key)); /* typed without its section */
        if (near.best_steps < before)
            near.best = sv_of(row->key);
    }
    for (const struct config_section *s = config_sections; s->key; s++)
        config_near_try(&near, sv_of(s->key));
    return near.best;
}

bool config_explain(struct sv key, bool chinese, struct buf *out, struct err *e) {
    key = sv_trim(key);
    const struct config_row *row = config_row_find(config_rows, key);
    if (row) {
        explain_row(row, "", chinese, out);
        return true;
    }
    if (key.n == 0) {
        for (row = config_rows; row->key; row++)
            list_row(row, "", chinese, out);
        list_lane_rows(chinese, out);
        list_section(SV("routes"), chinese, out);
        list_section(SV("sources"), chinese, out);
        list_section(SV("doors"), chinese, out);
        return true;
    }
    if (config_is_section(config_rows, key) || config_item_rows(key)) {
        list_section(key, chinese, out);
        return true;
    }
    for (const struct config_section *s = config_sections; s->key; s++)
        if (config_item_rows(sv_of(s->key)) && explain_item_key(sv_of(s->key), key, chinese, out))
            return true;
    if (explain_lane_key(key, chinese, out)) /* by its name alone */
        return true;
    struct sv near = nearest(key);
    return err_set(e, ERR_NOT_FOUND, "unknown key `%.*s`%s%.*s%s", (int)(key.n < 64 ? key.n : 64), key.p,
                   near.n ? "; did you mean `" : "", SV_FMT(near), near.n ? "`?" : "");
}

/* ---- docs/config.md ---- */

static const char head[] =
    "<!-- Made by `hongyan config doc`; a test fails when the two differ. -->\n"
    "# Configuration · 配置\n\n"
    "One YAML file: `hongyan serve -c hongyan.yaml`. Every key has a default but those marked *(required)*;\n"
    "`hongyan config check` reports all that is wrong with a file, by line, `hongyan config print` shows "
    "the\n"
    "settings in effect, `hongyan config explain KEY` what a key means. A short file to start from is\n"
    "[config/hongyan.example.yaml](../config/hongyan.example.yaml).\n\n"
    "只有一个 YAML 文件:`hongyan serve -c hongyan.yaml`。除标明必填的键外都有默认值。`hongyan config check` "
    "逐行报告\n所有错误,`hongyan config print` 显示生效的设置,`hongyan config explain --zh KEY` "
    "解释某个键。\n\n"
    "## Variables and secrets · 变量与机密\n\n"
    "- A value may hold `${NAME}` or `${NAME:-default}` (used when NAME is not set or empty); `$${` is a\n"
    "  literal `${`. A variable that is not set and has no default is an error. Keys are never substituted.\n"
    "- Variables come from the environment, then from `.env` beside the file, then from `.env` in the "
    "current\n"
    "  folder, written as for python-dotenv: `export A=1`, `B='as is'`, `C=\"line\\n\"`, `D=${A} # "
    "comment`.\n"
    "- A secret is given as `${NAME}` alone, or as `KEY_file: PATH` (one newline at the file's end is taken\n"
    "  off). Written into the file itself it is an error.\n"
    "- Paths are relative to the current folder. A key without a value, `~` or `null` keeps its default.\n"
    "- Anchors, aliases, tags and further documents of YAML are not understood.\n\n"
    "值中可写 `${变量}` 或 `${变量:-默认值}`(`$${` 表示字面的 `${`),变量依次取自环境、配置文件旁的 "
    "`.env`、当前"
    "目录的\n`.env`。机密只能写成单独的 `${变量}`,或用 `KEY_file: 路径` 给出文件;直接写在文件里会报错。"
    "相对路径以当前目录为准。\n";

static void doc_text(const char *text, struct buf *out) {
    for (; *text; text++) {
        if (*text == '|' || *text == '<')
            buf_addc(out, '\\');
        buf_addc(out, *text);
    }
}

static void doc_row(const struct config_row *row, struct buf *out) {
    struct buf BUF_AUTO type = BUF_INIT(1024), BUF_AUTO type_zh = BUF_INIT(1024);
    config_row_type(row, false, &type);
    config_row_type(row, true, &type_zh);
    buf_addf(out, "| `%s` | ", row->key);
    doc_text(type.p ? type.p : "", out);
    if (!sv_eq(buf_sv(&type), buf_sv(&type_zh))) {
        buf_adds(out, "<br>");
        doc_text(type_zh.p ? type_zh.p : "", out);
    }
    buf_adds(out, " | ");
    add_default(row, false, true, out);
    if (row->fallback_is && strcmp(row->fallback_is, row->fallback_is_zh) != 0)
        buf_addf(out, "<br>%s", row->fallback_is_zh);
    buf_adds(out, " | ");
    doc_text(row->doc, out);
    buf_adds(out, "<br>");
    doc_text(row->doc_zh, out);
    if (row->example)
        buf_addf(out, "<br>Example · 示例: `%s`", row->example);
    buf_adds(out, " |\n");
}

static void doc_table(struct buf *out) {
    buf_adds(out, "\n| key · 键 | value · 取值 | default · 默认值 | meaning · 含义 |\n|---|---|---|---|\n");
}

void config_doc(struct buf *out) {
    buf_adds(out, head);
    buf_adds(out, "\n## Top level · 顶层\n");
    doc_table(out);
    for (const struct config_row *row = config_rows; row->key; row++)
        if (!strchr(row->key, '.'))
            doc_row(row, out);
    for (const struct config_section *s = config_sections; s->key; s++) {
        size_t n = strlen(s->key);
        buf_addf(out, "\n## %s\n\n%s<br>%s\n", s->key, s->doc, s->doc_zh);
        doc_table(out);
        for (const struct config_row *row = config_rows; row->key; row++)
            if (strncmp(row->key, s->key, n) == 0 && row->key[n] == '.')
                doc_row(row, out);
        for (const struct config_row *row = config_item_rows(sv_of(s->key)); row && row->key; row++)
            doc_row(row, out);
    }
    for (size_t a = 0; adapters[a]; a++) {
        buf_addf(out, "\n### lanes with `provider: %s`\n", adapters[a]->name);
        doc_table(out);
        for (size_t i = 0; i < adapters[a]->n_fields; i++) {
            struct config_row row = config_row_of_field(&adapters[a]->fields[i]);
            doc_row(&row, out);
        }
    }
}

/* ---- docs/providers ---- */

static void code_row(const struct adapter_code *c, struct buf *out) {
    buf_addf(out, "| `%s` | %s | %s | %s | ", c->code, fate_name(c->fate), lane_hint_name(c->hint),
             c->reason ? reason_name(c->reason) : "");
    if (c->pause_ms)
        buf_addf(out, "%d s", (int)(c->pause_ms / 1000));
    buf_adds(out, " |\n");
}

void config_provider_doc(const struct adapter *a, struct buf *out) {
    struct adapter_code code;
    buf_addf(out,
             "<!-- From here on made by `hongyan config doc %s`; a test fails when the two differ. -->\n",
             a->name);
    buf_adds(out, "\n## Settings · 配置\n");
    doc_table(out);
    for (size_t i = 0; i < a->n_fields; i++) {
        struct config_row row = config_row_of_field(&a->fields[i]);
        doc_row(&row, out);
    }
    if (!a->code)
        return;
    buf_adds(out, "\n## Codes · 错误码\n\n"
                  "A code that is not here is judged by its HTTP status. `*`: what begins so.\n"
                  "未列出的错误码按 HTTP 状态处理;`*` 表示前缀。\n\n"
                  "| code · 错误码 | message · 短信 | lane · 通道 | reason · 原因 | pause · 等待 "
                  "|\n|---|---|---|---|---|\n");
    for (size_t i = 0; a->code(i, &code); i++)
        code_row(&code, out);
}
