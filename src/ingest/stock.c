#include "ingest/stock.h"

#include "base/clock.h"
#include "base/map.h"
#include "ingest/texts.h"
#include "store/templates.h"

#include <string.h>

enum {
    ENTRIES_MAX = 4096,
    TEXT_BYTES_MAX = 8 << 20, /* compiled, a text takes some twenty times its size */
    DOC_ARENA_BYTES_MAX = 4 * TEMPLATE_DOC_BYTES_MAX,
};

/* Which version of a template is published, as seen at a generation; or, with a version in its key, the
 * version itself. */
struct entry {
    int64_t account_id;
    char name[TEMPLATE_NAME_BYTES_MAX + 1];
    uint32_t version; /* of a published-entry: 0 when none is */
    bool is_version;
    int64_t generation;

    struct arena arena; /* of a version: its document */
    struct template_doc doc;
    struct template **compiled; /* one a body; NULL: not needed yet. Owned */
    struct entry *next;
};

struct stock {
    struct db *db;
    struct sip_key key;
    struct map entries;
    struct entry *all; /* owned */
    size_t n, text_bytes;
    int64_t generation, looked_at;
    uint64_t published;
    bool looked;
    struct template_options options; /* as the settings have them */

    /* For the includes of the text found last. */
    const struct texts *texts;
    struct stock_want now;
    struct err trouble;
};

struct stock *stock_new(struct db *db, struct sip_key key, struct err *e) {
    struct stock *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(e, ERR_OUTSIDE, "out of memory for templates");
        return NULL;
    }
    s->db = db;
    s->key = key;
    return s;
}

static void drop_all(struct stock *s) {
    while (s->all) {
        struct entry *en = s->all;
        s->all = en->next;
        for (size_t i = 0; en->compiled && i < en->doc.n_bodies; i++)
            template_free(en->compiled[i]);
        free(en->compiled);
        arena_done(&en->arena);
        free(en);
    }
    map_done(&s->entries);
    map_init(&s->entries);
    s->n = s->text_bytes = 0;
}

void stock_free(struct stock *s) {
    if (!s)
        return;
    drop_all(s);
    map_done(&s->entries);
    free(s);
}

/* Errors are no news here: what is in stock serves until the database can be read again. */
void stock_refresh(struct stock *s, int64_t now, uint64_t published) {
    if (s->looked && published == s->published && now - s->looked_at < US_PER_S)
        return;
    int64_t generation;
    struct err ignored = ERR_INIT;
    if (!templates_generation(s->db, &generation, &ignored))
        return;
    s->looked = true;
    s->looked_at = now;
    s->published = published; /* counted before the look, so what it counts was seen */
    s->generation = generation;
}

/* ---- entries ---- */

static uint64_t key_of(const struct stock *s, int64_t account_id, struct sv name, uint32_t version) {
    char text[8 + 4 + TEMPLATE_NAME_BYTES_MAX];
    memcpy(text, &account_id, 8);
    memcpy(text + 8, &version, 4);
    if (name.n)
        memcpy(text + 12, name.p, name.n);
    return siphash(s->key, sv_make(text, 12 + name.n));
}

/* The entry, or a new one; version 0: the one that says which is published. */
static struct entry *entry_of(struct stock *s, int64_t account_id, struct sv name, uint32_t version) {
    uint64_t key = key_of(s, account_id, name, version);
    struct entry *en = map_get(&s->entries, key);
    bool right = en && en->account_id == account_id && sv_eq(sv_of(en->name), name) &&
                 en->is_version == (version != 0) && (!version || en->version == version);
    if (right)
        return en;
    en = calloc(1, sizeof *en);
    ASSERT(en);
    *en = (struct entry){.account_id = account_id,
                         .version = version,
                         .is_version = version != 0,
                         .generation = INT64_MIN,
                         .next = s->all};
    memcpy(en->name, name.p, name.n);
    arena_init(&en->arena, DOC_ARENA_BYTES_MAX);
    s->all = en;
    s->n++;
    map_put(&s->entries, key, en);
    return en;
}

static bool published_version(struct stock *s, int64_t account_id, struct sv name, uint32_t *out,
                              struct err *e) {
    struct entry *en = entry_of(s, account_id, name, 0);
    if (en->generation != s->generation) {
        if (!templates_published(s->db, account_id, name, &en->version, e))
            return false;
        en->generation = s->generation;
    }
    *out = en->version;
    return true;
}

static struct entry *version_entry(struct stock *s, int64_t account_id, struct sv name, uint32_t version,
                                   struct err *e) {
    struct entry *en = entry_of(s, account_id, name, version);
    if (en->compiled)
        return en;
    struct template_version ignored;
    arena_reset(&en->arena);
    if (!templates_load(s->db, account_id, name, version, &en->arena, &ignored, &en->doc, e))
        return NULL;
    en->compiled = calloc(en->doc.n_bodies + 1, sizeof(struct template *));
    ASSERT(en->compiled);
    for (size_t i = 0; i < en->doc.n_bodies; i++)
        s->text_bytes += en->doc.bodies[i].text.n;
    return en;
}

static const struct template *compiled(struct stock *s, struct entry *en, const struct template_body *b,
                                       struct err *e) {
    struct template **at = &en->compiled[b - en->doc.bodies];
    if (*at)
        return *at;
    char name[TEMPLATE_NAME_BYTES_MAX + LANGUAGE_BYTES_MAX + 2];
    bool plain = sv_eq(b->language, LANGUAGE_DEFAULT);
    snprintf(name, sizeof name, "%s%s%.*s", en->name, plain ? "" : ".",
             SV_FMT(plain ? SV_NONE : sv_sub(b->language, 0, LANGUAGE_BYTES_MAX)));
    *at = template_compile(sv_of(name), b->text, &s->options, e);
    return *at;
}

/* ---- finding ---- */

/* The text an include of that name gets, of what the account has; NULL if it has none. */
static const struct template *included(struct stock *s, struct sv name, struct err *e) {
    uint32_t version;
    if (name.n > TEMPLATE_NAME_BYTES_MAX || s->n > 2 * ENTRIES_MAX ||
        !published_version(s, s->now.account_id, name, &version, e) || !version)
        return NULL;
    struct entry *en = version_entry(s, s->now.account_id, name, version, e);
    if (!en)
        return NULL;
    const struct template_body *b =
        template_doc_body(&en->doc, s->now.channel, s->now.part, &s->now.language);
    if (!b)
        b = template_doc_body(&en->doc, CHANNEL_SMS, TEMPLATE_TEXT, &s->now.language);
    return b ? compiled(s, en, b, e) : NULL;
}

static const struct template *for_include(void *ctx, struct sv name) {
    struct stock *s = ctx;
    const struct template *t = included(s, name, &s->trouble);
    if (t || s->trouble.kind != ERR_NONE || !s->texts)
        return t;
    struct sv language = sv_of(s->now.language.text);
    return texts_template(s->texts, name, sv_eq(language, LANGUAGE_DEFAULT) ? SV_NONE : language);
}

/* A draft in stock may have been deleted since. */
static bool still_there(struct stock *s, const struct stock_want *w, struct err *e) {
    struct template_version ignored;
    ARENA_AUTO struct arena note;
    arena_init(&note, 8 * TEMPLATE_NOTE_BYTES_MAX);
    return templates_load(s->db, w->account_id, w->name, w->version, &note, &ignored, NULL, e);
}

static bool same_options(const struct template_options *a, const struct template_options *b) {
    return a->strict_undefined == b->strict_undefined && a->trim_blocks == b->trim_blocks &&
           a->lstrip_blocks == b->lstrip_blocks;
}

/* Nothing of ours is being rendered or shown now: it may go. */
void stock_begin(struct stock *s, const struct settings *settings, const struct texts *texts,
                 const struct stock_want *w) {
    struct template_options options = texts_template_options(settings, NULL);
    if (s->n > ENTRIES_MAX || s->text_bytes > TEXT_BYTES_MAX || !same_options(&options, &s->options))
        drop_all(s);
    s->options = options;
    s->options.load = for_include;
    s->options.load_ctx = s;
    s->texts = texts;
    s->now = *w;
    s->trouble = ERR_INIT;
}

struct template_options stock_options(const struct stock *s) {
    return s->options;
}

bool stock_find(struct stock *s, const struct settings *settings, const struct texts *texts,
                const struct stock_want *w, struct stock_text *out, struct err *e) {
    stock_begin(s, settings, texts, w);
    *out = (struct stock_text){.version = w->version};
    if (!w->name.n || w->name.n > TEMPLATE_NAME_BYTES_MAX)
        return w->version == 0 || err_set_field(e, ERR_NOT_FOUND, "template", "there is no such template");
    if (!w->version && !published_version(s, w->account_id, w->name, &out->version, e))
        return false;
    if (!out->version)
        return true;
    if (w->version && !still_there(s, w, e))
        return false;
    struct entry *en = version_entry(s, w->account_id, w->name, out->version, e);
    if (!en)
        return false;
    out->doc = &en->doc;
    const struct template_body *b = template_doc_body(&en->doc, w->channel, w->part, &w->language);
    if (!b)
        return true;
    out->language = b->language;
    out->compiled = compiled(s, en, b, e);
    return out->compiled != NULL;
}

const struct err *stock_trouble(const struct stock *s) {
    return &s->trouble;
}
