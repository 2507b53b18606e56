#include "store/account.h"

#include "base/clock.h"
#include "store/seal.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOKEN_CHARS = SECRET_CHARS / 2 };

/* ---- the master key ---- */

static bool read_key_file(const char *path, struct master_key *out, struct err *e) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_OUTSIDE, "%s: %s", path, strerror(errno));
    char text[MASTER_KEY_BYTES * 2 + 2];
    ssize_t n = read(fd, text, sizeof text);
    struct stat st;
    bool open_to_others = fstat(fd, &st) == 0 && (st.st_mode & 077) != 0;
    close(fd);
    if (open_to_others)
        return err_set(e, ERR_OUTSIDE, "%s: others may read the master key: chmod 600 it", path);
    if (n < 0 || !hex_parse(sv_trim(sv_make(text, (size_t)n)), out->bytes, MASTER_KEY_BYTES))
        return err_set(e, ERR_OUTSIDE, "%s: not %d hex digits", path, MASTER_KEY_BYTES * 2);
    return true;
}

static bool make_key_file(const char *path, struct err *e) {
    uint8_t bytes[MASTER_KEY_BYTES];
    if (!seal_random(bytes, sizeof bytes, e))
        return false;
    struct buf BUF_AUTO text = BUF_INIT(128);
    hex_add(&text, bytes, sizeof bytes);
    buf_addc(&text, '\n');
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST || err_set(e, ERR_OUTSIDE, "%s: %s", path, strerror(errno));
    bool ok = write(fd, text.p, text.n) == (ssize_t)text.n && fsync(fd) == 0;
    close(fd);
    return ok || err_set(e, ERR_OUTSIDE, "%s: cannot write: %s", path, strerror(errno));
}

bool master_key_load(struct sv hex, struct sv data_dir, struct master_key *out, struct err *e) {
    if (hex.n) {
        if (hex_parse(hex, out->bytes, MASTER_KEY_BYTES))
            return true;
        return err_set(e, ERR_INVALID,
                       "HONGYAN_MASTER_KEY is not %d hex digits: `openssl rand -hex %d` makes one",
                       MASTER_KEY_BYTES * 2, MASTER_KEY_BYTES);
    }
    struct buf BUF_AUTO path = BUF_INIT(4096);
    if (!buf_addf(&path, "%.*s/master.key", SV_FMT(data_dir)))
        return err_set(e, ERR_INVALID, "data_dir is too long");
    if (access(path.p, F_OK) != 0 && !make_key_file(path.p, e))
        return false;
    return read_key_file(path.p, out, e);
}

/* 63 bits of a hash under the key: enough to know it again, nothing to find it by. */
static int64_t mark_of(const struct master_key *k) {
    uint8_t mac[SHA256_BYTES];
    uint64_t mark;
    hmac_sha256(sv_make((const char *)k->bytes, sizeof k->bytes), SV("hongyan mark v1"), mac);
    memcpy(&mark, mac, sizeof mark);
    return (int64_t)(le64toh(mark) >> 1);
}

static bool find_mark(struct db *db, bool *there, int64_t *mark, struct err *e) {
    static const char sql[] = "SELECT value FROM meta WHERE name='master_key'";
    struct db_stmt *s = db_stmt(db, sql, e);
    if (!db_next(s, there, e))
        return false;
    *mark = *there ? db_col_int(s, 0) : 0;
    db_end(s);
    return true;
}

bool master_key_fits(struct db *db, const struct master_key *k, struct err *e) {
    static const char put[] =
        "INSERT INTO meta (name, value) VALUES ('master_key', ?) ON CONFLICT (name) DO NOTHING";
    bool there;
    int64_t mark;
    if (!find_mark(db, &there, &mark, e))
        return false;
    if (!there) { /* another node may be doing the same */
        struct db_stmt *s = db_stmt(db, put, e);
        db_int(s, mark_of(k));
        if (!db_run(s, e) || !find_mark(db, &there, &mark, e))
            return false;
    }
    return mark == mark_of(k) ||
           err_set(e, ERR_OUTSIDE,
                   "the master key is not the one that this database was made with: give HONGYAN_MASTER_KEY, "
                   "or DATA_DIR/master.key, the value that its other gateways have (or had)");
}

struct sip_key master_key_ids(const struct master_key *k) {
    uint8_t mac[SHA256_BYTES];
    hmac_sha256(sv_make((const char *)k->bytes, sizeof k->bytes), SV("hongyan ids v1"), mac);
    struct sip_key out;
    memcpy(&out.k0, mac, 8);
    memcpy(&out.k1, mac + 8, 8);
    return out;
}

struct vault_key master_key_vault(const struct master_key *k) {
    struct vault_key out;
    _Static_assert(sizeof out.bytes == SHA256_BYTES, "a hash is a key");
    hmac_sha256(sv_make((const char *)k->bytes, sizeof k->bytes), SV("hongyan vault v1"), out.bytes);
    return out;
}

/* ---- auth tokens at rest ---- */

static bool unseal_token(const struct master_key *mk, struct sv sealed, char out[TOKEN_CHARS + 1]) {
    bool ok = sealed.n == SEAL_BYTES + TOKEN_CHARS && unseal(mk, sealed, out);
    out[ok ? TOKEN_CHARS : 0] = '\0';
    return ok;
}

/* ---- writing ---- */

static bool name_is_fine(struct sv name, struct err *e) {
    if (name.n == 0 || name.n > NAME_CHARS_MAX || !sv_is_utf8(name))
        return err_set_field(e, ERR_INVALID, "name", "a name has 1 to %d bytes of UTF-8", NAME_CHARS_MAX);
    return true;
}

bool accounts_touch(struct db *db, struct err *e) {
    static const char sql[] =
        "INSERT INTO meta (name, value) VALUES ('accounts_version', 1) ON CONFLICT (name) DO "
        "UPDATE SET value=meta.value+1";
    struct db_stmt *s = db_stmt(db, sql, e);
    return db_run(s, e);
}

bool account_read(struct db_stmt *s, const struct master_key *mk, struct account *out, struct err *e) {
    *out = (struct account){.id = db_col_int(s, 0)};
    snprintf(out->sid.text, sizeof out->sid.text, "%.*s", SV_FMT(db_col_text(s, 1)));
    snprintf(out->name, sizeof out->name, "%.*s", SV_FMT(db_col_text(s, 2)));
    region_set_read(&out->countries, db_col_text(s, 4));
    return unseal_token(mk, db_col_text(s, 3), out->auth_token) ||
           err_set(e, ERR_OUTSIDE,
                   "the auth token of account %s cannot be read with this master key: bring back the "
                   "master.key file "
                   "(or HONGYAN_MASTER_KEY) this database was made with",
                   out->sid.text);
}

static bool find_account(struct db *db, const struct master_key *mk, struct sv name, bool *found,
                         struct account *out, struct err *e) {
    static const char sql[] = "SELECT id, sid, name, auth_token, countries FROM account WHERE name=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_text(s, name);
    if (!db_next(s, found, e))
        return false;
    bool ok = !*found || account_read(s, mk, out, e);
    db_end(s);
    return ok;
}

bool account_find(struct db *db, struct sv name, int64_t *id, struct err *e) {
    static const char sql[] = "SELECT id FROM account WHERE name=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    db_text(s, name);
    if (!db_next(s, &row, e))
        return false;
    if (!row)
        return err_set(e, ERR_NOT_FOUND,
                       "there is no account `%.*s`: `hongyan key create --account` makes one", SV_FMT(name));
    *id = db_col_int(s, 0);
    db_end(s);
    return true;
}

static bool insert_account(struct db *db, const struct master_key *mk, struct sv name, int64_t now,
                           struct err *e) {
    static const char sql[] = "INSERT INTO account (sid, name, auth_token, created_at) VALUES (?,?,?,?) "
                              "ON CONFLICT DO NOTHING";
    uint64_t random[4];
    uint8_t sealed[SEAL_BYTES + TOKEN_CHARS];
    char token[TOKEN_CHARS];
    if (!seal_random(random, sizeof random, e))
        return false;
    hex_u64(token, random[2]);
    hex_u64(token + 16, random[3]);
    struct sid sid = sid_random("AC", random[0], random[1]);
    struct db_stmt *s = db_stmt(db, sql, e);
    if (!s || !seal(mk, sv_make(token, sizeof token), sealed, e))
        return false;
    db_text(s, sid_sv(&sid));
    db_text(s, name);
    db_blob(s, sealed, sizeof sealed);
    db_int(s, now);
    return db_run(s, e);
}

bool account_ensure(struct db *db, const struct master_key *mk, struct sv name, int64_t now,
                    struct account *out, bool *made, struct err *e) {
    bool found;
    *made = false;
    if (!name_is_fine(name, e) || !find_account(db, mk, name, &found, out, e))
        return false;
    if (found)
        return true;
    bool ok =
        db_begin(db, e) && insert_account(db, mk, name, now, e) && accounts_touch(db, e) && db_commit(db, e);
    if (!ok) {
        db_rollback(db);
        return false;
    }
    *made = true;
    return find_account(db, mk, name, &found, out, e) &&
           (found || err_set(e, ERR_INTERNAL, "the account vanished while it was made"));
}

bool api_key_create(struct db *db, int64_t account_id, struct sv name, unsigned scopes, int64_t now,
                    struct api_key *out, char secret[SECRET_CHARS + 1], struct err *e) {
    static const char sql[] =
        "INSERT INTO api_key (sid, account_id, name, hash, scopes, created_at) VALUES (?,?,?,?,?,?)";
    uint64_t random[6];
    uint8_t hash[SHA256_BYTES];
    if (!name_is_fine(name, e) || !seal_random(random, sizeof random, e))
        return false;
    *out = (struct api_key){.sid = sid_random("SK", random[0], random[1]),
                            .account_id = account_id,
                            .scopes = scopes,
                            .created_at = now};
    snprintf(out->name, sizeof out->name, "%.*s", SV_FMT(name));
    for (size_t i = 0; i < 4; i++)
        hex_u64(secret + i * 16, random[2 + i]);
    secret[SECRET_CHARS] = '\0';
    sha256(sv_make(secret, SECRET_CHARS), hash);
    struct db_stmt *s = NULL;
    bool ok = db_begin(db, e) && (s = db_stmt(db, sql, e)) != NULL;
    if (ok) {
        db_text(s, sid_sv(&out->sid));
        db_int(s, account_id);
        db_text(s, name);
        db_blob(s, hash, sizeof hash);
        db_int(s, scopes);
        db_int(s, now);
        ok = db_run(s, e) && accounts_touch(db, e) && db_commit(db, e);
    }
    if (!ok)
        db_rollback(db);
    return ok;
}

bool api_key_revoke(struct db *db, struct sv sid, int64_t now, struct err *e) {
    static const char sql[] = "UPDATE api_key SET revoked_at=? WHERE sid=? AND revoked_at=0";
    struct db_stmt *s = NULL;
    bool ok = db_begin(db, e) && (s = db_stmt(db, sql, e)) != NULL;
    if (ok) {
        db_int(s, now);
        db_text(s, sid);
        ok = db_run(s, e);
        if (ok && db_changes(db) == 0)
            ok = err_set(e, ERR_NOT_FOUND, "there is no live key %.*s", SV_FMT(sid));
        ok = ok && accounts_touch(db, e) && db_commit(db, e);
    }
    if (!ok)
        db_rollback(db);
    return ok;
}

static struct api_key read_key(struct db_stmt *s) {
    struct api_key k = {.account_id = db_col_int(s, 1),
                        .scopes = (unsigned)db_col_int(s, 3),
                        .created_at = db_col_int(s, 4),
                        .revoked_at = db_col_int(s, 5)};
    snprintf(k.sid.text, sizeof k.sid.text, "%.*s", SV_FMT(db_col_text(s, 0)));
    snprintf(k.name, sizeof k.name, "%.*s", SV_FMT(db_col_text(s, 2)));
    return k;
}

bool api_key_list(struct db *db, struct api_key *out, size_t max, size_t *n, struct err *e) {
    static const char sql[] = "SELECT sid, account_id, name, scopes, created_at, revoked_at FROM api_key "
                              "ORDER BY created_at, sid LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    db_int(s, (int64_t)max);
    for (*n = 0; *n < max; (*n)++) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        out[*n] = read_key(s);
    }
    db_end(s);
    return true;
}

static const struct {
    const char *name;
    unsigned bit;
} scope_names[] = {{"send", SCOPE_SEND}, {"read", SCOPE_READ}, {"admin", SCOPE_ADMIN}};

bool scopes_parse(struct sv text, unsigned *out, struct err *e) {
    unsigned bits = 0;
    struct sv rest = text;
    while (rest.p) {
        struct sv word = sv_trim(sv_cut(&rest, ','));
        unsigned bit = 0;
        for (size_t i = 0; i < 3; i++)
            if (sv_eq(word, sv_of(scope_names[i].name)))
                bit = scope_names[i].bit;
        if (!bit)
            return err_set_field(e, ERR_INVALID, "scopes", "`%.*s` is no scope: send, read, admin",
                                 SV_FMT(word));
        bits |= bit;
    }
    *out = bits;
    return true;
}

void scopes_print(unsigned scopes, struct buf *out) {
    const char *comma = "";
    for (size_t i = 0; i < 3; i++)
        if (scopes & scope_names[i].bit) {
            buf_addf(out, "%s%s", comma, scope_names[i].name);
            comma = ",";
        }
}
