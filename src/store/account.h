/* account: tenants and their keys, as the command line writes them and the front threads check them.
 *
 * A key's secret is 256 random bits, shown once and stored as its SHA-256. An account's auth token must be
 * readable again, since it signs callbacks: it is stored under AES-256-GCM with the master key. The master
 * key is 32 bytes from HONGYAN_MASTER_KEY (64 hex digits) or the file DATA_DIR/master.key, made with mode
 * 0600 at first start; whoever loses it loses the auth tokens, not the messages.
 *
 * A directory is one thread's own copy of the accounts and live keys: look-ups touch no database. It is read
 * anew when the database says that accounts or keys have changed, asked at most once a second, and at once
 * for a key it does not know.
 */
#ifndef HY_STORE_ACCOUNT_H
#define HY_STORE_ACCOUNT_H

#include "base/arena.h"
#include "base/codec.h"
#include "base/vault.h"
#include "model/id.h"
#include "model/region_set.h"
#include "store/write.h"

enum { SCOPE_SEND = 1, SCOPE_READ = 2, SCOPE_ADMIN = 4, SCOPE_ALL = 7 };
enum { MASTER_KEY_BYTES = 32, SECRET_CHARS = 64, NAME_CHARS_MAX = 64 };

struct master_key {
    uint8_t bytes[MASTER_KEY_BYTES];
};
/* hex: the environment's value, or empty: then the file in data_dir, which is made if it is not there. */
MUST_USE bool master_key_load(struct sv hex, struct sv data_dir, struct master_key *out, struct err *e);
/* The key behind message sids and attempt tokens. */
struct sip_key master_key_ids(const struct master_key *k);
/* The key of one-time codes and of texts that say them. */
struct vault_key master_key_vault(const struct master_key *k);

struct account {
    int64_t id;
    struct sid sid;
    char name[NAME_CHARS_MAX + 1];
    char auth_token[SECRET_CHARS / 2 + 1]; /* secret: 32 hex digits, Twilio's form */
    struct region_set countries;           /* to which it may send, as was said over HTTP; empty: all */
};

struct api_key {
    struct sid sid;
    int64_t account_id;
    char name[NAME_CHARS_MAX + 1];
    unsigned scopes;
    int64_t created_at;
    int64_t revoked_at; /* 0: live */
};

/* ---- writing: command line and first start. now: microseconds. ---- */

/* The account of that name, made if it is not there. *made says which. */
MUST_USE bool account_ensure(struct db *db, const struct master_key *mk, struct sv name, int64_t now,
                             struct account *out, bool *made, struct err *e);
/* ERR_NOT_FOUND when there is none of that name. */
MUST_USE bool account_find(struct db *db, struct sv name, int64_t *id, struct err *e);
/* A new key; secret gets SECRET_CHARS hex digits and a NUL, and is nowhere else. */
MUST_USE bool api_key_create(struct db *db, int64_t account_id, struct sv name, unsigned scopes, int64_t now,
                             struct api_key *out, char secret[SECRET_CHARS + 1], struct err *e);
/* ERR_NOT_FOUND if there is no such live key. */
MUST_USE bool api_key_revoke(struct db *db, struct sv sid, int64_t now, struct err *e);
/* Up to max, oldest first, revoked ones too. */
MUST_USE bool api_key_list(struct db *db, struct api_key *out, size_t max, size_t *n, struct err *e);
/* "send,read" -> bits; ERR_INVALID names the word that is none. */
MUST_USE bool scopes_parse(struct sv text, unsigned *out, struct err *e);
void scopes_print(unsigned scopes, struct buf *out);

/* The account a statement stands on: columns id, sid, name, auth_token, countries. ERR_OUTSIDE when the
 * master key is not the one the token was stored under. */
MUST_USE bool account_read(struct db_stmt *s, const struct master_key *mk, struct account *out,
                           struct err *e);

/* Tells every directory to read anew; part of the writer's transaction. */
MUST_USE bool accounts_touch(struct db *db, struct err *e);

/* ---- countries: written through the journal ---- */

struct account_countries_write {
    struct store_write write; /* first; run: account_countries_run */
    int64_t account_id;
    struct region_set countries; /* empty: no list of its own any more */
};
/* In force in every directory within a second. */
MUST_USE bool account_countries_run(struct db *db, struct store_write *w, int64_t now, struct err *e);
MUST_USE bool account_countries_read(struct db *db, int64_t account_id, struct region_set *out,
                                     struct err *e);

/* ---- checking ---- */

struct directory;

/* db is a reader of the caller's, used by this directory's thread only. */
MUST_USE struct directory *directory_open(struct db *db, const struct master_key *mk, struct err *e);
void directory_close(struct directory *d);
/* Reads anew if something changed and a second has passed since the last look; now is any monotonic
 * microseconds. */
void directory_refresh(struct directory *d, int64_t now);

struct caller {
    const struct account *account; /* valid until the next refresh */
    unsigned scopes;
    struct sid key; /* the API key's, or the account's own sid when its auth token was used */
};
/* user: an API key's SK sid, or an account's AC sid with its auth token as secret (all scopes). False:
 * unknown or wrong; which of the two is not told. Takes the same time for both as far as the secret goes. */
MUST_USE bool directory_check(struct directory *d, struct sv user, struct sv secret, int64_t now,
                              struct caller *out);
/* A bearer token: SK sid, '.', secret. */
MUST_USE bool directory_check_bearer(struct directory *d, struct sv token, int64_t now, struct caller *out);
const struct account *directory_account(struct directory *d, int64_t id);
const struct account *directory_account_of_name(struct directory *d, struct sv name);
/* The countries that account is restricted to over HTTP, as a copy in mem; NULL: it is not. */
const struct region_set *directory_countries(struct directory *d, int64_t id, struct arena *mem);
/* The first account; NULL when there is none. */
const struct account *directory_first(struct directory *d);

#endif
