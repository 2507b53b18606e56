/* What may be asked of a row, and how its values look in words. */
#include "app/config_table.h"

const struct config_row *config_row_find(const struct config_row *rows, struct sv key) {
    for (; rows->key; rows++)
        if (sv_eq(key, sv_of(rows->key)))
            return rows;
    return NULL;
}

bool config_is_section(const struct config_row *rows, struct sv key) {
    for (const struct config_row *r = rows; r->key; r++) {
        struct sv row = sv_of(r->key);
        if (row.n > key.n && sv_starts(row, key) && row.p[key.n] == '.')
            return true;
    }
    return false;
}

struct config_row config_row_of_field(const struct adapter_field *f) {
    return (struct config_row){
        .key = f->name,
        .kind = f->secret ? CONFIG_SECRET : CONFIG_STRING,
        .fallback = f->fallback   ? f->fallback
                    : f->required ? NULL
                                  : "",
        .doc = f->label,
        .doc_zh = f->label_zh,
    };
}

/* ---- what a value looks like ---- */

static const struct {
    const char *en, *zh;
} kind_words[] = {
    [CONFIG_STRING] = {"text", "文本"},
    [CONFIG_LISTEN] = {"a numeric address and a port, such as 127.0.0.1:8080 or [::1]:8080",
                       "数字地址与端口,如 127.0.0.1:8080 或 [::1]:8080"},
    [CONFIG_URL] = {"an address http(s)://host[:port][/prefix]",
                    "形如 http(s)://host[:port][/prefix] 的地址"},
    [CONFIG_PATH] = {"a path", "路径"},
    [CONFIG_PATHS] = {"a list of paths", "路径列表"},
    [CONFIG_RATES] = {"a list of rates, such as `60/min per recipient`",
                      "速率列表,如 `60/min per recipient`"},
    [CONFIG_LANE_RATES] = {"a list of rates, such as `10/s`", "速率列表,如 `10/s`"},
    [CONFIG_COUNTS] = {"a list of whole numbers, such as [50, 100, 200]", "整数列表,如 [50, 100, 200]"},
    [CONFIG_SCREENS] = {"a list of screen lists, such as `flag patterns FILE for topic=marketing`",
                        "列表,如 `flag patterns 文件 for topic=marketing`"},
    [CONFIG_TEXTS] = {"a list of texts", "文本列表"},
    [CONFIG_KEYWORDS] = {"a list of rules, such as `stop LEAVE, BYE for topic=news`",
                         "规则列表,如 `stop 退出, LEAVE for topic=news`"},
    [CONFIG_ANSWERS] = {"a list of answers, such as `stop en You will get no more messages.`",
                        "回复列表,如 `stop zh 您已退订通知`"},
    [CONFIG_REGIONS] = {"a list of two-letter country codes of ISO 3166, such as CN or GB",
                        "ISO 3166 两字母国家代码列表,如 CN 或 GB"},
    [CONFIG_PREFIXES] = {"a list of 1 to 15 digits, the country code first, such as \"+86138\"",
                         "1 到 15 位数字的列表,以国家代码开头,如 \"+86138\""},
    [CONFIG_SENDERS] = {"a list of senders, such as `+15005550006` or `Shop for GB,IE`",
                        "发送方列表,如 `+15005550006` 或 `Shop for GB,IE`"},
    [CONFIG_DATABASE] = {"sqlite:PATH, or postgres://USER@HOST/DATABASE without a password",
                         "sqlite:PATH,或不带密码的 postgres://USER@HOST/DATABASE"},
    [CONFIG_REGION] = {"a two-letter country code of ISO 3166, such as CN or GB",
                       "ISO 3166 两字母国家代码,如 CN 或 GB"},
    [CONFIG_DAY] = {"a date, such as 2026-11-21", "日期,如 2026-11-21"},
    [CONFIG_ZONE] = {"a time zone, such as Asia/Shanghai", "时区,如 Asia/Shanghai"},
    [CONFIG_BOOL] = {"true or false", "true 或 false"},
    [CONFIG_U32] = {"a whole number", "整数"},
    [CONFIG_ENUM] = {"one of", "以下之一:"},
    [CONFIG_WORD] = {"one of", "以下之一:"},
    [CONFIG_NAME] = {"1 to 32 small letters, digits and dashes", "1 到 32 个小写字母、数字或短横线"},
    [CONFIG_PROVIDER] = {"one of", "以下之一:"},
    [CONFIG_RULES] = {"a list of rules", "规则列表"},
    [CONFIG_SECRET] = {"a secret: ${VARIABLE}", "机密:写作 ${变量}"},
};

static const struct {
    const char *en, *zh;
} unit_words[] = {
    [CONFIG_NO_UNIT] = {NULL, NULL},
    [CONFIG_MS] = {"milliseconds", "毫秒"},
    [CONFIG_SECONDS] = {"seconds", "秒"},
    [CONFIG_BYTES] = {"bytes", "字节"},
    [CONFIG_CHARACTERS] = {"characters", "字符"},
};

bool config_row_is_list(const struct config_row *row) {
    return row->kind == CONFIG_PATHS || row->kind == CONFIG_RATES || row->kind == CONFIG_LANE_RATES ||
           row->kind == CONFIG_SCREENS || row->kind == CONFIG_TEXTS || row->kind == CONFIG_KEYWORDS ||
           row->kind == CONFIG_ANSWERS || row->kind == CONFIG_REGIONS || row->kind == CONFIG_PREFIXES ||
           row->kind == CONFIG_SENDERS || row->kind == CONFIG_COUNTS || row->kind == CONFIG_RULES;
}

void config_row_type(const struct config_row *row, bool chinese, struct buf *out) {
    buf_adds(out, chinese ? kind_words[row->kind].zh : kind_words[row->kind].en);
    if (row->kind == CONFIG_U32) {
        buf_addf(out, chinese ? ",%u 到 %u" : " from %u to %u", row->min, row->max);
        if (row->unit)
            buf_addf(out, chinese ? "(%s)" : " (%s)",
                     chinese ? unit_words[row->unit].zh : unit_words[row->unit].en);
    }
    if (config_row_is_list(row))
        buf_addf(out, chinese ? ",最多 %u 个" : ", at most %u", row->max);
    for (size_t i = 0; row->names && row->names[i]; i++)
        buf_addf(out, "%s%s", i ? ", " : " ", row->names[i]);
    for (size_t i = 0; row->kind == CONFIG_PROVIDER && adapters[i]; i++)
        buf_addf(out, "%s%s", i ? ", " : " ", adapters[i]->name);
    if (row->kind == CONFIG_SECRET && row->at == 0) /* a field of an adapter's */
        buf_addf(out, chinese ? ",或用 %s_file 给出文件" : ", or its file by %s_file", row->key);
}
