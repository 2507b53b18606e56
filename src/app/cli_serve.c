#include "app/cli.h"
#include "app/config.h"
#include "app/gateway.h"

#include <getopt.h>
#include <sysexits.h>

/* -c FILE, or --help. False: the usage was printed, *code is what to end with. */
static bool parse_config_option(int argc, char **argv, const char *usage, const char **path, int *code) {
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    *path = NULL;
    for (int c; (c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1;) {
        if (c == 'c') {
            *path = optarg;
            continue;
        }
        fputs(usage, c == 'h' ? stdout : stderr);
        *code = c == 'h' ? EX_OK : EX_USAGE;
        return false;
    }
    if (optind == argc)
        return true;
    fputs(usage, stderr);
    *code = EX_USAGE;
    return false;
}

static struct settings *load_again(void *path) {
    return cli_load_settings(path);
}

int cli_serve(int argc, char **argv) {
    static const char usage[] = "hongyan serve [-c FILE]\n\n"
                                "Runs the gateway until SIGTERM or SIGINT; then finishes what is in flight "
                                "(drain_ms at most) and ends.\n"
                                "SIGHUP loads the settings again.\n"
                                "运行网关,直到收到 SIGTERM 或 SIGINT;SIGHUP 重新加载配置。\n";
    const char *given;
    int code = EX_OK;
    if (!parse_config_option(argc, argv, usage, &given, &code))
        return code;
    const char *path = cli_config_path(given);
    struct settings *s = cli_load_settings(path);
    if (!s)
        return EX_CONFIG;
    struct buf BUF_AUTO hex = BUF_INIT(256);
    cli_master_key(path, &hex);
    struct settings_source source = {.load = load_again,
                                     .free = config_free,
                                     .ctx = (void *)(uintptr_t)path,
                                     .master_key_hex = buf_sv(&hex)};
    struct err e = ERR_INIT;
    struct gateway *g = gateway_open(s, &source, &e);
    if (!g)
        return cli_fail("serve", &e);
    bool ok = gateway_run(g, &e);
    gateway_close(g);
    return ok ? EX_OK : cli_fail("serve", &e);
}
