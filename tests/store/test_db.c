/* Databases as they are found in the field: each refusal names the file and what to do. */
#include "../base/check.h"
#include "kit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    char path[64], file[96], url[112];
};

static int make_folder(void **state) {
    struct folder *f = calloc(1, sizeof *f);
    ASSERT(f);
    snprintf(f->path, sizeof f->path, "/tmp/hongyan-test-db-XXXXXX");
    ASSERT(mkdtemp(f->path));
    snprintf(f->file, sizeof f->file, "%s/hongyan.db", f->path);
    snprintf(f->url, sizeof f->url, "sqlite:%s", f->file);
    *state = f;
    return 0;
}

static int remove_folder(void **state) {
    struct folder *f = *state;
    static const char *const ends[] = {"", "-wal", "-shm"};
    chmod(f->path, 0700);
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s", f->file, ends[i]);
        unlink(path);
    }
    rmdir(f->path);
    free(f);
    return 0;
}

static void write_at(const char *path, off_t at, const char *bytes, size_t n) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, n, at), n);
    close(fd);
}

static void make_database(const struct folder *f) {
    struct err e = ERR_INIT;
    int from, to;
    struct db *db = db_open(sv_of(f->url), DB_WRITER, &e);
    assert_non_null(db);
    assert_true(migrate(db, &from, &to, &e));
    assert_true(db_checkpoint(db, true, &e));
    db_close(db);
}

/* Opens and, if that went well, reads: one of the two must be refused, in words that hold all three. */
static void check_refused(const struct folder *f, enum db_mode mode, const char *word) {
    struct err e = ERR_INIT;
    struct db *db = db_open(sv_of(f->url), mode, &e);
    if (db) {
        db_close(db);
        fail_msg("opened");
    }
    assert_int_equal(e.kind, ERR_OUTSIDE);
    if (!strstr(e.text, f->file) || !strstr(e.text, word))
        fail_msg("not clear: %s", e.text);
}

static void test_db__an_address_of_another_form_is_refused(void **state) {
    (void)state;
    static const char *const urls[] = {"", "hongyan.db", "postgres://localhost/x", "sqlite:", "SQLITE:x"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct err e = ERR_INIT;
        assert_null(db_open(sv_of(urls[i]), DB_WRITER, &e));
        assert_true(e.kind == ERR_INVALID || e.kind == ERR_OUTSIDE);
        assert_true(e.text[0] != '\0');
    }
}

static void test_db__a_file_that_is_no_database(void **state) {
    struct folder *f = *state;
    char text[4096];
    memset(text, 'x', sizeof text);
    write_at(f->file, 0, text, sizeof text);
    check_refused(f, DB_WRITER, "not a database");
    check_refused(f, DB_READER, "not a database");
}

static void test_db__a_damaged_header(void **state) {
    struct folder *f = *state;
    make_database(f);
    write_at(f->file, 0, "SQLite format 9", 16);
    check_refused(f, DB_WRITER, "not a database");
    check_refused(f, DB_READER, "not a database");
}

static void test_db__a_damaged_schema_page(void **state) {
    struct folder *f = *state;
    make_database(f);
    char zeros[3900] = {0};
    write_at(f->file, 110, zeros, sizeof zeros);
    struct err e = ERR_INIT;
    int from, to;
    struct db *db = db_open(sv_of(f->url), DB_WRITER, &e);
    bool ok = db && migrate(db, &from, &to, &e);
    struct journal *j = ok ? journal_new(db, &e) : NULL;
    if (j) {
        struct job scan = {.kind = JOB_SCAN, .limit = 1};
        assert_int_equal(kit_do(j, &scan), JOB_FAILED);
        e = scan.err;
    }
    assert_int_equal(e.kind, ERR_OUTSIDE);
    assert_non_null(strstr(e.text, "restore the file from a backup"));
    journal_free(j);
    db_close(db);
}

static void test_db__a_folder_that_is_not_there(void **state) {
    struct folder *f = *state;
    struct folder missing = *f;
    snprintf(missing.file, sizeof missing.file, "%s/none/x.db", f->path);
    snprintf(missing.url, sizeof missing.url, "sqlite:%s", missing.file);
    check_refused(&missing, DB_WRITER, "unable to open");
    check_refused(&missing, DB_READER, "unable to open");
}

static void test_db__a_folder_in_place_of_the_file(void **state) {
    struct folder *f = *state;
    assert_int_equal(mkdir(f->file, 0700), 0);
    check_refused(f, DB_WRITER, "unable to open");
    rmdir(f->file);
}

static void test_db__a_reader_makes_no_file(void **state) {
    struct folder *f = *state;
    check_refused(f, DB_READER, "unable to open");
    assert_int_not_equal(access(f->file, F_OK), 0);
}

/* Root may write anything, so this is done as nobody. */
static void test_db__a_read_only_file_or_folder(void **state) {
    struct folder *f = *state;
    make_database(f);
    uid_t me = geteuid();
    chmod(f->path, 0755);
    chmod(f->file, 0444);
    if (me == 0)
        assert_int_equal(seteuid(65534), 0);
    else
        chmod(f->path, 0555);
    struct err e = ERR_INIT;
    int from, to;
    struct db *db = db_open(sv_of(f->url), DB_WRITER, &e);
    bool ok = db && migrate(db, &from, &to, &e) && db_begin(db, &e);
    db_close(db);
    if (me == 0)
        assert_int_equal(seteuid(0), 0);
    assert_false(ok);
    assert_int_equal(e.kind, ERR_OUTSIDE);
    if (!strstr(e.text, "read-only") && !strstr(e.text, "unable to open"))
        fail_msg("not clear: %s", e.text);
    print_message("# %s\n", e.text);
}

static void test_db__a_busy_writer_is_waited_for_and_then_told(void **state) {
    struct folder *f = *state;
    make_database(f);
    struct err e = ERR_INIT;
    struct db *a = db_open(sv_of(f->url), DB_WRITER, &e), *b = db_open(sv_of(f->url), DB_WRITER, &e);
    struct db *r = db_open(sv_of(f->url), DB_READER, &e);
    assert_true(a && b && r);
    assert_true(db_begin(a, &e));
    int64_t begun = clock_monotonic_us();
    assert_false(db_begin(b, &e));
    int64_t took = clock_monotonic_us() - begun;
    assert_in_range(took, 2 * US_PER_S, 30 * US_PER_S);
    assert_int_equal(e.kind, ERR_OUTSIDE);
    assert_non_null(strstr(e.text, "locked"));
    /* readers are not hindered */
    struct db_stmt *s = db_stmt(r, "SELECT count(*) FROM message", &e);
    bool row;
    assert_true(s && db_next(s, &row, &e) && row);
    db_end(s);
    db_rollback(a);
    e = ERR_INIT;
    assert_true(db_begin(b, &e));
    db_rollback(b);
    db_close(a);
    db_close(b);
    db_close(r);
}

/* Done to a database in use. A part of it is meant: "", "-wal" or "-shm". */
struct displaced {
    const char *name, *part;
    bool replaced;
};
static const struct displaced displaced[] = {
    {"the database is deleted", "", false},        {"the database is replaced", "", true},
    {"the log is deleted", "-wal", false},         {"the log is replaced", "-wal", true},
    {"the log's index is deleted", "-shm", false},
};

static bool displaced_is_noticed(const struct folder *f, const struct displaced *d) {
    make_database(f);
    struct err e = ERR_INIT;
    struct db *db = db_open(sv_of(f->url), DB_WRITER, &e);
    struct journal *j = journal_new(db, &e);
    struct message *m = kit_message(1, "before", NULL), *lost = kit_message(2, "lost", NULL),
                   *after = kit_message(3, "after", NULL);
    struct job put = kit_put(m, STATE_QUEUED, KIT_NOW), put_lost = kit_put(lost, STATE_QUEUED, KIT_NOW),
               put_after = kit_put(after, STATE_QUEUED, KIT_NOW);
    char part[128], away[128];
    snprintf(part, sizeof part, "%s%s", f->file, d->part);
    snprintf(away, sizeof away, "%s-away", f->file);
    bool ok = kit_do(j, &put) == JOB_DONE;
    ok = ok && rename(part, away) == 0;
    if (d->replaced)
        write_at(part, 0, "x", 1);
    ok = ok && kit_do(j, &put_lost) == JOB_FAILED && strstr(put_lost.err.text, part) &&
         journal_trouble(j)->kind == ERR_OUTSIDE;
    ok = ok && rename(away, part) == 0; /* put back: nothing was lost, and it goes on */
    ok = ok && kit_do(j, &put_after) == JOB_DONE && journal_trouble(j)->kind == ERR_NONE;
    if (!ok)
        print_error("%s: %s\n", d->name, put_lost.err.text);
    message_free(m);
    message_free(lost);
    message_free(after);
    journal_free(j);
    db_close(db);
    unlink(f->file);
    return ok;
}

static void test_db__a_file_taken_away_is_noticed_before_anything_is_written(void **state) {
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof displaced / sizeof displaced[0]; i++)
        wrong += !displaced_is_noticed(*state, &displaced[i]);
    assert_int_equal(wrong, 0);
}

static void test_db__a_locked_database_is_waited_for_once_and_then_only_looked_at(void **state) {
    struct folder *f = *state;
    make_database(f);
    struct err e = ERR_INIT;
    struct db *a = db_open(sv_of(f->url), DB_WRITER, &e), *other = db_open(sv_of(f->url), DB_WRITER, &e);
    assert_true(a && other && db_begin(other, &e));
    struct journal *j = journal_new(a, &e);
    struct message *m[3];
    int64_t begun = clock_monotonic_us();
    for (size_t i = 0; i < 2; i++) {
        m[i] = kit_message((int64_t)i + 1, "x", NULL);
        struct job put = kit_put(m[i], STATE_QUEUED, KIT_NOW);
        assert_int_equal(kit_do(j, &put), JOB_FAILED);
    }
    assert_in_range(clock_monotonic_us() - begun, US_PER_S, 2900 * US_PER_MS); /* twice were 3 s */
    db_rollback(other);
    m[2] = kit_message(3, "x", NULL);
    struct job put = kit_put(m[2], STATE_QUEUED, KIT_NOW);
    assert_int_equal(kit_do(j, &put), JOB_DONE);
    for (size_t i = 0; i < 3; i++)
        message_free(m[i]);
    journal_free(j);
    db_close(a);
    db_close(other);
}

static void test_db__a_reader_cannot_write(void **state) {
    struct folder *f = *state;
    make_database(f);
    struct err e = ERR_INIT;
    struct db *r = db_open(sv_of(f->url), DB_READER, &e);
    assert_non_null(r);
    assert_false(db_script(r, "INSERT INTO meta (name, value) VALUES ('x', 1)", &e));
    assert_non_null(strstr(e.text, "read-only"));
    db_close(r);
}

static void test_db__what_is_committed_is_there_after_a_new_start(void **state) {
    struct folder *f = *state;
    make_database(f);
    struct err e = ERR_INIT;
    struct db *a = db_open(sv_of(f->url), DB_WRITER, &e);
    struct journal *j = journal_new(a, &e);
    struct buf BUF_AUTO before = BUF_INIT(65536), after = BUF_INIT(65536);
    struct message *m = kit_message(1, "with 'quotes' and \xe4\xb8\xad\xe6\x96\x87", "k");
    struct job put = kit_put(m, STATE_QUEUED, KIT_NOW);
    assert_int_equal(kit_do(j, &put), JOB_DONE);
    kit_picture(a, &before);
    message_free(m);
    journal_free(j);
    db_close(a);
    a = db_open(sv_of(f->url), DB_WRITER, &e);
    kit_picture(a, &after);
    assert_sv(buf_sv(&after), before.p);
    db_close(a);
}

/* A program that has been used in every way has run some hundreds of statements over its one writing
 * connection. */
static void test_db__a_connection_keeps_hundreds_of_statements(void **state) {
    const struct folder *f = *state;
    enum { N = 500 };
    static char sql[N][32];
    static struct db_stmt *first[N];
    struct err e = ERR_INIT;
    make_database(f);
    struct db *db = db_open(sv_of(f->url), DB_WRITER, &e);
    assert_non_null(db);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < N; i++) {
            bool row;
            snprintf(sql[i], sizeof sql[i], "SELECT %d", i);
            struct db_stmt *s = db_stmt(db, sql[i], &e);
            assert_non_null(s);
            assert_true(db_next(s, &row, &e) && row);
            assert_int_equal(db_col_int(s, 0), i);
            assert_true(!round || s == first[i]);
            first[i] = s;
        }
    db_close(db);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_db__an_address_of_another_form_is_refused),
        TEST(test_db__a_file_that_is_no_database),
        TEST(test_db__a_damaged_header),
        TEST(test_db__a_damaged_schema_page),
        TEST(test_db__a_folder_that_is_not_there),
        TEST(test_db__a_folder_in_place_of_the_file),
        TEST(test_db__a_reader_makes_no_file),
        TEST(test_db__a_read_only_file_or_folder),
        TEST(test_db__a_busy_writer_is_waited_for_and_then_told),
        TEST(test_db__a_file_taken_away_is_noticed_before_anything_is_written),
        TEST(test_db__a_locked_database_is_waited_for_once_and_then_only_looked_at),
        TEST(test_db__a_reader_cannot_write),
        TEST(test_db__what_is_committed_is_there_after_a_new_start),
        TEST(test_db__a_connection_keeps_hundreds_of_statements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
