#include "net/client.h"

#include "net/address.h"
#include "net/listen.h"
#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Of a call that comes through, and of one that may not. */
enum { TIMEOUT_MS = 20000, IMPATIENT_MS = 1000 };

struct outcome {
    unsigned n; /* how often done was called */
    enum http_transport transport;
    int status;
    int64_t elapsed_us;
    char body[6000], error[400], retry_after[32];
    size_t body_n, n_headers;
};

static void on_done(void *ctx, const struct http_response *r) {
    struct outcome *o = ctx;
    o->n++;
    o->transport = r->transport;
    o->status = r->status;
    o->elapsed_us = r->elapsed_us;
    o->n_headers = r->n_headers;
    o->body_n = r->body.n;
    snprintf(o->body, sizeof o->body, "%.*s", SV_FMT(r->body));
    snprintf(o->error, sizeof o->error, "%.*s", SV_FMT(r->error));
    struct sv after = http_find_header(r->headers, r->n_headers, SV("retry-after"));
    snprintf(o->retry_after, sizeof o->retry_after, "%.*s", SV_FMT(after));
}

static struct client *open_client(unsigned connections_max) {
    struct err e = ERR_INIT;
    struct client *c =
        client_open(&(struct client_options){.connections_max = connections_max, .user_agent = "test"}, &e);
    assert_non_null(c);
    return c;
}

static struct http_request request(enum http_method method, const char *url, struct sv body) {
    return (struct http_request){.method = method, .url = sv_of(url), .body = body};
}

static void start_within(struct client *c, const struct http_request *rq, struct outcome *o, unsigned ms) {
    struct err e = ERR_INIT;
    *o = (struct outcome){0};
    assert_true(client_start(c,
                             &(struct client_call){.request = rq,
                                                   .timeout_ms = ms,
                                                   .connect_timeout_ms = ms,
                                                   .body_bytes_max = 4000,
                                                   .allow_private = true,
                                                   .done = on_done,
                                                   .ctx = o},
                             &e));
}

static void start(struct client *c, const struct http_request *rq, struct outcome *o) {
    start_within(c, rq, o, TIMEOUT_MS);
}

static void run(struct client *c, struct peer *p) {
    while (client_in_flight(c)) {
        client_run(c, 1, -1);
        if (p)
            peer_turn(p);
    }
}

static const char *url_of(const struct peer *p, const char *scheme, const char *path) {
    static char url[200];
    snprintf(url, sizeof url, "%s://127.0.0.1:%u%s", scheme, p->port, path);
    return url;
}

/* ---- how far a call got ---- */

struct transport_case {
    const char *name;
    const char *script; /* NULL: nobody listens; "": nobody accepts; "-": deaf */
    const char *scheme;
    enum http_transport transport;
    unsigned arrived;
};

static const struct transport_case transport_cases[] = {
    {"answered", "a", "http", HTTP_ANSWERED, 1},
    {"connection refused", NULL, "http", HTTP_NOT_SENT, 0},
    {"connecting takes too long", "", "http", HTTP_NOT_SENT, 0},
    {"TLS takes too long", "-", "https", HTTP_NOT_SENT, 0},
    {"no TLS over there", "g", "https", HTTP_NOT_SENT, 0},
    {"closed after the request", "c", "http", HTTP_CUT, 1},
    {"reset after the request", "r", "http", HTTP_CUT, 1},
    {"half an answer", "h", "http", HTTP_CUT, 1},
    {"no answer in time", "n", "http", HTTP_CUT, 1},
    {"never read", "-", "http", HTTP_CUT, 0},
    {"not HTTP", "g", "http", HTTP_CUT, 1},
    {"an over-long body", "b", "http", HTTP_CUT, 1},
};

/* With a full backlog and nobody accepting, the kernel drops new SYNs: connecting never ends. */
static void fill_backlog(struct peer *p, int fds[], int n) {
    ASSERT(listen(p->listen_fd, 0) == 0);
    for (int i = 0; i < n; i++) {
        struct sockaddr_in to = {.sin_family = AF_INET,
                                 .sin_port = htons(p->port),
                                 .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(fds[i], (struct sockaddr *)&to, sizeof to);
    }
}

static bool transport_case_holds(const struct transport_case *t, enum http_method method, struct sv body) {
    enum { FULL = 4 };
    int fds[FULL] = {-1, -1, -1, -1};
    struct peer p;
    peer_open(&p, t->script && t->script[0] ? t->script : "a");
    if (!t->script)
        close(p.listen_fd);
    if (t->script && !t->script[0])
        fill_backlog(&p, fds, FULL);
    p.deaf = t->script && t->script[0] == '-';
    struct client *c = open_client(10);
    struct outcome o;
    struct http_request rq = request(method, url_of(&p, t->scheme, "/x"), body);
    start_within(c, &rq, &o, t->transport == HTTP_ANSWERED ? TIMEOUT_MS : IMPATIENT_MS);
    run(c, t->script && t->script[0] ? &p : NULL);
    if (!t->script)
        p.listen_fd = -1;
    unsigned arrived = p.requests;
    client_close(c);
    peer_done(&p);
    for (int i = 0; i < FULL; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    bool holds = o.n == 1 && o.transport == t->transport && (t->scheme[4] == 's' || arrived == t->arrived) &&
                 (o.transport == HTTP_ANSWERED) == !o.error[0];
    if (!holds)
        print_error("%s: done %u, transport %d, arrived %u, %s\n", t->name, o.n, (int)o.transport, arrived,
                    o.error);
    return holds;
}

static void test_client__not_sent_and_cut_are_told_apart(void **state) {
    (void)state;
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof transport_cases / sizeof transport_cases[0]; i++) {
        wrong += !transport_case_holds(&transport_cases[i], HTTP_POST, SV("a=b"));
        wrong += !transport_case_holds(&transport_cases[i], HTTP_GET, SV_NONE);
    }
    assert_int_equal(wrong, 0);
}

/* ---- never twice ---- */

static const struct {
    enum http_method method;
    struct sv body;
} sendings[] = {
    {HTTP_POST, {.p = "To=1&Body=hi", .n = 12}},
    {HTTP_POST, {0}},
    {HTTP_GET, {0}},
    {HTTP_PUT, {.p = "x", .n = 1}},
    {HTTP_DELETE, {0}},
};

static void second_request_is_not_repeated(const char *script, enum http_method method, struct sv body) {
    struct peer p;
    peer_open(&p, script);
    struct client *c = open_client(10);
    struct outcome first, second;
    struct http_request rq = request(method, url_of(&p, "http", "/send"), body);
    start(c, &rq, &first);
    run(c, &p);
    start(c, &rq, &second);
    run(c, &p);
    for (int i = 0; i < 50; i++) { /* what was sent in excess would arrive now */
        peer_turn(&p);
        client_run(c, 1, -1);
    }
    assert_int_equal(first.transport, HTTP_ANSWERED);
    assert_int_equal(p.accepted, 1); /* the second went over the kept connection */
    assert_int_equal(p.requests, 2);
    assert_int_equal(second.n, 1);
    assert_int_equal(second.transport, HTTP_CUT);
    client_close(c);
    peer_done(&p);
}

static void test_client__a_kept_connection_that_dies_repeats_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof sendings / sizeof sendings[0]; i++) {
        second_request_is_not_repeated("ac", sendings[i].method, sendings[i].body);
        second_request_is_not_repeated("ar", sendings[i].method, sendings[i].body);
    }
}

/* Two idle connections in the cache: the retry would take the other one, without opening anything. */
static void test_client__another_kept_connection_repeats_nothing_either(void **state) {
    (void)state;
    struct peer p;
    peer_open(&p, "ac");
    struct client *c = open_client(10);
    struct outcome o[3];
    struct http_request rq = request(HTTP_POST, url_of(&p, "http", "/send"), SV("a=b"));
    start(c, &rq, &o[0]);
    start(c, &rq, &o[1]);
    run(c, &p);
    assert_int_equal(p.accepted, 2);
    start(c, &rq, &o[2]);
    run(c, &p);
    assert_int_equal(p.requests, 3);
    assert_int_equal(o[2].transport, HTTP_CUT);
    client_close(c);
    peer_done(&p);
}

static void test_client__an_idle_close_is_noticed_before_the_next_call(void **state) {
    (void)state;
    struct peer p;
    peer_open(&p, "x");
    struct client *c = open_client(10);
    struct http_request rq = request(HTTP_POST, url_of(&p, "http", "/send"), SV("a=b"));
    for (unsigned i = 1; i <= 20; i++) {
        struct outcome o;
        start(c, &rq, &o);
        run(c, &p);
        assert_int_equal(o.transport, HTTP_ANSWERED);
        assert_int_equal(p.requests, i);
        assert_int_equal(p.accepted, i);
    }
    client_close(c);
    peer_done(&p);
}

/* ---- requests and answers ---- */

static const struct {
    enum http_method method;
    struct sv body;
    const char *line;
} methods[] = {
    {HTTP_GET, {0}, "GET /p?q=%20 HTTP/1.1\r\n"},
    {HTTP_POST, {.p = "b=1", .n = 3}, "POST /p?q=%20 HTTP/1.1\r\n"},
    {HTTP_DELETE, {0}, "DELETE /p?q=%20 HTTP/1.1\r\n"},
    {HTTP_PUT, {.p = "b=1", .n = 3}, "PUT /p?q=%20 HTTP/1.1\r\n"},
    {HTTP_POST, {0}, "POST /p?q=%20 HTTP/1.1\r\n"},
    {HTTP_PATCH, {.p = "b=1", .n = 3}, "PATCH /p?q=%20 HTTP/1.1\r\n"},
    {HTTP_OPTIONS, {0}, "OPTIONS /p?q=%20 HTTP/1.1\r\n"},
    {HTTP_GET, {0}, "GET /p?q=%20 HTTP/1.1\r\n"},
};

static void test_client__sends_what_the_request_says_and_no_more(void **state) {
    (void)state;
    struct peer p;
    peer_open(&p, "e");
    struct client *c = open_client(1); /* one handle, one connection: nothing sticks from the last call */
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct http_request rq = request(methods[i].method, url_of(&p, "http", "/p?q=%20"), methods[i].body);
        assert_true(http_add_header(&rq, SV("X-Empty"), SV("")));
        assert_true(http_add_header(&rq, SV("Authorization"), SV("Basic abc")));
        if (i % 2)
            assert_true(http_add_header(&rq, SV("Content-Type"), SV("application/json")));
        struct outcome o;
        start(c, &rq, &o);
        run(c, &p);
        assert_int_equal(o.transport, HTTP_ANSWERED);
        assert_memory_equal(o.body, methods[i].line, strlen(methods[i].line));
        assert_non_null(strstr(o.body, "\r\nX-Empty:\r\n"));
        assert_non_null(strstr(o.body, "\r\nAuthorization: Basic abc\r\n"));
        assert_non_null(strstr(o.body, "\r\nUser-Agent: test\r\n"));
        assert_null(strstr(o.body, "Expect"));
        assert_null(strstr(o.body, "urlencoded"));
        assert_int_equal(strstr(o.body, "Content-Type: application/json") != NULL, i % 2);
        struct sv sent = sv_make(o.body, o.body_n);
        assert_true(sv_ends(sent, SV("\r\n\r\n")) == (methods[i].body.n == 0));
        assert_true(methods[i].body.n == 0 || sv_ends(sent, SV("\r\n\r\nb=1")));
    }
    client_close(c);
    peer_done(&p);
}

static void test_client__reads_the_final_answer_and_its_headers(void **state) {
    (void)state;
    struct peer p;
    peer_open(&p, "1");
    struct client *c = open_client(1);
    struct outcome o;
    struct http_request rq = request(HTTP_POST, url_of(&p, "http", "/"), SV("a"));
    start(c, &rq, &o);
    run(c, &p);
    assert_int_equal(o.status, 429);
    assert_int_equal(o.n_headers, 3);
    assert_string_equal(o.retry_after, "7");
    client_close(c);
    peer_done(&p);
}

static void test_client__refuses_what_is_no_http_url_or_breaks_lines(void **state) {
    (void)state;
    static const char *const urls[] = {
        "",        "/x",        "x",           "file:///etc/passwd", "ftp://h/",          "http:/x",
        "http://", "http:///x", "gopher://h/", "http://h/a b",       "http://h/\r\nX: y", "unix://x"};
    struct client *c = open_client(1);
    struct outcome o = {0};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct http_request rq = request(HTTP_GET, urls[i], SV_NONE);
        struct err e = ERR_INIT;
        struct client_call call = {.request = &rq,
                                   .timeout_ms = 1,
                                   .body_bytes_max = 1,
                                   .done = on_done,
                                   .ctx = &o,
                                   .connect_timeout_ms = 1};
        assert_false(client_start(c, &call, &e));
        assert_int_equal(e.kind, ERR_INVALID);
    }
    struct http_request rq = request(HTTP_GET, "http://127.0.0.1/", SV_NONE);
    assert_true(http_add_header(&rq, SV("X"), SV("a\r\nEvil: 1")));
    struct client_call call = {.request = &rq,
                               .timeout_ms = 1,
                               .body_bytes_max = 1,
                               .done = on_done,
                               .ctx = &o,
                               .connect_timeout_ms = 1};
    struct err e = ERR_INIT;
    assert_false(client_start(c, &call, &e));
    assert_int_equal(o.n, 0);
    client_close(c);
}

/* ---- private addresses ---- */

static const struct {
    const char *address;
    bool private;
} addresses[] = {
    {"127.0.0.1", true},
    {"127.255.0.9", true},
    {"0.0.0.0", true},
    {"0.1.2.3", true},
    {"10.1.2.3", true},
    {"172.16.0.1", true},
    {"172.31.255.255", true},
    {"172.32.0.1", false},
    {"172.15.0.1", false},
    {"192.168.1.1", true},
    {"192.169.0.1", false},
    {"169.254.169.254", true},
    {"100.64.0.1", true},
    {"100.100.100.200", true},
    {"100.127.255.255", true},
    {"100.128.0.1", false},
    {"192.0.0.192", true},
    {"198.18.0.1", true},
    {"198.20.0.1", false},
    {"168.63.129.16", true},
    {"224.0.0.1", true},
    {"239.1.1.1", true},
    {"255.255.255.255", true},
    {"8.8.8.8", false},
    {"::", true},
    {"::1", true},
    {"::ffff:127.0.0.1", true},
    {"::ffff:8.8.8.8", false},
    {"::127.0.0.1", true},
    {"64:ff9b::a00:1", true},
    {"64:ff9b::808:808", false},
    {"64:ff9b:1::1", true},
    {"2002:7f00:1::", true},
    {"2002:808:808::1", false},
    {"2001::1", true},
    {"2001:4860:4860::8888", false},
    {"fc00::1", true},
    {"fd00:ec2::254", true},
    {"fe80::1", true},
    {"fec0::1", true},
    {"ff02::1", true},
    {"100::1", true},
    {"2606:4700::1111", false},
    {"not an address", true},
    {"", true},
};

static void test_address__private_ranges_end_where_they_end(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
        if (address_text_is_private(addresses[i].address) != addresses[i].private)
            fail_msg("%s", addresses[i].address);
    assert_true(address_is_private(&(struct sockaddr){.sa_family = AF_UNIX}));
}

/* Spellings of the loopback that a check on the URL's text would let pass. */
static const char *const inside[] = {
    "127.0.0.1", "localhost", "127.1", "0x7f000001",      "2130706433",        "017700000001",
    "0",         "[::1]",     "[::]",  "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "127.0.0.1."};

static void start_strict(struct client *c, const struct http_request *rq, struct outcome *o) {
    struct err e = ERR_INIT;
    *o = (struct outcome){0};
    struct client_call call = {.request = rq,
                               .timeout_ms = TIMEOUT_MS,
                               .connect_timeout_ms = TIMEOUT_MS,
                               .body_bytes_max = 100,
                               .done = on_done,
                               .ctx = o};
    assert_true(client_start(c, &call, &e));
}

static void test_client__private_addresses_are_refused_however_spelled(void **state) {
    (void)state;
    struct peer p;
    peer_open(&p, "a");
    struct client *c = open_client(10);
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        char url[100];
        snprintf(url, sizeof url, "http://%s:%u/", inside[i], p.port);
        struct http_request rq = request(HTTP_POST, url, SV("a"));
        struct outcome o;
        start_strict(c, &rq, &o);
        run(c, &p);
        assert_int_equal(o.transport, HTTP_NOT_SENT);
    }
    assert_int_equal(p.accepted, 0);
    client_close(c);
    peer_done(&p);
}

static void test_client__a_kept_private_connection_serves_only_those_allowed(void **state) {
    (void)state;
    struct peer p;
    peer_open(&p, "a");
    struct client *c = open_client(10);
    struct http_request rq = request(HTTP_POST, url_of(&p, "http", "/"), SV("a"));
    struct outcome o;
    start(c, &rq, &o);
    run(c, &p);
    assert_int_equal(o.transport, HTTP_ANSWERED);
    start_strict(c, &rq, &o);
    run(c, &p);
    assert_int_equal(o.transport, HTTP_NOT_SENT);
    assert_int_equal(p.requests, 1);
    client_close(c);
    peer_done(&p);
}

/* ---- many, and the end ---- */

static void test_client__a_thousand_calls_at_once_all_end_well(void **state) {
    (void)state;
    enum { N = 1000 };
    static struct outcome o[N];
    struct peer p;
    peer_open(&p, "a");
    struct client *c = open_client(200);
    struct http_request rq = request(HTTP_POST, url_of(&p, "http", "/"), SV("a=b"));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++) {
            struct err e = ERR_INIT;
            o[i] = (struct outcome){0};
            struct client_call call = {.request = &rq,
                                       .timeout_ms = 20000,
                                       .connect_timeout_ms = 20000,
                                       .body_bytes_max = 100,
                                       .allow_private = true,
                                       .done = on_done,
                                       .ctx = &o[i]};
            assert_true(client_start(c, &call, &e));
        }
        run(c, &p);
        for (int i = 0; i < N; i++)
            assert_true(o[i].n == 1 && o[i].transport == HTTP_ANSWERED && o[i].status == 200);
    }
    uint64_t calls, connections;
    client_counts(c, &calls, &connections);
    assert_int_equal(calls, 3 * N);
    assert_true(connections <= 200);
    assert_int_equal(connections, p.accepted);
    client_close(c);
    peer_done(&p);
}

/* Each call that ends takes its connection along; those that wait for one must still get their turn. */
static void test_client__calls_waiting_for_dying_connections_end_too(void **state) {
    (void)state;
    enum { N = 200 };
    static struct outcome o[N];
    struct peer p;
    peer_open(&p, "c");
    struct client *c = open_client(7);
    struct http_request rq = request(HTTP_POST, url_of(&p, "http", "/"), SV("a=b"));
    for (int i = 0; i < N; i++) {
        struct err e = ERR_INIT;
        o[i] = (struct outcome){0};
        struct client_call call = {.request = &rq,
                                   .timeout_ms = 20000,
                                   .connect_timeout_ms = 20000,
                                   .body_bytes_max = 100,
                                   .allow_private = true,
                                   .done = on_done,
                                   .ctx = &o[i]};
        assert_true(client_start(c, &call, &e));
    }
    run(c, &p);
    assert_int_equal(p.requests, N);
    for (int i = 0; i < N; i++)
        assert_true(o[i].n == 1 && o[i].transport == HTTP_CUT && o[i].elapsed_us < 10 * 1000 * 1000);
    client_close(c);
    peer_done(&p);
}

static void test_client__closing_ends_every_call_once(void **state) {
    (void)state;
    struct peer p;
    peer_open(&p, "n");
    struct client *c = open_client(10);
    struct http_request rq = request(HTTP_POST, url_of(&p, "http", "/"), SV("a=b"));
    struct outcome sent, unsent;
    start(c, &rq, &sent);
    while (!p.requests) {
        client_run(c, 1, -1);
        peer_turn(&p);
    }
    start(c, &rq, &unsent);
    client_close(c);
    assert_true(sent.n == 1 && sent.transport == HTTP_CUT);
    assert_true(unsent.n == 1 && unsent.transport == HTTP_NOT_SENT);
    peer_done(&p);
}

static void test_client__wakes_for_the_owners_descriptor(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct client *c = open_client(10);
    assert_int_equal(write(ends[1], "x", 1), 1);
    client_run(c, 60000, ends[0]); /* would hang */
    client_run(c, 0, -1);
    client_close(c);
    close(ends[0]);
    close(ends[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client__not_sent_and_cut_are_told_apart),
        cmocka_unit_test(test_client__a_kept_connection_that_dies_repeats_nothing),
        cmocka_unit_test(test_client__another_kept_connection_repeats_nothing_either),
        cmocka_unit_test(test_client__an_idle_close_is_noticed_before_the_next_call),
        cmocka_unit_test(test_client__sends_what_the_request_says_and_no_more),
        cmocka_unit_test(test_client__reads_the_final_answer_and_its_headers),
        cmocka_unit_test(test_client__refuses_what_is_no_http_url_or_breaks_lines),
        cmocka_unit_test(test_address__private_ranges_end_where_they_end),
        cmocka_unit_test(test_client__private_addresses_are_refused_however_spelled),
        cmocka_unit_test(test_client__a_kept_private_connection_serves_only_those_allowed),
        cmocka_unit_test(test_client__a_thousand_calls_at_once_all_end_well),
        cmocka_unit_test(test_client__calls_waiting_for_dying_connections_end_too),
        cmocka_unit_test(test_client__closing_ends_every_call_once),
        cmocka_unit_test(test_client__wakes_for_the_owners_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
