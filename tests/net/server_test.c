#include "net/server.h"

#include "base/clock.h"
#include "wire.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { BODY_MAX = 1000, HEADER_MAX = 4096, ARRIVE_MS = 200, HELD_MAX = 64 };

/* What the handler does: echoes "method path?query body" at once, or holds the exchange. */
struct world {
    struct server *server;
    bool hold;
    struct exchange *held[HELD_MAX];
    size_t n_held;
    unsigned requests;
    size_t body_n;
    char last[512];
};

static void echo(struct exchange *x) {
    char text[512];
    struct sv body = x->body.n < 200 ? x->body : SV("long");
    int n = snprintf(text, sizeof text, "<%.*s %.*s|%.*s|%.*s>", SV_FMT(x->method_name), SV_FMT(x->path),
                     SV_FMT(x->query), SV_FMT(body));
    struct answer a = {.status = 200,
                       .content_type = "text/plain",
                       .body = sv_make(text, (size_t)n),
                       .headers = {{SV("X-One"), SV("1")}},
                       .n_headers = 1};
    server_answer(x, &a);
}

static void on_exchange(void *ctx, struct exchange *x) {
    struct world *w = ctx;
    w->requests++;
    w->body_n = x->body.n;
    assert_true(sv_eq(x->client, SV("127.0.0.1")));
    if (w->hold && w->n_held < HELD_MAX)
        w->held[w->n_held++] = x;
    else
        echo(x);
}

static struct server_options options(void) {
    return (struct server_options){.address = "127.0.0.1",
                                   .body_bytes_max = BODY_MAX,
                                   .connections_max = 2000,
                                   .idle_s = 30,
                                   .request_ms_max = ARRIVE_MS,
                                   .header_bytes_max = HEADER_MAX};
}

static void world_open(struct world *w, const struct server_options *o) {
    struct err e = ERR_INIT;
    *w = (struct world){0};
    w->server = server_open(o, on_exchange, w, &e);
    assert_non_null(w->server);
}

static int setup(void **state) {
    static struct world w; /* one test at a time */
    struct server_options o = options();
    world_open(&w, &o);
    *state = &w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    server_close(w->server);
    return 0;
}

/* ---- one request in, what comes out ---- */

struct limit_case {
    const char *name;
    struct sv head;
    size_t filler; /* this many 'a's behind head */
    struct sv tail;
    const char *expect; /* must occur in what comes back; "" : nothing comes back */
    unsigned requests;  /* the handler saw */
    bool closed;
};

#define GET(rest) SV("GET " rest " HTTP/1.1\r\nHost: h\r\n\r\n")
#define POST_HEAD "POST /p HTTP/1.1\r\nHost: h\r\n"

static const struct limit_case limit_cases[] = {
    {"a plain GET", GET("/a/b%20c?d=e&f"), 0, SV(""), "<GET /a/b%20c|d=e&f|>", 1, false},
    {"an empty query", GET("/a?"), 0, SV(""), "<GET /a||>", 1, false},
    {"a query with question marks", GET("/a?b?c=?"), 0, SV(""), "<GET /a|b?c=?|>", 1, false},
    {"a POST with length", SV(POST_HEAD "Content-Length: 5\r\n\r\nhello"), 0, SV(""), "<POST /p||hello>", 1,
     false},
    {"a chunked POST", SV(POST_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n"),
     0, SV(""), "<POST /p||hello>", 1, false},
    {"a HEAD has no body", SV("HEAD /h HTTP/1.1\r\nHost: h\r\n\r\n"), 0, SV(""), "HTTP/1.1 200 OK", 1, false},
    {"HTTP/1.0 is closed behind the answer", SV("GET /o HTTP/1.0\r\n\r\n"), 0, SV(""), "<GET /o||>", 1, true},
    {"any method goes to the handler", SV("BREW /pot HTTP/1.1\r\nHost: h\r\n\r\n"), 0, SV(""),
     "<BREW /pot||>", 1, false},
    {"the body may be just the limit", SV(POST_HEAD "Content-Length: 1000\r\n\r\n"), 1000, SV(""), "||long>",
     1, false},
    {"announced body over the limit, none sent", SV(POST_HEAD "Content-Length: 1001\r\n\r\n"), 0, SV(""),
     "HTTP/1.1 413", 0, true},
    {"announced body over the limit, sent", SV(POST_HEAD "Content-Length: 1001\r\n\r\n"), 1001, SV(""),
     "\"status\":413", 0, true},
    {"announced body beyond 64 bits", SV(POST_HEAD "Content-Length: 99999999999999999999999\r\n\r\n"), 0,
     SV(""), "HTTP/1.1 4", 0, true},
    {"chunked body over the limit", SV(POST_HEAD "Transfer-Encoding: chunked\r\n\r\n1000\r\n"), 4096,
     SV("\r\n0\r\n\r\n"), "\"status\":413", 0, true},
    {"a chunk size beyond 64 bits", SV(POST_HEAD "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
     0, SV(""), "HTTP/1.1 413", 0, true},
    {"a chunk size that is none", SV(POST_HEAD "Transfer-Encoding: chunked\r\n\r\nxyz\r\n"), 0, SV(""),
     "HTTP/1.1 400", 0, true},
    {"Expect is answered with 100", SV(POST_HEAD "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"), 3,
     SV(""), "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200", 1, false},
    {"Expect over the limit is answered with 413 only",
     SV(POST_HEAD "Expect: 100-continue\r\nContent-Length: 3000\r\n\r\n"), 0, SV(""), "HTTP/1.1 413", 0,
     true},
    {"headers over the limit", SV("GET / HTTP/1.1\r\nHost: h\r\nX: "), 9000, SV("\r\n\r\n"), "HTTP/1.1 431",
     0, true},
    {"headers just over the limit", SV("GET / HTTP/1.1\r\nHost: h\r\nX: "), HEADER_MAX - 20, SV("\r\n\r\n"),
     "HTTP/1.1 431", 0, true},
    {"headers within the limit", SV("GET / HTTP/1.1\r\nHost: h\r\nX: "), HEADER_MAX - 100, SV("\r\n\r\n"),
     "HTTP/1.1 200", 1, false},
    {"a request line over the limit", SV("GET /"), 9000, SV(" HTTP/1.1\r\nHost: h\r\n\r\n"), "HTTP/1.1 414",
     0, true},
    {"a NUL in the target", SV("GET /a\0b HTTP/1.1\r\nHost: h\r\n\r\n"), 0, SV(""), "HTTP/1.1 400", 0, true},
    {"a NUL in the query", SV("GET /a?c\0b HTTP/1.1\r\nHost: h\r\n\r\n"), 0, SV(""), "HTTP/1.1 400", 0, true},
    {"an encoded NUL in the path", GET("/a%00b"), 0, SV(""), "HTTP/1.1 400", 0, true},
    {"an encoded NUL in the query is a value", GET("/a?b=%00"), 0, SV(""), "<GET /a|b=%00|>", 1, false},
    {"two lengths", SV(POST_HEAD "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), 0, SV(""),
     "HTTP/1.1 400", 0, true},
    {"a length and an encoding",
     SV(POST_HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 0, SV(""),
     "HTTP/1.1 400", 0, true},
    {"an unknown encoding", SV(POST_HEAD "Transfer-Encoding: gzip\r\n\r\nabc"), 0, SV(""), "HTTP/1.1 400", 0,
     true},
    {"a length that is no number", SV(POST_HEAD "Content-Length: five\r\n\r\nhello"), 0, SV(""),
     "HTTP/1.1 400", 0, true},
    {"a negative length", SV(POST_HEAD "Content-Length: -5\r\n\r\nhello"), 0, SV(""), "HTTP/1.1 400", 0,
     true},
    {"no Host", SV("GET / HTTP/1.1\r\n\r\n"), 0, SV(""), "HTTP/1.1 400", 0, true},
    {"a header without colon", SV("GET / HTTP/1.1\r\nHost: h\r\nbroken\r\n\r\n"), 0, SV(""), "HTTP/1.1 400",
     0, true},
    {"HTTP/2 without asking", SV("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 0, SV(""), "HTTP/1.1 505", 0, true},
    {"TLS to a plain port", SV("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), 0, SV(""), "", 0,
     true},
    {"a space in the target", GET("/a b"), 0, SV(""), "", 0, true},
    {"no version", SV("GET /\r\n\r\n"), 0, SV(""), "HTTP/1.1 4", 0, true},
};

static bool limit_case_holds(struct world *w, const struct limit_case *c) {
    BUF_AUTO struct buf in = BUF_INIT(65536), out = BUF_INIT(65536);
    buf_add(&in, c->head);
    for (size_t i = 0; i < c->filler; i++)
        buf_addc(&in, 'a');
    buf_add(&in, c->tail);
    w->requests = 0;
    int fd = wire_connect(w->server);
    (void)wire_send(w->server, fd, buf_sv(&in));
    bool closed;
    if (c->closed) {
        closed = wire_read_to_end(w->server, fd, &out, 5 * ARRIVE_MS);
    } else {
        (void)wire_read_until(w->server, fd, &out, sv_of(c->expect), 1, 1000);
        closed = wire_read_to_end(w->server, fd, &out, 5);
    }
    close(fd);
    bool answer = c->expect[0] ? sv_find(buf_sv(&out), sv_of(c->expect)) != SIZE_MAX : out.n == 0;
    if (answer && closed == c->closed && w->requests == c->requests)
        return true;
    print_error("%s: closed %d, requests %u, got: %.*s\n", c->name, closed, w->requests,
                SV_FMT(buf_sv(&out)));
    return false;
}

static void test_server__each_limit_has_its_answer(void **state) {
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof limit_cases / sizeof limit_cases[0]; i++)
        wrong += !limit_case_holds(*state, &limit_cases[i]);
    assert_int_equal(wrong, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_server__each_limit_has_its_answer, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
