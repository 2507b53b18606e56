#include "net/server.h"

#include "base/buf.h"
#include "base/clock.h"
#include "net/head.h"
#include "net/line.h"
#include "net/listen.h"
#include "net/refusal.h"

#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    /* Calls kept for reuse, and what such a call may hold on to. */
    CALLS_KEPT_MAX = 512,
    CALL_BYTES_KEPT_MAX = 64 * 1024,
    ANSWER_HEADER_BYTES_MAX = 16 * 1024,
    LINGER_MS_MAX = 2000,
};
/* A handler may take this much for each byte of body, and this much besides. */
#define ARENA_PER_BODY_BYTE 8
#define ARENA_BYTES_BESIDES ((size_t)32 * 1024 * 1024)

/* A request on its way: from its first line to its answer. */
struct call {
    struct exchange x; /* first: server_answer finds the call by it */
    struct conn *conn;
    struct call *next; /* when free */
    struct buf target;
    struct buf body;
    const char *target_at; /* where the library holds the target */
    bool begun;            /* headers seen and found good */
    bool chunked;
    uint64_t bytes; /* of head and body; chunked: of the head */
    bool in_handler;
};

struct conn {
    struct line_place place; /* first: the lines hand out places */
    struct server *server;
    struct MHD_Connection *mhd;
    int fd;
    struct call *call; /* NULL between requests and after the answer */
    bool refused;      /* an answer was written past the library: swallow what comes, then close */
    char peer[INET6_ADDRSTRLEN];
};

struct server {
    struct MHD_Daemon *daemon;
    int listen_fd; /* -1 once stopped */
    int epoll_fd;
    uint16_t port;
    server_handler handler;
    void *ctx;
    struct server_options o;
    int64_t now_us;     /* of this run */
    bool answered;      /* an answer waits for server_run */
    struct call *calls; /* free ones */
    unsigned n_calls;
    struct buf header_text; /* scratch of server_answer */
    struct lines lines;
};

/* ---- calls ---- */

static struct call *call_take(struct server *s, struct conn *c) {
    struct call *call = s->calls;
    if (call) {
        s->calls = call->next;
        s->n_calls--;
    } else {
        call = calloc(1, sizeof *call);
        if (!call)
            return NULL;
        buf_init(&call->target, s->o.header_bytes_max);
        buf_init(&call->body, s->o.body_bytes_max);
        arena_init(&call->x.arena, s->o.body_bytes_max * ARENA_PER_BODY_BYTE + ARENA_BYTES_BESIDES);
    }
    call->conn = c;
    call->next = NULL;
    c->call = call;
    return call;
}

static void call_free(struct call *call) {
    buf_done(&call->target);
    buf_done(&call->body);
    arena_done(&call->x.arena);
    free(call);
}

static void call_drop(struct server *s, struct call *call) {
    call->conn->call = NULL;
    call->conn = NULL;
    if (s->n_calls == CALLS_KEPT_MAX) {
        call_free(call);
        return;
    }
    buf_reset(&call->target);
    if (call->body.cap > CALL_BYTES_KEPT_MAX)
        buf_done(&call->body);
    buf_reset(&call->body);
    if (call->x.arena.used > CALL_BYTES_KEPT_MAX)
        arena_done(&call->x.arena);
    arena_reset(&call->x.arena);
    struct arena kept = call->x.arena;
    call->x = (struct exchange){.arena = kept};
    call->begun = call->chunked = call->in_handler = false;
    call->next = s->calls;
    s->calls = call;
    s->n_calls++;
}

/* ---- refusals ---- */

/* Writes the refusal past the library, which cannot answer while a body arrives. Nothing else is being
 * written then: answers on one connection are strictly one after another. */
static void refuse_now(struct conn *c, unsigned status) {
    const struct refusal *r = refusal_of(status);
    char text[REFUSAL_BYTES_MAX];
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1 %u %s\r\nContent-Type: application/problem+json\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\n\r\n%s",
                     r->status, r->reason, strlen(r->body), r->body);
    ASSERT(n > 0 && (size_t)n < sizeof text);
    (void)send(c->fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    c->refused = true;
}

/* As refuse_now, then reads on for a while, so that a client in the middle of sending sees the answer and not
 * a reset. */
static void refuse_lingering(struct conn *c, unsigned status) {
    refuse_now(c, status);
    shutdown(c->fd, SHUT_WR);
    lines_move(&c->server->lines, &c->place, LINE_LINGERING, c->server->now_us);
}

/* Before any body was read: by the library, which closes the connection behind it: where the next request
 * would begin is not known. */
static enum MHD_Result refuse_early(struct conn *c, unsigned status) {
    const struct refusal *r = refusal_of(status);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(r->body), (void *)r->body, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", "application/problem+json");
    MHD_add_response_header(response, "Connection", "close");
    enum MHD_Result done = MHD_queue_response(c->mhd, r->status, response);
    MHD_destroy_response(response);
    return done;
}

/* ---- a request arrives ---- */

static struct conn *conn_of(struct MHD_Connection *mhd) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* The request line is here; the library is about to cut the target up, so it is copied first. */
static void *on_target(void *ctx, const char *target, struct MHD_Connection *mhd) {
    struct server *s = ctx;
    struct conn *c = conn_of(mhd);
    if (!c)
        return NULL;
    struct call *call = c->call ? c->call : call_take(s, c);
    if (!call)
        return c;
    buf_reset(&call->target);
    call->target_at = target;
    (void)buf_adds(&call->target, target);
    if (c->place.line != LINE_ARRIVING)
        lines_move(&s->lines, &c->place, LINE_ARRIVING, s->now_us);
    return c;
}

static bool asked_to_continue(struct conn *c) {
    return MHD_lookup_connection_value(c->mhd, MHD_HEADER_KIND, "Expect") != NULL;
}

/* Headers are here, the body is not. */
static enum MHD_Result begin(struct conn *c, const char *method, const char *version) {
    struct call *call = c->call;
    struct server *s = c->server;
    call->begun = true;
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (call->target.overflow || !size || size->header_size > s->o.header_bytes_max)
        return refuse_early(c, 431);
    struct http_head head = {.method = method,
                             .target = call->target_at,
                             .target_copy = buf_sv(&call->target),
                             .version = version,
                             .n = size->header_size};
    struct http_head_body body = {0};
    if (!head_is_sound(c->mhd, &head, &body))
        return refuse_early(c, 400);
    call->chunked = body.chunked;
    call->bytes = size->header_size + body.n;
    if (body.n > s->o.body_bytes_max) {
        if (asked_to_continue(c))
            return refuse_early(c, 413);
        refuse_lingering(c, 413);
    }
    return MHD_YES;
}

static void fill(struct call *call, const char *method) {
    struct exchange *x = &call->x;
    x->method_name = sv_of(method);
    x->method = http_method_of(x->method_name);
    x->target = buf_sv(&call->target);
    struct sv rest = x->target;
    (void)sv_cut(&rest, '?');
    x->path = head_path(x->target);
    x->query = rest;
    x->body = buf_sv(&call->body);
    x->client = sv_of(call->conn->peer);
    x->arrived_us = call->conn->server->now_us;
}

static enum MHD_Result hand_over(struct conn *c, const char *method) {
    struct server *s = c->server;
    struct call *call = c->call;
    fill(call, method);
    /* How long the framing of chunks was cannot be seen: what has come by now is taken for this request. */
    c->place.taken = call->chunked ? line_bytes_come(c->fd) : c->place.taken + call->bytes;
    lines_move(&s->lines, &c->place, LINE_HELD, s->now_us);
    call->in_handler = true;
    s->handler(s->ctx, &call->x);
    if (c->call) { /* not answered at once */
        call->in_handler = false;
        MHD_suspend_connection(c->mhd);
        return MHD_YES;
    }
    return c->refused ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *mhd, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_n, void **con_cls) {
    (void)ctx;
    (void)mhd;
    (void)url;
    struct conn *c = *con_cls;
    if (!c || !c->call)
        return MHD_NO; /* memory was short, or the exchange was dropped */
    struct call *call = c->call;
    if (!call->begun)
        return begin(c, method, version);
    if (*upload_n) {
        if (!c->refused && !buf_add(&call->body, sv_make(upload, *upload_n)))
            refuse_lingering(c, 413);
        *upload_n = 0;
        return MHD_YES;
    }
    if (c->refused)
        return MHD_NO;
    return hand_over(c, method);
}

static void on_completed(void *ctx, struct MHD_Connection *mhd, void **con_cls,
                         enum MHD_RequestTerminationCode why) {
    (void)mhd;
    (void)why;
    struct server *s = ctx;
    struct conn *c = *con_cls;
    if (!c)
        return;
    if (c->call)
        call_drop(s, c->call);
    lines_move(&s->lines, &c->place, LINE_WAITING, s->now_us);
}

static void on_connection(void *ctx, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode what) {
    struct server *s = ctx;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        struct conn *c = *socket_context;
        /* The library does not tell of a request's end when it finds a second fault in it while it answers
         * the first. */
        if (c && c->call)
            call_drop(s, c->call);
        if (c)
            lines_leave(&s->lines, &c->place);
        free(c);
        *socket_context = NULL;
        return;
    }
    struct conn *c = calloc(1, sizeof *c);
    *socket_context = c;
    if (!c)
        return; /* its first request closes it */
    c->server = s;
    c->mhd = mhd;
    c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    listen_peer_text(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr, c->peer);
    lines_move(&s->lines, &c->place, LINE_WAITING, s->now_us);
}

static void on_overdue(void *ctx, struct line_place *place, enum line was) {
    (void)ctx;
    struct conn *c = (struct conn *)place;
    if (was == LINE_ARRIVING)
        refuse_now(c, 408);
    shutdown(c->fd, SHUT_RDWR); /* the library sees the hang-up and closes */
}

static int fd_of(const struct line_place *place) {
    return ((const struct conn *)place)->fd;
}

/* ---- life ---- */

static size_t no_unescape(void *ctx, struct MHD_Connection *mhd, char *text) {
    (void)ctx;
    (void)mhd;
    return strlen(text);
}

static bool daemon_start(struct server *s, struct err *e) {
    /* Headers' bytes, the library's own record of each header, and room for an answer's header. */
    size_t memory = s->o.header_bytes_max + s->o.header_bytes_max / 2 + 2048;
    s->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET,
        s->listen_fd, MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory, MHD_OPTION_CONNECTION_LIMIT,
        s->o.connections_max, MHD_OPTION_CONNECTION_TIMEOUT, s->o.idle_s, MHD_OPTION_URI_LOG_CALLBACK,
        on_target, s, MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, NULL, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_END);
    if (!s->daemon)
        return err_set(e, ERR_OUTSIDE, "cannot start the HTTP server: out of memory or open files");
    s->epoll_fd = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return true;
}

struct server *server_open(const struct server_options *o, server_handler handler, void *ctx, struct err *e) {
    ASSERT(o->body_bytes_max && o->connections_max && o->idle_s && o->request_ms_max && o->header_bytes_max);
    struct server *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(e, ERR_OUTSIDE, "cannot start the HTTP server: out of memory");
        return NULL;
    }
    listen_lift_files();
    s->o = *o;
    s->o.address = NULL; /* borrowed during this call only */
    s->handler = handler;
    s->ctx = ctx;
    s->now_us = clock_monotonic_us();
    buf_init(&s->header_text, ANSWER_HEADER_BYTES_MAX);
    unsigned linger_ms = o->request_ms_max < LINGER_MS_MAX ? o->request_ms_max : LINGER_MS_MAX;
    lines_init(&s->lines, o->request_ms_max * US_PER_MS, linger_ms * US_PER_MS, fd_of, on_overdue, s);
    s->listen_fd = listen_open(o->address, o->port, o->reuse_port, e);
    if (s->listen_fd < 0) {
        free(s);
        return NULL;
    }
    s->port = listen_port(s->listen_fd);
    if (!daemon_start(s, e)) {
        close(s->listen_fd);
        free(s);
        return NULL;
    }
    return s;
}

static void drop_held(struct line_place *place) {
    struct conn *c = (struct conn *)place;
    call_drop(c->server, c->call);
    MHD_resume_connection(c->mhd);
}

void server_close(struct server *s) {
    if (!s)
        return;
    lines_each(&s->lines, LINE_HELD, drop_held); /* the library cannot stop while one is suspended */
    MHD_stop_daemon(s->daemon);
    for (struct call *call = s->calls; call;) {
        struct call *next = call->next;
        call_free(call);
        call = next;
    }
    buf_done(&s->header_text);
    free(s);
}

void server_stop_listening(struct server *s) {
    if (s->listen_fd < 0)
        return;
    MHD_quiesce_daemon(s->daemon);
    close(s->listen_fd);
    s->listen_fd = -1;
}

uint16_t server_port(const struct server *s) {
    return s->port;
}

int server_fd(const struct server *s) {
    return s->epoll_fd;
}

int server_timeout_ms(const struct server *s) {
    if (s->answered)
        return 0;
    int ours = lines_timeout_ms(&s->lines, clock_monotonic_us());
    MHD_UNSIGNED_LONG_LONG theirs;
    if (MHD_get_timeout(s->daemon, &theirs) == MHD_NO)
        return ours;
    int limited = theirs > INT32_MAX ? INT32_MAX : (int)theirs;
    return ours < 0 || limited < ours ? limited : ours;
}

void server_run(struct server *s) {
    s->now_us = clock_monotonic_us();
    s->answered = false;
    MHD_run(s->daemon);
    lines_run(&s->lines, clock_monotonic_us());
}

unsigned server_connections(const struct server *s) {
    return MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
}

/* ---- the handler's side ---- */

struct sv exchange_header(const struct exchange *x, const char *name) {
    if (x->way)
        return x->way->header(x, name);
    const struct call *call = (const struct call *)x;
    return sv_of(MHD_lookup_connection_value(call->conn->mhd, MHD_HEADER_KIND, name));
}

struct last {
    const char *name;
    struct sv value;
};

static enum MHD_Result note_last(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value) {
    struct last *last = ctx;
    (void)kind;
    if (value && sv_eq_nocase(sv_of(name), sv_of(last->name)))
        last->value = sv_of(value);
    return MHD_YES;
}

struct sv exchange_last_header(const struct exchange *x, const char *name) {
    if (x->way)
        return x->way->header(x, name);
    struct last last = {.name = name};
    MHD_get_connection_values(((const struct call *)x)->conn->mhd, MHD_HEADER_KIND, note_last, &last);
    return last.value;
}

static struct MHD_Response *response_of(struct server *s, const struct answer *a) {
    struct MHD_Response *r = MHD_create_response_from_buffer(a->body.n, (void *)(a->body.n ? a->body.p : ""),
                                                             MHD_RESPMEM_MUST_COPY);
    if (!r)
        return NULL;
    bool ok = !a->content_type || MHD_add_response_header(r, "Content-Type", a->content_type) == MHD_YES;
    for (size_t i = 0; ok && i < a->n_headers; i++) {
        struct buf *t = &s->header_text;
        buf_reset(t);
        buf_add(t, a->headers[i].name);
        buf_addc(t, '\0');
        size_t value_at = t->n;
        buf_add(t, a->headers[i].value);
        ok = !t->overflow && MHD_add_response_header(r, t->p, t->p + value_at) == MHD_YES;
    }
    if (ok)
        return r;
    MHD_destroy_response(r);
    return NULL;
}

void server_answer(struct exchange *x, const struct answer *a) {
    if (x->way) {
        x->way->answer(x, a);
        return;
    }
    struct call *call = (struct call *)x;
    struct conn *c = call->conn;
    ASSERT(c && c->call == call && a->status >= 200 && a->status <= 599);
    ASSERT(a->n_headers <= sizeof a->headers / sizeof a->headers[0]);
    struct server *s = c->server;
    struct MHD_Response *r = response_of(s, a);
    /* Without a response (no memory, or a header with a line break in it) the connection is closed: the
     * client must not take silence for success. */
    if (!r || MHD_queue_response(c->mhd, (unsigned)a->status, r) == MHD_NO)
        c->refused = true;
    if (r)
        MHD_destroy_response(r);
    bool later = !call->in_handler;
    call_drop(s, call);
    lines_move(&s->lines, &c->place, LINE_ANSWERING, s->now_us);
    if (later) {
        MHD_resume_connection(c->mhd);
        s->answered = true;
    }
}
