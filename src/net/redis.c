#include "net/redis.h"

#include "base/buf.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAUSE_FIRST_MS = 100, PAUSE_MAX_MS = 500, SECRET_MAX = 1024, CA_MAX = 4096 };

struct place {
    bool tls;
    char host[256], port[6], path[sizeof((struct sockaddr_un *)0)->sun_path];
    char database[12];
};

struct redis {
    struct place at;
    char user[SECRET_MAX], password[SECRET_MAX];
    int64_t timeout_us;
    SSL_CTX *tls; /* owned; NULL: plain */

    int fd; /* -1: closed */
    SSL *ssl;
    redisReader *reader;
    struct buf out;
    size_t sent;     /* of out */
    size_t waiting;  /* commands without a reply */
    size_t in_bytes; /* since the last reply */

    unsigned failures; /* in a row */
    int64_t retry_at;
};

/* ---- where ---- */

static bool put_part(char *out, size_t size, struct sv v) {
    if (v.n >= size || (v.n && memchr(v.p, 0, v.n)))
        return false;
    if (v.n)
        memcpy(out, v.p, v.n);
    out[v.n] = '\0';
    return true;
}

static bool split_port(struct sv *host, struct place *at) {
    struct sv port = SV("6379");
    if (sv_starts(*host, SV("["))) {
        size_t end = sv_find_char(*host, ']');
        if (end == SIZE_MAX)
            return false;
        struct sv rest = sv_from(*host, end + 1);
        *host = sv_sub(*host, 1, end - 1);
        if (rest.n && rest.p[0] != ':')
            return false;
        port = rest.n ? sv_from(rest, 1) : port;
    } else {
        struct sv rest = *host;
        *host = sv_cut(&rest, ':');
        port = rest.p ? rest : port;
    }
    uint64_t number;
    return sv_to_u64(port, &number) && number > 0 && number < 65536 &&
           put_part(at->port, sizeof at->port, port);
}

static bool split(struct sv url, struct place *at) {
    *at = (struct place){.database = "0"};
    if (sv_starts(url, SV("unix:/")))
        return put_part(at->path, sizeof at->path, sv_from(url, 5));
    at->tls = sv_starts(url, SV("rediss://"));
    if (!at->tls && !sv_starts(url, SV("redis://")))
        return false;
    struct sv database = sv_from(url, at->tls ? 9 : 8);
    struct sv host = sv_cut(&database, '/');
    uint64_t number;
    if (database.n && (!sv_to_u64(database, &number) || number > 1000000 ||
                       !put_part(at->database, sizeof at->database, database)))
        return false;
    return sv_find_char(host, '@') == SIZE_MAX && split_port(&host, at) && host.n &&
           put_part(at->host, sizeof at->host, host);
}

bool redis_url_check(struct sv url, struct err *e) {
    struct place at;
    return split(url, &at) ||
           err_set(
               e, ERR_INVALID,
               "must be redis://host[:port][/database], rediss:// for TLS, or unix:/path, without user and "
               "password, which have settings of their own");
}

static bool open_tls(struct redis *r, struct sv ca_file, struct err *e) {
    char path[CA_MAX];
    r->tls = SSL_CTX_new(TLS_client_method());
    if (!r->tls || !put_part(path, sizeof path, ca_file))
        return err_set(e, ERR_OUTSIDE, "cannot set up TLS for Redis");
    SSL_CTX_set_verify(r->tls, SSL_VERIFY_PEER, NULL);
    bool ok = SSL_CTX_set_min_proto_version(r->tls, TLS1_2_VERSION) == 1 &&
              (path[0] ? SSL_CTX_load_verify_locations(r->tls, path, NULL) == 1
                       : SSL_CTX_set_default_verify_paths(r->tls) == 1);
    ERR_clear_error();
    return ok || err_set(e, ERR_OUTSIDE, "%s: not readable as a file of certificates (PEM) to trust Redis by",
                         path);
}

struct redis *redis_new(const struct redis_where *where, struct err *e) {
    struct redis *r = calloc(1, sizeof *r);
    ASSERT(r);
    r->fd = -1;
    r->timeout_us = (int64_t)where->timeout_ms * US_PER_MS;
    buf_init(&r->out, REDIS_OUT_BYTES_MAX);
    bool ok = redis_url_check(where->url, e) && split(where->url, &r->at);
    if (ok && !(put_part(r->user, sizeof r->user, where->user) &&
                put_part(r->password, sizeof r->password, where->password)))
        ok = err_set(e, ERR_INVALID, "the user or the password of Redis is too long");
    if (ok && (!r->at.tls || open_tls(r, where->ca_file, e)))
        return r;
    redis_free(r);
    return NULL;
}

void redis_close(struct redis *r) {
    SSL_free(r->ssl);
    r->ssl = NULL;
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
    if (r->reader)
        redisReaderFree(r->reader);
    r->reader = NULL;
    buf_reset(&r->out);
    r->sent = r->waiting = r->in_bytes = 0;
}

void redis_free(struct redis *r) {
    if (!r)
        return;
    redis_close(r);
    SSL_CTX_free(r->tls);
    buf_done(&r->out);
    OPENSSL_cleanse(r->password, sizeof r->password);
    free(r);
}

int redis_fd(const struct redis *r) {
    return r->fd;
}

bool redis_is_readable(const struct redis *r) {
    struct pollfd p = {.fd = r->fd, .events = POLLIN};
    return (r->ssl && SSL_pending(r->ssl) > 0) || poll(&p, 1, 0) != 0;
}

bool redis_may_answer(struct redis *r) {
    return r->fd < 0 || r->reader->len > r->reader->pos || redis_is_readable(r);
}

bool redis_is_open(const struct redis *r) {
    return r->fd >= 0;
}

int64_t redis_retry_at(const struct redis *r) {
    return r->fd >= 0 ? 0 : r->retry_at;
}

size_t redis_waiting(const struct redis *r) {
    return r->waiting;
}

/* Closed, and left alone for a while; not at the same moments as others that lost it with us. */
static void fail(struct redis *r) {
    redis_close(r);
    int64_t now = clock_monotonic_us(), ms = PAUSE_FIRST_MS;
    for (unsigned i = 0; i < r->failures && ms < PAUSE_MAX_MS; i++)
        ms *= 2;
    ms = ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
    r->failures++;
    r->retry_at = now + ms * US_PER_MS + now % (ms * US_PER_MS / 4);
}

/* why may be the reader's own text, which does not outlive it: said first, closed then. */
static bool failed(struct redis *r, struct err *e, const char *what, const char *why) {
    bool socket = r->at.path[0] != 0;
    err_set(e, ERR_OUTSIDE, "Redis at %s%s%s: %s%s%s", socket ? r->at.path : r->at.host, socket ? "" : ":",
            socket ? "" : r->at.port, what, why ? ": " : "", why ? why : "");
    fail(r);
    return false;
}

/* ---- waiting ---- */

enum waited { READY, TOO_LATE, BROKEN };

static enum waited wait_for(int fd, short events, int64_t deadline_us) {
    for (;;) {
        int64_t left_us = deadline_us - clock_monotonic_us();
        if (left_us <= 0)
            left_us = 0; /* what is there already is still taken */
        struct pollfd p = {.fd = fd, .events = events};
        struct timespec ts = {.tv_sec = left_us / US_PER_S, .tv_nsec = left_us % US_PER_S * 1000};
        int n = ppoll(&p, 1, &ts, NULL);
        if (n > 0)
            return READY;
        if (n == 0)
            return TOO_LATE;
        if (errno != EINTR)
            return BROKEN;
    }
}

/* A step of TLS that returned rc wants to be made again: waits for that. False: it failed, or it is too late;
 * *why says what. */
static bool tls_wait(struct redis *r, int rc, int64_t deadline_us, const char **why) {
    int said = SSL_get_error(r->ssl, rc);
    *why = "the connection was closed";
    if (said == SSL_ERROR_WANT_READ || said == SSL_ERROR_WANT_WRITE) {
        *why = "no answer in time";
        return wait_for(r->fd, said == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline_us) == READY;
    }
    long verified = SSL_get_verify_result(r->ssl);
    unsigned long code = ERR_peek_error();
    if (verified != X509_V_OK)
        *why = X509_verify_cert_error_string(verified);
    else if (code && ERR_reason_error_string(code))
        *why = ERR_reason_error_string(code);
    ERR_clear_error();
    return false;
}

/* ---- bytes ---- */

bool redis_flush(struct redis *r, int64_t deadline_us, struct err *e) {
    if (r->fd < 0)
        return err_set(e, ERR_OUTSIDE, "not connected to Redis");
    if (r->out.overflow)
        return failed(r, e, "too much was asked at once", NULL);
    while (r->sent < r->out.n) {
        const char *why = "no answer in time";
        bool again;
        ssize_t n;
        if (r->ssl) {
            n = SSL_write(r->ssl, r->out.p + r->sent, (int)(r->out.n - r->sent));
            again = n > 0 || tls_wait(r, (int)n, deadline_us, &why);
        } else {
            n = send(r->fd, r->out.p + r->sent, r->out.n - r->sent, MSG_NOSIGNAL);
            again = n > 0 || errno == EINTR;
            if (!again && errno == EAGAIN)
                again = wait_for(r->fd, POLLOUT, deadline_us) == READY;
            else if (!again)
                why = strerror(errno);
        }
        if (!again)
            return failed(r, e, "sending failed", why);
        r->sent += n > 0 ? (size_t)n : 0;
    }
    buf_reset(&r->out);
    r->sent = 0;
    return true;
}

/* Some more bytes of replies. */
static bool read_some(struct redis *r, int64_t deadline_us, struct err *e) {
    char bytes[16 * 1024];
    for (;;) {
        const char *why = "no answer in time";
        ssize_t n;
        bool again;
        if (r->ssl) {
            n = SSL_read(r->ssl, bytes, sizeof bytes);
            again = n <= 0 && tls_wait(r, (int)n, deadline_us, &why);
        } else {
            n = recv(r->fd, bytes, sizeof bytes, 0);
            again = n < 0 && errno == EINTR;
            if (n < 0 && errno == EAGAIN)
                again = wait_for(r->fd, POLLIN, deadline_us) == READY;
            else if (n <= 0 && !again)
                why = n == 0 ? "it closed the connection" : strerror(errno);
        }
        if (again)
            continue;
        if (n <= 0)
            return failed(r, e, "no reply", why);
        r->in_bytes += (size_t)n;
        if (r->in_bytes > REDIS_REPLY_BYTES_MAX)
            return failed(r, e, "a reply is larger than it may be", NULL);
        if (redisReaderFeed(r->reader, bytes, (size_t)n) != REDIS_OK)
            return failed(r, e, "its reply cannot be read", r->reader->errstr);
        return true;
    }
}

void redis_add(struct redis *r, const struct sv *words, size_t n) {
    buf_addc(&r->out, '*');
    buf_add_u64(&r->out, n);
    buf_adds(&r->out, "\r\n");
    for (size_t i = 0; i < n; i++) {
        buf_addc(&r->out, '$');
        buf_add_u64(&r->out, words[i].n);
        buf_join(&r->out, SV("\r\n"), words[i], SV("\r\n"));
    }
    r->waiting++;
}

bool redis_next(struct redis *r, int64_t deadline_us, struct redisReply **out, struct err *e) {
    *out = NULL;
    if (!redis_flush(r, deadline_us, e))
        return false;
    ASSERT(r->waiting > 0);
    for (;;) {
        void *reply = NULL;
        if (redisReaderGetReply(r->reader, &reply) != REDIS_OK)
            return failed(r, e, "its reply cannot be read", r->reader->errstr);
        if (reply) {
            *out = reply;
            r->waiting--;
            r->in_bytes = 0;
            r->failures = 0;
            return true;
        }
        if (!read_some(r, deadline_us, e))
            return false;
    }
}

/* ---- opening ---- */

static bool connect_to(struct redis *r, const struct sockaddr *a, socklen_t n, int64_t deadline_us,
                       int *why) {
    r->fd = socket(a->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *why = errno;
    if (r->fd < 0)
        return false;
    socklen_t size = sizeof *why;
    int on = 1;
    *why = 0;
    if (connect(r->fd, a, n) != 0)
        *why = errno;
    if (*why == EINPROGRESS) {
        if (wait_for(r->fd, POLLOUT, deadline_us) != READY)
            *why = ETIMEDOUT;
        else if (getsockopt(r->fd, SOL_SOCKET, SO_ERROR, why, &size) != 0)
            *why = errno;
    }
    if (*why == 0) {
        if (a->sa_family != AF_UNIX)
            setsockopt(r->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return true;
    }
    close(r->fd);
    r->fd = -1;
    return false;
}

static bool reach(struct redis *r, int64_t deadline_us, struct err *e) {
    int why = 0;
    if (r->at.path[0]) {
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        memcpy(un.sun_path, r->at.path, sizeof un.sun_path);
        return connect_to(r, (struct sockaddr *)&un, sizeof un, deadline_us, &why) ||
               failed(r, e, "not reached", strerror(why));
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int rc = getaddrinfo(r->at.host, r->at.port, &hints, &found);
    if (rc != 0)
        return failed(r, e, "not found", gai_strerror(rc));
    for (const struct addrinfo *a = found; a && r->fd < 0; a = a->ai_next)
        if (connect_to(r, a->ai_addr, a->ai_addrlen, deadline_us, &why))
            break;
    freeaddrinfo(found);
    return r->fd >= 0 || failed(r, e, "not reached", strerror(why));
}

static bool shake_hands(struct redis *r, int64_t deadline_us, struct err *e) {
    unsigned char address[16];
    bool numeric =
        inet_pton(AF_INET, r->at.host, address) == 1 || inet_pton(AF_INET6, r->at.host, address) == 1;
    r->ssl = SSL_new(r->tls);
    bool ok = r->ssl && SSL_set_fd(r->ssl, r->fd) == 1;
    if (ok && numeric)
        ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(r->ssl), r->at.host) == 1;
    else if (ok)
        ok = SSL_set1_host(r->ssl, r->at.host) == 1 && SSL_set_tlsext_host_name(r->ssl, r->at.host) == 1;
    const char *why = "out of memory";
    while (ok) {
        int rc = SSL_connect(r->ssl);
        if (rc == 1)
            return true;
        ok = tls_wait(r, rc, deadline_us, &why);
    }
    return failed(r, e, "TLS", why);
}

bool redis_refused(const struct redisReply *reply, struct err *e) {
    static const char *const not_allowed[] = {"NOAUTH", "NOPERM", "WRONGPASS"};
    struct sv said = sv_make(reply->str, reply->len), rest = said;
    bool auth = sv_place(sv_cut(&rest, ' '), not_allowed, 3) >= 0;
    return err_set(e, auth ? ERR_AUTH : ERR_OUTSIDE, "Redis refuses: %.*s", SV_FMT(sv_sub(said, 0, 200)));
}

static bool expect_ok(struct redis *r, int64_t deadline_us, struct err *e) {
    redisReply *reply;
    if (!redis_next(r, deadline_us, &reply, e))
        return false;
    bool ok = reply->type != REDIS_REPLY_ERROR || redis_refused(reply, e);
    freeReplyObject(reply);
    if (!ok)
        fail(r);
    return ok;
}

static bool log_in(struct redis *r, int64_t deadline_us, struct err *e) {
    if (r->password[0]) {
        struct sv words[] = {SV("AUTH"), sv_of(r->user), sv_of(r->password)};
        if (!r->user[0])
            words[1] = words[2];
        redis_add(r, words, r->user[0] ? 3 : 2);
        bool in = expect_ok(r, deadline_us, e);
        if (r->out.p)
            OPENSSL_cleanse(r->out.p, r->out.cap);
        if (!in)
            return false;
    }
    if (strcmp(r->at.database, "0") == 0)
        return true;
    redis_add(r, (struct sv[]){SV("SELECT"), sv_of(r->at.database)}, 2);
    return expect_ok(r, deadline_us, e);
}

bool redis_connect(struct redis *r, struct err *e) {
    if (r->fd >= 0)
        return true;
    int64_t now = clock_monotonic_us(), deadline_us = now + r->timeout_us;
    if (now < r->retry_at)
        return err_set(e, ERR_BUSY, "Redis failed a moment ago: it is tried again soon");
    unsigned failures = r->failures; /* that it lets us in is no answer yet */
    if (!reach(r, deadline_us, e) || (r->at.tls && !shake_hands(r, deadline_us, e)))
        return false;
    r->reader = redisReaderCreate();
    ASSERT(r->reader);
    if (!log_in(r, deadline_us, e))
        return false;
    r->failures = failures;
    return true;
}

bool redis_call(struct redis *r, const struct sv *words, size_t n, struct redisReply **out, struct err *e) {
    *out = NULL;
    if (!redis_connect(r, e))
        return false;
    ASSERT(r->waiting == 0);
    redis_add(r, words, n);
    if (!redis_next(r, clock_monotonic_us() + r->timeout_us, out, e))
        return false;
    if ((*out)->type != REDIS_REPLY_ERROR)
        return true;
    redis_refused(*out, e);
    freeReplyObject(*out);
    *out = NULL;
    return false;
}
