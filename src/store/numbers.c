#include "store/numbers.h"

#include "base/arena.h"
#include "base/codec.h"
#include "store/consents.h"

#include <stdio.h>
#include <string.h>

/* Fixed, as they are stored. Whoever makes numbers collide gains nothing. */
static const struct sip_key key_of_hashes = {0x68756e6779616e21, 0x7375707072657373};
static const struct sip_key key_of_entries = {0x6e756d6265722072, 0x6f7773206f662066};

enum {
    ROW_BITS = 18, /* of the hash: which row */
    ENTRY_BYTES = 5,
    SETTLED_MAX = 1000, /* in one commit */
    NOTES_AT_ONCE = 64,
    CACHE_KB = 16000, /* as db_sqlite.c has it */
    CACHE_KB_MAX = 128000,
    SAMPLED = 64,
};

/* Stored: append only. */
enum about {
    ABOUT_LIST = 1,         /* the rows of a number in the suppression list */
    ABOUT_CONSENT = 2,      /* its consents for a topic */
    ABOUT_ALL_LISTS = 3,    /* all of it from account_id and number on is still to be read */
    ABOUT_ALL_CONSENTS = 4, /* the same from the row account_id on */
};

/* What may be so of a number. */
enum fact {
    FACT_LISTED = 'l',  /* the account has rows for it */
    FACT_GRANTED = 'g', /* the latest word for the topic is a consent, if there is no word for all topics */
    FACT_FOR_ALL = 'a', /* there are words for all topics: the history has to be asked */
};

static const char schema[] =
    "CREATE TABLE number_row (id INTEGER PRIMARY KEY, entries BLOB NOT NULL);"
    "CREATE TABLE number_todo (about INTEGER NOT NULL, account_id INTEGER NOT NULL, number TEXT NOT NULL, "
    "topic TEXT NOT NULL, PRIMARY KEY (about, account_id, number, topic)) WITHOUT ROWID;"
    "CREATE TRIGGER number_list_in AFTER INSERT ON suppression BEGIN "
    "INSERT OR IGNORE INTO number_todo VALUES (1, NEW.account_id, NEW.number, ''); END;"
    "CREATE TRIGGER number_list_out AFTER DELETE ON suppression BEGIN "
    "INSERT OR IGNORE INTO number_todo VALUES (1, OLD.account_id, OLD.number, ''); END;"
    "CREATE TRIGGER number_list_moved AFTER UPDATE OF account_id, number ON suppression BEGIN "
    "INSERT OR IGNORE INTO number_todo VALUES (1, OLD.account_id, OLD.number, ''), "
    "(1, NEW.account_id, NEW.number, ''); END;"
    "CREATE TRIGGER number_consent_in AFTER INSERT ON consent WHEN NEW.act IN (1, 2) BEGIN "
    "INSERT OR IGNORE INTO number_todo VALUES (2, NEW.account_id, NEW.number, NEW.topic); END;"
    "CREATE TRIGGER number_consent_out AFTER DELETE ON consent WHEN OLD.act IN (1, 2) BEGIN "
    "INSERT OR IGNORE INTO number_todo VALUES (2, OLD.account_id, OLD.number, OLD.topic); END;"
    "CREATE TRIGGER number_consent_moved AFTER UPDATE OF id, account_id, number, topic, act, at ON consent "
    "BEGIN INSERT OR IGNORE INTO number_todo VALUES (2, OLD.account_id, OLD.number, OLD.topic), "
    "(2, NEW.account_id, NEW.number, NEW.topic); END;"
    "INSERT INTO number_todo SELECT 3, -1, '', '' WHERE EXISTS (SELECT 1 FROM suppression);"
    "INSERT INTO number_todo SELECT 4, 0, '', '' WHERE EXISTS (SELECT 1 FROM consent);";
_Static_assert(CONSENT_GRANTED == 1 && CONSENT_WITHDRAWN == 2, "as the triggers have them");

/* ---- rows ---- */

int64_t numbers_hash(struct sv number) {
    uint8_t bytes[8];
    if (number.n == SUPPRESSION_PSEUDONYM_BYTES && number.p[0] == SUPPRESSION_PSEUDONYM_MARK &&
        hex_parse(sv_sub(number, 1, 16), bytes, sizeof bytes)) {
        uint64_t hash = 0;
        for (size_t i = 0; i < sizeof bytes; i++)
            hash = hash << 8 | bytes[i];
        return (int64_t)(hash >> 1);
    }
    return (int64_t)(siphash(key_of_hashes, number) >> 1);
}

static int64_t row_of(int64_t hash) {
    return hash >> (63 - ROW_BITS);
}

static uint64_t entry_of(int64_t hash, int64_t account_id, enum fact fact, struct sv topic) {
    const uint64_t parts[] = {(uint64_t)hash, (uint64_t)account_id, (uint64_t)fact,
                              topic.n ? siphash(key_of_entries, topic) : 0};
    uint64_t whole = siphash(key_of_entries, sv_make((const char *)parts, sizeof parts));
    return whole >> (64 - 8 * ENTRY_BYTES);
}

static uint64_t entry_at(const char *p) {
    uint64_t v = 0;
    memcpy(&v, p, ENTRY_BYTES);
    return v;
}

/* Which of the entries the number's row has, as bits, and whether anything is noted. */
static bool look(struct db *db, int64_t hash, const uint64_t *entries, unsigned n, unsigned *found,
                 bool *noted, struct err *e) {
    static const char sql[] =
        "SELECT (SELECT entries FROM number_row WHERE id=?), EXISTS (SELECT 1 FROM number_todo)";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    db_int(s, row_of(hash));
    if (!db_next(s, &row, e))
        return false;
    struct sv all = db_col_text(s, 0);
    *found = 0;
    *noted = db_col_int(s, 1) != 0;
    for (size_t i = 0; i + ENTRY_BYTES <= all.n; i += ENTRY_BYTES) {
        uint64_t entry = entry_at(all.p + i);
        for (unsigned k = 0; k < n; k++)
            *found |= (unsigned)(entry == entries[k]) << k;
    }
    db_end(s);
    return true;
}

static bool write_row(struct db *db, int64_t id, struct sv entries, struct err *e) {
    static const char put[] = "INSERT INTO number_row (id, entries) VALUES (?,?) ON CONFLICT (id) DO UPDATE "
                              "SET entries=excluded.entries";
    static const char drop[] = "DELETE FROM number_row WHERE id=?";
    struct db_stmt *s = db_stmt(db, entries.n ? put : drop, e);
    db_int(s, id);
    if (entries.n)
        db_blob(s, entries.p, entries.n);
    return db_run(s, e);
}

/* Is the entry there from now on, or not? */
static bool set(struct db *db, int64_t hash, uint64_t entry, bool there, struct err *e) {
    static const char sql[] = "SELECT entries FROM number_row WHERE id=?";
    struct buf BUF_AUTO entries = BUF_INIT(1 << 24);
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    db_int(s, row_of(hash));
    if (!db_next(s, &row, e))
        return false;
    struct sv all = row ? db_col_text(s, 0) : SV_NONE;
    size_t at = 0;
    while (at + ENTRY_BYTES <= all.n && entry_at(all.p + at) != entry)
        at += ENTRY_BYTES;
    bool was = at + ENTRY_BYTES <= all.n;
    if (was != there) {
        buf_add(&entries, sv_sub(all, 0, at));
        buf_add(&entries,
                there ? sv_make((const char *)&entry, ENTRY_BYTES) : sv_from(all, at + ENTRY_BYTES));
    }
    if (row)
        db_end(s);
    if (entries.overflow)
        return err_set(e, ERR_OUTSIDE, "too many numbers share a row");
    return was == there || write_row(db, row_of(hash), buf_sv(&entries), e);
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "entries are stored as this machine has them");

/* ---- asking ---- */

bool numbers_ask(struct db *db, int64_t account_id, struct sv number, struct sv topic,
                 struct numbers_known *out, struct err *e) {
    enum { OWN, COMMON, GRANTED, FOR_ALL, ENTRIES };
    int64_t hash = numbers_hash(number);
    unsigned found;
    bool noted;
    *out = (struct numbers_known){NUMBERS_ASK, NUMBERS_ASK};
    if (!db_is_file(db))
        return true;
    const uint64_t entries[ENTRIES] = {[OWN] = entry_of(hash, account_id, FACT_LISTED, SV_NONE),
                                       [COMMON] = entry_of(hash, 0, FACT_LISTED, SV_NONE),
                                       [GRANTED] = entry_of(hash, account_id, FACT_GRANTED, topic),
                                       [FOR_ALL] = entry_of(hash, account_id, FACT_FOR_ALL, SV_NONE)};
    if (!look(db, hash, entries, ENTRIES, &found, &noted, e))
        return false;
    if (noted)
        return true;
    out->listed = found & (1u << OWN | 1u << COMMON) ? NUMBERS_YES : NUMBERS_NO;
    if (!(found & 1u << FOR_ALL))
        out->granted = found & 1u << GRANTED ? NUMBERS_YES : NUMBERS_NO;
    return true;
}

/* ---- following the lists ---- */

struct note {
    enum about about;
    int64_t account_id;
    struct sv number, topic; /* in the arena of who read it */
};

static bool is_listed(struct db *db, const struct note *n, bool *yes, struct err *e) {
    static const char sql[] = "SELECT 1 FROM suppression WHERE account_id=? AND number IN (?, ?) LIMIT 1";
    struct suppression_pseudonym erased = suppression_pseudonym(n->number);
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, n->account_id);
    db_text(s, n->number);
    db_text(s, sv_of(erased.text));
    return db_any(s, yes, e);
}

static bool has_for_all(struct db *db, const struct note *n, bool *yes, struct err *e) {
    static const char sql[] = "SELECT 1 FROM consent INDEXED BY consent_number WHERE account_id=? AND "
                              "number=? AND topic='' AND act BETWEEN 1 AND 2 LIMIT 1";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, n->account_id);
    db_text(s, n->number);
    return db_any(s, yes, e);
}

/* Makes the number's row say what the list says now. */
static bool follow(struct db *db, const struct note *n, struct err *e) {
    int64_t hash = numbers_hash(n->number);
    bool yes;
    if (n->about == ABOUT_LIST) {
        if (!is_listed(db, n, &yes, e))
            return false;
        /* The pseudonym's rows may be gone and the number's own still there: that costs a question of the
         * list, as a number that is on it does. */
        if (!yes && n->number.n && n->number.p[0] == SUPPRESSION_PSEUDONYM_MARK)
            return true;
        return set(db, hash, entry_of(hash, n->account_id, FACT_LISTED, SV_NONE), yes, e);
    }
    if (n->topic.n == 0)
        return has_for_all(db, n, &yes, e) &&
               set(db, hash, entry_of(hash, n->account_id, FACT_FOR_ALL, SV_NONE), yes, e);
    return consents_ask(db, n->account_id, n->number, n->topic, &yes, e) &&
           set(db, hash, entry_of(hash, n->account_id, FACT_GRANTED, n->topic), yes, e);
}

/* Those up to the last that was worked off. */
static bool forget_notes(struct db *db, const struct note *last, struct err *e) {
    static const char sql[] =
        "DELETE FROM number_todo WHERE (about, account_id, number, topic)<=(?, ?, ?, ?)";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, last->about);
    db_int(s, last->account_id);
    db_text(s, last->number);
    db_text(s, last->topic);
    return db_run(s, e);
}

static bool read_notes(struct db *db, struct arena *mem, struct note *out, unsigned *n, struct err *e) {
    static const char sql[] =
        "SELECT about, account_id, number, topic FROM number_todo ORDER BY about, account_id, number, topic "
        "LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, NOTES_AT_ONCE);
    for (*n = 0;; ++*n) {
        bool row;
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return !mem->full || err_set(e, ERR_OUTSIDE, "out of memory for what is noted of numbers");
        out[*n] = (struct note){.about = (enum about)db_col_int(s, 0),
                                .account_id = db_col_int(s, 1),
                                .number = arena_dup(mem, db_col_text(s, 2)),
                                .topic = arena_dup(mem, db_col_text(s, 3))};
    }
}

/* Works off up to max notes, and some more; *rest: the first that is left is of that kind, 0: none. */
static bool settle(struct db *db, unsigned max, enum about *rest, struct err *e) {
    unsigned n, done = 0;
    do {
        struct arena ARENA_AUTO mem;
        struct note notes[NOTES_AT_ONCE];
        arena_init(&mem, 1 << 20);
        if (!read_notes(db, &mem, notes, &n, e))
            return false;
        unsigned i = 0;
        for (; i < n && notes[i].about <= ABOUT_CONSENT; i++)
            if (!follow(db, &notes[i], e))
                return false;
        if (i && !forget_notes(db, &notes[i - 1], e))
            return false;
        done += i;
        *rest = i < n ? notes[i].about : n == NOTES_AT_ONCE ? ABOUT_CONSENT : 0;
    } while (*rest == ABOUT_CONSENT && done < max);
    return true;
}

static bool before_commit(struct db *db, struct err *e) {
    enum about rest;
    return settle(db, SETTLED_MAX, &rest, e);
}

void numbers_changed(struct db *db) {
    if (db_is_file(db))
        db_before_commit(db, before_commit);
}

/* ---- lists that were there before ---- */

static bool note_place(struct db *db, enum about about, int64_t account_id, struct sv number, struct err *e) {
    static const char sql[] = "UPDATE number_todo SET account_id=?, number=? WHERE about=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, account_id);
    db_text(s, number);
    db_int(s, about);
    return db_run(s, e);
}

static bool forget_place(struct db *db, enum about about, struct err *e) {
    static const char sql[] = "DELETE FROM number_todo WHERE about=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, about);
    return db_run(s, e);
}

/* The place where one of the two walks is; *there: it is under way. */
static bool read_place(struct db *db, enum about about, struct arena *mem, struct note *out, bool *there,
                       struct err *e) {
    static const char sql[] = "SELECT account_id, number FROM number_todo WHERE about=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, about);
    if (!db_next(s, there, e))
        return false;
    if (!*there)
        return true;
    *out = (struct note){
        .about = about, .account_id = db_col_int(s, 0), .number = arena_dup(mem, db_col_text(s, 1))};
    db_end(s);
    return true;
}

/* The next rows behind the place. */
static bool read_rows(struct db *db, const struct note *place, struct arena *mem, struct note *out,
                      unsigned max, unsigned *n, struct note *last, struct err *e) {
    static const char lists[] =
        "SELECT DISTINCT account_id, number, '' FROM suppression WHERE (account_id, number)>(?, ?) ORDER BY "
        "account_id, number LIMIT ?";
    static const char consents[] =
        "SELECT account_id, number, topic, id FROM consent WHERE id>? ORDER BY id LIMIT ?";
    bool is_list = place->about == ABOUT_ALL_LISTS;
    struct db_stmt *s = db_stmt(db, is_list ? lists : consents, e);
    db_int(s, place->account_id);
    if (is_list)
        db_text(s, place->number);
    db_int(s, max);
    *last = *place;
    for (*n = 0;; ++*n) {
        bool row;
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return !mem->full || err_set(e, ERR_OUTSIDE, "out of memory for the rows of numbers");
        out[*n] = (struct note){.about = is_list ? ABOUT_LIST : ABOUT_CONSENT,
                                .account_id = db_col_int(s, 0),
                                .number = arena_dup(mem, db_col_text(s, 1)),
                                .topic = arena_dup(mem, db_col_text(s, 2))};
        last->account_id = is_list ? out[*n].account_id : db_col_int(s, 3);
        last->number = is_list ? out[*n].number : SV_NONE;
    }
}

/* Goes on with one walk by up to max rows; *more: it is not at its end. */
static bool walk(struct db *db, enum about about, unsigned max, bool *more, struct err *e) {
    struct arena ARENA_AUTO mem;
    struct note place, last;
    unsigned n;
    arena_init(&mem, (size_t)max * 512 + 4096);
    *more = false;
    if (!read_place(db, about, &mem, &place, more, e))
        return false;
    if (!*more)
        return true;
    struct note *rows = arena_alloc(&mem, max * sizeof *rows);
    if (!rows)
        return err_set(e, ERR_OUTSIDE, "out of memory for the rows of numbers");
    if (!read_rows(db, &place, &mem, rows, max, &n, &last, e))
        return false;
    for (unsigned i = 0; i < n; i++)
        if (!follow(db, &rows[i], e))
            return false;
    *more = n == max;
    return *more ? note_place(db, about, last.account_id, last.number, e) : forget_place(db, about, e);
}

bool numbers_catch_up(struct db *db, unsigned max, bool *more, struct err *e) {
    enum about rest;
    bool lists = false, consents = false;
    *more = false;
    if (!db_is_file(db))
        return true;
    if (!settle(db, max, &rest, e))
        return false;
    if (rest >= ABOUT_ALL_LISTS && (!walk(db, ABOUT_ALL_LISTS, max, &lists, e) ||
                                    (!lists && !walk(db, ABOUT_ALL_CONSENTS, max, &consents, e))))
        return false;
    *more = (rest && rest <= ABOUT_CONSENT) || lists || consents;
    return true;
}

/* ---- the tables ---- */

/* What is asked of ten million numbers at random should find its row in memory. */
static bool give_cache(struct db *db, struct err *e) {
    static const char sql[] =
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i<?) SELECT "
        "sum(length(entries)) FROM n JOIN number_row ON id=i*?";
    char set_cache[64];
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    db_int(s, SAMPLED - 1);
    db_int(s, (1 << ROW_BITS) / SAMPLED);
    if (!db_next(s, &row, e))
        return false;
    /* A page of a tree that grew at random is two thirds full. */
    int64_t kb = db_col_int(s, 0) * ((1 << ROW_BITS) / SAMPLED) * 3 / 2 / 1024;
    db_end(s);
    snprintf(set_cache, sizeof set_cache, "PRAGMA cache_size=-%d",
             CACHE_KB + (int)(kb < CACHE_KB_MAX ? kb : CACHE_KB_MAX));
    return db_script(db, set_cache, e);
}

static bool is_installed(struct db *db, bool *is, struct err *e) {
    static const char sql[] = "SELECT 1 FROM sqlite_master WHERE name='number_row'";
    struct db_stmt *s = db_stmt(db, sql, e);
    return db_any(s, is, e);
}

bool numbers_install(struct db *db, struct err *e) {
    bool installed;
    if (!db_is_file(db))
        return true;
    if (!is_installed(db, &installed, e))
        return false;
    if (installed)
        return give_cache(db, e);
    /* Another process may be doing the same. */
    bool ok = db_begin_schema(db, e) && is_installed(db, &installed, e) &&
              (installed || db_script(db, schema, e)) && db_commit(db, e);
    if (!ok)
        db_rollback(db);
    return ok;
}
