/* server: an HTTP/1.1 server driven by the one thread that owns it (libmicrohttpd in external epoll mode).
 *
 * The owner waits on server_fd together with its own descriptors and calls server_run when it is readable or
 * server_timeout_ms has passed. A handler gets each request once it is whole (bodies are gathered up to the
 * limit) and answers it at once or later, always from the owner's thread; until then the connection is
 * suspended and costs nothing. Several servers may share one address with SO_REUSEPORT (reuse_port), one a
 * thread.
 *
 * Always: headers, bodies, connections and the time a request may take to arrive are bounded; what is over is
 * refused by 413, 431, 408 or by closing, without calling the handler. No request is handed over that a proxy
 * may read in another way (net/head): 400, and the connection is closed. A client that closes its sending
 * side before a held request is answered gets no answer. Answers carry Date. Opening a server lifts the
 * process' soft limit of open files. Why external epoll: the library's own epoll thread stalls when another
 * thread resumes a connection.
 *
 * What the library (0.9.75) cannot parse at all it refuses by itself, in HTML, and closes: a line without
 * colon or with a NUL before it, a version it does not know (400, 505), a chunk it cannot read (400, 413), a
 * head larger than its memory (414, 431); without a word: a first line without a space. For a Content-Length
 * that is no number and for a Cookie of `="` alone it writes the head of its 400 or 431 twice. It passes over
 * empty lines before a request, and takes a lone LF in the framing of chunks.
 */
#ifndef HY_NET_SERVER_H
#define HY_NET_SERVER_H

#include "base/arena.h"
#include "base/err.h"
#include "model/http.h"

struct server;

struct server_options {
    const char *address; /* "127.0.0.1", "::1", "0.0.0.0" */
    uint16_t port;       /* 0: any free one, see server_port */
    bool reuse_port;
    size_t body_bytes_max;
    unsigned connections_max;
    unsigned idle_s;         /* an idle keep-alive connection is closed after this */
    unsigned request_ms_max; /* a request must be whole within this of its first byte (slow-loris) */
    size_t header_bytes_max; /* per connection, request line included */
};

struct answer;
struct exchange;
/* The other side of an exchange that is no server's: what came by a queue is served as a request is. */
struct exchange_way {
    struct sv (*header)(const struct exchange *x, const char *name);
    void (*answer)(struct exchange *x, const struct answer *a);
};

/* One request and its connection's turn. Owned by the server; valid until it is answered. Views point into
 * it. */
struct exchange {
    enum http_method method;
    struct sv method_name;
    struct sv path;   /* raw, still percent-encoded, without query */
    struct sv query;  /* raw, without '?' */
    struct sv target; /* raw path?query as received (webhook signatures need it) */
    struct sv body;
    struct sv client;               /* peer address in text, no port */
    int64_t arrived_us;             /* clock_monotonic_us when the request was whole */
    struct arena arena;             /* the handler's memory for this request; reset when answered */
    void *user;                     /* the handler's own, NULL at first */
    const struct exchange_way *way; /* NULL: the server's */
    bool must_be_named;   /* what comes by this way may come again: it needs a key or id to be told by */
    struct sv former_key; /* what it was told by before it had its Idempotency-Key; empty: nothing */
};

/* Called with a whole request. Must call server_answer on it now or later. */
typedef void (*server_handler)(void *ctx, struct exchange *x);

/* ERR_OUTSIDE with the address and reason (port taken: says so and names the setting to change). */
MUST_USE struct server *server_open(const struct server_options *o, server_handler handler, void *ctx,
                                    struct err *e);
/* Exchanges not yet answered are dropped with their connections, and void. Not from within the handler. */
void server_close(struct server *s);
/* No new connections from now on; those open go on. For draining. */
void server_stop_listening(struct server *s);
uint16_t server_port(const struct server *s);

int server_fd(const struct server *s);
int server_timeout_ms(const struct server *s); /* -1: none */
void server_run(struct server *s);
/* Open connections, for metrics. */
unsigned server_connections(const struct server *s);

/* A request header, first of that name, case-insensitive; SV_NONE if absent. */
struct sv exchange_header(const struct exchange *x, const char *name);

/* The last of that name: of one that proxies add to, what the nearest wrote. */
struct sv exchange_last_header(const struct exchange *x, const char *name);

struct answer {
    int status;
    const char *content_type; /* NULL with an empty body */
    struct sv body;           /* copied before server_answer returns */
    struct http_header headers[12];
    size_t n_headers;
};
/* Ends the exchange; x is void afterwards. Safe when the client has gone meanwhile. status 200..599. With a
 * header that has a line break in it, or without memory, the connection is closed instead. What is answered
 * outside server_run goes out in the next one, for which server_timeout_ms is 0. */
void server_answer(struct exchange *x, const struct answer *a);

#endif
