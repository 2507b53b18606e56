#include "store/templates.h"

#include "store/rows.h"

#include <string.h>

/* ---- writing ---- */

/* Binds whose template it is: the first parameters of most statements here. */
static struct db_stmt *of_template(struct db *db, const char *sql, int64_t account_id, struct sv name,
                                   struct err *e) {
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, account_id);
    db_text(s, name);
    return s;
}

static struct db_stmt *of_version(struct db *db, const char *sql, const struct template_write *w,
                                  struct err *e) {
    struct db_stmt *s = of_template(db, sql, w->account_id, w->name, e);
    if (s)
        db_int(s, w->number);
    return s;
}

static bool run(struct db *db, const char *sql, const struct template_write *w, struct err *e) {
    struct db_stmt *s = of_version(db, sql, w, e);
    return db_run(s, e);
}

/* Tells every reader to look; part of the writer's transaction. */
static bool touch(struct db *db, struct template_write *w, struct err *e) {
    static const char sql[] =
        "INSERT INTO meta (name, value) VALUES ('templates_generation', 1) ON CONFLICT (name) "
        "DO UPDATE SET value=meta.value+1";
    struct db_stmt *s = db_stmt(db, sql, e);
    w->published = true;
    return db_run(s, e);
}

/* A template whose versions were all deleted is not there any more; its row stays, for the numbers. */
#define THAT_LIVES                                                                                           \
    " EXISTS (SELECT 1 FROM template_version AS v WHERE v.account_id=t.account_id AND v.name=t.name)"

static bool state_of(struct db *db, const struct template_write *w, bool *found, enum template_state *out,
                     struct err *e) {
    static const char sql[] = "SELECT state FROM template_version WHERE account_id=? AND name=? AND number=?";
    struct db_stmt *s = of_version(db, sql, w, e);
    if (!db_next(s, found, e))
        return false;
    *out = *found ? (enum template_state)db_col_int(s, 0) : TEMPLATE_DRAFT;
    db_end(s);
    return true;
}

static bool set_state(struct db *db, struct template_write *w, enum template_state to, int64_t now,
                      struct err *e) {
    static const char sql[] = "UPDATE template_version SET state=?, published_at=CASE WHEN ?=2 THEN ? ELSE "
                              "published_at END WHERE account_id=? AND name=? AND number=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, to);
    db_int(s, to);
    db_int(s, now);
    db_int(s, w->account_id);
    db_text(s, w->name);
    db_int(s, w->number);
    w->state = to;
    return db_run(s, e);
}

static bool set_published(struct db *db, struct template_write *w, uint32_t number, int64_t now,
                          struct err *e) {
    static const char sql[] = "UPDATE template SET published=?, updated_at=? WHERE account_id=? AND name=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, number);
    db_int(s, now);
    db_int(s, w->account_id);
    db_text(s, w->name);
    return db_run(s, e) && touch(db, w, e);
}

static bool publish(struct db *db, struct template_write *w, int64_t now, struct err *e) {
    static const char others[] =
        "UPDATE template_version SET state=3 WHERE account_id=? AND name=? AND number<>? AND state=2";
    return run(db, others, w, e) && set_state(db, w, TEMPLATE_PUBLISHED, now, e) &&
           set_published(db, w, w->number, now, e);
}

static bool archive(struct db *db, struct template_write *w, enum template_state from, int64_t now,
                    struct err *e) {
    return set_state(db, w, TEMPLATE_ARCHIVED, now, e) &&
           (from != TEMPLATE_PUBLISHED || set_published(db, w, 0, now, e));
}

static bool drop(struct db *db, const struct template_write *w, struct err *e) {
    static const char bodies[] = "DELETE FROM template_body WHERE account_id=? AND name=? AND number=?";
    static const char codes[] = "DELETE FROM template_code WHERE account_id=? AND name=? AND number=?";
    static const char version[] = "DELETE FROM template_version WHERE account_id=? AND name=? AND number=?";
    return run(db, bodies, w, e) && run(db, codes, w, e) && run(db, version, w, e);
}

static bool move(struct db *db, struct template_write *w, int64_t now, struct err *e) {
    bool found;
    if (!state_of(db, w, &found, &w->state, e))
        return false;
    if (!found) {
        w->outcome = TEMPLATE_ABSENT;
        return true;
    }
    switch (w->act) {
    case TEMPLATE_PUBLISH:
        w->outcome = w->state == TEMPLATE_PUBLISHED ? TEMPLATE_SAME : TEMPLATE_DONE;
        return w->outcome == TEMPLATE_SAME || publish(db, w, now, e);
    case TEMPLATE_ARCHIVE:
        w->outcome = w->state == TEMPLATE_ARCHIVED ? TEMPLATE_SAME : TEMPLATE_DONE;
        return w->outcome == TEMPLATE_SAME || archive(db, w, w->state, now, e);
    case TEMPLATE_DELETE:
        w->outcome = w->state == TEMPLATE_DRAFT ? TEMPLATE_DONE : TEMPLATE_REFUSED;
        return w->outcome == TEMPLATE_REFUSED || drop(db, w, e);
    case TEMPLATE_ADD: break;
    }
    BUG("an added version is not moved");
}

/* ---- adding ---- */

/* Whether the newest version says the same: then it is the one meant. */
static bool find_same(struct db *db, struct template_write *w, const uint8_t *digest, bool *same,
                      struct err *e) {
    static const char sql[] = "SELECT number, state, digest FROM template_version WHERE account_id=? AND "
                              "name=? ORDER BY number DESC LIMIT 1";
    struct db_stmt *s = of_template(db, sql, w->account_id, w->name, e);
    bool row;
    if (!db_next(s, &row, e))
        return false;
    *same = row && sv_eq(db_col_text(s, 2), sv_make((const char *)digest, SHA256_BYTES));
    if (*same) {
        w->number = (uint32_t)db_col_int(s, 0);
        w->state = (enum template_state)db_col_int(s, 1);
    }
    db_end(s);
    return true;
}

/* Gives the version its number, making the template if it is not there. */
static bool number_it(struct db *db, struct template_write *w, int64_t now, bool *full, struct err *e) {
    static const char latest[] = "SELECT latest FROM template WHERE account_id=? AND name=?";
    static const char count[] = "SELECT count(*) FROM template AS t WHERE t.account_id=? AND" THAT_LIVES;
    static const char put[] =
        "INSERT INTO template (account_id, name, latest, created_at, updated_at) VALUES (?,?,?,?,?) ON "
        "CONFLICT (account_id, name) DO UPDATE SET latest=excluded.latest, updated_at=excluded.updated_at";
    struct db_stmt *s = of_template(db, latest, w->account_id, w->name, e);
    int64_t number, n;
    *full = false;
    if (!db_value(s, &number, e))
        return false;
    w->number = (uint32_t)number + 1;
    if (number == 0) {
        s = db_stmt(db, count, e);
        db_int(s, w->account_id);
        if (!db_value(s, &n, e))
            return false;
        *full = n >= TEMPLATES_PER_ACCOUNT_MAX;
        if (*full)
            return true;
    }
    s = of_version(db, put, w, e);
    db_int(s, now);
    db_int(s, now);
    return db_run(s, e);
}

static bool insert_bodies(struct db *db, const struct template_write *w, struct err *e) {
    static const char sql[] = "INSERT INTO template_body (account_id, name, number, language, channel, part, "
                              "text) VALUES (?,?,?,?,?,?,?)";
    for (size_t i = 0; i < w->doc->n_bodies; i++) {
        const struct template_body *b = &w->doc->bodies[i];
        struct db_stmt *s = of_version(db, sql, w, e);
        db_text(s, b->language);
        db_int(s, b->channel);
        db_int(s, b->part);
        db_text(s, b->text);
        if (!db_run(s, e))
            return false;
    }
    return true;
}

static bool insert_codes(struct db *db, const struct template_write *w, struct err *e) {
    static const char sql[] = "INSERT INTO template_code (account_id, name, number, provider, language, "
                              "code, sign, params) VALUES (?,?,?,?,?,?,?,?)";
    for (size_t i = 0; i < w->doc->n_codes; i++) {
        const struct template_code *c = &w->doc->codes[i];
        struct db_stmt *s = of_version(db, sql, w, e);
        db_text(s, c->provider);
        db_text(s, c->language);
        db_text(s, c->code);
        db_text_or_null(s, c->sign);
        db_text_or_null(s, c->params);
        if (!db_run(s, e))
            return false;
    }
    return true;
}

static bool insert_version(struct db *db, const struct template_write *w, const uint8_t *digest, int64_t now,
                           struct err *e) {
    static const char sql[] = "INSERT INTO template_version (account_id, name, number, state, created_at, "
                              "digest, note, sample) VALUES (?,?,?,1,?,?,?,?)";
    struct db_stmt *s = of_version(db, sql, w, e);
    db_int(s, now);
    db_blob(s, digest, SHA256_BYTES);
    db_text_or_null(s, w->doc->note);
    db_text_or_null(s, w->doc->sample);
    return db_run(s, e);
}

static bool add(struct db *db, struct template_write *w, int64_t now, struct err *e) {
    uint8_t digest[SHA256_BYTES];
    bool same, full = false;
    template_doc_digest(w->doc, digest);
    if (!find_same(db, w, digest, &same, e))
        return false;
    if (same && !(w->publish && w->state == TEMPLATE_DRAFT)) {
        w->outcome = TEMPLATE_SAME;
        return true;
    }
    w->outcome = TEMPLATE_DONE;
    if (same)
        return publish(db, w, now, e);
    if (!number_it(db, w, now, &full, e))
        return false;
    if (full) {
        w->outcome = TEMPLATE_FULL;
        return true;
    }
    w->state = TEMPLATE_DRAFT;
    return insert_version(db, w, digest, now, e) && insert_bodies(db, w, e) && insert_codes(db, w, e) &&
           (!w->publish || publish(db, w, now, e));
}

bool templates_write(struct db *db, struct template_write *w, int64_t now, struct err *e) {
    w->published = false;
    return w->act == TEMPLATE_ADD ? add(db, w, now, e) : move(db, w, now, e);
}

bool templates_run(struct db *db, struct store_write *write, int64_t now, struct err *e) {
    return templates_write(db, (struct template_write *)write, now, e);
}

/* ---- reading ---- */

bool templates_generation(struct db *db, int64_t *out, struct err *e) {
    static const char sql[] = "SELECT value FROM meta WHERE name='templates_generation'";
    struct db_stmt *s = db_stmt(db, sql, e);
    return db_value(s, out, e);
}

static struct template_head read_head(struct db_stmt *s) {
    struct template_head h = {.latest = (uint32_t)db_col_int(s, 1),
                              .published = (uint32_t)db_col_int(s, 2),
                              .created_at = db_col_int(s, 3),
                              .updated_at = db_col_int(s, 4)};
    rows_copy(h.name, sizeof h.name, db_col_text(s, 0));
    return h;
}

static bool no_template(struct err *e) {
    return err_set(e, ERR_NOT_FOUND, "there is no such template, or version of it");
}

bool templates_head(struct db *db, int64_t account_id, struct sv name, struct template_head *out,
                    struct err *e) {
    static const char sql[] =
        "SELECT t.name, t.latest, t.published, t.created_at, t.updated_at FROM template AS t WHERE "
        "t.account_id=? AND t.name=? AND" THAT_LIVES;
    struct db_stmt *s = of_template(db, sql, account_id, name, e);
    bool row;
    if (!db_next(s, &row, e))
        return false;
    if (!row)
        return no_template(e);
    *out = read_head(s);
    db_end(s);
    return true;
}

bool templates_list(struct db *db, int64_t account_id, struct sv after, unsigned limit,
                    struct template_head *out, size_t *n, bool *more, struct err *e) {
    static const char sql[] =
        "SELECT t.name, t.latest, t.published, t.created_at, t.updated_at FROM template AS t WHERE "
        "t.account_id=? AND t.name>? AND" THAT_LIVES " ORDER BY t.name LIMIT ?";
    ASSERT(limit >= 1 && limit <= TEMPLATES_PAGE_MAX);
    struct db_stmt *s = of_template(db, sql, account_id, after, e);
    db_int(s, (int64_t)limit + 1);
    *more = false;
    bool row;
    for (*n = 0;; ++*n) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        if (*n == limit) {
            *more = true;
            db_end(s);
            return true;
        }
        out[*n] = read_head(s);
    }
}

/* Columns number, state, created_at, published_at, digest, note. False: the arena is full. */
static bool read_version(struct db_stmt *s, struct arena *a, struct template_version *out) {
    struct sv digest = db_col_text(s, 4), note = db_col_text(s, 5);
    *out = (struct template_version){.number = (uint32_t)db_col_int(s, 0),
                                     .state = (enum template_state)db_col_int(s, 1),
                                     .created_at = db_col_int(s, 2),
                                     .published_at = db_col_int(s, 3)};
    if (digest.n == SHA256_BYTES)
        memcpy(out->digest, digest.p, SHA256_BYTES);
    if (note.n)
        out->note = arena_dup(a, note);
    return !note.n || out->note.p;
}

static bool no_memory(struct db_stmt *s, struct err *e) {
    db_end(s);
    return err_set(e, ERR_OUTSIDE, "out of memory for templates");
}

bool templates_versions(struct db *db, int64_t account_id, struct sv name, uint32_t before, unsigned limit,
                        struct arena *a, struct template_version *out, size_t *n, struct err *e) {
    static const char sql[] = "SELECT number, state, created_at, published_at, digest, note FROM "
                              "template_version WHERE account_id=? AND name=? AND number<? ORDER BY number "
                              "DESC LIMIT ?";
    struct db_stmt *s = of_template(db, sql, account_id, name, e);
    db_int(s, before ? before : INT64_MAX);
    db_int(s, limit);
    bool row;
    for (*n = 0;; ++*n) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        if (!read_version(s, a, &out[*n]))
            return no_memory(s, e);
    }
}

bool templates_published(struct db *db, int64_t account_id, struct sv name, uint32_t *out, struct err *e) {
    static const char sql[] = "SELECT published FROM template WHERE account_id=? AND name=?";
    int64_t number;
    if (!db_value(of_template(db, sql, account_id, name, e), &number, e))
        return false;
    *out = (uint32_t)number;
    return true;
}

/* A text of the statement's row, kept; an empty one needs no memory. */
static bool keep(struct db_stmt *s, int col, struct arena *a, struct sv *out) {
    struct sv v = db_col_text(s, col);
    *out = v.n ? arena_dup(a, v) : SV("");
    return out->p != NULL;
}

static bool load_bodies(struct db *db, int64_t account_id, struct sv name, uint32_t number, struct arena *a,
                        struct template_doc *doc, struct err *e) {
    static const char sql[] = "SELECT language, channel, part, text FROM template_body WHERE account_id=? "
                              "AND name=? AND number=? ORDER BY language, channel, part";
    struct db_stmt *s = of_template(db, sql, account_id, name, e);
    db_int(s, number);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        struct template_body b = {.channel = (enum channel)db_col_int(s, 1),
                                  .part = (enum template_part)db_col_int(s, 2)};
        if (!keep(s, 0, a, &b.language) || !keep(s, 3, a, &b.text) || !template_doc_add_body(doc, a, &b, e))
            return no_memory(s, e);
    }
}

static bool load_codes(struct db *db, int64_t account_id, struct sv name, uint32_t number, struct arena *a,
                       struct template_doc *doc, struct err *e) {
    static const char sql[] = "SELECT provider, language, code, sign, params FROM template_code WHERE "
                              "account_id=? AND name=? AND number=? ORDER BY provider, language";
    struct db_stmt *s = of_template(db, sql, account_id, name, e);
    db_int(s, number);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        struct template_code c;
        if (!keep(s, 0, a, &c.provider) || !keep(s, 1, a, &c.language) || !keep(s, 2, a, &c.code) ||
            !keep(s, 3, a, &c.sign) || !keep(s, 4, a, &c.params) || !template_doc_add_code(doc, a, &c, e))
            return no_memory(s, e);
    }
}

bool templates_load(struct db *db, int64_t account_id, struct sv name, uint32_t number, struct arena *a,
                    struct template_version *out, struct template_doc *doc, struct err *e) {
    static const char sql[] = "SELECT number, state, created_at, published_at, digest, note, sample FROM "
                              "template_version WHERE account_id=? AND name=? AND number=?";
    struct db_stmt *s = of_template(db, sql, account_id, name, e);
    bool row;
    db_int(s, number);
    if (!db_next(s, &row, e))
        return false;
    if (!row)
        return no_template(e);
    struct sv sample;
    if (!read_version(s, a, out) || !keep(s, 6, a, &sample))
        return no_memory(s, e);
    db_end(s);
    if (!doc)
        return true;
    *doc = (struct template_doc){.note = out->note, .sample = sample};
    return load_bodies(db, account_id, name, number, a, doc, e) &&
           load_codes(db, account_id, name, number, a, doc, e);
}
