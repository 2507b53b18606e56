/* Stored templates: written through the journal, read by this front's own connection. What is written was
 * compiled before. */
#include "api/native.h"

#include "base/json.h"
#include "ingest/doc_json.h"
#include "ingest/preview.h"
#include "store/templates.h"

#include <string.h>

enum {
    VERSIONS_MAX = 100, /* of one template in its answer; older ones by their numbers */
    LOAD_BYTES_MAX = 4 * TEMPLATE_DOC_BYTES_MAX,
};

/* ---- reading the path ---- */

static void no_such(struct api_request *rq) {
    struct err e = ERR_INIT;
    err_set(&e, ERR_NOT_FOUND, "there is no such template, or version of it");
    api_fail(rq, &e);
}

/* The version's number; 0: there is none, and that was answered. */
static uint32_t version_of(struct api_request *rq) {
    uint64_t n = 0;
    if (sv_to_u64(rq->params[1], &n) && n >= 1 && n <= UINT32_MAX)
        return (uint32_t)n;
    no_such(rq);
    return 0;
}

/* ---- printing ---- */

static void print_version_or_null(const char *key, uint32_t n, struct buf *out) {
    json_key(out, key);
    if (n)
        buf_add_u64(out, n);
    else
        buf_adds(out, "null");
}

static void print_head(const struct template_head *h, struct buf *out) {
    json_pair(out, "name", sv_of(h->name));
    print_version_or_null("published_version", h->published, out);
    json_pair_i64(out, "latest_version", h->latest);
    json_pair_time(out, "created_at", h->created_at);
    json_pair_time(out, "updated_at", h->updated_at);
}

static void print_version(const struct template_version *v, struct buf *out) {
    json_pair_i64(out, "version", v->number);
    json_pair(out, "state", sv_of(template_state_name(v->state)));
    json_pair_or_null(out, "note", v->note);
    json_pair_time(out, "created_at", v->created_at);
    json_pair_time(out, "published_at", v->published_at);
}

/* A whole version, as it is on disk now. */
static void answer_version(struct api_request *rq, struct sv name, uint32_t number, int status) {
    struct template_version v;
    struct template_doc doc;
    struct err e = ERR_INIT;
    ARENA_AUTO struct arena a;
    arena_init(&a, LOAD_BYTES_MAX);
    if (!templates_load(api_db(rq), rq->account_id, name, number, &a, &v, &doc, &e)) {
        api_fail(rq, &e);
        return;
    }
    struct buf *out = api_scratch(rq);
    buf_addc(out, '{');
    json_pair(out, "name", name);
    print_version(&v, out);
    doc_print(&doc, out);
    buf_addc(out, '}');
    api_answer_json(rq, status, buf_sv(out));
}

/* ---- writing ---- */

/* What a write came to, once it is on disk. */
static void written(struct api_request *rq, struct ask *a) {
    const struct template_write *w = (const struct template_write *)a->write;
    struct err e = ERR_INIT;
    if (a->result != ASK_DONE) {
        api_fail(rq, &a->err);
        return;
    }
    /* Before the answer: whoever has it finds the new text on every front. */
    if (w->published)
        meter_add(api_world(rq)->meters, COUNT_TEMPLATES_PUBLISHED, 1);
    switch (w->outcome) {
    case TEMPLATE_DONE:
    case TEMPLATE_SAME:
        if (w->act == TEMPLATE_DELETE) {
            api_answer(rq, &(struct answer){.status = 204});
            return;
        }
        answer_version(rq, w->name, w->number,
                       w->act == TEMPLATE_ADD && w->outcome == TEMPLATE_DONE ? 201 : 200);
        return;
    case TEMPLATE_ABSENT: no_such(rq); return;
    case TEMPLATE_REFUSED:
        err_set(&e, ERR_CONFLICT,
                "the version is %s: only drafts can be deleted, as messages name the others",
                template_state_name(w->state));
        break;
    case TEMPLATE_FULL:
        err_set(&e, ERR_CONFLICT, "the account has %d templates: no more fit", TEMPLATES_PER_ACCOUNT_MAX);
        break;
    }
    api_fail(rq, &e);
}

static struct template_write *new_write(struct api_request *rq, enum template_act act, struct sv name) {
    struct template_write *w = arena_zalloc(&rq->x->arena, sizeof *w);
    ASSERT(w);
    w->write.run = templates_run;
    w->act = act;
    w->account_id = rq->account_id;
    w->name = name;
    return w;
}

static void put_write(struct api_request *rq, struct template_write *w) {
    struct ask *a = api_new_ask(rq, ASK_WRITE);
    a->write = &w->write;
    api_ask(rq, a, written);
}

/* The positions of template_create_fields, in its order. */
enum { NAME, NOTE, LANGUAGES, SAMPLE, PUBLISH };

/* The request as a checked document in the exchange's arena, as it is lent to the journal. */
static bool read_document(struct api_request *rq, const struct api_value *v, struct sv *name,
                          struct template_doc **out, struct err *e) {
    struct arena *a = &rq->x->arena;
    struct template_doc *d = arena_zalloc(a, sizeof *d);
    ASSERT(d);
    if (!template_name_check(v[NAME].text, e))
        return false;
    if (v[NOTE].text.n > TEMPLATE_NOTE_BYTES_MAX)
        return err_set_field(e, ERR_INVALID, "note", "`note` has at most %d bytes", TEMPLATE_NOTE_BYTES_MAX);
    *name = arena_dup(a, v[NAME].text);
    d->note = v[NOTE].text.n ? arena_dup(a, v[NOTE].text) : SV_NONE;
    *out = d;
    return doc_read_languages(v[LANGUAGES].json, a, d, e) && doc_read_sample(v[SAMPLE].json, a, d, e) &&
           doc_finish(d, e);
}

void native_template_create(struct api_request *rq) {
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    struct sv name;
    struct template_doc *doc = NULL;
    if (!api_read_json(rq, template_create_fields, &root, v))
        return;
    if (!read_document(rq, v, &name, &doc, &e)) {
        api_fail(rq, &e);
        return;
    }
    struct template_write *w = new_write(rq, TEMPLATE_ADD, name);
    w->doc = doc;
    w->publish = v[PUBLISH].n != 0;
    put_write(rq, w);
}

static void move(struct api_request *rq, enum template_act act) {
    uint32_t number = version_of(rq);
    if (!number)
        return;
    struct template_write *w = new_write(rq, act, rq->params[0]);
    w->number = number;
    put_write(rq, w);
}

void native_template_publish(struct api_request *rq) {
    move(rq, TEMPLATE_PUBLISH);
}

void native_template_archive(struct api_request *rq) {
    move(rq, TEMPLATE_ARCHIVE);
}

void native_template_delete(struct api_request *rq) {
    move(rq, TEMPLATE_DELETE);
}

/* ---- reading ---- */

/* A cursor is the last name, in hex: names may hold anything. */
static bool parse_cursor(struct sv cursor, char out[TEMPLATE_NAME_BYTES_MAX + 1], struct err *e) {
    size_t n = cursor.n / 2;
    out[0] = '\0';
    if (n > TEMPLATE_NAME_BYTES_MAX || !hex_parse(cursor, (uint8_t *)out, n))
        return native_no_cursor(e);
    out[n] = '\0';
    return true;
}

void native_template_list(struct api_request *rq) {
    enum { LIMIT, CURSOR };
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    char after[TEMPLATE_NAME_BYTES_MAX + 1];
    size_t n;
    bool more;
    if (!api_read_query(rq, template_list_fields, v))
        return;
    unsigned limit = native_page_limit(&v[LIMIT]);
    struct template_head *rows = calloc(limit, sizeof *rows);
    ASSERT(rows);
    if (!parse_cursor(v[CURSOR].text, after, &e) ||
        !templates_list(api_db(rq), rq->account_id, sv_of(after), limit, rows, &n, &more, &e)) {
        free(rows);
        api_fail(rq, &e);
        return;
    }
    struct buf *out = native_open_page(rq);
    for (size_t i = 0; i < n; i++) {
        buf_adds(out, i ? ",{" : "{");
        print_head(&rows[i], out);
        buf_addc(out, '}');
    }
    BUF_AUTO struct buf cursor = BUF_INIT(2 * TEMPLATE_NAME_BYTES_MAX);
    if (more)
        hex_add(&cursor, (const uint8_t *)rows[n - 1].name, strlen(rows[n - 1].name));
    free(rows);
    native_answer_page(rq, out, buf_sv(&cursor));
}

void native_template_get(struct api_request *rq) {
    struct template_head head;
    struct template_version versions[VERSIONS_MAX];
    struct err e = ERR_INIT;
    size_t n;
    ARENA_AUTO struct arena a;
    arena_init(&a, 2 * VERSIONS_MAX * TEMPLATE_NOTE_BYTES_MAX);
    if (!templates_head(api_db(rq), rq->account_id, rq->params[0], &head, &e) ||
        !templates_versions(api_db(rq), rq->account_id, rq->params[0], 0, VERSIONS_MAX, &a, versions, &n,
                            &e)) {
        api_fail(rq, &e);
        return;
    }
    struct buf *out = api_scratch(rq);
    buf_addc(out, '{');
    print_head(&head, out);
    json_key(out, "versions");
    buf_addc(out, '[');
    for (size_t i = 0; i < n; i++) {
        buf_adds(out, i ? ",{" : "{");
        print_version(&versions[i], out);
        buf_addc(out, '}');
    }
    buf_adds(out, "]}");
    api_answer_json(rq, 200, buf_sv(out));
}

void native_template_version(struct api_request *rq) {
    uint32_t number = version_of(rq);
    if (number)
        answer_version(rq, rq->params[0], number, 200);
}

/* ---- previews ---- */

void native_preview(struct api_request *rq) {
    enum { TEMPLATE, SOURCE, VARS, LANGUAGE, VERSION, CHANNEL, LENGTHS };
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    if (!api_read_json(rq, preview_fields, &root, v))
        return;
    if (v[TEMPLATE].given == v[SOURCE].given) {
        err_set_field(&e, ERR_INVALID, "template", "give either a `template` or a `source`");
        api_fail(rq, &e);
        return;
    }
    const struct preview_want want = {
        .account_id = rq->account_id,
        .name = v[TEMPLATE].text,
        .source = v[SOURCE].text,
        .version = (uint32_t)v[VERSION].n,
        .language = v[LANGUAGE].text,
        .channel = v[CHANNEL].given ? (enum channel)v[CHANNEL].n : CHANNEL_SMS,
        .vars = v[VARS].json,
        .lengths = v[LENGTHS].json,
    };
    struct preview *p = malloc(sizeof *p);
    ASSERT(p);
    if (preview_make(api_stock(rq), api_settings(rq), api_texts(rq), &want, p, &e)) {
        struct buf *out = api_scratch(rq);
        preview_print(p, out);
        api_answer_json(rq, 200, buf_sv(out));
    } else {
        api_fail(rq, &e);
    }
    preview_done(p);
    free(p);
}
