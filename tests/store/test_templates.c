/* Templates on disk: the life of a version, accounts apart, whole or not at all. */
#include "../base/check.h"
#include "kit.h"
#include "store/templates.h"

/* A document of one text, "hello" in some words, and one code. */
struct paper {
    struct arena arena;
    struct template_doc doc;
};

static void write_paper(struct paper *p, const char *text) {
    struct err e = ERR_INIT;
    struct sv twice;
    arena_init(&p->arena, 1 << 20);
    p->doc = (struct template_doc){.note = SV("as asked"), .sample = SV("{\"name\":\"Li\"}")};
    const struct template_body bodies[] = {
        {SV("zh-CN"), CHANNEL_SMS, TEMPLATE_TEXT, SV("{{ name }},你好")},
        {LANGUAGE_DEFAULT, CHANNEL_EMAIL, TEMPLATE_SUBJECT, SV("Hello")},
        {LANGUAGE_DEFAULT, CHANNEL_SMS, TEMPLATE_TEXT, sv_of(text)},
    };
    for (size_t i = 0; i < 3; i++)
        ASSERT(template_doc_add_body(&p->doc, &p->arena, &bodies[i], &e));
    const struct template_code code = {SV("aliyun"), LANGUAGE_DEFAULT, SV("SMS_1"), SV("鸿雁"),
                                       SV("{\"n\":\"name\"}")};
    ASSERT(template_doc_add_code(&p->doc, &p->arena, &code, &e));
    ASSERT(template_doc_sort(&p->doc, &twice));
}

static bool in_transaction(struct db *db, struct template_write *w, int64_t now) {
    struct err e = ERR_INIT;
    bool ok = db_begin(db, &e) && templates_write(db, w, now, &e) && db_commit(db, &e);
    if (!ok)
        db_rollback(db);
    return ok;
}

static struct template_write act(struct db *db, enum template_act act, int64_t account, const char *name,
                                 uint32_t number) {
    struct template_write w = {.act = act, .account_id = account, .name = sv_of(name), .number = number};
    assert_true(in_transaction(db, &w, KIT_NOW));
    return w;
}

static struct template_write add(struct db *db, int64_t account, const char *name, const char *text,
                                 bool publish) {
    struct paper p;
    write_paper(&p, text);
    struct template_write w = {
        .act = TEMPLATE_ADD, .account_id = account, .name = sv_of(name), .doc = &p.doc, .publish = publish};
    assert_true(in_transaction(db, &w, KIT_NOW));
    arena_done(&p.arena);
    return w;
}

static uint32_t published(struct db *db, int64_t account, const char *name) {
    struct err e = ERR_INIT;
    uint32_t n = 77;
    assert_true(templates_published(db, account, sv_of(name), &n, &e));
    return n;
}

static int64_t generation(struct db *db) {
    struct err e = ERR_INIT;
    int64_t n = -1;
    assert_true(templates_generation(db, &n, &e));
    return n;
}

static int open_db(void **state) {
    *state = kit_db();
    return 0;
}

static int close_db(void **state) {
    db_close(*state);
    return 0;
}

static void test_templates__a_version_is_a_draft_until_it_is_published(void **state) {
    struct db *db = *state;
    struct template_write w = add(db, 1, "ready", "one", false);
    assert_int_equal(w.outcome, TEMPLATE_DONE);
    assert_int_equal(w.number, 1);
    assert_int_equal(w.state, TEMPLATE_DRAFT);
    assert_false(w.published);
    assert_int_equal(published(db, 1, "ready"), 0);
    w = act(db, TEMPLATE_PUBLISH, 1, "ready", 1);
    assert_int_equal(w.outcome, TEMPLATE_DONE);
    assert_int_equal(w.state, TEMPLATE_PUBLISHED);
    assert_true(w.published);
    assert_int_equal(published(db, 1, "ready"), 1);
    assert_int_equal(act(db, TEMPLATE_PUBLISH, 1, "ready", 1).outcome, TEMPLATE_SAME);
}

static void test_templates__publishing_one_version_archives_the_other_and_back(void **state) {
    struct db *db = *state;
    struct template_version v;
    struct err e = ERR_INIT;
    ARENA_AUTO struct arena a;
    arena_init(&a, 1 << 20);
    add(db, 1, "ready", "one", true);
    assert_int_equal(add(db, 1, "ready", "two", true).number, 2);
    assert_int_equal(published(db, 1, "ready"), 2);
    assert_true(templates_load(db, 1, SV("ready"), 1, &a, &v, NULL, &e));
    assert_int_equal(v.state, TEMPLATE_ARCHIVED);
    assert_int_equal(v.published_at, KIT_NOW);
    assert_int_equal(act(db, TEMPLATE_PUBLISH, 1, "ready", 1).outcome, TEMPLATE_DONE);
    assert_int_equal(published(db, 1, "ready"), 1);
    assert_true(templates_load(db, 1, SV("ready"), 2, &a, &v, NULL, &e));
    assert_int_equal(v.state, TEMPLATE_ARCHIVED);
    assert_true(act(db, TEMPLATE_ARCHIVE, 1, "ready", 1).published);
    assert_int_equal(published(db, 1, "ready"), 0);
    assert_false(act(db, TEMPLATE_ARCHIVE, 1, "ready", 1).published);
}

static void test_templates__the_same_content_makes_no_second_version(void **state) {
    struct db *db = *state;
    add(db, 1, "ready", "one", false);
    struct template_write w = add(db, 1, "ready", "one", false);
    assert_int_equal(w.outcome, TEMPLATE_SAME);
    assert_int_equal(w.number, 1);
    w = add(db, 1, "ready", "one", true);
    assert_int_equal(w.outcome, TEMPLATE_DONE);
    assert_int_equal(w.number, 1);
    assert_int_equal(w.state, TEMPLATE_PUBLISHED);
    assert_int_equal(add(db, 1, "ready", "one", true).outcome, TEMPLATE_SAME);
    assert_int_equal(add(db, 1, "ready", "two", false).number, 2);
    /* going back to what an older version said is news */
    assert_int_equal(add(db, 1, "ready", "one", false).number, 3);
}

static void test_templates__only_drafts_are_deleted_and_numbers_do_not_come_back(void **state) {
    struct db *db = *state;
    struct template_head h;
    struct err e = ERR_INIT;
    add(db, 1, "ready", "one", true);
    add(db, 1, "ready", "two", false);
    struct template_write w = act(db, TEMPLATE_DELETE, 1, "ready", 1);
    assert_int_equal(w.outcome, TEMPLATE_REFUSED);
    assert_int_equal(w.state, TEMPLATE_PUBLISHED);
    assert_int_equal(act(db, TEMPLATE_DELETE, 1, "ready", 2).outcome, TEMPLATE_DONE);
    assert_int_equal(act(db, TEMPLATE_DELETE, 1, "ready", 2).outcome, TEMPLATE_ABSENT);
    assert_int_equal(add(db, 1, "ready", "three", false).number, 3);
    add(db, 1, "lone", "x", false);
    act(db, TEMPLATE_DELETE, 1, "lone", 1);
    assert_false(templates_head(db, 1, SV("lone"), &h, &e));
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_int_equal(add(db, 1, "lone", "y", false).number, 2);
    assert_true(templates_head(db, 1, SV("lone"), &h, &e));
}

static void test_templates__what_is_read_is_what_was_written(void **state) {
    struct db *db = *state;
    struct template_version v;
    struct template_doc doc;
    struct err e = ERR_INIT;
    uint8_t digest[SHA256_BYTES];
    ARENA_AUTO struct arena a;
    arena_init(&a, 1 << 20);
    add(db, 1, "ready", "one", true);
    assert_true(templates_load(db, 1, SV("ready"), 1, &a, &v, &doc, &e));
    assert_sv(v.note, "as asked");
    assert_sv(doc.sample, "{\"name\":\"Li\"}");
    assert_int_equal(doc.n_bodies, 3);
    template_doc_digest(&doc, digest);
    assert_memory_equal(digest, v.digest, sizeof digest);
    struct language zh;
    assert_true(language_parse(SV("zh-CN"), &zh));
    assert_sv(template_doc_body(&doc, CHANNEL_SMS, TEMPLATE_TEXT, &zh)->text, "{{ name }},你好");
    assert_sv(template_doc_body(&doc, CHANNEL_EMAIL, TEMPLATE_SUBJECT, &zh)->text, "Hello");
    assert_null(template_doc_body(&doc, CHANNEL_PUSH, TEMPLATE_TITLE, &zh));
    const struct template_code *c = template_doc_code(&doc, SV("aliyun"), &zh);
    assert_sv(c->code, "SMS_1");
    assert_sv(c->sign, "鸿雁");
    assert_sv(c->params, "{\"n\":\"name\"}");
}

static void test_templates__no_account_sees_or_moves_anothers(void **state) {
    struct db *db = *state;
    struct template_head h, rows[10];
    struct template_version v;
    struct template_doc doc;
    struct err e = ERR_INIT;
    size_t n;
    bool more;
    ARENA_AUTO struct arena a;
    arena_init(&a, 1 << 20);
    add(db, 1, "ready", "one", true);
    assert_false(templates_head(db, 2, SV("ready"), &h, &e));
    assert_false(templates_load(db, 2, SV("ready"), 1, &a, &v, &doc, &e));
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_int_equal(published(db, 2, "ready"), 0);
    assert_true(templates_list(db, 2, SV(""), 10, rows, &n, &more, &e));
    assert_int_equal(n, 0);
    assert_true(templates_versions(db, 2, SV("ready"), 0, 10, &a, &v, &n, &e));
    assert_int_equal(n, 0);
    assert_int_equal(act(db, TEMPLATE_ARCHIVE, 2, "ready", 1).outcome, TEMPLATE_ABSENT);
    assert_int_equal(act(db, TEMPLATE_DELETE, 2, "ready", 1).outcome, TEMPLATE_ABSENT);
    assert_int_equal(act(db, TEMPLATE_PUBLISH, 2, "ready", 1).outcome, TEMPLATE_ABSENT);
    assert_int_equal(add(db, 2, "ready", "mine", true).number, 1);
    add(db, 2, "ready", "mine too", true);
    assert_int_equal(published(db, 1, "ready"), 1);
    assert_int_equal(published(db, 2, "ready"), 2);
}

static void test_templates__lists_go_on_behind_the_last_name(void **state) {
    struct db *db = *state;
    static const char *const names[] = {"a", "b", "c", "d", "鸿雁"};
    struct template_head rows[2];
    struct err e = ERR_INIT;
    size_t n, seen = 0;
    bool more = true;
    char after[TEMPLATE_NAME_BYTES_MAX + 1] = "";
    for (size_t i = 5; i-- > 0;)
        add(db, 1, names[i], "x", false);
    while (more) {
        assert_true(templates_list(db, 1, sv_of(after), 2, rows, &n, &more, &e));
        for (size_t i = 0; i < n; i++)
            assert_string_equal(rows[i].name, names[seen++]);
        snprintf(after, sizeof after, "%s", rows[n - 1].name);
    }
    assert_int_equal(seen, 5);
}

static void test_templates__the_generation_rises_only_with_what_is_published(void **state) {
    struct db *db = *state;
    int64_t g = generation(db);
    add(db, 1, "ready", "one", false);
    add(db, 1, "ready", "two", false);
    act(db, TEMPLATE_DELETE, 1, "ready", 2);
    act(db, TEMPLATE_PUBLISH, 1, "absent", 1);
    assert_int_equal(generation(db), g);
    act(db, TEMPLATE_PUBLISH, 1, "ready", 1);
    assert_int_equal(generation(db), g + 1);
    act(db, TEMPLATE_PUBLISH, 1, "ready", 1);
    assert_int_equal(generation(db), g + 1);
    act(db, TEMPLATE_ARCHIVE, 1, "ready", 1);
    assert_int_equal(generation(db), g + 2);
}

static int steps, fail_at;
static bool allow(void *ctx) {
    (void)ctx;
    return ++steps != fail_at;
}

static void test_templates__a_write_that_fails_at_any_step_leaves_nothing(void **state) {
    struct db *db = *state;
    BUF_AUTO struct buf before = BUF_INIT(1 << 20), after = BUF_INIT(1 << 20);
    add(db, 1, "ready", "one", true);
    kit_picture(db, &before);
    bool ok = false;
    for (fail_at = 1; !ok && fail_at < 100; fail_at++) {
        struct paper p;
        write_paper(&p, "two");
        struct template_write w = {
            .act = TEMPLATE_ADD, .account_id = 1, .name = SV("ready"), .doc = &p.doc, .publish = true};
        steps = 0;
        db_inject(db, allow, NULL);
        ok = in_transaction(db, &w, KIT_NOW);
        db_inject(db, NULL, NULL);
        arena_done(&p.arena);
        buf_reset(&after);
        kit_picture(db, &after);
        assert_int_equal(sv_eq(buf_sv(&before), buf_sv(&after)), !ok);
    }
    assert_true(ok);
    assert_true(fail_at > 8); /* it did have steps to fail at */
    assert_int_equal(published(db, 1, "ready"), 2);
}

static void test_templates__a_write_in_vain_does_not_hurt_the_messages_beside_it(void **state) {
    struct db *db = *state;
    struct err e = ERR_INIT;
    struct journal *j = journal_new(db, &e);
    assert_non_null(j);
    struct message *m = kit_message(1, "hello", NULL);
    m->template_version = 7;
    struct job put = kit_put(m, STATE_QUEUED, KIT_NOW);
    struct template_write w = {.write = {.run = templates_run},
                               .act = TEMPLATE_PUBLISH,
                               .account_id = 1,
                               .name = SV("absent"),
                               .number = 3};
    struct job tried = {.kind = JOB_WRITE, .write = &w.write, .now = KIT_NOW};
    struct job *jobs[] = {&tried, &put}, *done[2];
    assert_int_equal(journal_apply(j, jobs, 2, done), 2);
    assert_int_equal(put.result, JOB_DONE);
    assert_int_equal(tried.result, JOB_DONE);
    assert_int_equal(w.outcome, TEMPLATE_ABSENT);
    struct job load = {.kind = JOB_LOAD, .id = 1, .account_id = 1};
    assert_int_equal(kit_do(j, &load), JOB_DONE);
    assert_int_equal(load.loaded->template_version, 7);
    kit_forget(&load);
    message_free(m);
    journal_free(j);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, open_db, close_db)
    const struct CMUnitTest tests[] = {
        T(test_templates__a_version_is_a_draft_until_it_is_published),
        T(test_templates__publishing_one_version_archives_the_other_and_back),
        T(test_templates__the_same_content_makes_no_second_version),
        T(test_templates__only_drafts_are_deleted_and_numbers_do_not_come_back),
        T(test_templates__what_is_read_is_what_was_written),
        T(test_templates__no_account_sees_or_moves_anothers),
        T(test_templates__lists_go_on_behind_the_last_name),
        T(test_templates__the_generation_rises_only_with_what_is_published),
        T(test_templates__a_write_that_fails_at_any_step_leaves_nothing),
        T(test_templates__a_write_in_vain_does_not_hurt_the_messages_beside_it),
    };
    return cmocka_run_group_tests_name("store-templates", tests, NULL, NULL);
}
