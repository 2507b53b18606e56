#include "net/client.h"

#include "base/buf.h"
#include "base/clock.h"
#include "net/address.h"
#include "net/listen.h"
#include "net/mailer.h"
#include "net/multi.h"

#include <string.h>

enum {
    FLIGHTS_KEPT_MAX = 512,
    BODY_BYTES_KEPT_MAX = 64 * 1024,
    ANSWER_HEADERS_MAX = 64,
    ANSWER_HEAD_BYTES_MAX = 64 * 1024,
    REQUEST_HEAD_BYTES_MAX = 64 * 1024,
    /* Many servers close a connection that idled for a minute; one that they are about to close is the one
     * thing that makes a HTTP_CUT of a healthy call. */
    IDLE_S_MAX = 30,
    EVENTS_MAX = 128,
    OUR_LINES = 2,                 /* Expect, Content-Type */
    EXPECT_BODY_BYTES = 64 * 1024, /* libcurl adds `Expect: 100-continue` to bodies over 1 MiB */
    /* For every request libcurl walks the list of all connections of a multi handle, busy ones included:
     * with hundreds in flight that walk was a third of the sender's time. Several small ones share the load.
     */
    SHARD_CONNECTIONS_MAX = 32,
};

struct header_place {
    size_t name_at, name_n, value_at, value_n;
};

/* One of the client's multi handles. */
struct shard {
    struct multi multi;
    unsigned n_flying;
};

/* A call under way, with the easy handle it runs on; both are reused. */
struct flight {
    struct client *client;
    struct shard *shard; /* while in flight */
    CURL *easy;
    struct flight *prev, *next; /* in flight; next alone when free */
    struct client_call call;
    int64_t started_us;
    struct curl_slist lines[HTTP_HEADERS_MAX + OUR_LINES];
    size_t n_lines;
    struct buf text; /* the lines' bytes */
    struct buf head; /* of the answer */
    struct header_place places[ANSWER_HEADERS_MAX];
    size_t n_places;
    struct buf body;
    bool leaving; /* a connection is ready, the request is being written: from here on it may have arrived */
    bool refused; /* the address is private */
    bool again;   /* libcurl wanted to send the request a second time */
    bool own_ca;  /* the call's own ca_file is set on the handle */
    char error[CURL_ERROR_SIZE];
};

struct client {
    struct shard *shards; /* owned */
    unsigned n_shards, shard_connections;
    CURLSH *shared; /* names resolved and TLS sessions, for all shards */
    struct watch watch;
    struct mailer *mailer; /* owned */
    struct flight flying;  /* ends of the list */
    unsigned n_flying;
    struct flight *free;
    unsigned n_free;
    uint64_t calls, connections;
    bool closing;
    char *user_agent, *ca_file; /* owned, NULL if not given */
};

/* ---- what libcurl calls ---- */

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *a) {
    (void)purpose;
    struct flight *f = ctx;
    if (f->leaving) { /* its first connection died: a second one is of no use, see on_ready */
        f->again = true;
        return CURL_SOCKET_BAD;
    }
    return multi_open_socket(&f->client->watch, a, f->call.allow_private, &f->refused);
}

/* A connection, new or kept, is ready and the request is about to be written to it.
 *
 * libcurl writes a request again by itself when a kept connection ends before a byte of the answer
 * (Curl_retry_request), though the other side may have acted on it; every such retry passes here, so the
 * second time is refused. This is also the border between HTTP_NOT_SENT and HTTP_CUT. A kept connection that
 * a call with allow_private opened must not serve one without. */
static int on_ready(void *ctx, char *peer_ip, char *local_ip, int peer_port, int local_port) {
    (void)local_ip;
    (void)peer_port;
    (void)local_port;
    struct flight *f = ctx;
    if (f->leaving) {
        f->again = true;
        return CURL_PREREQFUNC_ABORT;
    }
    if (!f->call.allow_private && address_text_is_private(peer_ip)) {
        f->refused = true;
        return CURL_PREREQFUNC_ABORT;
    }
    f->leaving = true;
    return CURL_PREREQFUNC_OK;
}

static size_t on_header(char *p, size_t one, size_t n, void *ctx) {
    (void)one;
    struct flight *f = ctx;
    struct sv line = sv_make(p, n);
    if (sv_starts(line, SV("HTTP/"))) { /* the final answer's, after a 100 Continue */
        buf_reset(&f->head);
        f->n_places = 0;
        return n;
    }
    struct sv value = line, name = sv_cut(&value, ':');
    if (!value.p || f->n_places == ANSWER_HEADERS_MAX)
        return n;
    value = sv_trim(value);
    struct header_place at = {.name_at = f->head.n, .name_n = name.n};
    buf_add(&f->head, name);
    buf_addc(&f->head, '\0');
    at.value_at = f->head.n;
    at.value_n = value.n;
    buf_add(&f->head, value);
    buf_addc(&f->head, '\0');
    f->places[f->n_places++] = at;
    return f->head.overflow ? 0 : n;
}

static size_t on_body(char *p, size_t one, size_t n, void *ctx) {
    (void)one;
    struct flight *f = ctx;
    return buf_add(&f->body, sv_make(p, n)) ? n : 0;
}

/* ---- flights ---- */

/* What never changes while the handle lives. */
static bool flight_prepare(struct flight *f) {
    struct client *c = f->client;
    CURL *h = f->easy;
    MULTI_SET(h, CURLOPT_PRIVATE, f);
    MULTI_SET(h, CURLOPT_ERRORBUFFER, f->error);
    MULTI_SET(h, CURLOPT_SHARE, c->shared);
    MULTI_SET(h, CURLOPT_NOSIGNAL, 1L);
    MULTI_SET(h, CURLOPT_PROTOCOLS_STR, "http,https");
    MULTI_SET(h, CURLOPT_FOLLOWLOCATION, 0L);
    MULTI_SET(h, CURLOPT_PROXY, "");
    MULTI_SET(h, CURLOPT_NOPROXY, "*");
    MULTI_SET(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    MULTI_SET(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    MULTI_SET(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    MULTI_SET(h, CURLOPT_TCP_NODELAY, 1L);
    MULTI_SET(h, CURLOPT_MAXAGE_CONN, (long)IDLE_S_MAX);
    MULTI_SET(h, CURLOPT_OPENSOCKETFUNCTION, on_open);
    MULTI_SET(h, CURLOPT_OPENSOCKETDATA, f);
    MULTI_SET(h, CURLOPT_CLOSESOCKETFUNCTION, multi_close_socket);
    MULTI_SET(h, CURLOPT_CLOSESOCKETDATA,
              &c->watch); /* kept with the connection, which outlives the flight */
    MULTI_SET(h, CURLOPT_PREREQFUNCTION, on_ready);
    MULTI_SET(h, CURLOPT_PREREQDATA, f);
    MULTI_SET(h, CURLOPT_HEADERFUNCTION, on_header);
    MULTI_SET(h, CURLOPT_HEADERDATA, f);
    MULTI_SET(h, CURLOPT_WRITEFUNCTION, on_body);
    MULTI_SET(h, CURLOPT_WRITEDATA, f);
    if (c->user_agent)
        MULTI_SET(h, CURLOPT_USERAGENT, c->user_agent);
    if (c->ca_file)
        MULTI_SET(h, CURLOPT_CAINFO, c->ca_file);
    return true;
}

static void flight_free(struct flight *f) {
    curl_easy_cleanup(f->easy);
    buf_done(&f->text);
    buf_done(&f->head);
    buf_done(&f->body);
    free(f);
}

static struct flight *flight_take(struct client *c) {
    struct flight *f = c->free;
    if (f) {
        c->free = f->next;
        c->n_free--;
        return f;
    }
    f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->client = c;
    buf_init(&f->text, REQUEST_HEAD_BYTES_MAX);
    buf_init(&f->head, ANSWER_HEAD_BYTES_MAX);
    f->easy = curl_easy_init();
    if (f->easy && flight_prepare(f))
        return f;
    flight_free(f);
    return NULL;
}

static void flight_drop(struct client *c, struct flight *f) {
    if (c->n_free == FLIGHTS_KEPT_MAX || c->closing) {
        flight_free(f);
        return;
    }
    if (f->body.cap > BODY_BYTES_KEPT_MAX)
        buf_done(&f->body);
    f->next = c->free;
    c->free = f;
    c->n_free++;
}

static bool breaks_line(struct sv v) {
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] == '\r' || v.p[i] == '\n' || v.p[i] == '\0')
            return true;
    return false;
}

static void add_line(struct flight *f, size_t *n, size_t at[], struct sv name, struct sv value, bool remove) {
    at[(*n)++] = f->text.n;
    buf_add(&f->text, name);
    /* libcurl's own words: "Name:" takes a header away, "Name;" sends it empty */
    buf_addc(&f->text, value.n || remove ? ':' : ';');
    if (value.n) {
        buf_addc(&f->text, ' ');
        buf_add(&f->text, value);
    }
    buf_addc(&f->text, '\0');
}

static bool build_lines(struct flight *f, const struct http_request *rq, bool has_body, struct err *e) {
    size_t at[HTTP_HEADERS_MAX + OUR_LINES], n = 0;
    buf_reset(&f->text);
    if (rq->body.n >= EXPECT_BODY_BYTES)
        add_line(f, &n, at, SV("Expect"), SV_NONE, true);
    if (has_body && !http_find_header(rq->headers, rq->n_headers, SV("Content-Type")).p)
        add_line(f, &n, at, SV("Content-Type"), SV_NONE, true);
    for (size_t i = 0; i < rq->n_headers; i++) {
        const struct http_header *h = &rq->headers[i];
        if (!h->name.n || breaks_line(h->name) || breaks_line(h->value))
            return err_set(e, ERR_INVALID, "a header without name or with a line break in it");
        add_line(f, &n, at, h->name, h->value, false);
    }
    if (f->text.overflow)
        return err_set(e, ERR_INVALID, "headers over %d bytes", REQUEST_HEAD_BYTES_MAX);
    f->n_lines = n;
    for (size_t i = 0; i < n; i++)
        f->lines[i] =
            (struct curl_slist){.data = f->text.p + at[i], .next = i + 1 < n ? &f->lines[i + 1] : NULL};
    return true;
}

static bool set_method(CURL *h, const struct http_request *rq, bool has_body) {
    MULTI_SET(h, CURLOPT_NOBODY, 0L);
    if (has_body) {
        MULTI_SET(h, CURLOPT_POST, 1L);
        MULTI_SET(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body.n);
        MULTI_SET(h, CURLOPT_POSTFIELDS, rq->body.n ? rq->body.p : "");
    } else {
        MULTI_SET(h, CURLOPT_HTTPGET, 1L);
    }
    if (rq->method == HTTP_HEAD)
        MULTI_SET(h, CURLOPT_NOBODY, 1L);
    bool plain = rq->method == (has_body ? HTTP_POST : HTTP_GET) || rq->method == HTTP_HEAD;
    MULTI_SET(h, CURLOPT_CUSTOMREQUEST, plain ? NULL : http_method_name(rq->method));
    return true;
}

static bool set_call(struct flight *f, bool has_body) {
    const struct client_call *call = &f->call;
    CURL *h = f->easy;
    MULTI_SET(h, CURLOPT_URL, call->request->url.p);
    MULTI_SET(h, CURLOPT_HTTPHEADER, f->n_lines ? &f->lines[0] : NULL);
    MULTI_SET(h, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
    MULTI_SET(h, CURLOPT_CONNECTTIMEOUT_MS, (long)call->connect_timeout_ms);
    /* Wait for a connection under way to turn out to be HTTP/2: only TLS can tell. */
    if (call->request->ca_file.n || f->own_ca) {
        const char *usual = f->client->ca_file;
        if (!usual)
            curl_easy_getinfo(h, CURLINFO_CAINFO, &usual);
        f->own_ca = call->request->ca_file.n > 0;
        MULTI_SET(h, CURLOPT_CAINFO, f->own_ca ? call->request->ca_file.p : usual);
    }
    MULTI_SET(h, CURLOPT_PIPEWAIT, (long)((call->request->url.p[4] | 0x20) == 's'));
    return set_method(h, call->request, has_body);
}

static bool is_http_url(struct sv url) {
    struct sv rest = url, scheme = sv_cut(&rest, ':');
    if (!sv_eq_nocase(scheme, SV("http")) && !sv_eq_nocase(scheme, SV("https")))
        return false;
    if (!sv_starts(rest, SV("//")) || rest.n < 3 || rest.p[2] == '/')
        return false;
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == 0x7f)
            return false;
    return true;
}

/* scheme://host:port alone tells, so that all calls to one provider meet. */
static struct shard *shard_of_origin(struct client *c, struct sv url) {
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    unsigned slashes = 0;
    for (size_t i = 0; i < url.n && slashes < 3; i++) {
        slashes += url.p[i] == '/';
        hash = (hash ^ (unsigned char)url.p[i]) * 1099511628211u;
    }
    return &c->shards[hash % c->n_shards];
}

/* Calls over a shared connection stay together; else the first with room, so that few connections stay busy,
 * or the least burdened when all are full. */
static struct shard *pick_shard(struct client *c, const struct http_request *rq) {
    if (rq->multiplexes)
        return shard_of_origin(c, rq->url);
    struct shard *least = &c->shards[0];
    for (unsigned i = 0; i < c->n_shards; i++) {
        struct shard *s = &c->shards[i];
        if (s->n_flying < c->shard_connections)
            return s;
        if (s->n_flying < least->n_flying)
            least = s;
    }
    return least;
}

bool client_start(struct client *c, const struct client_call *call, struct err *e) {
    const struct http_request *rq = call->request;
    ASSERT(call->done && call->timeout_ms && call->body_bytes_max);
    if (c->closing)
        return err_set(e, ERR_BUSY, "the client is being closed");
    if (rq->mail)
        return mailer_start(c->mailer, call, e);
    if (!is_http_url(rq->url))
        return err_set_field(e, ERR_INVALID, "url", "not an absolute http or https URL");
    if (rq->method == HTTP_OTHER || (rq->method == HTTP_HEAD && rq->body.n))
        return err_set_field(e, ERR_INVALID, "method", "a method this client cannot send so");
    bool has_body =
        rq->body.n || rq->method == HTTP_POST || rq->method == HTTP_PUT || rq->method == HTTP_PATCH;
    struct flight *f = flight_take(c);
    if (!f)
        return err_set(e, ERR_OUTSIDE, "out of memory for a call");
    f->call = *call;
    f->leaving = f->refused = f->again = false;
    f->error[0] = '\0';
    f->n_places = 0;
    buf_reset(&f->head);
    buf_reset(&f->body);
    f->body.max = call->body_bytes_max;
    f->started_us = clock_monotonic_us();
    if (!build_lines(f, rq, has_body, e)) {
        flight_drop(c, f);
        return false;
    }
    f->shard = pick_shard(c, rq);
    if (!set_call(f, has_body) || curl_multi_add_handle(f->shard->multi.handle, f->easy) != CURLM_OK) {
        flight_drop(c, f);
        return err_set(e, ERR_OUTSIDE, "out of memory for a call");
    }
    f->prev = c->flying.prev;
    f->next = &c->flying;
    f->prev->next = f->next->prev = f;
    c->n_flying++;
    f->shard->n_flying++;
    c->calls++;
    return true;
}

/* ---- ends ---- */

static void error_text(const struct flight *f, CURLcode code, struct buf *out) {
    if (f->refused)
        buf_adds(out, MULTI_REFUSED);
    else if (f->again)
        buf_adds(out, "the connection was closed before an answer came");
    else if (f->head.overflow)
        buf_addf(out, "the answer's headers are over %d bytes", ANSWER_HEAD_BYTES_MAX);
    else if (f->body.overflow)
        buf_addf(out, "the answer's body is over %zu bytes", f->call.body_bytes_max);
    else if (f->client->closing)
        buf_adds(out, "the program is shutting down");
    else
        buf_adds(out, f->error[0] ? f->error : curl_easy_strerror(code));
}

static void flight_end(struct client *c, struct flight *f, CURLcode code) {
    long status = 0, connections = 0;
    curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(f->easy, CURLINFO_NUM_CONNECTS, &connections);
    c->connections += (uint64_t)connections;
    curl_multi_remove_handle(f->shard->multi.handle, f->easy);
    f->shard->n_flying--;
    f->prev->next = f->next;
    f->next->prev = f->prev;
    c->n_flying--;

    struct http_header headers[ANSWER_HEADERS_MAX];
    BUF_AUTO struct buf error = BUF_INIT(1024);
    struct http_response r = {.elapsed_us = clock_monotonic_us() - f->started_us};
    bool cut = code == CURLE_WRITE_ERROR && f->body.overflow && f->call.cut_body;
    if ((code == CURLE_OK || cut) && status >= 100 && status <= 599) {
        for (size_t i = 0; i < f->n_places; i++) {
            const struct header_place *at = &f->places[i];
            headers[i] = (struct http_header){.name = sv_make(f->head.p + at->name_at, at->name_n),
                                              .value = sv_make(f->head.p + at->value_at, at->value_n)};
        }
        r.transport = HTTP_ANSWERED;
        r.status = (int)status;
        r.headers = headers;
        r.n_headers = f->n_places;
        r.body = buf_sv(&f->body);
    } else {
        r.transport = f->leaving ? HTTP_CUT : HTTP_NOT_SENT;
        error_text(f, code, &error);
        r.error = buf_sv(&error);
    }
    f->call.done(f->call.ctx, &r);
    flight_drop(c, f);
}

/* How long to wait at most: timeout_ms (below 0: for ever), or until the first timer. */
static int wait_ms(const struct client *c, int timeout_ms) {
    int64_t first = mailer_due(c->mailer);
    for (unsigned i = 0; i < c->n_shards; i++) {
        int64_t at = c->shards[i].multi.timer_us;
        if (at && (first == 0 || at < first))
            first = at;
    }
    if (first == 0)
        return timeout_ms;
    int64_t ms = (first - clock_monotonic_us() + US_PER_MS - 1) / US_PER_MS;
    if (ms < 0)
        ms = 0;
    return timeout_ms < 0 || ms < timeout_ms ? (int)ms : timeout_ms;
}

static void end_flights(struct client *c, struct shard *s) {
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(s->multi.handle, &left)) != NULL;) {
        struct flight *f = NULL;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &f);
        flight_end(c, f, m->data.result);
    }
}

void client_run(struct client *c, int timeout_ms, int wake_fd) {
    watch_wake_fd(&c->watch, wake_fd);
    struct watch_event events[EVENTS_MAX];
    size_t n = watch_wait(&c->watch, wait_ms(c, timeout_ms), events, EVENTS_MAX);
    for (size_t i = 0; i < n; i++) {
        if (events[i].owner == c->mailer)
            mailer_event(c->mailer, &events[i]);
        else
            multi_event(events[i].owner, events[i].fd, events[i].bits);
    }
    int64_t now = clock_monotonic_us();
    for (unsigned i = 0; i < c->n_shards; i++) {
        multi_timer(&c->shards[i].multi, now);
        end_flights(c, &c->shards[i]);
    }
    mailer_run(c->mailer, now);
}

unsigned client_in_flight(const struct client *c) {
    return c->n_flying + mailer_in_flight(c->mailer);
}

void client_counts(const struct client *c, uint64_t *calls, uint64_t *connections) {
    mailer_counts(c->mailer, calls, connections);
    *calls += c->calls;
    *connections += c->connections;
}

/* ---- life ---- */

static bool shard_prepare(struct client *c, struct shard *s) {
    return multi_init(&s->multi, &c->watch, &s->multi, c->shard_connections) &&
           curl_multi_setopt(s->multi.handle, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX) == CURLM_OK &&
           curl_multi_setopt(s->multi.handle, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)c->shard_connections) ==
               CURLM_OK;
}

static bool prepare(struct client *c, const struct client_options *o) {
    unsigned n = (o->connections_max + SHARD_CONNECTIONS_MAX - 1) / SHARD_CONNECTIONS_MAX;
    c->shard_connections = o->connections_max / n;
    c->shared = curl_share_init();
    c->shards = calloc(n, sizeof *c->shards);
    c->user_agent = o->user_agent ? strdup(o->user_agent) : NULL;
    c->ca_file = o->ca_file ? strdup(o->ca_file) : NULL;
    if (!c->shared || !c->shards || !c->user_agent != !o->user_agent || !c->ca_file != !o->ca_file)
        return false;
    if (curl_share_setopt(c->shared, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) != CURLSHE_OK ||
        curl_share_setopt(c->shared, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK)
        return false;
    c->mailer = mailer_new(&c->watch, c->shared, c->ca_file);
    if (!c->mailer)
        return false;
    while (c->n_shards < n)
        if (!shard_prepare(c, &c->shards[c->n_shards++]))
            return false;
    return true;
}

struct client *client_open(const struct client_options *o, struct err *e) {
    ASSERT(o->connections_max);
    struct client *c = calloc(1, sizeof *c);
    if (!c || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(c);
        err_set(e, ERR_OUTSIDE, "cannot start the HTTP client: out of memory");
        return NULL;
    }
    listen_lift_files();
    c->flying.prev = c->flying.next = &c->flying;
    if (!watch_init(&c->watch, e)) {
        curl_global_cleanup();
        free(c);
        return NULL;
    }
    if (prepare(c, o))
        return c;
    client_close(c);
    err_set(e, ERR_OUTSIDE, "cannot start the HTTP client: out of memory");
    return NULL;
}

void client_close(struct client *c) {
    if (!c)
        return;
    c->closing = true;
    while (c->flying.next != &c->flying)
        // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): a flight that ends leaves the list
        flight_end(c, c->flying.next, CURLE_ABORTED_BY_CALLBACK);
    for (struct flight *f = c->free; f;) {
        struct flight *next = f->next;
        flight_free(f);
        f = next;
    }
    mailer_free(c->mailer);
    for (unsigned i = 0; i < c->n_shards; i++)
        multi_done(&c->shards[i].multi);
    curl_share_cleanup(c->shared);
    free(c->shards);
    watch_done(&c->watch);
    free(c->user_agent);
    free(c->ca_file);
    free(c);
    curl_global_cleanup();
}
