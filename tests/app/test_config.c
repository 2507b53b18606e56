/* What a case file cannot say: the tables against the code and the docs, bounds, printing, the command. */
#include "../base/check.h"

#include "app/config_near.h"
#include "app/config_table.h"
#include "app/config_value.h"
#include "fake_source.h"
#include "model/state.h"

#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

static const char env_text[] = "SID=AC0123456789abcdef0123456789abcdef\n"
                               "TOKEN=0123456789abcdef0123456789abcdef\n"
                               "REDIS_PASSWORD=sesame\n"; /* which an example names */
static const char lane_text[] = "lanes:\n  - {name: a, provider: twilio, account_sid: '${SID}', auth_token: "
                                "'${TOKEN}', from: '+15005550006'}\n";

static struct settings *load_text(struct sv yaml, struct config_problems *problems) {
    struct fake_source f = {.env = sv_of(env_text)};
    fake_file(&f, SV("h.yaml"), yaml);
    fake_file(&f, SV("prices/aliyun.csv"), SV("86,0.045\n")); /* which examples name */
    fake_file(&f, SV("/etc/hongyan/holidays/cn.yaml"),
              SV("name: cn\nfirst: 2026-01-01\nlast: 2026-12-31\nholidays: [2026-01-01]\n"));
    struct config_source src = fake_source_of(&f);
    return config_load(SV("h.yaml"), &src, problems);
}

/* ---- the tables ---- */

static void check_rows(const struct config_row *rows) {
    size_t n = 0;
    for (const struct config_row *r = rows; r->key; r++, n++) {
        assert_ptr_equal(config_row_find(rows, sv_of(r->key)), r); /* no key twice */
        assert_true(r->doc && r->doc_zh);
        assert_true(r->kind != CONFIG_U32 || (r->fallback && r->max > r->min));
        assert_true((r->kind != CONFIG_ENUM && r->kind != CONFIG_WORD) || r->names);
    }
    assert_true(n <= CONFIG_ROWS_MAX);
}

static void test_table__rows_are_whole_and_different(void **state) {
    (void)state;
    check_rows(config_rows);
    check_rows(config_lane_rows);
    for (const struct config_row *r = config_rows; r->key; r++) {
        struct sv key = sv_of(r->key), section = sv_cut(&key, '.');
        bool known = !key.p;
        for (const struct config_section *s = config_sections; !known && s->key; s++)
            known = sv_eq(section, sv_of(s->key));
        assert_true(known);
    }
}

static void add_examples(const struct config_row *rows, const char *indent, struct buf *out) {
    struct sv section = SV_NONE;
    for (const struct config_row *r = rows; r->key; r++) {
        struct sv key = sv_of(r->key), own = sv_find_char(key, '.') == SIZE_MAX ? SV_NONE : sv_cut(&key, '.');
        if (own.n && !sv_eq(own, section))
            buf_addf(out, "%s%.*s:\n", indent, SV_FMT(own));
        section = own;
        if (r->example)
            buf_addf(out, "%s%s%.*s: %s\n", indent, own.n ? "  " : "", SV_FMT(key), r->example);
    }
}

static void test_table__examples_are_accepted(void **state) {
    (void)state;
    struct buf BUF_AUTO yaml = BUF_INIT(1 << 16);
    add_examples(config_rows, "", &yaml);
    buf_adds(&yaml, "lanes:\n  - account_sid: ${SID}\n    auth_token: ${TOKEN}\n");
    add_examples(config_lane_rows, "    ", &yaml);
    struct config_problems problems = {0};
    struct settings *s = load_text(buf_sv(&yaml), &problems);
    if (!s)
        fail_msg("line %u: %s", problems.at[0].line, problems.at[0].text);
    config_free(s);
}

static void test_table__names_are_those_of_the_model(void **state) {
    (void)state;
    const struct config_row *row = config_row_find(config_rows, SV("defaults.priority"));
    for (int i = 0; i < PRIORITY_COUNT; i++)
        assert_string_equal(row->names[i], priority_name((enum priority)i));
    assert_null(row->names[PRIORITY_COUNT]);
    row = config_row_find(config_rows, SV("defaults.delivery"));
    assert_string_equal(row->names[DELIVERY_AT_MOST_ONCE], delivery_name(DELIVERY_AT_MOST_ONCE));
    assert_string_equal(row->names[DELIVERY_AT_LEAST_ONCE], delivery_name(DELIVERY_AT_LEAST_ONCE));
    row = config_row_find(config_rows, SV("log.level"));
    assert_string_equal(row->names[LOG_DEBUG], "debug");
    assert_string_equal(row->names[LOG_ERROR], "error");
    row = config_row_find(config_rows, SV("log.format"));
    assert_string_equal(row->names[LOG_JSON], "json");
}

static void test_table__no_adapter_field_hides_a_common_key(void **state) {
    (void)state;
    for (size_t a = 0; adapters[a]; a++) {
        assert_true(adapters[a]->n_fields <= LANE_FIELDS_MAX);
        for (size_t i = 0; i < adapters[a]->n_fields; i++) {
            const struct adapter_field *f = &adapters[a]->fields[i];
            assert_null(config_row_find(config_lane_rows, sv_of(f->name)));
            struct sv name = sv_of(f->name); /* NAME_file stands for the file of the secret NAME */
            int own = sv_ends(name, SV("_file"))
                          ? adapter_field_index(adapters[a], sv_sub(name, 0, name.n - 5))
                          : -1;
            assert_false(own >= 0 && adapters[a]->fields[own].secret);
            assert_true(f->label && f->label_zh);
            assert_false(f->secret && f->fallback);
        }
    }
}

static void test_doc__the_file_is_what_the_table_makes(void **state) {
    (void)state;
    struct buf BUF_AUTO made = BUF_INIT(1 << 20), BUF_AUTO file = BUF_INIT(1 << 20);
    struct config_source real = config_source_real();
    struct err e = ERR_INIT;
    config_doc(&made);
    assert_true(real.read(real.ctx, sv_of(getenv("HY_CONFIG_MD")), &file, &e));
    if (!sv_eq(buf_sv(&made), buf_sv(&file)))
        fail_msg("docs/config.md is old: hongyan config doc > docs/config.md");
}

/* Pages of both languages end with what the adapter's tables make. */
static void test_doc__a_providers_page_ends_with_its_tables(void **state) {
    (void)state;
    static const char *const endings[] = {".md", ".zh-CN.md"};
    struct config_source real = config_source_real();
    for (size_t a = 0; adapters[a]; a++) {
        struct buf BUF_AUTO made = BUF_INIT(1 << 20);
        config_provider_doc(adapters[a], &made);
        for (size_t i = 0; i < 2; i++) {
            struct buf BUF_AUTO page = BUF_INIT(1 << 20), BUF_AUTO path = BUF_INIT(4096);
            struct err e = ERR_INIT;
            buf_addf(&path, "%s/%s%s", getenv("HY_PROVIDER_DOCS"), adapters[a]->name, endings[i]);
            if (!real.read(real.ctx, buf_sv(&path), &page, &e) || !sv_ends(buf_sv(&page), buf_sv(&made)))
                fail_msg("docs/providers/%s%s does not end with what `hongyan config doc %s` makes",
                         adapters[a]->name, endings[i], adapters[a]->name);
        }
    }
}

static void test_doc__the_example_is_accepted(void **state) {
    (void)state;
    struct buf BUF_AUTO text = BUF_INIT(1 << 20), BUF_AUTO why = BUF_INIT(1 << 16);
    struct config_source real = config_source_real();
    struct err e = ERR_INIT;
    assert_true(real.read(real.ctx, sv_of(getenv("HY_CONFIG_EXAMPLE")), &text, &e));
    struct fake_source f = {.env = SV("TWILIO_ACCOUNT_SID=AC0123456789abcdef0123456789abcdef\n"
                                      "TWILIO_AUTH_TOKEN=0123456789abcdef0123456789abcdef\n"
                                      "TWILIO_FROM=+15005550006\n"
                                      "HONGYAN_PUBLIC_URL=https://sms.example.com\n")};
    fake_file(&f, SV("h.yaml"), buf_sv(&text));
    struct config_source src = fake_source_of(&f);
    struct config_problems problems = {0};
    struct settings *s = config_load(SV("h.yaml"), &src, &problems);
    config_problems_print(&problems, &why);
    if (!s)
        fail_msg("%s", why.p);
    assert_string_equal(s->lanes[0].name, "twilio");
    assert_sv(s->public_url, "https://sms.example.com");
    config_free(s);
}

static void test_explain__every_key_and_section_has_words(void **state) {
    (void)state;
    for (int chinese = 0; chinese < 2; chinese++) {
        struct buf BUF_AUTO out = BUF_INIT(1 << 20);
        struct err e = ERR_INIT;
        for (const struct config_row *r = config_rows; r->key; r++)
            assert_true(config_explain(sv_of(r->key), chinese, &out, &e));
        for (const struct config_section *s = config_sections; s->key; s++)
            assert_true(config_explain(sv_of(s->key), chinese, &out, &e));
        assert_true(config_explain(SV("lanes[].timeout_ms"), chinese, &out, &e));
        assert_true(config_explain(SV("lanes.auth_token"), chinese, &out, &e));
        assert_true(config_explain(SV("auth_token_file"), chinese, &out, &e));
        assert_true(config_explain(SV(""), chinese, &out, &e));
        assert_false(out.overflow);
        buf_reset(&out);
        assert_false(config_explain(SV("limits.idel_s"), chinese, &out, &e));
        assert_int_equal(e.kind, ERR_NOT_FOUND);
        assert_string_equal(e.text, "unknown key `limits.idel_s`; did you mean `limits.idle_s`?");
        assert_int_equal(out.n, 0);
    }
}

/* ---- bounds ---- */

static void test_load__twenty_problems_are_told_and_the_rest_counted(void **state) {
    (void)state;
    struct buf BUF_AUTO yaml = BUF_INIT(1 << 16), BUF_AUTO out = BUF_INIT(1 << 16);
    for (int i = 0; i < 30; i++)
        buf_addf(&yaml, "zz%d: 1\n", i);
    buf_adds(&yaml, lane_text);
    struct config_problems problems = {0};
    assert_null(load_text(buf_sv(&yaml), &problems));
    assert_int_equal(problems.n, CONFIG_PROBLEMS_MAX);
    assert_int_equal(problems.left_out, 10);
    assert_false(problems.no_input);
    config_problems_print(&problems, &out);
    assert_true(sv_ends(buf_sv(&out), SV("and 10 more\n")));
}

static void test_load__a_file_that_is_not_there_is_no_input(void **state) {
    (void)state;
    struct fake_source f = {0};
    struct config_source src = fake_source_of(&f);
    struct config_problems problems = {0};
    assert_null(config_load(SV("none.yaml"), &src, &problems));
    assert_true(problems.no_input);
    assert_int_equal(problems.n, 1);
}

/* A text of n times what, and what is reported of it. */
static void expect_refusal(const char *start, const char *what, size_t n, const char *wanted) {
    struct buf BUF_AUTO yaml = BUF_INIT(8 << 20);
    buf_adds(&yaml, start);
    for (size_t i = 0; i < n; i++)
        buf_adds(&yaml, what);
    struct config_problems problems = {0};
    assert_null(load_text(buf_sv(&yaml), &problems));
    for (size_t i = 0; i < problems.n; i++)
        if (strcmp(problems.at[i].text, wanted) == 0)
            return;
    fail_msg("%s", problems.at[0].text);
}

static void test_load__greedy_files_are_refused(void **state) {
    (void)state;
    expect_refusal("a: ", "[", 100000, "nested too deeply");
    expect_refusal("a: ", "{a: ", 60000, "nested too deeply");
    expect_refusal("a: [", "x,", 100000, "too many entries");
    expect_refusal("", "a: 1\n", CONFIG_FILE_BYTES_MAX / 5 + 1, "is larger than 1048576 bytes");
    expect_refusal("data_dir: ", "${SID}", 40000, "`data_dir`: longer than 8192 bytes");
}

static void test_load__too_many_lanes_are_refused(void **state) {
    (void)state;
    struct buf BUF_AUTO yaml = BUF_INIT(1 << 16);
    buf_adds(&yaml, "lanes:\n");
    for (int i = 0; i <= SETTINGS_LANES_MAX; i++)
        buf_addf(&yaml,
                 "  - {name: l%d, provider: twilio, account_sid: '${SID}', auth_token: '${TOKEN}', from: "
                 "'+15005550006'}\n",
                 i);
    struct config_problems problems = {0};
    assert_null(load_text(buf_sv(&yaml), &problems));
    assert_int_equal(problems.n, 1);
    assert_string_equal(problems.at[0].text, "more than 64 lanes");
}

/* ---- printing ---- */

static void test_print__what_is_printed_loads_as_the_same(void **state) {
    (void)state;
    struct buf BUF_AUTO yaml = BUF_INIT(1 << 16), BUF_AUTO once = BUF_INIT(1 << 16);
    struct buf BUF_AUTO again = BUF_INIT(1 << 16), BUF_AUTO second = BUF_INIT(1 << 16);
    struct config_problems problems = {0};
    buf_adds(&yaml, "data_dir: \"yes\"\ntemplates: {dir: 'a $${b} \"c\" # \\ 鸿'}\nscreen: {words: [null-x, "
                    "'-', '1']}\n");
    buf_adds(&yaml, lane_text);
    struct settings *s = load_text(buf_sv(&yaml), &problems);
    assert_non_null(s);
    assert_sv(s->templates.dir, "a ${b} \"c\" # \\ 鸿");
    config_print(s, &once);
    assert_true(sv_find(buf_sv(&once), SV("auth_token: \"***\"")) != SIZE_MAX);
    assert_true(sv_find(buf_sv(&once), SV("0123456789abcdef0123456789abcdef\n    auth")) != SIZE_MAX);
    size_t stars = sv_find(buf_sv(&once), SV("\"***\""));
    buf_add(&again, sv_sub(buf_sv(&once), 0, stars));
    buf_adds(&again, "${TOKEN}");
    buf_add(&again, sv_from(buf_sv(&once), stars + 5));
    struct settings *t = load_text(buf_sv(&again), &problems);
    if (!t)
        fail_msg("line %u: %s", problems.at[0].line, problems.at[0].text);
    config_print(t, &second);
    assert_string_equal(once.p, second.p);
    config_free(s);
    config_free(t);
}

static void test_variable__comes_from_where_values_come_from(void **state) {
    (void)state;
    struct fake_source f = {.env = SV("A=env\n")};
    fake_file(&f, SV("conf/.env"), SV("A=beside\nB=beside\n"));
    fake_file(&f, SV(".env"), SV("B=here\nC=here\n"));
    struct config_source src = fake_source_of(&f);
    static const char *const wanted[][2] = {{"A", "env"}, {"B", "beside"}, {"C", "here"}};
    for (size_t i = 0; i < 3; i++) {
        struct buf BUF_AUTO out = BUF_INIT(100);
        assert_true(config_variable(SV("conf/h.yaml"), &src, sv_of(wanted[i][0]), &out));
        assert_string_equal(out.p, wanted[i][1]);
    }
    struct buf BUF_AUTO out = BUF_INIT(100);
    assert_false(config_variable(SV("conf/h.yaml"), &src, SV("D"), &out));
}

static void test_listen__is_split_into_address_and_port(void **state) {
    (void)state;
    static const struct {
        const char *listen, *address;
        int port; /* -1: refused */
    } list[] = {
        {"127.0.0.1:8080", "127.0.0.1", 8080},
        {"0.0.0.0:0", "0.0.0.0", 0},
        {"[::]:65535", "::", 65535},
        {"[::1]:80", "::1", 80},
        {"::1:80", "", -1},
        {"[127.0.0.1]:80", "", -1},
        {"127.0.0.1", "", -1},
        {":80", "", -1},
        {"127.0.0.1:65536", "", -1},
        {"127.0.0.1:", "", -1},
        {"", "", -1},
        {"[::1:80", "", -1},
        {"[]:80", "", -1},
        {"127.1:80", "", -1},
        {"host:80", "", -1},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char address[INET6_ADDRSTRLEN] = "";
        uint16_t port = 0;
        struct err e = ERR_INIT;
        bool ok = config_split_listen(sv_of(list[i].listen), address, &port, &e);
        if (ok != (list[i].port >= 0) || strcmp(address, list[i].address) || (ok && port != list[i].port))
            fail_msg("%s", list[i].listen);
    }
}

static void test_url__of_the_public_face_has_no_extras(void **state) {
    (void)state;
    static const struct {
        const char *url, *kept; /* NULL: refused */
    } list[] = {
        {"https://a.b", "https://a.b"},
        {"http://[::1]:80/x//", "http://[::1]:80/x"},
        {"https://a:0", NULL},
        {"https://", NULL},
        {"https://u@a", NULL},
        {"https://a?x", NULL},
        {"https://a#x", NULL},
        {"ftp://a", NULL},
        {"https://a:99999", NULL},
        {"https://a b", NULL},
        {"https://a:80:80", NULL},
        {"HTTPS://a", NULL},
        {"https://[::1", NULL},
        {"https:///x", NULL},
        {"https://[::1]", "https://[::1]"},
    };
    const struct config_row *row = config_row_find(config_rows, SV("public_url"));
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        struct settings s = {0};
        struct err e = ERR_INIT;
        arena_init(&s.arena, 4096);
        bool ok = config_value_put(row, sv_of(list[i].url), &s, &s.arena, &e);
        if (ok != (list[i].kept != NULL) || (ok && !sv_eq(s.public_url, sv_of(list[i].kept))))
            fail_msg("%s", list[i].url);
        arena_done(&s.arena);
    }
}

static void test_near__a_slip_is_found_and_a_stranger_is_not(void **state) {
    (void)state;
    static const struct {
        const char *wanted, *known;
        bool near;
    } list[] = {
        {"lmits", "limits", true},
        {"limtis", "limits", true},
        {"Limits", "limits", true},
        {"idle-s", "idle_s", true},
        {"foo", "from", false},
        {"auth_tokn_fle", "auth_token_file", true},
        {"idle", "idle_s", true},
        {"x", "y", true},
        {"screen", "threads", false},
        {"a", "connections_max", false},
        {"acount_sid", "account_sid", true},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        struct config_near near = config_near_of(sv_of(list[i].wanted));
        config_near_try(&near, sv_of(list[i].known));
        if ((near.best.n > 0) != list[i].near)
            fail_msg("%s, %s", list[i].wanted, list[i].known);
    }
}

/* ---- the command ---- */

struct output {
    int code;
    struct buf out, err;
};

static void slurp(int fd, struct buf *out) {
    char part[4096];
    lseek(fd, 0, SEEK_SET);
    for (ssize_t n; (n = read(fd, part, sizeof part)) > 0;)
        buf_add(out, sv_make(part, (size_t)n));
    close(fd);
}

static struct output command(char **argv) {
    struct output o = {.out = BUF_INIT(1 << 20), .err = BUF_INIT(1 << 20)};
    int argc = 0, saved[2] = {dup(1), dup(2)}, files[2];
    while (argv[argc])
        argc++;
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        files[i] = open("/tmp", O_TMPFILE | O_RDWR, 0600);
        assert_true(files[i] >= 0 && dup2(files[i], i + 1) >= 0);
    }
    o.code = config_command(argc, argv);
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        dup2(saved[i], i + 1);
        close(saved[i]);
    }
    slurp(files[0], &o.out);
    slurp(files[1], &o.err);
    return o;
}

#define COMMAND(...) command((char *[]){(char *)"config", __VA_ARGS__, NULL})
#define WORD(w) ((char *)(uintptr_t)(w))

static void expect(struct output o, int code, const char *out, const char *err) {
    assert_int_equal(o.code, code);
    if (sv_find(buf_sv(&o.out), sv_of(out)) == SIZE_MAX || sv_find(buf_sv(&o.err), sv_of(err)) == SIZE_MAX)
        fail_msg("out: %s\nerr: %s", o.out.p ? o.out.p : "", o.err.p ? o.err.p : "");
    buf_done(&o.out);
    buf_done(&o.err);
}

static void test_command__answers_with_sysexits(void **state) {
    (void)state;
    char path[] = "/tmp/config_test_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, "lmits: 1\n", 9) == 9);
    close(fd);
    expect(COMMAND(WORD("--help")), EX_OK, "Usage:", "");
    expect(COMMAND(WORD("doc")), EX_OK, "# Configuration", "");
    expect(COMMAND(WORD("explain"), WORD("limits.idle_s")), EX_OK, "3600", "");
    expect(COMMAND(WORD("explain"), WORD("--zh"), WORD("limits.idle_s")), EX_OK, "默认值", "");
    expect(COMMAND(WORD("explain"), WORD("nothing.at.all")), EX_USAGE, "", "unknown key");
    expect(COMMAND(WORD("check"), WORD("-c"), WORD("/nonexistent/h.yaml")), EX_NOINPUT, "", "cannot be read");
    expect(COMMAND(WORD("check"), WORD("-c"), WORD("/")), EX_NOINPUT, "", "Is a directory");
    expect(COMMAND(WORD("check"), WORD("-c"), path), EX_CONFIG, "", ":1: unknown key `lmits`");
    expect(COMMAND(WORD("print"), WORD("-c"), path), EX_CONFIG, "", ":1: unknown key `lmits`");
    expect(COMMAND(WORD("check"), WORD("--json"), WORD("-c"), path), EX_CONFIG,
           "\"ok\":false,\"problems\":[{", "");
    expect(COMMAND(WORD("print"), WORD("--json")), EX_USAGE, "", "--json");
    expect(COMMAND(WORD("frobnicate")), EX_USAGE, "", "unknown action");
    expect(COMMAND(WORD("check"), WORD("x")), EX_USAGE, "", "unexpected argument");
    expect(COMMAND(WORD("check"), WORD("--nope")), EX_USAGE, "", "unknown or incomplete option");
    expect(COMMAND(WORD("-c"), path), EX_USAGE, "", "say what to do");
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table__rows_are_whole_and_different),
        cmocka_unit_test(test_table__examples_are_accepted),
        cmocka_unit_test(test_table__names_are_those_of_the_model),
        cmocka_unit_test(test_table__no_adapter_field_hides_a_common_key),
        cmocka_unit_test(test_doc__the_file_is_what_the_table_makes),
        cmocka_unit_test(test_doc__a_providers_page_ends_with_its_tables),
        cmocka_unit_test(test_doc__the_example_is_accepted),
        cmocka_unit_test(test_explain__every_key_and_section_has_words),
        cmocka_unit_test(test_load__twenty_problems_are_told_and_the_rest_counted),
        cmocka_unit_test(test_load__a_file_that_is_not_there_is_no_input),
        cmocka_unit_test(test_load__greedy_files_are_refused),
        cmocka_unit_test(test_load__too_many_lanes_are_refused),
        cmocka_unit_test(test_print__what_is_printed_loads_as_the_same),
        cmocka_unit_test(test_variable__comes_from_where_values_come_from),
        cmocka_unit_test(test_listen__is_split_into_address_and_port),
        cmocka_unit_test(test_url__of_the_public_face_has_no_extras),
        cmocka_unit_test(test_near__a_slip_is_found_and_a_stranger_is_not),
        cmocka_unit_test(test_command__answers_with_sysexits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
