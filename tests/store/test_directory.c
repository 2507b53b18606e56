/* Accounts and keys: what the command line writes, what the front threads check, the master key. */
#include "../base/check.h"
#include "kit.h"
#include "store/account.h"

#include <sys/stat.h>
#include <unistd.h>

struct house {
    struct db *db;
    struct master_key master;
    struct account first, second;
    struct api_key key, other, revoked;
    char secret[SECRET_CHARS + 1], other_secret[SECRET_CHARS + 1], revoked_secret[SECRET_CHARS + 1];
    struct directory *d;
};

static struct master_key master_of(char digit) {
    struct err e = ERR_INIT;
    struct master_key k;
    char hex[MASTER_KEY_BYTES * 2];
    memset(hex, digit, sizeof hex);
    ASSERT(master_key_load(sv_make(hex, sizeof hex), SV_NONE, &k, &e));
    return k;
}

static int open_house(void **state) {
    struct house *h = calloc(1, sizeof *h);
    struct err e = ERR_INIT;
    bool made;
    ASSERT(h);
    h->db = kit_db();
    h->master = master_of('a');
    ASSERT(account_ensure(h->db, &h->master, SV("first"), KIT_NOW, &h->first, &made, &e) && made);
    ASSERT(account_ensure(h->db, &h->master, SV("second"), KIT_NOW, &h->second, &made, &e) && made);
    ASSERT(api_key_create(h->db, h->first.id, SV("k"), SCOPE_SEND, KIT_NOW, &h->key, h->secret, &e));
    ASSERT(api_key_create(h->db, h->second.id, SV("o"), SCOPE_READ, KIT_NOW, &h->other, h->other_secret, &e));
    ASSERT(
        api_key_create(h->db, h->first.id, SV("r"), SCOPE_ALL, KIT_NOW, &h->revoked, h->revoked_secret, &e));
    ASSERT(api_key_revoke(h->db, sid_sv(&h->revoked.sid), KIT_NOW + 1, &e));
    h->d = directory_open(h->db, &h->master, &e);
    ASSERT(h->d);
    *state = h;
    return 0;
}

static int close_house(void **state) {
    struct house *h = *state;
    directory_close(h->d);
    db_close(h->db);
    free(h);
    return 0;
}

static void test_directory__who_is_let_in_and_as_whom(void **state) {
    struct house *h = *state;
    char unknown[] = "SK00000000000000000000000000000000", wrong[SECRET_CHARS + 1], upper[SID_BYTES + 1];
    memcpy(wrong, h->secret, sizeof wrong);
    wrong[SECRET_CHARS - 1] = wrong[SECRET_CHARS - 1] == '0' ? '1' : '0';
    memcpy(upper, h->key.sid.text, sizeof upper);
    for (char *p = upper; *p; p++)
        *p = *p >= 'a' && *p <= 'f' ? (char)(*p - 32) : *p;
    const struct {
        const char *name, *user, *secret;
        const struct account *account; /* NULL: refused */
        unsigned scopes;
    } rows[] = {
        {"a key and its secret", h->key.sid.text, h->secret, &h->first, SCOPE_SEND},
        {"another account's", h->other.sid.text, h->other_secret, &h->second, SCOPE_READ},
        {"an account and its token", h->first.sid.text, h->first.auth_token, &h->first, SCOPE_ALL},
        {"the last digit wrong", h->key.sid.text, wrong, NULL, 0},
        {"the secret of another", h->key.sid.text, h->other_secret, NULL, 0},
        {"the token of another account", h->first.sid.text, h->second.auth_token, NULL, 0},
        {"a key with the account's token", h->key.sid.text, h->first.auth_token, NULL, 0},
        {"an account with its key's secret", h->first.sid.text, h->secret, NULL, 0},
        {"a revoked key", h->revoked.sid.text, h->revoked_secret, NULL, 0},
        {"an unknown key", unknown, h->secret, NULL, 0},
        {"an unknown account", "AC00000000000000000000000000000000", "00000000000000000000000000000000", NULL,
         0},
        {"no secret", h->key.sid.text, "", NULL, 0},
        {"an account without secret", h->first.sid.text, "", NULL, 0},
        {"nobody", "", "", NULL, 0},
        {"half a secret", h->key.sid.text, "0123", NULL, 0},
        {"another kind of sid", "SM00000000000000000000000000000000", h->secret, NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct caller who = {0};
        bool ok = directory_check(h->d, sv_of(rows[i].user), sv_of(rows[i].secret), KIT_NOW, &who);
        if (ok != (rows[i].account != NULL))
            fail_msg("%s: %s", rows[i].name, ok ? "let in" : "refused");
        if (!ok) {
            assert_null(who.account); /* nothing tells one refusal from another */
            assert_int_equal(who.scopes, 0);
            continue;
        }
        assert_string_equal(who.account->sid.text, rows[i].account->sid.text);
        assert_string_equal(who.account->auth_token, rows[i].account->auth_token);
        assert_int_equal(who.scopes, rows[i].scopes);
        assert_string_equal(who.key.text, rows[i].user);
    }
    struct caller who;
    if (strcmp(upper, h->key.sid.text) != 0)
        assert_false(directory_check(h->d, sv_of(upper), sv_of(h->secret), KIT_NOW, &who));
}

static void test_directory__bearer_tokens(void **state) {
    struct house *h = *state;
    char token[256];
    struct caller who;
    static const struct {
        const char *form; /* %s sid, %s secret */
        bool ok;
    } rows[] = {{"%s.%s", true},     {"%s:%s", false},    {"%s%s", false},
                {"%s.%s ", false},   {" %s.%s", false},   {"%s..%s", false},
                {"%.33s.%s", false}, {"%s.%.63s", false}, {"%s.%s.", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(token, sizeof token, rows[i].form, h->key.sid.text, h->secret);
#pragma GCC diagnostic pop
        if (directory_check_bearer(h->d, sv_of(token), KIT_NOW, &who) != rows[i].ok)
            fail_msg("form %s", rows[i].form);
    }
    for (size_t n = 0; n < SID_BYTES + 2; n++)
        assert_false(directory_check_bearer(h->d, sv_make(token, n), KIT_NOW, &who));
}

static void test_directory__a_new_key_works_at_once(void **state) {
    struct house *h = *state;
    struct api_key key;
    char secret[SECRET_CHARS + 1];
    struct err e = ERR_INIT;
    struct caller who;
    directory_refresh(h->d, KIT_NOW);
    assert_true(api_key_create(h->db, h->second.id, SV("new"), SCOPE_ALL, KIT_NOW, &key, secret, &e));
    assert_true(directory_check(h->d, sid_sv(&key.sid), sv_of(secret), KIT_NOW, &who));
    assert_string_equal(who.account->name, "second");
}

static void test_directory__a_revoked_key_ends_with_the_next_look(void **state) {
    struct house *h = *state;
    struct err e = ERR_INIT;
    struct caller who;
    directory_refresh(h->d, KIT_NOW);
    assert_true(api_key_revoke(h->db, sid_sv(&h->key.sid), KIT_NOW, &e));
    directory_refresh(h->d, KIT_NOW + US_PER_S);
    assert_false(directory_check(h->d, sid_sv(&h->key.sid), sv_of(h->secret), KIT_NOW + US_PER_S, &who));
    assert_false(api_key_revoke(h->db, sid_sv(&h->key.sid), KIT_NOW, &e));
    assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static bool never(void *ctx) {
    (void)ctx;
    return false;
}

static void test_directory__serves_on_while_the_database_fails(void **state) {
    struct house *h = *state;
    struct err e = ERR_INIT;
    struct caller who;
    assert_true(api_key_revoke(h->db, sid_sv(&h->key.sid), KIT_NOW, &e));
    db_inject(h->db, never, NULL);
    directory_refresh(h->d, KIT_NOW + 10 * US_PER_S);
    assert_true(directory_check(h->d, sid_sv(&h->other.sid), sv_of(h->other_secret), KIT_NOW, &who));
    db_inject(h->db, NULL, NULL);
    directory_refresh(h->d, KIT_NOW + 20 * US_PER_S);
    assert_false(directory_check(h->d, sid_sv(&h->key.sid), sv_of(h->secret), KIT_NOW + 20 * US_PER_S, &who));
}

static void test_directory__accounts_by_id(void **state) {
    struct house *h = *state;
    assert_string_equal(directory_first(h->d)->name, "first");
    assert_string_equal(directory_account(h->d, h->second.id)->name, "second");
    assert_null(directory_account(h->d, 0));
    assert_null(directory_account(h->d, 99));
}

static void test_directory__another_master_key_is_told(void **state) {
    struct house *h = *state;
    struct err e = ERR_INIT;
    struct master_key wrong = master_of('b');
    bool made;
    struct account a;
    assert_null(directory_open(h->db, &wrong, &e));
    assert_int_equal(e.kind, ERR_OUTSIDE);
    assert_non_null(strstr(e.text, "master key"));
    assert_non_null(strstr(e.text, h->first.sid.text));
    assert_null(strstr(e.text, h->first.auth_token));
    e = ERR_INIT;
    assert_false(account_ensure(h->db, &wrong, SV("first"), KIT_NOW, &a, &made, &e));
    assert_non_null(strstr(e.text, "master key"));
}

static void test_account__is_made_once_and_no_secret_is_stored_readable(void **state) {
    struct house *h = *state;
    struct err e = ERR_INIT;
    struct account again;
    bool made = true;
    assert_true(account_ensure(h->db, &h->master, SV("first"), KIT_NOW + 5, &again, &made, &e));
    assert_false(made);
    assert_string_equal(again.sid.text, h->first.sid.text);
    assert_string_equal(again.auth_token, h->first.auth_token);
    static const char *const sqls[] = {"SELECT auth_token, hex(auth_token) FROM account",
                                       "SELECT hash, hex(hash) FROM api_key"};
    for (size_t i = 0; i < 2; i++) {
        struct db_stmt *s = db_stmt(h->db, sqls[i], &e);
        bool row;
        while (db_next(s, &row, &e) && row)
            for (int c = 0; c < 2; c++) {
                struct sv v = db_col_text(s, c);
                assert_int_equal(sv_find(v, sv_of(h->first.auth_token)), SIZE_MAX);
                assert_int_equal(sv_find(v, sv_of(h->secret)), SIZE_MAX);
            }
    }
}

static void test_account__names_are_bounded_utf8(void **state) {
    struct house *h = *state;
    static char long_name[NAME_CHARS_MAX + 2];
    memset(long_name, 'x', NAME_CHARS_MAX + 1);
    const char *const bad[] = {"", long_name, "\xff"};
    for (size_t i = 0; i < 3; i++) {
        struct err e = ERR_INIT;
        struct account a;
        struct api_key k;
        char secret[SECRET_CHARS + 1];
        bool made;
        assert_false(account_ensure(h->db, &h->master, sv_of(bad[i]), KIT_NOW, &a, &made, &e));
        assert_int_equal(e.kind, ERR_INVALID);
        assert_false(api_key_create(h->db, h->first.id, sv_of(bad[i]), 1, KIT_NOW, &k, secret, &e));
    }
    struct err e = ERR_INIT;
    struct account a;
    bool made;
    long_name[NAME_CHARS_MAX] = '\0';
    assert_true(account_ensure(h->db, &h->master, sv_of(long_name), KIT_NOW, &a, &made, &e));
    assert_string_equal(a.name, long_name);
}

static void test_account__keys_are_listed_oldest_first_with_the_revoked(void **state) {
    struct house *h = *state;
    struct api_key list[8];
    size_t n;
    struct err e = ERR_INIT;
    assert_true(api_key_list(h->db, list, 8, &n, &e));
    assert_int_equal(n, 3);
    unsigned revoked = 0;
    for (size_t i = 0; i < n; i++)
        revoked += list[i].revoked_at == KIT_NOW + 1;
    assert_int_equal(revoked, 1);
    assert_true(api_key_list(h->db, list, 2, &n, &e));
    assert_int_equal(n, 2);
}

static void test_scopes__words_and_back(void **state) {
    (void)state;
    static const struct {
        const char *text, *printed; /* NULL: refused */
        unsigned bits;
    } rows[] = {
        {"send", "send", SCOPE_SEND},
        {"read,send", "send,read", SCOPE_SEND | SCOPE_READ},
        {" admin , read ,admin", "read,admin", SCOPE_ADMIN | SCOPE_READ},
        {"", NULL, 0},
        {"send,", NULL, 0},
        {"Send", NULL, 0},
        {"all", NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned bits = 0;
        struct err e = ERR_INIT;
        struct buf BUF_AUTO out = BUF_INIT(64);
        bool ok = scopes_parse(sv_of(rows[i].text), &bits, &e);
        if (ok != (rows[i].printed != NULL))
            fail_msg("`%s`", rows[i].text);
        if (!ok) {
            assert_int_equal(e.kind, ERR_INVALID);
            assert_string_equal(e.field, "scopes");
            continue;
        }
        assert_int_equal(bits, rows[i].bits);
        scopes_print(bits, &out);
        assert_sv(buf_sv(&out), rows[i].printed);
    }
}

static void test_master_key__file_is_made_once_for_its_owner_alone(void **state) {
    (void)state;
    char dir[] = "/tmp/hongyan-test-key-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/master.key", dir);
    struct err e = ERR_INIT;
    struct master_key a, b;
    mode_t mask = umask(0);
    assert_true(master_key_load(SV_NONE, sv_of(dir), &a, &e));
    umask(mask);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(master_key_load(SV_NONE, sv_of(dir), &b, &e));
    assert_memory_equal(a.bytes, b.bytes, sizeof a.bytes);

    chmod(path, 0640);
    assert_false(master_key_load(SV_NONE, sv_of(dir), &b, &e));
    assert_non_null(strstr(e.text, path));
    assert_non_null(strstr(e.text, "chmod 600"));
    chmod(path, 0600);

    assert_int_equal(truncate(path, 63), 0);
    e = ERR_INIT;
    assert_false(master_key_load(SV_NONE, sv_of(dir), &b, &e));
    assert_non_null(strstr(e.text, "64 hex digits"));
    assert_int_equal(truncate(path, 0), 0);
    assert_false(master_key_load(SV_NONE, sv_of(dir), &b, &e));
    unlink(path);
    rmdir(dir);
    e = ERR_INIT;
    assert_false(master_key_load(SV_NONE, sv_of(dir), &b, &e));
    assert_int_equal(e.kind, ERR_OUTSIDE);
    assert_non_null(strstr(e.text, path));
}

static void test_master_key__from_the_environment_is_checked(void **state) {
    (void)state;
    static const char *const bad[] = {"x", "aaaa",
                                      "gggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggg"};
    for (size_t i = 0; i < 3; i++) {
        struct err e = ERR_INIT;
        struct master_key k;
        assert_false(master_key_load(sv_of(bad[i]), SV("/nowhere"), &k, &e));
        assert_int_equal(e.kind, ERR_INVALID);
        assert_non_null(strstr(e.text, "HONGYAN_MASTER_KEY"));
        assert_true(strlen(bad[i]) < 5 || !strstr(e.text, bad[i]));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_house, close_house)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_directory__who_is_let_in_and_as_whom),
        TEST(test_directory__bearer_tokens),
        TEST(test_directory__a_new_key_works_at_once),
        TEST(test_directory__a_revoked_key_ends_with_the_next_look),
        TEST(test_directory__serves_on_while_the_database_fails),
        TEST(test_directory__accounts_by_id),
        TEST(test_directory__another_master_key_is_told),
        TEST(test_account__is_made_once_and_no_secret_is_stored_readable),
        TEST(test_account__names_are_bounded_utf8),
        TEST(test_account__keys_are_listed_oldest_first_with_the_revoked),
        cmocka_unit_test(test_scopes__words_and_back),
        cmocka_unit_test(test_master_key__file_is_made_once_for_its_owner_alone),
        cmocka_unit_test(test_master_key__from_the_environment_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
