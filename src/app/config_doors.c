/* The items of `doors:`: their rows, and how they are read. */
#include "app/config_load.h"

#include "app/config_near.h"
#include "model/hook.h"

#include <string.h>

#define DOOR(member) .at = offsetof(struct door, member)

/* In the order of the enums of model/door.h. */
static const char *const kinds[] = {"amqp", "redis", NULL};
static const char *const directions[] = {"in", "out", NULL};
static const char *const unroutables[] = {"retry", "drop", NULL};
static const char *const takes[] = {"messages", "events", NULL};

const struct config_row config_door_rows[] = {
    {"name", CONFIG_NAME, NULL, DOOR(name),
     .doc = "Name of the door: small letters, digits and dashes. Logs and metrics use it, and what tells "
            "repeated "
            "entries apart; so keep it.",
     .doc_zh = "名称:小写字母、数字和短横线,用于日志、指标与去重,请勿随意更改。", .example = "orders"},
    {"kind", CONFIG_ENUM, "amqp", DOOR(kind), .names = kinds,
     .doc = "What it is: amqp (RabbitMQ, AMQP 0-9-1) or redis (Redis Streams).",
     .doc_zh = "类型:amqp(RabbitMQ)或 redis(Redis Streams)。"},
    {"direction", CONFIG_ENUM, "in", DOOR(direction), .names = directions,
     .doc = "in: entries become messages or events; out: what webhooks tell goes there.",
     .doc_zh = "in:条目成为消息或事件;out:向外发布与 webhook 相同的内容。"},
    {"url", CONFIG_STRING, NULL, DOOR(url), .max = 512,
     .doc = "Where: amqp://HOST[:PORT][/VHOST] or redis://HOST[:PORT][/DATABASE]; amqps:// and rediss:// "
            "with TLS.",
     .doc_zh =
         "地址:amqp://主机[:端口][/虚拟主机] 或 redis://主机[:端口][/库号];amqps://、rediss:// 表示 TLS。",
     .example = "amqps://rabbit.example.com/sms"},
    {"user", CONFIG_STRING, "", .fallback_is = "none; RabbitMQ: guest", .fallback_is_zh = "无;RabbitMQ:guest",
     DOOR(user), .max = 255, .doc = "As whom.", .doc_zh = "用户名。", .example = "hongyan"},
    {"password", CONFIG_SECRET, "", .fallback_is = "none; RabbitMQ: guest",
     .fallback_is_zh = "无;RabbitMQ:guest", DOOR(password), .doc = "Its password.", .doc_zh = "密码。",
     .example = "${DOOR_PASSWORD}"},
    {"ca_file", CONFIG_PATH, "", .fallback_is = "the system's", .fallback_is_zh = "系统自带", DOOR(ca_file),
     .doc = "With TLS: the certificates of whom to trust, PEM.", .doc_zh = "TLS:信任的 CA 证书(PEM)。",
     .example = "/etc/hongyan/rabbit-ca.pem"},
    {"cert_file", CONFIG_PATH, "", .fallback_is = "none", .fallback_is_zh = "无", DOOR(cert_file),
     .doc = "With TLS: the gateway's own certificate, PEM.", .doc_zh = "TLS:本机客户端证书(PEM)。",
     .example = "/etc/hongyan/door.pem"},
    {"key_file", CONFIG_PATH, "", .fallback_is = "none", .fallback_is_zh = "无", DOOR(key_file),
     .doc = "And its key, PEM.", .doc_zh = "及其私钥(PEM)。", .example = "/etc/hongyan/door.key"},
    {"account", CONFIG_STRING, "default", DOOR(account), .max = 64,
     .doc = "Whose messages and events they are, by name. Whoever may write to the queue may send for it.",
     .doc_zh = "消息与事件所属账户的名称。能写入该队列者即可代其发送。", .example = "shop"},
    {"queue", CONFIG_STRING, NULL, DOOR(queue), .max = 200,
     .doc = "The queue or stream; out: the topic exchange or stream. What is not there is made: a quorum "
            "queue, a topic exchange.",
     .doc_zh = "队列或流的名称;out 时为 topic 交换机或流。不存在则创建(仲裁队列、topic 交换机)。",
     .example = "sms"},
    {"takes", CONFIG_ENUM, "messages", DOOR(takes), .names = takes,
     .doc = "What an entry is that does not say so by its type: what POST /v1/messages takes, or what POST "
            "/v1/events takes.",
     .doc_zh = "条目未注明类型时按什么处理:POST /v1/messages 或 POST /v1/events 的内容。"},
    {"dead_letters", CONFIG_STRING, "", .fallback_is = "QUEUE.dead", .fallback_is_zh = "队列名.dead",
     DOOR(dead_letters), .max = 200,
     .doc = "The queue or stream for entries that can never be taken, with why.",
     .doc_zh = "永远无法处理的条目连同原因存放于此队列或流。", .example = "sms.refused"},
    {"group", CONFIG_STRING, "hongyan", DOOR(group), .max = 200, .doc = "Redis: the consumer group.",
     .doc_zh = "Redis:消费者组。"},
    {"prefetch", CONFIG_U32, "500", DOOR(prefetch), .min = 1, .max = 10000,
     .doc = "Entries held at once that are not yet stored.", .doc_zh = "同时持有、尚未入库的条目数上限。"},
    {"claim_s", CONFIG_U32, "60", DOOR(claim_s), .min = 1, .max = 86400, .unit = CONFIG_SECONDS,
     .doc = "Redis: entries that their consumer has left alone for so long are taken over.",
     .doc_zh = "Redis:被其消费者搁置这么久的条目由本机接管。"},
    {"dead_letters_max", CONFIG_U32, "100000", DOOR(dead_letters_max), .min = 1, .max = 100000000,
     .doc = "Redis: about how many entries the dead-letter stream keeps; the oldest go.",
     .doc_zh = "Redis:死信流大约保留多少条,超出则删除最旧的。"},
    {"events", CONFIG_TEXTS, "", .fallback_is = "all", .fallback_is_zh = "全部", DOOR(events), .max = 32,
     .doc = "Out: types of events, or patterns, as for webhooks.",
     .doc_zh = "out:事件类型或模式,同 webhook。", .example = "[message.delivered, message.failed]"},
    {"topics", CONFIG_TEXTS, "", .fallback_is = "all", .fallback_is_zh = "全部", DOOR(topics), .max = 32,
     .doc = "Out: only what happens to messages of these topics.", .doc_zh = "out:只限这些主题的消息。",
     .example = "[orders]"},
    {"unroutable", CONFIG_ENUM, "retry", DOOR(unroutable), .names = unroutables,
     .doc =
         "Out, RabbitMQ: an event that no queue is bound for is tried again (retry), or is nobody's (drop).",
     .doc_zh = "out,RabbitMQ:没有队列绑定的事件:重试(retry)或丢弃(drop)。"},
    {"keep_max", CONFIG_U32, "1000000", DOOR(keep_max), .min = 1, .max = 1000000000,
     .doc = "Out, Redis: about how many entries the stream keeps; the oldest go.",
     .doc_zh = "out,Redis:流大约保留多少条,超出则删除最旧的。"},
    {"unnamed", CONFIG_BOOL, "false", DOOR(unnamed),
     .doc = "RabbitMQ: take entries that have no message_id, although one that is redelivered is then sent "
            "twice.",
     .doc_zh = "RabbitMQ:接受没有 message_id 的条目;若被重新投递则可能重复发送。"},
    {0},
};

static void read_key(struct config_loading *l, const struct config_node *n, uint32_t index,
                     struct door *door) {
    const struct config_row *row = config_row_find(config_door_rows, n->key);
    char key[CONFIG_KEY_MAX];
    int words = n->key.n < CONFIG_NEAR_MAX ? (int)n->key.n : CONFIG_NEAR_MAX;
    snprintf(key, sizeof key, "doors[%u].%.*s", index, words, n->key.p);
    bool bare = row && row->kind == CONFIG_SECRET && n->kind == CONFIG_NODE_SCALAR && n->text.n &&
                !config_node_is_null(n) && !(sv_starts(n->text, SV("${")) && sv_ends(n->text, SV("}")));
    if (bare)
        config_problem_add(l->problems, l->path, n->line,
                           "`%s` is a secret and does not belong into this file: write ${VARIABLE}", key);
    else if (row)
        (void)config_read_row(l, row, key, n, door);
    if (row)
        return;
    struct config_near near = config_near_of(n->key);
    for (const struct config_row *r = config_door_rows; r->key; r++)
        config_near_try(&near, sv_of(r->key));
    config_problem_add(l->problems, l->path, n->line,
                       near.best.n
                           ? "unknown key `%s`; did you mean `%.*s`?"
                           : "unknown key `%s`; `hongyan config explain doors` lists the known ones%.*s",
                       key, SV_FMT(near.best));
}

static void check(struct config_loading *l, const struct config_node *n, uint32_t index,
                  const struct door *door) {
    const struct settings *s = l->settings;
    const struct config_node *url = config_node_get(n, SV("url"));
    struct door_address address;
    struct err e = ERR_INIT;
    if (door->url.n && !door_address_of(door->kind, door->url, &address, &e))
        config_problem_add(l->problems, l->path, url ? url->line : n->line, "`doors[%u].url`: %s", index,
                           e.text);
    if (door->kind == DOOR_REDIS && door->cert_file.n)
        config_problem_add(l->problems, l->path, n->line,
                           "`doors[%u].cert_file`: Redis is told a user and password, no certificate", index);
    if (!door->cert_file.n != !door->key_file.n)
        config_problem_add(
            l->problems, l->path, n->line,
            "`doors[%u]`: a certificate goes with its key: give cert_file and key_file, or neither", index);
    if (door->queue.n && sv_eq(door->queue, door->dead_letters))
        config_problem_add(
            l->problems, l->path, n->line,
            "`doors[%u].dead_letters` is the door's own queue: its dead letters would come in again", index);
    for (uint32_t i = 0; i < door->events.n; i++)
        if (!hook_types_of(door->events.at[i]))
            config_problem_add(l->problems, l->path, n->line,
                               "`doors[%u].events`: `%.*s` is no type of event, and no pattern of some: see "
                               "docs/webhooks.md",
                               index, SV_FMT(door->events.at[i]));
    for (uint32_t i = 0; i < index; i++)
        if (door->name[0] && strcmp(s->doors[i].name, door->name) == 0)
            config_problem_add(l->problems, l->path, n->line,
                               "`doors[%u].name` is the name of an earlier door, too", index);
}

static void read_door(struct config_loading *l, const struct config_node *n, uint32_t index) {
    struct settings *s = l->settings;
    struct door *door = &s->doors[index];
    size_t before = l->problems->n + l->problems->left_out;
    config_put_defaults(l, config_door_rows, door);
    for (const struct config_node *k = n->first; k; k = k->next)
        read_key(l, k, index, door);
    for (const struct config_row *r = config_door_rows; r->key; r++)
        if (!r->fallback && !config_node_get(n, sv_of(r->key)))
            config_problem_add(l->problems, l->path, n->line, "`doors[%u].%s` is missing", index, r->key);
    if (l->problems->n + l->problems->left_out == before)
        check(l, n, index, door);
    if (door->dead_letters.n || !door->queue.n)
        return;
    struct buf BUF_AUTO name = BUF_INIT(512);
    buf_join(&name, door->queue, SV(".dead"));
    door->dead_letters = arena_dup(&s->arena, buf_sv(&name));
}

void config_read_doors(struct config_loading *l, const struct config_node *list) {
    struct settings *s = l->settings;
    size_t n = 0;
    if (list->kind != CONFIG_NODE_LIST || !list->first) {
        config_problem_add(l->problems, l->path, list->line,
                           "`doors` must be a list, each item beginning with `-`; leave it out for none");
        return;
    }
    for (const struct config_node *i = list->first; i; i = i->next)
        n++;
    s->doors = n > DOORS_MAX ? NULL : arena_zalloc(&s->arena, n * sizeof *s->doors);
    if (!s->doors) {
        config_problem_add(l->problems, l->path, list->line, "more than %d doors", DOORS_MAX);
        return;
    }
    for (const struct config_node *i = list->first; i; i = i->next) {
        uint32_t index = s->n_doors++;
        if (i->kind == CONFIG_NODE_MAP)
            read_door(l, i, index);
        else
            config_problem_add(l->problems, l->path, i->line,
                               "`doors[%u]` must be `key: value` lines: name, kind, url, queue, account",
                               index);
    }
}
