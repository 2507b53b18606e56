#include "net/redis.h"
#include "redis_server.h"

#include "base/clock.h"

#include <hiredis/hiredis.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct redis *open_to(const struct redis_server *s, const char *user, const char *password) {
    struct err e = ERR_INIT;
    struct redis_where where = {.url = sv_of(s->url),
                                .user = sv_of(user),
                                .password = sv_of(password),
                                .ca_file = sv_of(s->ca_file),
                                .timeout_ms = 5000};
    struct redis *r = redis_new(&where, &e);
    assert_non_null(r);
    return r;
}

static bool ask(struct redis *r, struct err *e, const char *a, const char *b, const char *c) {
    struct sv words[3] = {sv_of(a), sv_of(b), sv_of(c)};
    struct redisReply *reply;
    if (!redis_call(r, words, c ? 3 : b ? 2 : 1, &reply, e))
        return false;
    freeReplyObject(reply);
    return true;
}

/* As redis_connect would after its pause. */
static bool connect_soon(struct redis *r, struct err *e) {
    for (int64_t until = clock_monotonic_us() + 30 * US_PER_S; clock_monotonic_us() < until;) {
        *e = ERR_INIT;
        if (redis_connect(r, e))
            return true;
        if (e->kind != ERR_BUSY)
            return false;
        struct timespec ts = {.tv_nsec = 5 * 1000 * 1000};
        nanosleep(&ts, NULL);
    }
    return false;
}

static void test_a_url_is_read_or_refused_with_what_it_should_look_like(void **state) {
    (void)state;
    static const char *const good[] = {"redis://127.0.0.1",
                                       "redis://r:6380",
                                       "rediss://redis.example.com:1/15",
                                       "redis://[::1]:6379/0",
                                       "redis://[::1]",
                                       "unix:/run/redis.sock",
                                       "redis://r/"};
    static const char *const bad[] = {"",
                                      "redis",
                                      "http://r",
                                      "redis://",
                                      "redis://u:p@r",
                                      "redis://r:0",
                                      "redis://r:65536",
                                      "redis://r/x",
                                      "redis://r/-1",
                                      "redis://[::1",
                                      "redis://[::1]6379",
                                      "unix:x",
                                      "redis://r:",
                                      "redis://:1"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(redis_url_check(sv_of(good[i]), NULL));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = ERR_INIT;
        assert_false(redis_url_check(sv_of(bad[i]), &e));
        assert_int_equal(e.kind, ERR_INVALID);
    }
}

static void test_replies_come_in_the_order_of_their_commands(void **state) {
    (void)state;
    struct redis_server s = {0};
    struct err e = ERR_INIT;
    redis_server_start(&s);
    struct redis *r = open_to(&s, NULL, NULL);
    assert_true(redis_connect(r, &e));
    enum { N = 2000 };
    for (int i = 0; i < N; i++)
        redis_add(r, (struct sv[]){SV("INCR"), SV("n")}, 2);
    assert_int_equal(redis_waiting(r), N);
    for (int i = 0; i < N; i++) {
        struct redisReply *reply;
        assert_true(redis_next(r, clock_monotonic_us() + 10 * US_PER_S, &reply, &e));
        assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
        assert_int_equal(reply->integer, i + 1);
        freeReplyObject(reply);
    }
    redis_add(r, (struct sv[]){SV("NOSUCH")}, 1);
    struct redisReply *reply;
    assert_true(redis_next(r, clock_monotonic_us() + 10 * US_PER_S, &reply, &e)); /* an error is a reply */
    assert_int_equal(reply->type, REDIS_REPLY_ERROR);
    freeReplyObject(reply);
    redis_free(r);
    redis_server_done(&s);
}

static void test_a_server_that_died_is_reached_again_after_a_pause(void **state) {
    (void)state;
    struct redis_server s = {0};
    struct err e = ERR_INIT;
    redis_server_start(&s);
    struct redis *r = open_to(&s, NULL, NULL);
    assert_true(ask(r, &e, "SET", "a", "1"));
    redis_server_kill(&s);
    assert_false(ask(r, &e, "GET", "a", NULL));
    assert_int_equal(e.kind, ERR_OUTSIDE);
    assert_false(redis_is_open(r));
    assert_false(redis_connect(r, &e));
    assert_int_equal(e.kind, ERR_BUSY);
    assert_true(redis_retry_at(r) > clock_monotonic_us() - 50 * US_PER_MS);
    assert_false(connect_soon(r, &e)); /* nobody there */
    assert_int_equal(e.kind, ERR_OUTSIDE);
    redis_server_start(&s);
    assert_true(connect_soon(r, &e));
    assert_true(ask(r, &e, "SET", "a", "2"));
    redis_free(r);
    redis_server_done(&s);
}

static void test_a_server_that_hangs_is_given_up_at_the_deadline(void **state) {
    (void)state;
    struct redis_server s = {0};
    struct err e = ERR_INIT;
    redis_server_start(&s);
    struct redis *r = open_to(&s, NULL, NULL);
    assert_true(redis_connect(r, &e));
    redis_server_pause(&s, true);
    int64_t begun = clock_monotonic_us();
    redis_add(r, (struct sv[]){SV("PING")}, 1);
    struct redisReply *reply;
    assert_false(redis_next(r, begun + 100 * US_PER_MS, &reply, &e));
    assert_true(clock_monotonic_us() - begun >= 100 * US_PER_MS);
    assert_false(redis_is_open(r));
    redis_server_pause(&s, false);
    assert_true(connect_soon(r, &e));
    assert_true(ask(r, &e, "PING", NULL, NULL));
    redis_free(r);
    redis_server_done(&s);
}

static void test_who_may_not_is_told_so(void **state) {
    (void)state;
    struct redis_server s = {.acl = "user default off\nuser hongyan on >secret ~h:* +get +select\n"};
    struct err e = ERR_INIT;
    redis_server_start(&s);
    struct redis *r = open_to(&s, "hongyan", "secret"), *wrong = open_to(&s, "hongyan", "guess"),
                 *nobody = open_to(&s, NULL, NULL);
    assert_true(ask(r, &e, "GET", "h:1", NULL));
    assert_false(ask(r, &e, "GET", "x", NULL));
    assert_int_equal(e.kind, ERR_AUTH);
    assert_false(ask(r, &e, "FLUSHALL", NULL, NULL));
    assert_int_equal(e.kind, ERR_AUTH);
    assert_true(ask(r, &e, "GET", "h:2", NULL)); /* the connection is as good as before */
    assert_false(redis_connect(wrong, &e));
    assert_int_equal(e.kind, ERR_AUTH);
    assert_null(strstr(e.text, "guess"));
    assert_false(ask(nobody, &e, "GET", "h:1", NULL));
    assert_int_equal(e.kind, ERR_AUTH);
    redis_free(r);
    redis_free(wrong);
    redis_free(nobody);
    redis_server_done(&s);
}

static void test_tls_is_spoken_with_whom_the_ca_file_names_only(void **state) {
    (void)state;
    struct redis_server s = {.tls = true}, other = {.tls = true};
    struct err e = ERR_INIT;
    redis_server_start(&s);
    redis_server_start(&other);
    struct redis *r = open_to(&s, NULL, NULL);
    char *large = malloc(300001);
    memset(large, 'x', 300000);
    large[300000] = '\0';
    assert_true(ask(r, &e, "SET", "large", large));
    struct redisReply *reply;
    assert_true(redis_call(r, (struct sv[]){SV("GET"), SV("large")}, 2, &reply, &e));
    assert_int_equal(reply->len, 300000);
    freeReplyObject(reply);
    free(large);
    memcpy(s.ca_file, other.ca_file, sizeof s.ca_file);
    struct redis *stranger = open_to(&s, NULL, NULL);
    assert_false(redis_connect(stranger, &e));
    assert_non_null(strstr(e.text, "TLS"));
    redis_free(r);
    redis_free(stranger);
    redis_server_done(&s);
    redis_server_done(&other);
}

/* Takes one connection, reads a little, says so many bytes again and again, and closes. */
static pid_t serve_rubbish(const char *path, const char *bytes, size_t n, int times) {
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&un, sizeof un) == 0 && listen(fd, 1) == 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char asked[64];
        int c = accept(fd, NULL, NULL);
        ssize_t got = read(c, asked, sizeof asked);
        for (int i = 0; got > 0 && i < times; i++)
            got = send(c, bytes, n, MSG_NOSIGNAL);
        _exit(0);
    }
    close(fd);
    return pid;
}

static void test_rubbish_ends_the_connection_and_nothing_else(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        int times;
    } cases[] = {{"HTTP/1.1 400 Bad Request\r\n\r\n", 1},
                 {"$-7\r\n", 1},
                 {"*99999999999999\r\n", 1},
                 {"$99999999\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 400000},
                 {"*1\r\n", 9000},
                 {"", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char dir[] = "/tmp/hongyan-redis-XXXXXX", path[64], url[80];
        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof path, "%s/s", dir);
        snprintf(url, sizeof url, "unix:%s", path);
        pid_t pid = serve_rubbish(path, cases[i].bytes, strlen(cases[i].bytes), cases[i].times);
        struct err e = ERR_INIT;
        struct redis_where where = {.url = sv_of(url), .timeout_ms = 20000};
        struct redis *r = redis_new(&where, &e);
        assert_non_null(r);
        assert_false(ask(r, &e, "GET", "a", NULL));
        if (e.kind != ERR_OUTSIDE || redis_is_open(r))
            fail_msg("case %zu: %s", i, e.text);
        redis_free(r);
        waitpid(pid, NULL, 0);
        unlink(path);
        rmdir(dir);
    }
}

static void test_a_certificate_file_that_is_none_is_refused(void **state) {
    (void)state;
    struct err e = ERR_INIT;
    struct redis_where where = {.url = SV("rediss://localhost"), .ca_file = SV("/dev/null")};
    assert_null(redis_new(&where, &e));
    assert_non_null(strstr(e.text, "/dev/null"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_url_is_read_or_refused_with_what_it_should_look_like),
        cmocka_unit_test(test_replies_come_in_the_order_of_their_commands),
        cmocka_unit_test(test_a_server_that_died_is_reached_again_after_a_pause),
        cmocka_unit_test(test_a_server_that_hangs_is_given_up_at_the_deadline),
        cmocka_unit_test(test_who_may_not_is_told_so),
        cmocka_unit_test(test_tls_is_spoken_with_whom_the_ca_file_names_only),
        cmocka_unit_test(test_rubbish_ends_the_connection_and_nothing_else),
        cmocka_unit_test(test_a_certificate_file_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
