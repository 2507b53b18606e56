#include "app/config_table.h"

#include "model/brand.h"
#include "model/code.h"
#include "model/country_rule.h"
#include "model/message.h"
#include "model/quiet.h"
#include "model/settings.h"
#include "net/address.h"
#include "net/redis.h"

enum { BRANDS_MAX = 64 };

#define AT(member) .at = offsetof(struct settings, member)

static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const shared_names[] = {"auto", "yes", "no", NULL};
static const char *const formats[] = {"logfmt", "json", NULL};
static const char *const deliveries[] = {"at_most_once", "at_least_once", NULL};
static const char *const priorities[] = {"otp", "transactional", "marketing", NULL};
static const char *const fraud_actions[] = {"hold", "block", NULL};
static const char *const alphabets[] = {"digits", "alphanumeric", NULL};
static const char *const code_channels[] = {"sms", "voice", "whatsapp", NULL};
static const char *const actions[] = {"block", "replace", "flag", NULL};

static bool check_spend(struct sv text, struct err *e) {
    return spend_parse(text, &(struct spend_rule){0}, e);
}

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

static bool check_proxy(struct sv text, struct err *e) {
    char address[INET6_ADDRSTRLEN];
    return address_normal(text, address) ||
           err_set(e, ERR_INVALID, "%.*s is no address: give numbers, such as 10.0.0.2 or fd00::2",
                   SV_FMT(text));
}

static bool check_duplicate(struct sv text, struct err *e) {
    return tally_parse_duplicate(text, &(struct tally_rule){0}, e);
}

const struct config_section config_sections[] = {
    {"node", "Several gateways on one database ([docs/nodes.md](nodes.md)).",
     "多个网关共用一个数据库([docs/nodes.md](nodes.md))。"},
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
    {"messages", "Messages that are over.", "已结束的消息。"},
    {"events", "Business events that come in: see [events.md](events.md).",
     "业务事件的接收:见 [events.md](events.md)。"},
    {"rules", "What makes messages of events: see [events.md](events.md).",
     "把事件变成消息的规则:见 [events.md](events.md)。"},
    {"redis", "What several gateways share at speed ([docs/redis.md](redis.md)).",
     "多个网关之间快速共享的数据(见 [docs/redis.md](redis.md))。"},
    {"sources",
     "Who may post events by a signature (Standard Webhooks) instead of an API key, each at "
     "/v1/events/from/NAME.",
     "可用签名(Standard Webhooks)代替 API 密钥提交事件的来源,地址为 /v1/events/from/名称。"},
    {"doors",
     "Queues of other systems: messages and events come in by RabbitMQ or Redis Streams as they do by POST, "
     "and what webhooks tell goes out. See [doors.md](doors.md).",
     "其他系统的队列:消息与事件可经 RabbitMQ 或 Redis Streams 进入(与 POST 相同),webhook "
     "的内容也可由此发出。见 [doors.md](doors.md)。"},
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
     .fallback_is_zh = "sqlite:DATA_DIR/hongyan.db", AT(database),
     .doc = "Where messages are kept: a file, or PostgreSQL (docs/postgresql.md).",
     .doc_zh = "消息存放在哪里:文件,或 PostgreSQL(docs/postgresql.md)。",
     .example = "sqlite:/var/lib/hongyan/hongyan.db"},
    {"drain_ms", CONFIG_U32, "25000", AT(drain_ms), .max = 600000, .unit = CONFIG_MS,
     .doc = "How long the program waits for calls in flight after SIGTERM.",
     .doc_zh = "收到 SIGTERM 后,等待进行中的调用结束的时间。"},

    {"node.name", CONFIG_STRING, "", .fallback_is = "the machine's name", .fallback_is_zh = "主机名",
     AT(node.name), .doc = "What `hongyan nodes` calls this one.", .doc_zh = "`hongyan nodes` 中显示的名称。",
     .example = "gateway-1"},
    {"node.shared", CONFIG_WORD, "auto", AT(node.shared), .names = shared_names,
     .doc =
         "Whether other gateways have the same database. auto: yes, unless it is SQLite. On SQLite, yes is "
         "for "
         "several processes on one machine.",
     .doc_zh = "是否有其他网关共用同一数据库。auto:除 SQLite 外为 yes;SQLite 上的 yes "
               "用于同一台机器上的多个进程。"},
    {"node.lease_ms", CONFIG_U32, "10000", AT(node.lease_ms), .min = 1000, .max = 300000, .unit = CONFIG_MS,
     .doc = "A gateway that the database has not heard of for so long is gone: the others take its work. The "
            "same "
            "for all.",
     .doc_zh = "数据库在这段时间内没有某个网关的消息,即视为已离开,由其他网关接手其工作。各网关应相同。"},

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
    {"limits.urgent_run", CONFIG_U32, "20", AT(limits.urgent_run), .min = 0, .max = 1000000,
     .doc =
         "While more urgent messages keep a lane busy, one of a less urgent priority goes after so many of "
         "them, so that none starves; 0: it waits until no more urgent one is left.",
     .doc_zh = "紧急消息占满通道时,每发出这么多条,放行一条较不紧急的,避免其永远等待;0:严格按优先级。"},
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
    {"limits.spend", CONFIG_RULES, "", .fallback_is = "none", .fallback_is_zh = "无", AT(limits.spend),
     .max = SPEND_RULES_MAX, .check = check_spend,
     .doc = "How much an account may spend in a day (UTC), by the prices of lanes: `AMOUNT CURRENCY/day`, "
            "for each "
            "account that no other line names, or `for account=NAME,NAME`. What is over it waits for the "
            "next day, or "
            "is suppressed where that is too late; reason spend_ceiling ([prices.md](prices.md)).",
     .doc_zh = "一个账户每天(UTC)按线路价格最多花费多少:`金额 货币/day`,适用于未被其他行点名的每个账户;或加 "
               "`for account=名称,名称`。超出者等到次日,来不及则抑制,原因 spend_ceiling。",
     .example = "[100 USD/day, 20.5 USD/day for account=shop]"},
    {"limits.proxies", CONFIG_RULES, "", .fallback_is = "none", .fallback_is_zh = "无", AT(limits.proxies),
     .max = 64, .check = check_proxy,
     .doc =
         "Numeric addresses of reverse proxies of yours: for requests from these, `source` in limits.rates "
         "is "
         "the last address in X-Forwarded-For that is none of them. Of others that header is not believed.",
     .doc_zh = "自有反向代理的数字地址:来自它们的请求,limits.rates 的 source 取 X-Forwarded-For "
               "中最后一个不属于它们的地址;其他来源的该头不予采信。",
     .example = "[127.0.0.1, 10.0.0.2]"},
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
    {"messages.keep_days", CONFIG_U32, "0", AT(messages.keep_days), .max = 3650,
     .doc =
         "Days a message that is over is kept, with its events and attempts; then it is deleted (on "
         "PostgreSQL with all of its period, a day or a week: [docs/postgresql.md](postgresql.md)). 0: for "
         "ever.",
     .doc_zh = "已结束的消息(连同其事件与发送记录)保留的天数,之后删除(在 PostgreSQL "
               "上随其所在时段,即一天或一周,整体删除:[docs/postgresql.md](postgresql.md));0 表示永久保留。"},
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
    {"consent.confirm_topics", CONFIG_TEXTS, "", .fallback_is = "none", .fallback_is_zh = "无",
     AT(consent.confirm_topics), .max = 64,
     .doc = "Double opt-in: a consent to these topics that your application brings for a number counts when "
            "the number has answered a text that asks for it "
            "([consent.md](consent.md#double-opt-in--短信二次确认)).",
     .doc_zh = "短信二次确认:应用提交的这些主题的同意,须待该号码回复确认短信后才生效。",
     .example = "[marketing]"},
    {"consent.confirm_hours", CONFIG_U32, "48", AT(consent.confirm_hours), .min = 1, .max = 720,
     .doc = "How long the answer counts.", .doc_zh = "确认短信的有效时长(小时)。"},
    {"consent.confirm_template", CONFIG_STRING, "", .fallback_is = "the built-in text",
     .fallback_is_zh = "内置文案", AT(consent.confirm_template), .max = 128,
     .doc = "The template of that text: it sees `topic`, `brand`, `hours` and the request's `text`.",
     .doc_zh = "确认短信的模板,可用变量 `topic`、`brand`、`hours` 和请求中的 `text`。"},
    {"consent.brand", CONFIG_STRING, "", .fallback_is = "none", .fallback_is_zh = "无", AT(consent.brand),
     .max = BRAND_BYTES_MAX, .doc = "Who asks.", .doc_zh = "确认短信中的品牌名。", .example = "Hongyan"},
    {"consent.brands", CONFIG_RULES, "", .fallback_is = "none", .fallback_is_zh = "无", AT(consent.brands),
     .max = BRANDS_MAX, .check = brand_check,
     .doc = "The same by language, before consent.brand: `LANGUAGE: NAME`.",
     .doc_zh = "各语言的品牌名,优先于 consent.brand:`语言: 名称`。", .example = "[\"zh: 鸿雁\"]"},

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
     AT(verifications.brand), .max = BRAND_BYTES_MAX, .doc = "Whose code it is.",
     .doc_zh = "验证码短信中的品牌名。", .example = "Hongyan"},
    {"verifications.brands", CONFIG_RULES, "", .fallback_is = "none", .fallback_is_zh = "无",
     AT(verifications.brands), .max = BRANDS_MAX, .check = brand_check,
     .doc = "The same by language, before verifications.brand: `LANGUAGE: NAME`.",
     .doc_zh = "各语言的品牌名,优先于 verifications.brand:`语言: 名称`。",
     .example = "[\"zh: 鸿雁\", \"ja: ホンイエン\"]"},
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

    {"redis.url", CONFIG_STRING, "", .fallback_is = "none: rates are counted by this gateway alone",
     .fallback_is_zh = "无:速率只由本网关计数", AT(redis.url), .max = 1024, .check = redis_url_check,
     .doc = "The Redis server that the gateways of one installation share: redis://host[:port][/database], "
            "rediss:// with TLS, or unix:/path. The rates of limits.rates and verifications.rates, "
            "and lanes' rates, quotas and warm-ups, then hold for all of them together.",
     .doc_zh =
         "同一套系统的多个网关共用的 Redis:redis://host[:port][/库号],rediss:// 表示 TLS,或 unix:/路径。"
         "设置后 limits.rates、verifications.rates 以及通道的 rates、quota、warm_up 对所有网关合计生效。",
     .example = "rediss://redis.example.com:6380/0"},
    {"redis.user", CONFIG_STRING, "", .fallback_is = "the default user", .fallback_is_zh = "默认用户",
     AT(redis.user), .max = 256, .doc = "Its ACL user.", .doc_zh = "ACL 用户名。", .example = "hongyan"},
    {"redis.password", CONFIG_SECRET, "", .fallback_is = "none", .fallback_is_zh = "无", AT(redis.password),
     .doc = "That user's password.", .doc_zh = "该用户的密码。", .example = "${REDIS_PASSWORD}"},
    {"redis.ca_file", CONFIG_PATH, "", .fallback_is = "the system's", .fallback_is_zh = "系统自带",
     AT(redis.ca_file), .doc = "Certificates (PEM) by which TLS knows the server.",
     .doc_zh = "TLS 用来验证服务器的证书文件(PEM)。", .example = "/etc/hongyan/redis-ca.pem"},
    {"redis.timeout_ms", CONFIG_U32, "250", AT(redis.timeout_ms), .min = 10, .max = 10000, .unit = CONFIG_MS,
     .doc = "How long an answer of the server is waited for; after that each gateway goes on with its share "
            "of every rate, until the server answers again.",
     .doc_zh = "等待服务器应答的时间;超时后各网关按自己的份额执行速率,直到服务器恢复。"},
    {"redis.prefix", CONFIG_STRING, "hongyan", AT(redis.prefix), .max = 64,
     .doc = "What its keys begin with. Gateways with the same prefix count together.",
     .doc_zh = "键的前缀;前缀相同的网关合并计数。", .example = "hongyan-staging"},
    {"redis.nodes_expected", CONFIG_U32, "1", AT(redis.nodes_expected), .min = 1, .max = 255,
     .doc = "How many gateways share a rate while the server is away: each lets through one part of so many, "
            "and at least one message.",
     .doc_zh = "服务器不可用时按多少个网关分摊速率:每个网关放行其中一份,至少一条。", .example = "3"},
    {0},
};
