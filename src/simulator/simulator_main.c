#include "simulator/simulator.h"

#include "base/buf.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

enum { PROFILE_FILE_BYTES_MAX = 1024 * 1024, ADDRESS_BYTES_MAX = 64 };
#define KEEP_MAX 100000000

static const char help[] =
    "usage: hongyan simulator [options]\n"
    "\n"
    "Plays Twilio's messaging API on this machine: takes messages, posts receipts and replies,\n"
    "and misbehaves as told. Open its address in a browser to see what it received.\n"
    "\n"
    "  --listen ADDR:PORT    where to listen (127.0.0.1:8081; port 0: any free one)\n"
    "  --profile FILE.json   how to behave (docs/simulator.md lists the keys)\n"
    "  --account-sid SID     the one account to let in ($SIM_ACCOUNT_SID)\n"
    "  --auth-token TOKEN    its token; signs callbacks ($SIM_AUTH_TOKEN)\n"
    "                        without the two: any account, its password signs its callbacks\n"
    "  --inbound-url URL     where texts from handsets are posted to (POST /_sim/reply)\n"
    "  --keep N              messages to remember (2000000)\n"
    "  --quiet               no word on standard output\n"
    "  --json                the word on standard output as JSON: {\"url\", \"port\"}\n"
    "  --help                this text\n";

struct settings {
    struct simulator_options options;
    char address[ADDRESS_BYTES_MAX];
    struct buf profile;
    bool quiet, json;
};

static int usage_error(const char *what, const char *value) {
    fprintf(stderr, "hongyan simulator: %s%s%s\nTry: hongyan simulator --help\n", what, value ? ": " : "",
            value ? value : "");
    return EX_USAGE;
}

/* 127.0.0.1:8081, [::1]:8081 */
static bool read_listen(const char *text, struct settings *s) {
    const char *colon = strrchr(text, ':');
    uint64_t port;
    if (!colon || !sv_to_u64(sv_of(colon + 1), &port) || port > UINT16_MAX)
        return false;
    struct sv address = sv_make(text, (size_t)(colon - text));
    if (address.n > 1 && address.p[0] == '[' && address.p[address.n - 1] == ']')
        address = sv_sub(address, 1, address.n - 2);
    if (address.n == 0 || address.n >= sizeof s->address)
        return false;
    memcpy(s->address, address.p, address.n);
    s->address[address.n] = '\0';
    s->options.address = s->address;
    s->options.port = (uint16_t)port;
    return true;
}

static bool read_file(const char *path, struct buf *out) {
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    char part[4096];
    size_t n;
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        buf_add(out, sv_make(part, n));
    bool ok = !ferror(f) && !out->overflow;
    fclose(f);
    return ok;
}

/* An exit code, or -1 to go on. */
static int read_options(int argc, char **argv, struct settings *s) {
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'},
        {"profile", required_argument, NULL, 'p'},
        {"account-sid", required_argument, NULL, 'a'},
        {"auth-token", required_argument, NULL, 't'},
        {"inbound-url", required_argument, NULL, 'i'},
        {"keep", required_argument, NULL, 'k'},
        {"quiet", no_argument, NULL, 'q'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    uint64_t keep;
    optind = 0; /* GNU: start anew, as main may have read its own options */
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'l':
            if (!read_listen(optarg, s))
                return usage_error("--listen needs ADDR:PORT", optarg);
            break;
        case 'p':
            if (!read_file(optarg, &s->profile)) {
                fprintf(stderr, "hongyan simulator: cannot read %s: %s\n", optarg, strerror(errno));
                return EX_NOINPUT;
            }
            break;
        case 'a': s->options.account_sid = optarg; break;
        case 't': s->options.auth_token = optarg; break;
        case 'i': s->options.inbound_url = optarg; break;
        case 'k':
            if (!sv_to_u64(sv_of(optarg), &keep) || keep == 0 || keep > KEEP_MAX)
                return usage_error("--keep needs a number from 1 to 100000000", optarg);
            s->options.keep = (size_t)keep;
            break;
        case 'q': s->quiet = true; break;
        case 'j': s->json = true; break;
        case 'h': fputs(help, stdout); return EX_OK;
        default: return usage_error("unknown or incomplete option", argv[optind - 1]);
        }
    }
    return optind < argc ? usage_error("unexpected argument", argv[optind]) : -1;
}

static const char *from_environment(const char *name) {
    const char *v = getenv(name);
    return v && v[0] ? v : NULL;
}

/* A descriptor that becomes readable when the program is asked to end; -1 on failure. */
static int end_fd(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run(struct simulator *s, int stop_fd) {
    struct signalfd_siginfo info;
    if (stop_fd < 0 || !simulator_watch(s, stop_fd)) {
        fputs("hongyan simulator: cannot listen for signals\n", stderr);
        return EX_OSERR;
    }
    while (read(stop_fd, &info, sizeof info) < 0)
        simulator_run(s, -1);
    return EX_OK;
}

static int exit_code(enum err_kind kind) {
    return kind == ERR_INVALID ? EX_CONFIG : EX_UNAVAILABLE;
}

/* The first line tells whoever started it where it listens: with port 0 only it knows. */
static void announce(const struct settings *s, unsigned port) {
    bool v6 = strchr(s->address, ':') != NULL;
    char url[ADDRESS_BYTES_MAX + 32];
    snprintf(url, sizeof url, "http://%s%s%s:%u", v6 ? "[" : "", s->address, v6 ? "]" : "", port);
    if (s->json)
        printf("{\"url\":\"%s\",\"port\":%u}\n", url, port);
    else
        printf("simulator: %s/ plays Twilio; profile default%s\n", url,
               s->profile.n ? " and the file's" : "");
    fflush(stdout);
}

static int serve(struct settings *s) {
    struct err e = ERR_INIT;
    s->options.profile = buf_sv(&s->profile);
    int stop_fd = end_fd();
    signal(SIGPIPE, SIG_IGN);
    struct simulator *sim = simulator_open(&s->options, &e);
    if (!sim) {
        fprintf(stderr, "hongyan simulator: %s\n", e.text);
        if (stop_fd >= 0)
            close(stop_fd);
        return exit_code(e.kind);
    }
    if (!s->quiet)
        announce(s, simulator_port(sim));
    int code = run(sim, stop_fd);
    simulator_close(sim);
    if (stop_fd >= 0)
        close(stop_fd);
    return code;
}

int simulator_main(int argc, char **argv) {
    struct settings s = {.options = {.port = 8081,
                                     .account_sid = from_environment("SIM_ACCOUNT_SID"),
                                     .auth_token = from_environment("SIM_AUTH_TOKEN"),
                                     .keep = SIMULATOR_KEEP_DEFAULT},
                         .address = "127.0.0.1",
                         .profile = BUF_INIT(PROFILE_FILE_BYTES_MAX)};
    s.options.address = s.address;
    int code = read_options(argc, argv, &s);
    if (code < 0)
        code = serve(&s);
    buf_done(&s.profile);
    return code;
}
