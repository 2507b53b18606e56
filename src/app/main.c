/* hongyan: the program. Each command is a function of argc and argv; see cli.h. */
#include "app/cli.h"
#include "app/config.h"
#include "simulator/simulator.h"
#include "version.h"

#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

static int version(int argc, char **argv) {
    static const char usage[] = "hongyan version [--json]\n\nPrints the version.\n打印版本。\n";
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc > 1 && !json) {
        bool asked = strcmp(argv[1], "--help") == 0;
        fputs(usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    printf(json ? "{\"name\":\"hongyan\",\"version\":\"%s\"}\n" : "hongyan %s\n", HONGYAN_VERSION);
    return EX_OK;
}

static const struct command commands[] = {
    {"serve", cli_serve, "run the gateway", "运行网关"},
    {"send", cli_send, "send a text through a running gateway", "通过运行中的网关发送一条短信"},
    {"key", cli_key, "make, list and revoke API keys", "创建、列出、吊销 API 密钥"},
    {"render", cli_render, "render a template and count its segments", "渲染模板并计算短信条数"},
    {"import", cli_import, "take files into an account: templates, rules, contacts, consents, suppressions",
     "将文件导入账户:模板、规则、联系人、同意记录、不再发送的号码"},
    {"export", cli_export, "write files of an account: contacts, consents, suppressions",
     "导出账户的联系人、同意记录、不再发送的号码"},
    {"hooks", cli_hooks, "show the posts of webhooks, and check their signatures",
     "显示 webhook 推送并验证签名"},
    {"mood", cli_mood, "say how a reply sounds", "判断一条回复的情绪"},
    {"config", config_command, "check, print and explain the settings", "检查、打印、解释配置"},
    {"doctor", cli_doctor, "look for what keeps texts from going out", "诊断短信发送问题"},
    {"migrate", cli_migrate, "bring the database to this version's schema, or move it to another",
     "升级数据库结构,或迁移到另一数据库"},
    {"nodes", cli_nodes, "list the gateways that share the database", "列出共用数据库的网关"},
    {"simulator", simulator_main, "play every provider's API on loopback", "在本机模拟短信服务商"},
    {"version", version, "print the version", "打印版本"},
};
enum { COMMANDS_N = sizeof commands / sizeof commands[0] };

static void help(FILE *out) {
    fprintf(out, "%s\n\n",
            cli_say("usage: hongyan COMMAND [OPTIONS]    (hongyan COMMAND --help says more)",
                    "用法:hongyan 命令 [选项]    (hongyan 命令 --help 查看详情)"));
    for (size_t i = 0; i < COMMANDS_N; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, cli_say(commands[i].summary, commands[i].summary_zh));
}

int main(int argc, char **argv) {
    umask(077); /* messages, keys and tokens are nobody else's business */
    const char *name = argc > 1 ? argv[1] : "";
    char *helped[] = {argc > 2 ? argv[2] : argv[0], (char[]){"--help"}, NULL};
    bool of_one = argc == 3 && strcmp(name, "help") == 0;
    if (strcmp(name, "--version") == 0)
        name = "version";
    if (of_one)
        name = argv[2];
    for (size_t i = 0; i < COMMANDS_N; i++)
        if (strcmp(name, commands[i].name) == 0)
            return of_one ? commands[i].run(2, helped) : commands[i].run(argc - 1, argv + 1);
    bool asked = strcmp(name, "--help") == 0 || strcmp(name, "help") == 0 || strcmp(name, "-h") == 0;
    if (!asked && *name)
        fprintf(stderr, "hongyan: %s `%s`\n", cli_say("there is no command", "没有命令"), name);
    help(asked ? stdout : stderr);
    return asked ? EX_OK : EX_USAGE;
}
