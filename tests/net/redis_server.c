#include "redis_server.h"

#include "base/clock.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned free_port(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0 &&
           getsockname(fd, (struct sockaddr *)&a, &n) == 0);
    close(fd);
    return ntohs(a.sin_port);
}

static bool takes_connections(const struct redis_server *s) {
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)s->port)};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof un.sun_path, "%s/s", s->dir);
    int fd = socket(s->port ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes = s->port ? connect(fd, (struct sockaddr *)&in, sizeof in) == 0
                       : connect(fd, (struct sockaddr *)&un, sizeof un) == 0;
    close(fd);
    return yes;
}

static void make_certificate(const struct redis_server *s) {
    char command[512];
    snprintf(
        command, sizeof command,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost "
        "-addext subjectAltName=DNS:localhost -keyout %s/key.pem -out %s/cert.pem 2>/dev/null",
        s->dir, s->dir);
    ASSERT(system(command) == 0);
}

static void put_acl(const struct redis_server *s) {
    char path[96];
    snprintf(path, sizeof path, "%s/acl", s->dir);
    FILE *f = fopen(path, "w");
    ASSERT(f && fputs(s->acl, f) >= 0);
    fclose(f);
}

static void run(const struct redis_server *s) {
    char port[16], socket_path[96], key[96], cert[96], acl[96];
    snprintf(port, sizeof port, "%u", s->port);
    snprintf(socket_path, sizeof socket_path, "%s/s", s->dir);
    snprintf(key, sizeof key, "%s/key.pem", s->dir);
    snprintf(cert, sizeof cert, "%s/cert.pem", s->dir);
    snprintf(acl, sizeof acl, "%s/acl", s->dir);
    const char *args[32] = {
        "redis-server", "--save",    "",       "--appendonly",      "no",           "--dir",    s->dir,
        "--bind",       "127.0.0.1", "--port", s->tls ? "0" : port, "--unixsocket", socket_path};
    size_t n = 13;
    const char *tls[] = {"--tls-port",      port, "--tls-key-file",     key,
                         "--tls-cert-file", cert, "--tls-auth-clients", "no"};
    for (size_t i = 0; s->tls && i < sizeof tls / sizeof tls[0]; i++)
        args[n++] = tls[i];
    if (s->acl) {
        args[n++] = "--aclfile";
        args[n++] = acl;
    }
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDIN_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp("redis-server", (char *const *)(void *)args);
    _exit(127);
}

void redis_server_start(struct redis_server *s) {
    if (!s->dir[0]) {
        snprintf(s->dir, sizeof s->dir, "/tmp/hongyan-redis-XXXXXX");
        ASSERT(mkdtemp(s->dir));
        if (s->tls) {
            make_certificate(s);
            s->port = free_port();
            snprintf(s->ca_file, sizeof s->ca_file, "%s/cert.pem", s->dir);
            snprintf(s->url, sizeof s->url, "rediss://localhost:%u", s->port);
        } else {
            snprintf(s->url, sizeof s->url, "unix:%s/s", s->dir);
        }
        if (s->acl)
            put_acl(s);
    }
    s->pid = fork();
    ASSERT(s->pid >= 0);
    if (s->pid == 0)
        run(s);
    for (int64_t until = clock_monotonic_us() + 60 * US_PER_S; !takes_connections(s); usleep(5000))
        ASSERT(clock_monotonic_us() < until && waitpid(s->pid, NULL, WNOHANG) == 0);
}

void redis_server_kill(struct redis_server *s) {
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    s->pid = 0;
}

void redis_server_pause(struct redis_server *s, bool paused) {
    kill(s->pid, paused ? SIGSTOP : SIGCONT);
}

void redis_server_done(struct redis_server *s) {
    static const char *const files[] = {"s", "key.pem", "cert.pem", "acl"};
    redis_server_kill(s);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s/%s", s->dir, files[i]);
        unlink(path);
    }
    rmdir(s->dir);
}
