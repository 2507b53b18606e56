/* The rows of what comes in lists: lanes, routes, sources of events. */
#include "app/config_table.h"

#include "model/message.h"
#include "model/settings.h"

#define LANE(member) .at = offsetof(struct lane_config, member)
#define ROUTE(member) .at = offsetof(struct route_rule, member)
#define SOURCE(member) .at = offsetof(struct event_source, member)

static const char *const price_pers[] = {"segment", "message", NULL};
static const char *const route_orders[] = {"listed", "cheapest", NULL};
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
    {"rate_learn", CONFIG_BOOL, "false", LANE(rate_learn),
     .doc = "Find out how much the provider takes where nobody knows: begin slowly, grow while it does not "
            "throttle, and "
            "stay just below where it does, so that less than 1 % of calls are throttled. `rates` hold "
            "besides. What is "
            "learned is kept over restarts ([lanes.md](lanes.md#a-rate-that-nobody-knows)).",
     .doc_zh = "不知道服务商限速时自动摸索:从慢开始,未被限流就加快,随后保持在限流点以下,被限流的调用少于 "
               "1%。`rates` 同时有效;学到的速率重启后仍然有效。"},
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
           : sv_eq(section, SV("doors"))   ? config_door_rows
                                           : NULL;
}
