#include "check.h"

#include "base/log.h"

#include <jansson.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

static int64_t fixed_now(void *ctx) {
    (void)ctx;
    return INT64_C(1692853305678000);
}

/* A stand-in for text/mask. */
static void mask_digits(struct sv text, struct buf *out) {
    for (size_t i = 0; i < text.n; i++)
        buf_addc(out, text.p[i] >= '0' && text.p[i] <= '9' ? '#' : text.p[i]);
}

static struct log make(enum log_format format) {
    struct log l = {.fd = memfd_create("log", 0),
                    .level = LOG_INFO,
                    .format = format,
                    .now_us = fixed_now,
                    .mask = mask_digits};
    assert_true(l.fd >= 0);
    return l;
}

/* What was written so far. */
static void read_back(const struct log *l, struct buf *out) {
    buf_reset(out);
    char *at = buf_room(out, 200000);
    assert_non_null(at);
    ssize_t n = pread(l->fd, at, 200000, 0);
    assert_true(n >= 0);
    out->n = (size_t)n;
    at[n] = '\0';
}

static void test_log__logfmt_quotes_what_is_no_plain_word(void **state) {
    (void)state;
    struct log l = make(LOG_LOGFMT);
    struct buf BUF_AUTO b = BUF_INIT(200001);
    log_info(&l, "message.sent", kv_word("sid", SV("SM1")), kv_int("n", -3), kv_opt("none", SV_NONE),
             kv_name("lane", "a b"), kv_phone("to", SV("+8613800138000")), kv_text("said", SV("code 123\n=")),
             kv_word("empty", SV_NONE), kv_word("zh", SV("世")));
    log_debug(&l, "too.fine", kv_int("n", 1));
    read_back(&l, &b);
    assert_sv(buf_sv(&b),
              "ts=2023-08-24T05:01:45.678Z level=info event=message.sent sid=SM1 n=-3 lane=\"a b\" "
              "to=+86*********00 said=\"code ###\\n=\" empty=\"\" zh=\"世\"\n");
    close(l.fd);
}

static void test_log__json_lines_are_json(void **state) {
    (void)state;
    struct log l = make(LOG_JSON);
    struct buf BUF_AUTO b = BUF_INIT(200001);
    log_warn(&l, "lane.down", kv_word("lane", SV("a\"b")), kv_int("n", 7), kv_text("said", SV("\xff 42")));
    read_back(&l, &b);
    assert_true(sv_ends(buf_sv(&b), SV("}\n")));
    json_t *line = json_loadb(b.p, b.n, 0, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "event")), "lane.down");
    assert_string_equal(json_string_value(json_object_get(line, "level")), "warn");
    assert_string_equal(json_string_value(json_object_get(line, "lane")), "a\"b");
    assert_int_equal(json_integer_value(json_object_get(line, "n")), 7);
    assert_string_equal(json_string_value(json_object_get(line, "said")), "\xef\xbf\xbd ##");
    json_decref(line);
    close(l.fd);
}

/* Many long fields: the line is cut somewhere, but it stays one line, and JSON stays JSON. */
static void long_lines(bool batched) {
    static char long_text[9000];
    memset(long_text, 'x', sizeof long_text);
    for (int format = LOG_LOGFMT; format <= LOG_JSON; format++) {
        struct log l = make((enum log_format)format);
        struct buf BUF_AUTO b = BUF_INIT(200001);
        if (batched)
            log_batch_begin(&l);
        for (size_t n = 3800; n < 4300; n += 50) {
            struct sv v = sv_make(long_text, n);
            log_info(&l, "long", kv_word("a", v), kv_text("b", v), kv_word("c", v));
        }
        log_info(&l, "whole", kv_word("z", sv_make(long_text, sizeof long_text)));
        log_info(&l, "last", kv_int("n", 1));
        if (batched)
            log_batch_end(&l);
        read_back(&l, &b);
        struct sv rest = buf_sv(&b);
        size_t lines = 0;
        assert_true(sv_ends(rest, SV("\n")));
        while (rest.n) {
            struct sv line = sv_cut(&rest, '\n');
            lines++;
            assert_true(line.n < 4096);
            assert_true((lines == 12) == (sv_find(line, SV("cut")) == SIZE_MAX));
            if (format == LOG_JSON) {
                json_t *read = json_loadb(line.p, line.n, 0, NULL);
                if (!read)
                    fail_msg("line %zu is no JSON: %.*s", lines, (int)(line.n < 200 ? line.n : 200), line.p);
                json_decref(read);
            } else {
                assert_true(sv_starts(line, SV("ts=")));
            }
        }
        assert_int_equal(lines, 12);
        close(l.fd);
    }
}

static void test_log__an_overlong_line_stays_one_whole_line(void **state) {
    (void)state;
    long_lines(false);
}

static void test_log__an_overlong_line_in_a_batch_stays_one_whole_line(void **state) {
    (void)state;
    long_lines(true);
}

static void test_log__a_batch_is_written_at_its_end(void **state) {
    (void)state;
    struct log l = make(LOG_LOGFMT);
    struct buf BUF_AUTO b = BUF_INIT(200001);
    log_batch_begin(&l);
    log_info(&l, "one", kv_int("n", 1));
    read_back(&l, &b);
    assert_int_equal(b.n, 0);
    log_info(&l, "two", kv_int("n", 2));
    log_batch_end(&l);
    read_back(&l, &b);
    assert_sv(buf_sv(&b), "ts=2023-08-24T05:01:45.678Z level=info event=one n=1\n"
                          "ts=2023-08-24T05:01:45.678Z level=info event=two n=2\n");
    close(l.fd);
}

static void *log_from_thread(void *arg) {
    const struct log *l = arg;
    for (int i = 0; i < 50; i++) {
        log_batch_begin(l);
        for (int k = 0; k < 20; k++)
            log_info(l, "threaded", kv_int("i", i), kv_int("k", k));
        log_batch_end(l);
    }
    return NULL;
}

static void test_log__lines_of_several_threads_are_whole_and_leave_nothing_behind(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct log l = make(LOG_LOGFMT);
    close(l.fd);
    l.fd = ends[1];
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_from_thread, &l), 0);
    struct buf BUF_AUTO all = BUF_INIT(1 << 20);
    size_t lines = 0;
    while (lines < 2 * 50 * 20) {
        char *at = buf_room(&all, 4096);
        assert_non_null(at);
        ssize_t n = read(ends[0], at, 4096);
        assert_true(n > 0);
        for (ssize_t i = 0; i < n; i++)
            lines += at[i] == '\n';
        all.n += (size_t)n;
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    struct sv rest = buf_sv(&all);
    while (rest.n)
        assert_true(
            sv_starts(sv_cut(&rest, '\n'), SV("ts=2023-08-24T05:01:45.678Z level=info event=threaded i=")));
    close(ends[0]);
    close(ends[1]);
}

static void test_log__numbers_are_masked(void **state) {
    (void)state;
    static const struct {
        const char *number, *masked;
    } rows[] = {
        {"+8613800138000", "+86*********00"},
        {"+15558675310", "+15*******10"},
        {"13800138000", "13*******00"},
        {"95588", "95***"},
        {"123", "***"},
        {"李雷@例子.cn", "**************cn"},
        {"a李@example.例子", "a******************"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf BUF_AUTO b = BUF_INIT(100);
        log_mask_phone(sv_of(rows[i].number), &b);
        assert_sv(buf_sv(&b), rows[i].masked);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log__logfmt_quotes_what_is_no_plain_word),
        cmocka_unit_test(test_log__json_lines_are_json),
        cmocka_unit_test(test_log__an_overlong_line_stays_one_whole_line),
        cmocka_unit_test(test_log__an_overlong_line_in_a_batch_stays_one_whole_line),
        cmocka_unit_test(test_log__a_batch_is_written_at_its_end),
        cmocka_unit_test(test_log__lines_of_several_threads_are_whole_and_leave_nothing_behind),
        cmocka_unit_test(test_log__numbers_are_masked),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
