#include "app/config_table.h"

#include "model/code.h"
#include "model/country_rule.h"
#include "model/message.h"
#include "model/settings.h"

#include "model/quiet.h"

#define AT(member) .at = offsetof(struct settings, member)
static const char *const price_pers[] = {"segment", "message", NULL};
static const char *const route_orders[] = {"listed", "cheapest", NULL};

#define LANE(member) .at = offsetof(struct lane_config, member)
#define ROUTE(member) .at = offsetof(struct route_rule, member)
#define SOURCE(member) .at = offsetof(struct event_source, member)

static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const formats[] = {"logfmt", "json", NULL};
static const char *const deliveries[] = {"at_most_once", "at_least_once", NULL};
static const char *const priorities[] = {"otp", "transactional", "marketing", NULL};
static const char *const fraud_actions[] = {"hold", "block", NULL};
static const char *const alphabets[] = {"digits", "alphanumeric", NULL};
static const char *const code_channels[] = {"sms", "voice", "whatsapp", NULL};
static const char *const actions[] = {"block", "replace", "flag", NULL};

static bool check_countries(struct sv text, struct err *e) {
    return country_rule_parse(text, &(struct country_rule){.countries = SV_NONE}, e);
}

static bool check_quiet(struct sv text, struct err *e) {
    return quiet_parse(text, &(struct quiet_rule){0}, e);
}

static bool check_retry(struct sv text, struct err *e) {
    return retry_parse(text, &(struct retry_class){0}, e);
}

static bool check_cap(struct sv text, struct err *e) {
    return tally_parse_cap(text, &(struct tally_rule){0}, e);
}

static bool check_duplicate(struct sv text, struct err *e) {
    return tally_parse_duplicate(text, &(struct tally_rule){0}, e);
}

const struct config_section config_sections[] = {
    {"log", "What the program says about itself, on standard error.", "程序写到标准错误输出的日志。"},
    {"threads", "How many threads do what.", "各类线程的数量。"},
    {"limits", "A maximum for everything that could grow.", "凡是可能增长的,都有上限。"},
    {"defaults", "What holds for a message that does not say otherwise.", "消息未另行指定时采用的值。"},
    {"retry", "When a provider did not take a message and it may be tried again.",
     "服务商没有接收、可以再试时,如何重试。"},
    {"callbacks", "Status callbacks to the application.", "发给应用的状态回调。"},
    {"webhooks", "Events to the application's endpoints ([docs/webhooks.md](webhooks.md)).",
     "推送到应用端点的事件。"},
    {"templates", "Message templates.", "消息模板。"},
    {"links", "Short links.", "短链接。"},
    {"screen", "Word screening.", "敏感词过滤。"},
    {"consent", "Whom not to write to: opt-outs, blocks, invalid numbers ([docs/consent.md](consent.md)).",
     "不应再发的号码:退订、屏蔽、无效号码。"},
    {"replies", "Texts from handsets: keywords and answers ([docs/replies.md](replies.md)).",
     "手机发来的短信:关键词与自动回复。"},
    {"quiet",
     "When messages are held back: quiet hours and holidays ([docs/quiet-hours.md](quiet-hours.md)).",
     "何时暂缓发送:免打扰时段与节假日。"},
    {"fraud", "Whose texts are not to go where ([docs/verifications.md](verifications.md#sms-pumping)).",
     "防止短信盗刷,见 [docs/verifications.md](verifications.md#sms-pumping)。"},
    {"verifications", "One-time codes ([docs/verifications.md](verifications.md)).",
     "一次性验证码,见 [docs/verifications.md](verifications.md)。"},
    {"lanes", "Provider accounts. Each item is one lane; at least one is needed.",
     "服务商账户。每一项是一条通道,至少要有一条。"},
    {"routes",
     "Which lanes a message may take. The first route all of whose conditions hold is the message's; one "
     "that "
     "fits none waits. Without routes every message may take every lane, in their order. See "
     "[routes.md](routes.md).",
     "消息可走哪些通道。条件全部满足的第一条路由生效;没有路由可用的消息等待。不设路由时,"
     "每条消息可按顺序走所有"
     "通道。见 [routes.md](routes.md)。"},
    {"events", "Business events that come in: see [events.md](events.md).",
     "业务事件的接收:见 [events.md](events.md)。"},
    {"rules", "What makes messages of events: see [events.md](events.md).",
     "把事件变成消息的规则:见 [events.md](events.md)。"},
    {"sources",
     "Who may post events by a signature (Standard Webhooks) instead of an API key, each at "
     "/v1/events/from/NAME.",
     "可用签名(Standard Webhooks)代替 API 密钥提交事件的来源,地址为 /v1/events/from/名称。"},
    {0},
};

const struct config_row config_rows[] = {
    {"listen", CONFIG_LISTEN, "127.0.0.1:8080", AT(listen),
     .doc = "Address and port of the API; port 0 takes a free one. POST /send does without a key only where "
            "this "
            "and public_url (if set) name this machine: 127.0.0.1, [::1] or localhost.",
     .doc_zh = "API 监听的地址与端口;端口 0 表示任选一个空闲端口。只有它和 public_url(若已设置)都指本机"
               "(127.0.0.1、[::1] 或 localhost)时,POST /send 才可不带密钥。",
     .example = "0.0.0.0:8080"},
    {"public_url", CONFIG_URL, "", .fallback_is = "none: providers cannot report deliveries and replies",
     .fallback_is_zh = "无:收不到回执与回复", AT(public_url),
     .doc = "How providers and customers reach this server from outside.",
     .doc_zh = "服务商和客户从外部访问本服务的地址;不设则收不到回执与回复。",
     .example = "https://sms.example.com"},
    {"data_dir", CONFIG_PATH, "./data", AT(data_dir), .doc = "Folder for the database and other files.",
     .doc_zh = "存放数据库等文件的目录。", .example = "/var/lib/hongyan"},
    {"database", CONFIG_DATABASE, "", .fallback_is = "sqlite:DATA_DIR/hongyan.db",
     .fallback_is_zh = "sqlite:DATA_DIR/hongyan.db", AT(database), .doc = "Where messages are kept.",
     .doc_zh = "消息存放在哪里。", .example = "sqlite:/var/lib/hongyan/hongyan.db"},
    {"drain_ms", CONFIG_U32, "25000", AT(drain_ms), .max = 600000, .unit = CONFIG_MS,
     .doc = "How long the program waits for calls in flight after SIGTERM.",
     .doc_zh = "收到 SIGTERM 后,等待进行中的调用结束的时间。"},

    {"log.level", CONFIG_ENUM, "info", AT(log.level), .names = levels,
     .doc = "The least weighty lines that are written.", .doc_zh = "日志的最低级别。"},
    {"log.format", CONFIG_ENUM, "logfmt", AT(log.format), .names = formats, .doc = "How a line looks.",
     .doc_zh = "日志行的格式。", .example = "json"},

    {"threads.front", CONFIG_U32, "2", AT(threads.front), .min = 1, .max = 16,
     .doc = "Threads that serve HTTP.", .doc_zh = "处理 HTTP 请求的线程数。"},
    {"threads.sender", CONFIG_U32, "1", AT(threads.sender), .min = 1, .max = 8,
     .doc = "Threads that call providers and status callbacks.", .doc_zh = "调用服务商和状态回调的线程数。"},

    {"limits.connections_max", CONFIG_U32, "20000", AT(limits.connections_max), .min = 1, .max = 1000000,
     .doc = "HTTP connections open at once, all threads together.",
     .doc_zh = "同时打开的 HTTP 连接数(所有线程合计)。"},
    {"limits.request_ms_max", CONFIG_U32, "15000", AT(limits.request_ms_max), .min = 100, .max = 600000,
     .unit = CONFIG_MS, .doc = "A request must have arrived whole within this time.",
     .doc_zh = "请求必须在此时间内完整到达。"},
    {"limits.idle_s", CONFIG_U32, "75", AT(limits.idle_s), .min = 1, .max = 3600, .unit = CONFIG_SECONDS,
     .doc = "A connection without a request is closed after this time.",
     .doc_zh = "空闲连接在此时间后关闭。"},
    {"limits.request_bytes_max", CONFIG_U32, "65536", AT(limits.request_bytes_max), .min = 1024,
     .max = 16 << 20, .unit = CONFIG_BYTES, .doc = "Body of one API request.",
     .doc_zh = "单个 API 请求体的大小。"},
    {"limits.body_chars_max", CONFIG_U32, "1600", AT(limits.body_chars_max), .min = 1, .max = 16000,
     .unit = CONFIG_CHARACTERS, .doc = "Length of one message's text.", .doc_zh = "单条消息正文的长度。"},
    {"limits.live_max", CONFIG_U32, "20000", AT(limits.live_max), .min = 16, .max = 10000000,
     .doc = "Messages held in memory; the rest of the queue waits on disk.",
     .doc_zh = "内存中保留的消息数,其余在磁盘上排队。"},
    {"limits.journal_batch_max", CONFIG_U32, "1000", AT(limits.journal_batch_max), .min = 1, .max = 100000,
     .doc = "Changes written in one transaction.", .doc_zh = "一个事务中写入的变更数。"},

    {"limits.rates", CONFIG_RATES, "", .fallback_is = "none", .fallback_is_zh = "无", AT(limits.rates),
     .count_at = offsetof(struct settings, limits.n_rates), .max = RATES_MAX,
     .doc = "How many messages may come in, each as COUNT/TIME per WHAT: s, min, h, d or a multiple (10min); "
            "account, key, "
            "recipient, template, topic, source (the caller's address), or several joined by +; `for topic "
            "NAME` at "
            "the end for one topic alone. It holds in every interval of that length; what is over it is "
            "answered 429 "
            "with Retry-After. Counted in memory: a restart begins anew.",
     .doc_zh = "允许提交消息的速率,写作“数量/时间 per 对象”:s、min、h、d 或其倍数(10min);对象为 "
               "account、key、recipient、"
               "template、topic、source(调用方地址),可用 + 组合;末尾加 `for topic 名称` "
               "只限该主题。任意一段该时长内都不会超过;"
               "超出者回答 429 并带 Retry-After。计数在内存中,重启后重新开始。",
     .example = "[60/min per recipient, 1000/s per account]"},
    {"limits.rate_keys_max", CONFIG_U32, "1000000", AT(limits.rate_keys_max), .min = 1000, .max = 50000000,
     .doc = "Counters held for limits.rates, some 130 bytes each; beyond that those soonest empty are "
            "forgotten.",
     .doc_zh = "limits.rates 最多保留的计数器,每个约 130 字节;超过后先忘记最快清空的。"},

    {"limits.caps", CONFIG_RULES, "", .fallback_is = "none", .fallback_is_zh = "无", AT(limits.caps),
     .max = TALLY_RULES_MAX, .check = check_cap,
     .doc = "How many messages one recipient gets: `COUNT/TIME` (7d; calendar-day and calendar-week `in` a "
            "zone, without: "
            "the recipient's), then `else wait` (what is over it goes later; without: it is suppressed with "
            "reason "
            "frequency_cap), `for` topic=, priority=, account=, channel=. Counted by attempts begun, per "
            "account and "
            "recipient, over restarts; what failed does not count ([limits.md](limits.md)).",
     .doc_zh =
         "同一收件人最多收到多少条:`数量/时间`(7d;或 calendar-day、calendar-week,可写 `in` 时区),其后可写 "
         "`else wait`(超出者推迟,不写则以 frequency_cap 抑制)、`for` topic= priority= account= channel=。"
         "按账户和收件人计数,重启后仍然有效;失败的不计。",
     .example = "[3/7d for topic=marketing, 1/calendar-day else wait for topic=news]"},
    {"limits.duplicates", CONFIG_RULES, "", .fallback_is = "none", .fallback_is_zh = "无",
     AT(limits.duplicates), .max = TALLY_RULES_MAX, .check = check_duplicate,
     .doc = "Within what time the same text to the same recipient is suppressed as a duplicate: `TIME`, then "
            "`by "
            "template` (the same template, whatever it says), `for` topic=, priority=, account=, channel=.",
     .doc_zh =
         "多长时间内发给同一收件人的相同内容视为重复而抑制:`时间`,其后可写 `by template`(同一模板即算重复)、"
         "`for` topic= priority= account= channel=。",
     .example = "[10min for topic=orders]"},

    {"defaults.region", CONFIG_REGION, "",
     .fallback_is = "none: numbers need their country code (a bare mainland China mobile is understood)",
     .fallback_is_zh = "无:号码须带国家代码(中国大陆手机号除外)", AT(defaults.region),
     .doc = "Where a number written without country code belongs.",
     .doc_zh = "没有国家代码的号码属于哪个地区;不设则必须写国家代码(中国大陆手机号除外)。", .example = "CN"},
    {"defaults.validity_s", CONFIG_U32, "14400", AT(defaults.validity_s), .min = 1, .max = 7 * 86400,
     .unit = CONFIG_SECONDS, .doc = "How long a message may be sent; after that it expires.",
     .doc_zh = "消息的有效期,过期不再发送。"},
    {"defaults.delivery", CONFIG_ENUM, "at_most_once", AT(defaults.delivery), .names = deliveries,
     .doc = "What to do when nobody can tell whether the provider took a message: leave it, or risk sending "
            "it twice.",
     .doc_zh = "无法确定服务商是否已接收时:不再发送,或冒重复发送的风险再发。"},
    {"defaults.priority", CONFIG_ENUM, "transactional", AT(defaults.priority), .names = priorities,
     .doc = "Which messages go first: otp, then transactional, then marketing.",
     .doc_zh = "发送的先后:验证码、通知、营销。"},
    {"defaults.idempotency_s", CONFIG_U32, "86400", AT(defaults.idempotency_s), .min = 60, .max = 30 * 86400,
     .unit = CONFIG_SECONDS, .doc = "How long an Idempotency-Key is remembered.",
     .doc_zh = "Idempotency-Key 的保留时间。"},
    {"defaults.smart_encoding", CONFIG_BOOL, "false", AT(defaults.smart_encoding),
     .doc = "Replace typographic look-alikes when that makes a text GSM-7, and so cheaper.",
     .doc_zh = "若替换排版符号即可使用 GSM-7 编码(更省费用),则替换。"},

    {"retry.first_ms", CONFIG_U32, "1000", AT(retry.first_ms), .min = 10, .max = 3600000, .unit = CONFIG_MS,
     .doc = "Ceiling of the first wait; it doubles each time, and the wait is drawn evenly below it.",
     .doc_zh = "首次等待的上限;每次加倍,实际等待在上限之下随机。"},
    {"retry.max_ms", CONFIG_U32, "300000", AT(retry.max_ms), .min = 10, .max = 86400000, .unit = CONFIG_MS,
     .at_least = "retry.first_ms", .doc = "The ceiling never passes this.", .doc_zh = "等待上限的最大值。"},
    {"retry.attempts_max", CONFIG_U32, "8", AT(retry.attempts_max), .min = 1, .max = 100,
     .doc = "Attempts for one message before it fails.", .doc_zh = "单条消息最多尝试的次数。"},

    {"retry.classes", CONFIG_RULES, "", .fallback_is = "none: the above holds for all",
     .fallback_is_zh = "无:一律按以上设置", AT(retry.class_texts), .max = RETRY_CLASSES_MAX,
     .check = check_retry,
     .doc = "What is other for some refusals: a reason as attempts show it (throttled, quota, provider_down, "
            "unreachable ...), `network` or `server_error`, then any of first=TIME max=TIME attempts=N. The "
            "first "
            "that fits counts. With attempts= those made while the lane was throttled or down count, too.",
     .doc_zh = "对某类拒绝另行规定:原因(throttled、quota、provider_down、unreachable 等)、`network` 或 "
               "`server_error`,其后写 first=时间 max=时间 attempts=次数。取第一条匹配者;写了 attempts= "
               "时,通道限流或故障期间的尝试也计入。",
     .example = "[throttled first=5s max=10min attempts=20, network attempts=3]"},

    {"callbacks.timeout_ms", CONFIG_U32, "10000", AT(callbacks.timeout_ms), .min = 100, .max = 120000,
     .unit = CONFIG_MS, .doc = "How long one status callback may take.",
     .doc_zh = "单次状态回调的超时时间。"},
    {"callbacks.attempts_max", CONFIG_U32, "10", AT(callbacks.attempts_max), .min = 1, .max = 100,
     .doc = "Tries of one status callback before it is given up.", .doc_zh = "单个状态回调最多尝试的次数。"},
    {"callbacks.allow_private", CONFIG_BOOL, "false", AT(callbacks.allow_private),
     .doc = "Allow callbacks to private addresses: for tests and closed networks.",
     .doc_zh = "允许回调内网地址,用于测试和封闭网络。"},

    {"webhooks.timeout_ms", CONFIG_U32, "10000", AT(webhooks.timeout_ms), .min = 100, .max = 120000,
     .unit = CONFIG_MS, .doc = "How long one delivery may take.", .doc_zh = "单次推送的超时时间。"},
    {"webhooks.window", CONFIG_U32, "64", AT(webhooks.window), .min = 1, .max = 1000,
     .doc = "Deliveries to one webhook that may be under way at once.",
     .doc_zh = "同一 webhook 同时进行的推送数。"},
    {"webhooks.give_up_s", CONFIG_U32, "86400", AT(webhooks.give_up_s), .min = 1, .max = 604800,
     .unit = CONFIG_SECONDS, .doc = "An event that was not taken for so long is not tried again.",
     .doc_zh = "事件超过此时间仍未被接收,则不再重试。"},
    {"webhooks.disable_s", CONFIG_U32, "259200", AT(webhooks.disable_s), .min = 1, .max = 2592000,
     .unit = CONFIG_SECONDS, .doc = "A webhook that took nothing for so long, though tried, is disabled.",
     .doc_zh = "webhook 在此时间内一直失败,则被停用。"},
    {"webhooks.keep_s", CONFIG_U32, "604800", AT(webhooks.keep_s), .min = 1, .max = 7776000,
     .unit = CONFIG_SECONDS, .at_least = "webhooks.give_up_s",
     .doc = "How long deliveries are remembered, for the log of a webhook.",
     .doc_zh = "推送记录保留的时间。"},
    {"webhooks.allow_http", CONFIG_BOOL, "false", AT(webhooks.allow_http),
     .doc = "Allow webhooks by http, too; else https only.", .doc_zh = "也允许 http;否则只允许 https。"},
    {"webhooks.allow_private", CONFIG_BOOL, "false", AT(webhooks.allow_private),
     .doc = "Allow webhooks at private addresses: for tests and closed networks.",
     .doc_zh = "允许推送到内网地址,用于测试和封闭网络。"},
    {"events.keep_days", CONFIG_U32, "30", AT(events.keep_days), .min = 1, .max = 3650,
     .doc = "Days an event is kept, and its id remembered.",
     .doc_zh = "事件保留的天数,其 id 也在此期间去重。"},
    {"rules.dir", CONFIG_PATH, "", .fallback_is = "none", .fallback_is_zh = "无", AT(rules.dir),
     .doc = "Folder of rules, *.yaml; read again on SIGHUP.",
     .doc_zh = "规则目录(*.yaml),收到 SIGHUP 时重新读取。", .example = "/etc/hongyan/rules"},

    {"templates.dir", CONFIG_PATH, "", .fallback_is = "none", .fallback_is_zh = "无", AT(templates.dir),
     .doc = "Folder of templates: NAME.txt or NAME.LANG.txt.",
     .doc_zh = "模板目录:NAME.txt 或 NAME.LANG.txt。", .example = "/etc/hongyan/templates"},
    {"templates.strict", CONFIG_BOOL, "true", AT(templates.strict),
     .doc = "An undefined variable is an error, not an empty text.",
     .doc_zh = "未定义的变量视为错误,而不是空文本。"},
    {"templates.trim_blocks", CONFIG_BOOL, "false", AT(templates.trim_blocks),
     .doc = "The line break behind a {% %} tag is dropped, as Jinja2's trim_blocks.",
     .doc_zh = "去掉 {% %} 标签后的换行,同 Jinja2 的 trim_blocks。"},
    {"templates.lstrip_blocks", CONFIG_BOOL, "false", AT(templates.lstrip_blocks),
     .doc = "Spaces between the start of a line and a {% %} tag are dropped, as Jinja2's lstrip_blocks.",
     .doc_zh = "去掉行首与 {% %} 标签之间的空白,同 Jinja2 的 lstrip_blocks。"},

    {"links.base", CONFIG_URL, "", .fallback_is = "none: the filter short_url leaves addresses as they are",
     .fallback_is_zh = "无:过滤器 short_url 原样保留网址", AT(links.base),
     .doc = "What short links begin with: one is BASE/l/ and ten characters. This server answers "
            "GET /l/CODE, so it may be public_url, or a shorter name that leads here.",
     .doc_zh = "短链接的开头;短链接为 BASE/l/ 加十个字符。本服务应答 GET /l/CODE,因此可填 public_url "
               "或指向本服务的更短域名。",
     .example = "https://s.example.com"},
    {"links.keep_s", CONFIG_U32, "7776000", AT(links.keep_s), .min = 3600, .max = 5 * 366 * 86400,
     .unit = CONFIG_SECONDS,
     .doc = "How long a link leads to its address, from when its message may be sent.",
     .doc_zh = "短链接的有效时间,自消息可发送时起。"},

    {"screen.words", CONFIG_PATHS, "", .fallback_is = "none", .fallback_is_zh = "无", AT(screen.words),
     .count_at = offsetof(struct settings, screen.n_words), .max = SETTINGS_FILES_MAX,
     .doc = "Files of forbidden words, one word a line.", .doc_zh = "敏感词文件,每行一个词。",
     .example = "[/etc/hongyan/words.txt]"},
    {"screen.allow", CONFIG_PATH, "", .fallback_is = "none", .fallback_is_zh = "无", AT(screen.allow),
     .doc = "File of phrases in which a forbidden word does not count.",
     .doc_zh = "白名单短语文件,其中的敏感词不算。", .example = "/etc/hongyan/allow.txt"},
    {"screen.action", CONFIG_WORD, "block", AT(screen.action), .names = actions,
     .doc = "What happens to a message with a forbidden word: not sent, sent with stars, or sent and marked.",
     .doc_zh = "含敏感词的消息:不发送、用星号替换、或发送并标记。"},
    {"screen.lists", CONFIG_SCREENS, "", .fallback_is = "none", .fallback_is_zh = "无", AT(screen.lists),
     .count_at = offsetof(struct settings, screen.n_lists), .max = SCREEN_LIST_RULES_MAX,
     .doc =
         "More lists, each with what it does, what its file holds, and for whose texts it is: `block words "
         "FILE`, `flag patterns FILE for topic=marketing`, `replace words anywhere FILE for "
         "account=acme,beta`, "
         "`allow FILE`. Patterns are regular expressions, one a line; words match whole Latin words unless "
         "`anywhere`.",
     .doc_zh =
         "更多列表,逐条写明处置、文件内容与适用范围:`block words 文件`、`flag patterns 文件 for "
         "topic=marketing`、`replace words anywhere 文件 for account=acme,beta`、`allow 文件`。patterns "
         "为正则表达式,每行一个。",
     .example = "[flag patterns /etc/hongyan/links.txt for topic=marketing]"},

    {"consent.exempt_topics", CONFIG_TEXTS, "", .fallback_is = "none", .fallback_is_zh = "无",
     AT(consent.exempt_topics), .max = 64,
     .doc =
         "Messages of these topics are not stopped by opt-outs, where the law lets you; blocks and invalid "
         "numbers stop them all the same.",
     .doc_zh = "法律允许时,这些主题的消息不受退订限制;屏蔽和无效号码仍然有效。", .example = "[otp]"},
    {"consent.required_topics", CONFIG_TEXTS, "", .fallback_is = "none", .fallback_is_zh = "无",
     AT(consent.required_topics), .max = 64,
     .doc = "Messages of these topics go only to numbers and addresses whose latest word is a consent "
            "(`POST /v1/consents`); to others they end `suppressed`, reason `no_consent`.",
     .doc_zh = "这些主题的消息只发给已同意接收的号码和地址(`POST /v1/consents`);其余状态为 "
               "`suppressed`,原因 `no_consent`。",
     .example = "[marketing]"},
    {"consent.invalid_days", CONFIG_U32, "90", AT(consent.invalid_days), .max = 3650,
     .doc = "How many days a number that a provider calls invalid is not written to; 0: such answers are not "
            "kept.",
     .doc_zh = "服务商判定为无效的号码,多少天内不再发送;0 表示不记录。"},

    {"replies.answer", CONFIG_BOOL, "true", AT(replies.answer),
     .doc = "Answer keywords: what stops, starts and helps.", .doc_zh = "自动回复关键词(退订、恢复、帮助)。"},
    {"replies.answer_other", CONFIG_BOOL, "false", AT(replies.answer_other),
     .doc = "Answer every other text with how to opt out.", .doc_zh = "对其他短信回复退订方法。"},
    {"replies.answers_max", CONFIG_U32, "5", AT(replies.answers_max), .max = 1000,
     .doc = "Automatic answers to one number in an hour; 0: none.",
     .doc_zh = "每小时对同一号码的自动回复上限;0 表示不回复。"},
    {"replies.inline", CONFIG_BOOL, "true", AT(replies.in_line),
     .doc =
         "Answer in the answer to the provider's post where it takes one there (Twilio: TwiML); false: by a "
         "message of its own, from the number that was written to.",
     .doc_zh = "服务商支持时在回调应答中直接回复(Twilio 的 TwiML);false 则另发一条消息。"},
    {"replies.language", CONFIG_STRING, "", .fallback_is = "as fits the text and the number",
     .fallback_is_zh = "按短信内容与号码", AT(replies.language), .max = 16,
     .doc = "Language of all answers: zh, en, or one that replies.answers has.",
     .doc_zh = "自动回复的语言:zh、en 或 replies.answers 中的语言。", .example = "zh"},
    {"replies.built_in", CONFIG_BOOL, "true", AT(replies.built_in),
     .doc = "The usual keywords count: STOP, 取消, 退订, T, START, HELP and others.",
     .doc_zh = "启用内置关键词:STOP、取消、退订、T、START、HELP 等。"},
    {"replies.keywords", CONFIG_KEYWORDS, "", .fallback_is = "none", .fallback_is_zh = "无",
     AT(replies.keywords), .max = 256,
     .doc =
         "More keywords: `stop WORD, WORD`, `start ...`, `help ...`, or `ignore ...` for built-in words that "
         "do not count; behind `for` whom they are for: account=A,B topic=T (what is left or joined) "
         "language=L (of the answer). The whole text must be the word, whatever its case, width or form.",
     .doc_zh =
         "更多关键词:`stop 词, 词`、`start ...`、`help ...`,或 `ignore ...` 停用内置词;`for` 之后写适用范围:"
         "account=A,B topic=T language=L。整条短信须等于该词(忽略大小写、全半角、繁简与首尾标点)。",
     .example = "[stop NONEWS for topic=news, ignore N for account=polls]"},
    {"replies.answers", CONFIG_ANSWERS, "", .fallback_is = "the built-in ones", .fallback_is_zh = "内置回复",
     AT(replies.answers), .max = 64,
     .doc =
         "Other answers: `ACTION LANGUAGE TEXT`, ACTION being stop, start, help or other; account=A,B before "
         "the text for these accounts alone.",
     .doc_zh = "自定义回复:`动作 语言 文本`,动作为 stop、start、help 或 other;文本前可写 account=A,B。",
     .example = "[stop fr Vous ne recevrez plus de messages.]"},

    {"quiet.hours", CONFIG_RULES, "", .fallback_is = "none", .fallback_is_zh = "无", AT(quiet.hours),
     .max = QUIET_RULES_MAX, .check = check_quiet,
     .doc = "When which messages are held back: `HH:MM-HH:MM`, then `on` mon-fri, workdays, restdays or "
            "holidays "
            "(joined by commas), `of` a calendar, `in` a time zone (without: the recipient's), `for` topic=, "
            "priority=, account=, channel=. One-time codes only where a rule names them.",
     .doc_zh = "免打扰规则:`HH:MM-HH:MM`,其后可写 `on` mon-fri、workdays、restdays 或 holidays(逗号分隔)、"
               "`of` 日历、`in` 时区(不写则按收件人所在时区)、`for` topic= priority= account= channel=。"
               "验证码只受点名它们的规则限制。",
     .example =
         "[\"21:00-09:00 for topic=marketing\", \"00:00-24:00 on holidays of cn for topic=marketing\"]"},
    {"quiet.time_zone", CONFIG_ZONE, "UTC", AT(quiet.time_zone),
     .doc = "Time zone of recipients whose own cannot be told, such as those of e-mails.",
     .doc_zh = "无法判断收件人时区(如电子邮件)时采用的时区。", .example = "Asia/Shanghai"},
    {"quiet.spread_s", CONFIG_U32, "600", AT(quiet.spread_s), .max = 86400, .unit = CONFIG_SECONDS,
     .doc = "Over how long after the end of quiet hours the messages that waited are spread.",
     .doc_zh = "免打扰时段结束后,等待的消息在多长时间内陆续发出。"},
    {"quiet.calendars", CONFIG_PATHS, "", .fallback_is = "those that come with the program: cn, de, fr, us",
     .fallback_is_zh = "内置:cn、de、fr、us", AT(quiet.calendars),
     .count_at = offsetof(struct settings, quiet.n_calendars), .max = SETTINGS_FILES_MAX,
     .doc = "More files of public holidays; one of the same name replaces what comes with the program.",
     .doc_zh = "更多节假日文件;同名者替换内置日历。", .example = "[/etc/hongyan/holidays/cn.yaml]"},
    {"fraud.countries", CONFIG_REGIONS, "", .fallback_is = "all", .fallback_is_zh = "全部",
     AT(fraud.countries), .max = 256,
     .doc = "Where texts may go; to others they end suppressed (`country_not_allowed`).",
     .doc_zh = "允许发送的国家或地区;发往其他地方的消息不发送(`country_not_allowed`)。",
     .example = "[CN, HK]"},
    {"fraud.account_countries", CONFIG_RULES, "", .fallback_is = "none", .fallback_is_zh = "无",
     AT(fraud.account_countries), .max = 1000, .check = check_countries,
     .doc = "The same for one account each, instead of fraud.countries: `NAME: CC, CC`.",
     .doc_zh = "某一账户允许的国家,代替 fraud.countries:`账户名: CC, CC`。", .example = "[\"shop: CN, HK\"]"},
    {"fraud.burst_min", CONFIG_U32, "0", .fallback_is = "0: bursts are not looked for",
     .fallback_is_zh = "0:不检测", AT(fraud.burst_min), .max = 1000000,
     .doc =
         "So many texts of an account to one prefix of numbers, out of proportion to what it usually gets, "
         "flag the prefix.",
     .doc_zh = "某账户发往同一号段的消息达到此数且与平时不成比例时,标记该号段。", .example = "50"},
    {"fraud.burst_window_s", CONFIG_U32, "600", AT(fraud.burst_window_s), .min = 10, .max = 86400,
     .unit = CONFIG_SECONDS, .doc = "Within this time.", .doc_zh = "统计的时间窗口。"},
    {"fraud.conversion", CONFIG_BOOL, "false", AT(fraud.conversion),
     .doc = "Flag a prefix whose one-time codes are given back significantly less than before, or than the "
            "account's others.",
     .doc_zh = "某号段的验证码通过率明显低于以往或该账户其他号段时,标记该号段。"},
    {"fraud.action", CONFIG_WORD, "hold", AT(fraud.action), .names = fraud_actions,
     .doc =
         "What happens to texts to a flagged prefix: they wait for somebody to release or drop them, or end "
         "suppressed.",
     .doc_zh = "发往被标记号段的消息:等待人工放行或丢弃,或直接不发送。"},
    {"fraud.flag_s", CONFIG_U32, "3600", AT(fraud.flag_s), .min = 1, .max = 30 * 86400,
     .unit = CONFIG_SECONDS,
     .doc = "How long a prefix stays flagged; and how long it is let pass once it was released.",
     .doc_zh = "号段被标记的时长;放行后在同样时长内不再检测。"},

    {"verifications.code_length", CONFIG_U32, "6", AT(verifications.code_length), .min = CODE_CHARS_MIN,
     .max = CODE_CHARS_MAX, .doc = "Characters of a code.", .doc_zh = "验证码的位数。"},
    {"verifications.alphabet", CONFIG_WORD, "digits", AT(verifications.alphabet), .names = alphabets,
     .doc = "What a code is made of; alphanumeric: capitals and digits without those that look alike.",
     .doc_zh = "验证码的字符:数字,或去掉易混字符的大写字母与数字。"},
    {"verifications.expiry_s", CONFIG_U32, "600", AT(verifications.expiry_s), .min = 1, .max = 86400,
     .unit = CONFIG_SECONDS, .doc = "How long a code is good.", .doc_zh = "验证码的有效时间。"},
    {"verifications.attempts_max", CONFIG_U32, "5", AT(verifications.attempts_max), .min = 1, .max = 20,
     .doc = "Guesses at one code.", .doc_zh = "每个验证码可尝试的次数。"},
    {"verifications.resends_max", CONFIG_U32, "3", AT(verifications.resends_max), .max = 20,
     .doc = "How often one code may be sent anew.", .doc_zh = "同一验证码可重发的次数。"},
    {"verifications.resend_s", CONFIG_U32, "30", AT(verifications.resend_s), .max = 3600,
     .unit = CONFIG_SECONDS, .doc = "Between two codes, or two texts with one code, to a number.",
     .doc_zh = "同一号码两次发送之间的最短间隔。"},
    {"verifications.brand", CONFIG_STRING, "", .fallback_is = "none", .fallback_is_zh = "无",
     AT(verifications.brand), .max = 64, .doc = "Whose code it is, as the built-in texts say it.",
     .doc_zh = "内置文本中的品牌名。", .example = "Hongyan"},
    {"verifications.template", CONFIG_STRING, "", .fallback_is = "the built-in texts",
     .fallback_is_zh = "内置文本", AT(verifications.template), .max = 128,
     .doc = "Template of texts that name none; it has code, brand and minutes.",
     .doc_zh = "未指定模板时使用的模板,可用变量 code、brand、minutes。", .example = "login-code"},
    {"verifications.channels", CONFIG_TEXTS, "sms", AT(verifications.channels), .max = PLAN_MAX + 1,
     .names = code_channels, .doc = "By what a code goes out, one channel after the other.",
     .doc_zh = "验证码依次使用的渠道。", .example = "[sms, voice]"},
    {"verifications.fallback_s", CONFIG_U32, "60", AT(verifications.fallback_s), .max = 3600,
     .unit = CONFIG_SECONDS,
     .doc = "The next channel is tried when no receipt of delivery came within this time; 0: only when one "
            "has failed.",
     .doc_zh = "在此时间内没有收到送达回执则改用下一渠道;0 表示仅在失败时改用。"},
    {"verifications.rates", CONFIG_RATES, "5/10min per recipient", AT(verifications.rates),
     .count_at = offsetof(struct settings, verifications.n_rates), .max = RATES_MAX,
     .doc = "How many texts with codes may be asked for, as in limits.rates; source is the `client_ip` that "
            "the caller names.",
     .doc_zh = "验证码的发送速率,写法同 limits.rates;source 指调用方给出的 `client_ip`。",
     .example = "[5/10min per recipient, 20/d per recipient, 30/h per source]"},
    {"verifications.keep_days", CONFIG_U32, "30", AT(verifications.keep_days), .min = 1, .max = 3650,
     .doc = "How many days is known what became of a code.", .doc_zh = "验证结果保留的天数。"},
    {0},
};

/* In the order of enum channel, after the first. */
static const char *const lane_channels[] = {"all", "sms", "voice", "email", "push", "whatsapp", "chat", NULL};

#define WARM_UP_ROWS(key, member, of, of_zh)                                                                 \
    {key ".days",                                                                                            \
     CONFIG_COUNTS,                                                                                          \
     "",                                                                                                     \
     .fallback_is = "none: by first, factor and target",                                                     \
     .fallback_is_zh = "无:按 first、factor、target 计算",                                                   \
     LANE(member.days),                                                                                      \
     .count_at = offsetof(struct lane_config, member.n_days),                                                \
     .min = 1,                                                                                               \
     .max = WARM_UP_DAYS_MAX,                                                                                \
     .doc =                                                                                                  \
         "Warm-up of " of ", as a list: how much may be sent on its first day, on its second, and so on.",   \
     .doc_zh = of_zh "的预热计划(列表):第一天、第二天……各可发送多少。",                                      \
     .example = "[50, 100, 200, 500]"},                                                                      \
        {key ".first",                                                                                       \
         CONFIG_U32,                                                                                         \
         "50",                                                                                               \
         LANE(member.first),                                                                                 \
         .min = 1,                                                                                           \
         .max = 1000000000,                                                                                  \
         .doc = "Without a list: how much may be sent on the first day.",                                    \
         .doc_zh = "未给出列表时:第一天可发送多少。"},                                                       \
        {key ".factor",                                                                                      \
         CONFIG_U32,                                                                                         \
         "2",                                                                                                \
         LANE(member.factor),                                                                                \
         .min = 2,                                                                                           \
         .max = 100,                                                                                         \
         .doc = "By how much that grows from day to day.",                                                   \
         .doc_zh = "每天增长的倍数。"},                                                                      \
        {key ".target",                                                                                      \
         CONFIG_U32,                                                                                         \
         "0",                                                                                                \
         .fallback_is = "0: no warm-up",                                                                     \
         .fallback_is_zh = "0:不预热",                                                                       \
         LANE(member.target),                                                                                \
         .max = 1000000000,                                                                                  \
         .doc = "On the day on which it would reach this, the warm-up is over.",                             \
         .doc_zh = "某天的上限将达到此值时,预热即告结束。",                                                  \
         .example = "10000"},

const struct config_row config_lane_rows[] = {
    {"name", CONFIG_NAME, NULL, LANE(name),
     .doc = "Name of the lane: small letters, digits and dashes. It is part of the callback addresses, so "
            "keep it.",
     .doc_zh = "通道名:小写字母、数字和短横线。它是回调地址的一部分,请勿随意更改。", .example = "twilio"},
    {"provider", CONFIG_PROVIDER, NULL, LANE(adapter), .doc = "Whose API this is.", .doc_zh = "服务商。",
     .example = "twilio"},
    {"from", CONFIG_STRING, "",
     .fallback_is = "none: the provider's account has one (Twilio: messaging_service_sid)",
     .fallback_is_zh = "无:由服务商账户指定(Twilio:messaging_service_sid)", LANE(from), .max = 64,
     .doc = "Sender of messages that name none.", .doc_zh = "消息未指定发送方时使用的发送方。",
     .example = "\"+15005550006\""},
    {"senders", CONFIG_SENDERS, "", .fallback_is = "none", .fallback_is_zh = "无", LANE(senders),
     .max = SENDERS_MAX,
     .doc =
         "A pool for messages that name no sender: each recipient keeps seeing the same one of them. `SENDER "
         "for CN,HK` is used for numbers of those countries only, and there before the others. Where the "
         "pool has none, `from` holds.",
     .doc_zh = "消息未指定发送方时使用的一组发送方,同一收件人总是看到同一个。`发送方 for CN,HK` "
               "只用于这些地区的号码,且优先。其中没有适用者时,用 `from`。",
     .example = "[\"+15005550006\", Shop for GB]"},
    {"prices", CONFIG_RULES, "", .fallback_is = "none", .fallback_is_zh = "无", LANE(prices),
     .check = price_check_line, .max = 1000,
     .doc = "What a text costs, one line for each prefix (`+86138 0.05`), country (`CN 0.045`) or all else "
            "(`* 0.0075`). "
            "See [prices.md](prices.md).",
     .doc_zh = "每条短信的价格:每行一个号段、国家或其余所有(`*`)。见 [prices.md](prices.md)。",
     .example = "[CN 0.045, \"+86138 0.05\", \"* 0.0075\"]"},
    {"prices_file", CONFIG_PATH, "", .fallback_is = "none", .fallback_is_zh = "无", LANE(prices_file),
     .doc = "The same as CSV, `prefix,price` a line. What stands in `prices` goes before it.",
     .doc_zh = "同上,以 CSV 文件给出,每行 `号段,价格`;`prices` 中的优先。", .example = "prices/aliyun.csv"},
    {"currency", CONFIG_STRING, "USD", LANE(currency), .max = 3,
     .doc = "Of its prices: three letters (ISO 4217).", .doc_zh = "价格的币种(ISO 4217 三字母代码)。"},
    {"price_per", CONFIG_ENUM, "segment", LANE(price_per), .names = price_pers,
     .doc = "What the provider bills.", .doc_zh = "服务商按条(segment)还是按消息(message)计费。"},
    {"channel", CONFIG_ENUM, "all", LANE(channel), .names = lane_channels,
     .doc = "What the lane is for, where its provider can do more than that.",
     .doc_zh = "该通道只用于哪种渠道(服务商支持多种时)。"},
    {"account", CONFIG_STRING, "", .fallback_is = "the first account", .fallback_is_zh = "第一个账户",
     LANE(account), .max = 64, .doc = "Whose texts from handsets are that nobody wrote to before, by name.",
     .doc_zh = "未曾发送过的号码发来的短信归哪个账户(名称)。", .example = "shop"},
    {"in_flight_max", CONFIG_U32, "200", LANE(in_flight_max), .min = 1, .max = 100000,
     .doc = "Calls to this provider at once.", .doc_zh = "同时进行的调用数。"},
    {"in_flight_adaptive", CONFIG_BOOL, "true", LANE(in_flight_adaptive),
     .doc = "Fewer calls at once while the provider throttles, gives no answers or is much slower than "
            "usual; never "
            "more than in_flight_max.",
     .doc_zh = "服务商限流、无应答或明显变慢时减少同时进行的调用数,且永不超过 in_flight_max。"},
    {"rates", CONFIG_LANE_RATES, "", .fallback_is = "none", .fallback_is_zh = "无", LANE(rates),
     .count_at = offsetof(struct lane_config, n_rates), .max = LANE_RATES_MAX,
     .doc = "How much the provider takes: COUNT/TIME (s, min, h, d or a multiple such as 30d), all of them "
            "at once, exact in "
            "every interval and across restarts. Counted in segments where the provider counts those, else "
            "in messages; what "
            "is over it waits.",
     .doc_zh = "服务商允许的速率,写作“数量/时间”(s、min、h、d 或其倍数如 "
               "30d),同时生效;任意一段该时长内都不会超过,重启后仍然有效。"
               "服务商按条(分段)计的按分段计,否则按消息计;超出者排队等待。",
     .example = "[10/s, 5000/d]"},
    {"time_zone", CONFIG_ZONE, "UTC", LANE(time_zone),
     .doc = "In which the lane's days and months begin: that of the provider account.",
     .doc_zh = "该通道的日与月按此时区起算,应与服务商账户一致。", .example = "Asia/Shanghai"},
    {"quota.day", CONFIG_U32, "0", .fallback_is = "0: none", .fallback_is_zh = "0:无", LANE(quota.day),
     .max = 1000000000,
     .doc = "How much may be sent in a calendar day, counted as for `rates` and kept over restarts; the "
            "surplus goes "
            "by another lane or waits for the next day.",
     .doc_zh = "每个自然日最多发送多少,计数方式同 `rates`,重启后仍然有效;超出者改走其他通道或等到次日。",
     .example = "10000"},
    {"quota.month", CONFIG_U32, "0", .fallback_is = "0: none", .fallback_is_zh = "0:无", LANE(quota.month),
     .max = 1000000000, .doc = "The same in a calendar month.", .doc_zh = "每个自然月最多发送多少。",
     .example = "200000"},
    {"warm_up.start", CONFIG_DAY, "", .fallback_is = "must be given where the lane warms up",
     .fallback_is_zh = "通道需要预热时必填", LANE(warm_up.start),
     .doc = "The first day of the lane's warm-up, in its time zone.",
     .doc_zh = "该通道预热的第一天(按其时区)。", .example = "2026-11-21"},
    WARM_UP_ROWS("warm_up", warm_up, "the lane", "通道") WARM_UP_ROWS(
        "sender_warm_up", sender_warm_up, "each sender (number, name) from the day of its first use on",
        "每个发送方(号码或名称,自首次使用之日起)"){
        "timeout_ms", CONFIG_U32, "10000", LANE(timeout_ms), .min = 100, .max = 300000, .unit = CONFIG_MS,
        .at_least = "connect_timeout_ms",
        .doc = "How long one call may take, connecting included; after that its outcome is unknown.",
        .doc_zh = "单次调用(含建立连接)的超时时间,超过则结果未知。"},
    {"connect_timeout_ms", CONFIG_U32, "3000", LANE(connect_timeout_ms), .min = 50, .max = 60000,
     .unit = CONFIG_MS, .doc = "How long connecting may take.", .doc_zh = "建立连接的超时时间。"},
    {"receipt_window_s", CONFIG_U32, "259200", LANE(receipt_window_s), .min = 60, .max = 30 * 86400,
     .unit = CONFIG_SECONDS, .doc = "How long a sent message waits for its receipt.",
     .doc_zh = "已发送的消息等待回执的时间。"},
    {"receipt_poll_after_s", CONFIG_U32, "900", LANE(receipt_poll_after_s), .max = 30 * 86400,
     .unit = CONFIG_SECONDS,
     .doc = "When no receipt has come so long after a message was sent, its provider is asked how it ended, "
            "where it "
            "can be asked; again after gaps that double. 0: never.",
     .doc_zh = "发出后这么久仍无回执时,向可查询的服务商询问结果;之后间隔加倍再问。0:从不询问。"},
    {"receipt_polls_max", CONFIG_U32, "4", LANE(receipt_polls_max), .max = 100,
     .doc = "How often a provider is asked after the receipt of one message.",
     .doc_zh = "每条消息最多询问几次回执。"},
    {"receipt_polls_per_minute", CONFIG_U32, "60", LANE(receipt_polls_per_minute), .min = 1, .max = 60000,
     .doc = "And for all messages together.", .doc_zh = "该通道每分钟最多询问几次回执。"},
    {"lookup_after_ms", CONFIG_U32, "0", .fallback_is = "0: the provider's own settling time",
     .fallback_is_zh = "0:该服务商自己的默认值", LANE(lookup_after_ms), .max = 3600000, .unit = CONFIG_MS,
     .doc = "How long after an unknown outcome the provider is asked about it.",
     .doc_zh = "结果未知后,隔多久向服务商查询;0 表示采用该服务商自己的默认值。", .example = "30000"},
    {"lookups_max", CONFIG_U32, "6", LANE(lookups_max), .max = 100,
     .doc = "How often the provider is asked about one unknown outcome.",
     .doc_zh = "同一未知结果最多查询的次数。"},
    {"allow_private", CONFIG_BOOL, "false", LANE(allow_private),
     .doc = "Allow this lane to call addresses of this machine or of private networks: for the simulator.",
     .doc_zh = "允许此通道调用本机或内网地址,用于模拟器。"},
    {0},
};

/* Those that may get a text at all, as phone_type_name has them. */
static const char *const number_types[] = {"mobile", "fixed_or_mobile", "voip", "personal",
                                           "pager",  "unknown",         NULL};

const struct config_row config_route_rows[] = {
    {"name", CONFIG_NAME, NULL, ROUTE(name),
     .doc = "Name of the route: small letters, digits and dashes. Logs, metrics and explanations use it.",
     .doc_zh = "路由名:小写字母、数字和短横线,用于日志、指标与说明。", .example = "otp-china"},
    {"country", CONFIG_REGIONS, "", .fallback_is = "any", .fallback_is_zh = "任意",
     ROUTE(when[ROUTE_COUNTRY]), .max = 256, .doc = "Where the recipient's number belongs.",
     .doc_zh = "收件号码所属地区。", .example = "[CN, HK]"},
    {"number_type", CONFIG_TEXTS, "", .fallback_is = "any", .fallback_is_zh = "任意", ROUTE(when[ROUTE_TYPE]),
     .max = 8, .names = number_types, .doc = "What kind of number it is.", .doc_zh = "收件号码的类型。",
     .example = "[mobile]"},
    {"prefix", CONFIG_PREFIXES, "", .fallback_is = "any", .fallback_is_zh = "任意", ROUTE(when[ROUTE_PREFIX]),
     .max = 1000, .doc = "What the number begins with, country code first: a carrier's or a city's range.",
     .doc_zh = "号码的开头(含国家代码),如某运营商或城市的号段。", .example = "[\"+86138\", \"+86139\"]"},
    {"topic", CONFIG_TEXTS, "", .fallback_is = "any", .fallback_is_zh = "任意", ROUTE(when[ROUTE_TOPIC]),
     .max = 256, .doc = "The message's topic.", .doc_zh = "消息的主题。", .example = "[otp]"},
    {"template", CONFIG_TEXTS, "", .fallback_is = "any", .fallback_is_zh = "任意",
     ROUTE(when[ROUTE_TEMPLATE]), .max = 256, .doc = "The template it was rendered from.",
     .doc_zh = "消息所用的模板。", .example = "[order-shipped]"},
    {"account", CONFIG_TEXTS, "", .fallback_is = "any", .fallback_is_zh = "任意", ROUTE(when[ROUTE_ACCOUNT]),
     .max = 256, .doc = "The account it belongs to, by name.", .doc_zh = "消息所属账户的名称。",
     .example = "[acme]"},
    {"sender", CONFIG_TEXTS, "", .fallback_is = "any", .fallback_is_zh = "任意", ROUTE(when[ROUTE_SENDER]),
     .max = 256, .doc = "The sender it asks for.", .doc_zh = "消息指定的发送方。", .example = "[Shop]"},
    {"channel", CONFIG_TEXTS, "", .fallback_is = "any", .fallback_is_zh = "任意", ROUTE(when[ROUTE_CHANNEL]),
     .max = 8, .names = lane_channels + 1, .doc = "By what it goes out.", .doc_zh = "消息所用的渠道。",
     .example = "[sms]"},
    {"lanes", CONFIG_TEXTS, NULL, ROUTE(lane_texts), .max = ROUTE_LANES_MAX,
     .doc = "Names of the lanes it may take. In order: the next is taken while those before cannot. With "
            "weights (`NAME 70`): each recipient belongs to one of them, by those shares, and goes to the "
            "others "
            "only when that one cannot; lanes without weight come behind.",
     .doc_zh =
         "可走的通道。按顺序:前面的不可用时才走下一条。带权重(`名称 70`):每个收件人按比例固定属于其中一条,"
         "该条不可用时才走其他;不带权重的排在其后。",
     .example = "[aliyun 70, tencent 30, twilio]"},
    {"order", CONFIG_ENUM, "listed", ROUTE(cheapest), .names = route_orders,
     .doc = "In which order lanes are tried: as listed (or by their weights), or the cheapest first by their "
            "`prices`; those "
            "without a price last.",
     .doc_zh = "通道的先后:按列出的顺序(或权重),或按 `prices` 从低到高。", .example = "cheapest"},
    {"health_floor", CONFIG_U32, "0", ROUTE(health_floor), .max = 100,
     .doc = "With `order: cheapest`: lanes whose health (percent, as in /v1/lanes) is below it stand behind "
            "the others, "
            "however cheap.",
     .doc_zh = "与 `order: cheapest` 合用:健康度(百分比)低于此值的通道排在其余之后。", .example = "80"},
    {"max_price", CONFIG_STRING, "", .fallback_is = "none", .fallback_is_zh = "无", ROUTE(max_price_text),
     .max = 16,
     .doc = "What one message may cost at the most: lanes that cost more, or have no price for it, do not "
            "take it.",
     .doc_zh = "单条消息的最高价格:更贵或没有价格的通道不承接。", .example = "0.09"},
    {"canary", CONFIG_STRING, "", .fallback_is = "none", .fallback_is_zh = "无", ROUTE(canary_text),
     .max = 64,
     .doc = "A lane on trial and its share of the recipients, `NAME 5%`. It is taken out by itself when it "
            "fails "
            "significantly more often, or is significantly slower, than the route's other lanes.",
     .doc_zh =
         "试用的通道及其收件人占比,写作 `名称 5%`。若其失败率或耗时明显劣于该路由的其他通道,则自动停用。",
     .example = "newcomer 5%"},
    {"senders", CONFIG_SENDERS, "", .fallback_is = "the lane's own", .fallback_is_zh = "通道自己的",
     ROUTE(senders), .max = SENDERS_MAX,
     .doc =
         "Senders for messages that name none; each recipient keeps seeing the same. All lanes of the route "
         "must know them.",
     .doc_zh = "未指定发送方的消息所用的发送方;同一收件人总是看到同一个。该路由的所有通道都须支持它们。",
     .example = "[\"+15005550006\", Shop for GB]"},
    {0},
};

const struct config_row config_source_rows[] = {
    {"name", CONFIG_NAME, NULL, SOURCE(name), .doc = "Its name in the address: /v1/events/from/NAME.",
     .doc_zh = "地址中的名称:/v1/events/from/名称。", .example = "shop"},
    {"account", CONFIG_STRING, "default", SOURCE(account), .doc = "Whose events they are.",
     .doc_zh = "事件所属账户的名称。"},
    {"secret", CONFIG_SECRET, NULL, SOURCE(secret),
     .doc = "What it signs with: whsec_ and base64; two by a space while one takes over from another.",
     .doc_zh = "签名密钥:whsec_ 加 base64;轮换期间可用空格写两个。", .example = "${SHOP_SECRET}"},
    {"tolerance_s", CONFIG_U32, "300", SOURCE(tolerance_s), .min = 1, .max = 3600, .unit = CONFIG_SECONDS,
     .doc = "How far a post's time may be from this machine's.", .doc_zh = "请求时间与本机时间的最大偏差。"},
    {0},
};

const struct config_row *config_item_rows(struct sv section) {
    return sv_eq(section, SV("lanes"))     ? config_lane_rows
           : sv_eq(section, SV("routes"))  ? config_route_rows
           : sv_eq(section, SV("sources")) ? config_source_rows
                                           : NULL;
}

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
    [CONFIG_DATABASE] = {"sqlite:PATH", "sqlite:PATH"},
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
    [CONFIG_SECRET] = {"a secret: ${VARIABLE}, or its file by", "机密:写作 ${变量},或用"},
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
    if (row->kind == CONFIG_SECRET)
        buf_addf(out, chinese ? " %s_file 给出文件" : " %s_file", row->key);
}
