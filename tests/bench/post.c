#include "post.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

int64_t post_now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void post_die(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

int post_connect(uint16_t port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        post_die("connect");
    return fd;
}

size_t post_request(char out[POST_BYTES_MAX], const char *key, const char *tail, uint64_t n) {
    char body[POST_BYTES_MAX / 2];
    int length = snprintf(body, sizeof body, "{\"to\":\"+86138%08llu\"%s",
                          (unsigned long long)(n * 7919 % 100000000), tail);
    int all = snprintf(out, POST_BYTES_MAX,
                       "POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                       "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                       key, length, body);
    if (length >= (int)sizeof body || all < 0 || all >= POST_BYTES_MAX) {
        errno = EMSGSIZE;
        post_die("the message");
    }
    return (size_t)all;
}

size_t post_whole(const char *bytes, size_t n) {
    const char *end = memmem(bytes, n, "\r\n\r\n", 4);
    if (!end)
        return 0;
    size_t whole = (size_t)(end - bytes) + 4;
    for (const char *line = memchr(bytes, '\n', n); line && line < end;
         line = memchr(line, '\n', (size_t)(end - line))) {
        line++;
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            whole += strtoull(line + 15, NULL, 10);
    }
    return whole <= n ? whole : 0;
}

int post_status(const char *bytes, size_t n) {
    return n > 12 && memcmp(bytes, "HTTP/1.1 ", 9) == 0 ? atoi(bytes + 9) : 0;
}
