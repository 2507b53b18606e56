#include "store/account.h"

#include "base/clock.h"
#include "base/map.h"

#include <openssl/crypto.h>
#include <string.h>

enum { ACCOUNTS_MAX = 100000, KEYS_MAX = 200000 };

struct known_key {
    struct sid sid;
    size_t account; /* index */
    unsigned scopes;
    uint8_t hash[SHA256_BYTES];
};

struct directory {
    struct db *db;
    struct master_key master;
    struct sip_key hash_key;
    struct account *accounts; /* owned, by id */
    size_t n_accounts;
    bool any_countries;     /* some account is restricted to some */
    struct known_key *keys; /* owned */
    size_t n_keys;
    struct map by_sid; /* siphash of a sid -> &accounts[i] or &keys[i], told apart by the sid's prefix */
    int64_t version;
    int64_t looked_at;
};

static bool version_of(struct db *db, int64_t *out, struct err *e) {
    static const char sql[] = "SELECT value FROM meta WHERE name='accounts_version'";
    return db_value(db_stmt(db, sql, e), out, e);
}

static bool count_of(struct db *db, const char *sql, size_t max, size_t *out, struct err *e) {
    int64_t n;
    if (!db_value(db_stmt(db, sql, e), &n, e))
        return false;
    if (n < 0 || (size_t)n > max)
        return err_set(e, ERR_OUTSIDE, "more than %zu accounts or keys", max);
    *out = (size_t)n;
    return true;
}

static void *find_sid(const struct directory *d, struct sv sid) {
    return map_get(&d->by_sid, siphash(d->hash_key, sid));
}

static bool read_accounts(struct directory *d, size_t max, struct err *e) {
    static const char sql[] = "SELECT id, sid, name, auth_token, countries FROM account ORDER BY id LIMIT ?";
    struct db_stmt *s = db_stmt(d->db, sql, e);
    bool row = false;
    db_int(s, (int64_t)max);
    for (d->n_accounts = 0; d->n_accounts < max; d->n_accounts++) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        struct account *a = &d->accounts[d->n_accounts];
        if (!account_read(s, &d->master, a, e)) {
            db_end(s);
            return false;
        }
        d->any_countries |= !region_set_is_empty(&a->countries);
    }
    db_end(s);
    return true;
}

static size_t index_of(const struct directory *d, int64_t account_id) {
    size_t lo = 0, hi = d->n_accounts;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (d->accounts[mid].id < account_id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < d->n_accounts && d->accounts[lo].id == account_id ? lo : SIZE_MAX;
}

static bool read_keys(struct directory *d, size_t max, struct err *e) {
    static const char sql[] = "SELECT sid, account_id, scopes, hash FROM api_key WHERE revoked_at=0 LIMIT ?";
    struct db_stmt *s = db_stmt(d->db, sql, e);
    bool row = false;
    db_int(s, (int64_t)max);
    d->n_keys = 0;
    while (d->n_keys < max) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        struct known_key *k = &d->keys[d->n_keys];
        struct sv hash = db_col_text(s, 3);
        k->account = index_of(d, db_col_int(s, 1));
        if (k->account == SIZE_MAX || hash.n != SHA256_BYTES)
            continue;
        memcpy(k->hash, hash.p, SHA256_BYTES);
        k->scopes = (unsigned)db_col_int(s, 2);
        snprintf(k->sid.text, sizeof k->sid.text, "%.*s", SV_FMT(db_col_text(s, 0)));
        d->n_keys++;
    }
    db_end(s);
    return true;
}

static void drop(struct directory *d) {
    if (d->accounts)
        OPENSSL_cleanse(d->accounts, d->n_accounts * sizeof *d->accounts);
    free(d->accounts);
    free(d->keys);
    map_done(&d->by_sid);
}

/* A fresh copy beside the old one, which stays when anything fails. */
static bool reload(struct directory *d, struct err *e) {
    static const char accounts[] = "SELECT count(*) FROM account", keys[] = "SELECT count(*) FROM api_key";
    struct directory fresh = {.db = d->db, .master = d->master, .hash_key = d->hash_key};
    size_t n_accounts = 0, n_keys = 0;
    if (!version_of(d->db, &fresh.version, e) || !count_of(d->db, accounts, ACCOUNTS_MAX, &n_accounts, e) ||
        !count_of(d->db, keys, KEYS_MAX, &n_keys, e))
        return false;
    fresh.accounts = calloc(n_accounts + 1, sizeof *fresh.accounts);
    fresh.keys = calloc(n_keys + 1, sizeof *fresh.keys);
    ASSERT(fresh.accounts && fresh.keys);
    if (!read_accounts(&fresh, n_accounts, e) || !read_keys(&fresh, n_keys, e)) {
        drop(&fresh);
        return false;
    }
    for (size_t i = 0; i < fresh.n_accounts; i++)
        map_put(&fresh.by_sid, siphash(d->hash_key, sid_sv(&fresh.accounts[i].sid)), &fresh.accounts[i]);
    for (size_t i = 0; i < fresh.n_keys; i++)
        map_put(&fresh.by_sid, siphash(d->hash_key, sid_sv(&fresh.keys[i].sid)), &fresh.keys[i]);
    fresh.looked_at = d->looked_at;
    drop(d);
    *d = fresh;
    return true;
}

struct directory *directory_open(struct db *db, const struct master_key *mk, struct err *e) {
    struct directory *d = calloc(1, sizeof *d);
    ASSERT(d);
    d->db = db;
    d->master = *mk;
    d->hash_key = master_key_ids(mk);
    if (!reload(d, e)) {
        directory_close(d);
        return NULL;
    }
    return d;
}

void directory_close(struct directory *d) {
    if (!d)
        return;
    drop(d);
    OPENSSL_cleanse(&d->master, sizeof d->master);
    free(d);
}

/* Errors are no news here: the old copy serves until the database can be read again. */
static void look(struct directory *d, int64_t now) {
    int64_t version;
    d->looked_at = now;
    struct err ignored = ERR_INIT;
    if (version_of(d->db, &version, &ignored) && version != d->version && !reload(d, &ignored))
        d->looked_at = 0;
}

void directory_refresh(struct directory *d, int64_t now) {
    if (now - d->looked_at >= US_PER_S)
        look(d, now);
}

static bool check_key(struct directory *d, struct sv user, struct sv secret, struct caller *out) {
    static const uint8_t nobody[SHA256_BYTES] = {0};
    const struct known_key *k = find_sid(d, user);
    bool known = k && sv_eq(sid_sv(&k->sid), user);
    uint8_t hash[SHA256_BYTES];
    sha256(secret, hash); /* for an unknown key too: the time must not tell */
    struct sv right = sv_make((const char *)(known ? k->hash : nobody), SHA256_BYTES);
    bool same = sv_eq_secret(sv_make((const char *)hash, sizeof hash), right);
    if (!known || !same)
        return false;
    *out = (struct caller){.account = &d->accounts[k->account], .scopes = k->scopes, .key = k->sid};
    return true;
}

static bool check_account(struct directory *d, struct sv user, struct sv secret, struct caller *out) {
    static const char nobody[] = "00000000000000000000000000000000";
    const struct account *a = find_sid(d, user);
    bool known = a && sv_eq(sid_sv(&a->sid), user);
    bool same = sv_eq_secret(secret, sv_of(known ? a->auth_token : nobody));
    if (!known || !same)
        return false;
    *out = (struct caller){.account = a, .scopes = SCOPE_ALL, .key = a->sid};
    return true;
}

static bool check_once(struct directory *d, struct sv user, struct sv secret, struct caller *out) {
    if (sv_starts(user, SV("SK")))
        return check_key(d, user, secret, out);
    return sv_starts(user, SV("AC")) && check_account(d, user, secret, out);
}

bool directory_check(struct directory *d, struct sv user, struct sv secret, int64_t now, struct caller *out) {
    if (user.n != SID_BYTES)
        return false;
    if (check_once(d, user, secret, out))
        return true;
    if (find_sid(d, user))
        return false;
    look(d, now); /* a key made a moment ago works at once; looking costs less than the request did */
    return check_once(d, user, secret, out);
}

bool directory_check_bearer(struct directory *d, struct sv token, int64_t now, struct caller *out) {
    if (token.n <= SID_BYTES || token.p[SID_BYTES] != '.')
        return false;
    return directory_check(d, sv_sub(token, 0, SID_BYTES), sv_from(token, SID_BYTES + 1), now, out);
}

const struct account *directory_account(struct directory *d, int64_t id) {
    size_t i = index_of(d, id);
    return i == SIZE_MAX ? NULL : &d->accounts[i];
}

const struct account *directory_account_of_name(struct directory *d, struct sv name) {
    for (size_t i = 0; i < d->n_accounts; i++)
        if (sv_eq(sv_of(d->accounts[i].name), name))
            return &d->accounts[i];
    return NULL;
}

const struct region_set *directory_countries(struct directory *d, int64_t id, struct arena *mem) {
    const struct account *a = d->any_countries ? directory_account(d, id) : NULL;
    if (!a || region_set_is_empty(&a->countries))
        return NULL;
    struct region_set *out = arena_alloc(mem, sizeof *out);
    ASSERT(out);
    *out = a->countries;
    return out;
}

const struct account *directory_first(struct directory *d) {
    return d->n_accounts ? &d->accounts[0] : NULL;
}
