/* E-mail by the client, against a server that says what the test wants it to say. */
#include "base/buf.h"
#include "net/client.h"
#include "net/listen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { TIMEOUT_MS = 1500, CONNS_MAX = 8 };

#define CLOSE "-" /* a reply: the connection ends without a word */
#define SILENCE ""

/* What the server says to each command. */
struct words {
    const char *greeting, *ehlo, *mail, *rcpt, *data, *message, *quit;
};

static const struct words friendly = {
    "220 mx ready", "250-mx\r\n250 SIZE 1000000", "250 2.1.0 Ok", "250 2.1.5 Ok",
    "354 Go on",    "250 2.0.0 Ok: queued as A1", SILENCE};

struct server {
    int listen_fd;
    uint16_t port;
    struct words says;
    unsigned accepted, taken;
    struct server_conn {
        int fd; /* -1: free */
        bool in_message;
        struct buf in;
    } conns[CONNS_MAX];
    struct buf heard; /* all commands, and messages as they came */
};

static void server_open(struct server *s, struct words says) {
    *s = (struct server){.says = says, .heard = BUF_INIT(1 << 20)};
    struct err e = ERR_INIT;
    s->listen_fd = listen_open("127.0.0.1", 0, false, &e);
    assert_true(s->listen_fd >= 0);
    s->port = listen_port(s->listen_fd);
    for (size_t i = 0; i < CONNS_MAX; i++)
        s->conns[i] = (struct server_conn){.fd = -1, .in = BUF_INIT(1 << 20)};
}

static void hang_up(struct server_conn *c) {
    close(c->fd);
    c->fd = -1;
    buf_reset(&c->in);
}

static void server_done(struct server *s) {
    close(s->listen_fd);
    for (size_t i = 0; i < CONNS_MAX; i++) {
        if (s->conns[i].fd >= 0)
            hang_up(&s->conns[i]);
        buf_done(&s->conns[i].in);
    }
    buf_done(&s->heard);
}

static void say(struct server_conn *c, const char *reply) {
    if (strcmp(reply, CLOSE) == 0) {
        hang_up(c);
        return;
    }
    if (!*reply)
        return;
    struct buf BUF_AUTO line = BUF_INIT(8192);
    buf_addf(&line, "%s\r\n", reply);
    assert_int_equal(send(c->fd, line.p, line.n, MSG_NOSIGNAL), line.n);
}

static void obey(struct server *s, struct server_conn *c, struct sv line) {
    buf_addf(&s->heard, "%.*s\n", SV_FMT(line));
    if (sv_starts(line, SV("EHLO")) || sv_starts(line, SV("HELO"))) {
        say(c, s->says.ehlo);
    } else if (sv_starts(line, SV("MAIL"))) {
        say(c, s->says.mail);
    } else if (sv_starts(line, SV("RCPT"))) {
        say(c, s->says.rcpt);
    } else if (sv_starts(line, SV("DATA"))) {
        c->in_message = sv_starts(sv_of(s->says.data), SV("354"));
        say(c, s->says.data);
    } else if (sv_starts(line, SV("QUIT"))) {
        say(c, s->says.quit);
    } else {
        say(c, "250 2.0.0 Ok");
    }
}

/* One line, or the message to its final dot; false when there is no whole one. */
static bool hear(struct server *s, struct server_conn *c) {
    struct sv in = buf_sv(&c->in), end = c->in_message ? SV("\r\n.\r\n") : SV("\r\n");
    size_t at = sv_find(in, end);
    if (c->fd < 0 || at == SIZE_MAX)
        return false;
    struct sv whole = sv_sub(in, 0, at);
    if (c->in_message) {
        buf_addf(&s->heard, "%.*s\n.\n", SV_FMT(whole));
        c->in_message = false;
        s->taken++;
        say(c, s->says.message);
    } else {
        obey(s, c, whole);
    }
    if (c->fd < 0)
        return false;
    size_t used = at + end.n;
    memmove(c->in.p, c->in.p + used, c->in.n - used);
    c->in.n -= used;
    return true;
}

static void server_turn(struct server *s) {
    for (size_t i = 0; i < CONNS_MAX; i++) {
        struct server_conn *c = &s->conns[i];
        if (c->fd < 0) {
            c->fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (c->fd < 0)
                continue;
            s->accepted++;
            c->in_message = false;
            say(c, s->says.greeting);
            continue;
        }
        char *room = buf_room(&c->in, 16384);
        assert_non_null(room);
        ssize_t n = recv(c->fd, room, 16384, 0);
        if (n == 0) {
            hang_up(c);
            continue;
        }
        if (n > 0)
            c->in.n += (size_t)n;
        while (hear(s, c)) {
        }
    }
}

/* ---- the client's side ---- */

struct outcome {
    unsigned n;
    enum http_transport transport;
    int status;
    char text[5000], command[20], error[300];
};

static void on_done(void *ctx, const struct http_response *r) {
    struct outcome *o = ctx;
    o->n++;
    o->transport = r->transport;
    o->status = r->status;
    snprintf(o->text, sizeof o->text, "%.*s", SV_FMT(r->body));
    snprintf(o->error, sizeof o->error, "%.*s", SV_FMT(r->error));
    struct sv command = http_find_header(r->headers, r->n_headers, SV("Command"));
    snprintf(o->command, sizeof o->command, "%.*s", SV_FMT(command));
}

static struct client *open_client(void) {
    struct err e = ERR_INIT;
    struct client *c = client_open(&(struct client_options){.connections_max = 4}, &e);
    assert_non_null(c);
    return c;
}

static bool start(struct client *c, const struct http_request *rq, struct outcome *o, struct err *e) {
    *o = (struct outcome){0};
    return client_start(c,
                        &(struct client_call){.request = rq,
                                              .timeout_ms = TIMEOUT_MS,
                                              .connect_timeout_ms = TIMEOUT_MS,
                                              .body_bytes_max = 4000,
                                              .allow_private = true,
                                              .done = on_done,
                                              .ctx = o},
                        e);
}

static struct outcome send_by(struct client *c, struct server *s, const struct mail_envelope *m,
                              struct sv body) {
    char url[100];
    snprintf(url, sizeof url, "smtp://127.0.0.1:%u/gw.example.com", s->port);
    struct http_request rq = {.method = HTTP_POST, .url = sv_of(url), .body = body, .mail = m};
    struct outcome o;
    struct err e = ERR_INIT;
    assert_true(start(c, &rq, &o, &e));
    while (client_in_flight(c)) {
        client_run(c, 1, -1);
        server_turn(s);
    }
    assert_int_equal(o.n, 1);
    return o;
}

static const struct mail_envelope plain = {.from = {"bounce@example.com", 18}, .to = {"zoe@example.org", 15}};
static const struct sv text = {"Subject: x\r\n\r\n.dot\r\nend\r\n", 25};

/* One message to a server that says these words. */
static struct outcome send_to(struct words says) {
    struct server s;
    server_open(&s, says);
    struct client *c = open_client();
    struct outcome o = send_by(c, &s, &plain, text);
    client_close(c);
    server_done(&s);
    return o;
}

static void test_mail__accepted_message_answers_with_the_last_reply(void **state) {
    (void)state;
    struct server s;
    server_open(&s, friendly);
    struct client *c = open_client();
    struct outcome o = send_by(c, &s, &plain, text);
    assert_int_equal(o.transport, HTTP_ANSWERED);
    assert_int_equal(o.status, 250);
    assert_string_equal(o.command, "MESSAGE");
    assert_string_equal(o.text, "2.0.0 Ok: queued as A1");
    assert_string_equal(s.heard.p, "EHLO gw.example.com\nMAIL FROM:<bounce@example.com>\n"
                                   "RCPT TO:<zoe@example.org>\nDATA\nSubject: x\r\n\r\n..dot\r\nend\n.\n");
    client_close(c);
    server_done(&s);
}

static void test_mail__connection_is_kept_and_one_that_ended_is_not_used(void **state) {
    (void)state;
    struct server s;
    server_open(&s, friendly);
    struct client *c = open_client();
    for (int i = 0; i < 5; i++)
        assert_int_equal(send_by(c, &s, &plain, text).status, 250);
    assert_int_equal(s.accepted, 1);
    say(&s.conns[0], "421 4.4.2 timed out");
    hang_up(&s.conns[0]);
    assert_int_equal(send_by(c, &s, &plain, text).status, 250);
    assert_int_equal(s.accepted, 2);
    assert_int_equal(s.taken, 6);
    client_close(c);
    server_done(&s);
}

static void test_mail__kept_session_that_ends_under_a_message_is_replaced_once(void **state) {
    (void)state;
    static const char *const ends[] = {CLOSE, "421 4.7.0 enough"};
    for (size_t i = 0; i < 2; i++) {
        struct server s;
        server_open(&s, friendly);
        struct client *c = open_client();
        assert_int_equal(send_by(c, &s, &plain, text).status, 250);
        s.says.mail = ends[i];
        struct outcome o = send_by(c, &s, &plain, text);
        assert_int_equal(s.accepted, 2); /* the new one ends the same way, and that is the answer */
        assert_int_equal(o.transport, i ? HTTP_ANSWERED : HTTP_NOT_SENT);
        assert_int_equal(o.status, i ? 421 : 0);
        assert_int_equal(s.taken, 1);
        client_close(c);
        server_done(&s);
    }
}

static void test_mail__session_goes_on_after_a_refusal(void **state) {
    (void)state;
    struct server s;
    struct words says = friendly;
    says.rcpt = "550 5.1.1 no such user";
    server_open(&s, says);
    struct client *c = open_client();
    assert_int_equal(send_by(c, &s, &plain, text).status, 550);
    while (!strstr(s.heard.p, "RSET\n")) {
        client_run(c, 1, -1);
        server_turn(&s);
    }
    client_run(c, 50, -1); /* the reply to RSET */
    s.says = friendly;
    assert_int_equal(send_by(c, &s, &plain, text).status, 250);
    assert_int_equal(s.accepted, 1);
    client_close(c);
    server_done(&s);
}

static void test_mail__refusal_names_the_command(void **state) {
    (void)state;
    static const struct {
        size_t which;
        const char *reply, *command;
        int status;
    } cases[] = {
        {offsetof(struct words, greeting), "554 5.7.1 no", "CONNECT", 554},
        {offsetof(struct words, greeting), "421 4.3.2 busy", "CONNECT", 421},
        {offsetof(struct words, mail), "550 5.7.1 not you", "MAIL", 550},
        {offsetof(struct words, rcpt), "550-5.1.1 no such\r\n550 5.1.1 user", "RCPT", 550},
        {offsetof(struct words, rcpt), "451 4.7.1 grey", "RCPT", 451},
        {offsetof(struct words, data), "554 5.5.1 no", "DATA", 554},
        {offsetof(struct words, message), "552 5.3.4 too big", "MESSAGE", 552},
        {offsetof(struct words, message), "421 4.3.0 going", "MESSAGE", 421},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct words says = friendly;
        memcpy((char *)&says + cases[i].which, &cases[i].reply, sizeof cases[i].reply);
        struct outcome o = send_to(says);
        assert_int_equal(o.transport, HTTP_ANSWERED);
        assert_int_equal(o.status, cases[i].status);
        assert_string_equal(o.command, cases[i].command);
    }
}

static void test_mail__reply_of_several_lines_comes_whole(void **state) {
    (void)state;
    struct words says = friendly;
    says.rcpt = "550-5.1.1 no such\r\n550-5.1.1 user\r\n550 5.1.1 here";
    assert_string_equal(send_to(says).text, "5.1.1 no such\n5.1.1 user\n5.1.1 here");
}

static void test_mail__what_ends_before_the_final_dot_was_not_sent(void **state) {
    (void)state;
    static const size_t places[] = {offsetof(struct words, greeting), offsetof(struct words, ehlo),
                                    offsetof(struct words, mail), offsetof(struct words, rcpt),
                                    offsetof(struct words, data)};
    static const char *const ends[] = {CLOSE, SILENCE};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        for (size_t k = 0; k < 2; k++) {
            struct words says = friendly;
            memcpy((char *)&says + places[i], &ends[k], sizeof ends[k]);
            struct outcome o = send_to(says);
            assert_int_equal(o.transport, HTTP_NOT_SENT);
            assert_true(o.error[0]);
        }
}

static void test_mail__no_reply_to_the_final_dot_is_cut(void **state) {
    (void)state;
    struct words says = friendly;
    says.message = CLOSE;
    assert_int_equal(send_to(says).transport, HTTP_CUT);
    says.message = SILENCE;
    assert_int_equal(send_to(says).transport, HTTP_CUT);
    says.message = "250-half a";
    assert_int_equal(send_to(says).transport, HTTP_CUT);
}

static void test_mail__message_that_stops_half_way_was_not_sent(void **state) {
    (void)state;
    struct server s;
    server_open(&s, friendly);
    struct client *c = open_client();
    enum { BIG = 8 << 20 };
    char *p = malloc(BIG);
    assert_non_null(p);
    memset(p, 'x', BIG);
    char url[100];
    snprintf(url, sizeof url, "smtp://127.0.0.1:%u/gw.example.com", s.port);
    struct http_request rq = {
        .method = HTTP_POST, .url = sv_of(url), .body = sv_make(p, BIG), .mail = &plain};
    struct outcome o;
    struct err e = ERR_INIT;
    assert_true(start(c, &rq, &o, &e));
    while (client_in_flight(c)) {
        client_run(c, 1, -1);
        if (s.conns[0].in_message)
            hang_up(&s.conns[0]);
        else
            server_turn(&s);
    }
    assert_int_equal(o.transport, HTTP_NOT_SENT);
    free(p);
    client_close(c);
    server_done(&s);
}

static void test_mail__server_that_never_heard_of_ehlo_is_greeted_by_helo(void **state) {
    (void)state;
    struct server s;
    struct words says = friendly;
    says.ehlo = "502 5.5.2 what";
    server_open(&s, says);
    struct client *c = open_client();
    struct outcome o = send_by(c, &s, &plain, text);
    assert_non_null(strstr(s.heard.p, "HELO gw.example.com"));
    assert_int_equal(o.transport, HTTP_NOT_SENT); /* that one refuses both */
    client_close(c);
    server_done(&s);
}

static void test_mail__without_tls_nothing_is_said_to_a_server_that_must_have_it(void **state) {
    (void)state;
    struct server s;
    server_open(&s, friendly);
    struct client *c = open_client();
    struct mail_envelope strict = plain;
    strict.tls = MAIL_TLS_ALWAYS;
    assert_int_equal(send_by(c, &s, &plain, text).status, 250); /* a kept connection without TLS is no way */
    assert_int_equal(send_by(c, &s, &strict, text).transport, HTTP_NOT_SENT);
    assert_int_equal(s.taken, 1);
    strict.tls = MAIL_TLS_TRY;
    assert_int_equal(send_by(c, &s, &strict, text).status, 250);
    client_close(c);
    server_done(&s);
}

static void test_mail__server_is_asked_for_noop_when_there_is_no_recipient(void **state) {
    (void)state;
    struct server s;
    server_open(&s, friendly);
    struct client *c = open_client();
    struct mail_envelope nobody = {.tls = MAIL_TLS_NEVER};
    struct outcome o = send_by(c, &s, &nobody, SV_NONE);
    assert_int_equal(o.status, 250);
    assert_string_equal(o.command, "NOOP");
    assert_string_equal(s.heard.p, "EHLO gw.example.com\nNOOP\n");
    client_close(c);
    server_done(&s);
}

static void test_mail__address_that_would_end_its_line_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"a@b\r\nRCPT TO:<c@d>", "a@b> SIZE=1", "<a@b", "a b@c", "a@b\n"};
    struct client *c = open_client();
    for (size_t i = 0; i < 2 * sizeof bad / sizeof bad[0]; i++) {
        struct mail_envelope m = plain;
        *(i % 2 ? &m.from : &m.to) = sv_of(bad[i / 2]);
        struct http_request rq = {
            .method = HTTP_POST, .url = SV("smtp://127.0.0.1:9/x"), .body = text, .mail = &m};
        struct outcome o;
        struct err e = ERR_INIT;
        assert_false(start(c, &rq, &o, &e));
        assert_int_equal(e.kind, ERR_INVALID);
    }
    client_close(c);
}

static void test_mail__http_and_mail_go_by_the_same_client(void **state) {
    (void)state;
    struct server s;
    struct words says = friendly;
    says.greeting = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    server_open(&s, friendly);
    struct client *c = open_client();
    assert_int_equal(send_by(c, &s, &plain, text).status, 250);
    hang_up(&s.conns[0]);
    s.says = says;
    char url[100];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", s.port);
    struct http_request rq = {.method = HTTP_GET, .url = sv_of(url)};
    struct outcome o;
    struct err e = ERR_INIT;
    s.heard.n = 0;
    assert_true(start(c, &rq, &o, &e));
    while (client_in_flight(c)) {
        client_run(c, 1, -1);
        server_turn(&s);
    }
    assert_int_equal(o.transport, HTTP_ANSWERED);
    assert_int_equal(o.status, 200);
    assert_string_equal(o.text, "ok");
    assert_true(sv_starts(buf_sv(&s.heard), SV("GET / HTTP/1.1")));
    client_close(c);
    server_done(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail__accepted_message_answers_with_the_last_reply),
        cmocka_unit_test(test_mail__connection_is_kept_and_one_that_ended_is_not_used),
        cmocka_unit_test(test_mail__kept_session_that_ends_under_a_message_is_replaced_once),
        cmocka_unit_test(test_mail__session_goes_on_after_a_refusal),
        cmocka_unit_test(test_mail__refusal_names_the_command),
        cmocka_unit_test(test_mail__reply_of_several_lines_comes_whole),
        cmocka_unit_test(test_mail__what_ends_before_the_final_dot_was_not_sent),
        cmocka_unit_test(test_mail__no_reply_to_the_final_dot_is_cut),
        cmocka_unit_test(test_mail__message_that_stops_half_way_was_not_sent),
        cmocka_unit_test(test_mail__server_that_never_heard_of_ehlo_is_greeted_by_helo),
        cmocka_unit_test(test_mail__without_tls_nothing_is_said_to_a_server_that_must_have_it),
        cmocka_unit_test(test_mail__server_is_asked_for_noop_when_there_is_no_recipient),
        cmocka_unit_test(test_mail__address_that_would_end_its_line_is_refused),
        cmocka_unit_test(test_mail__http_and_mail_go_by_the_same_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
