/* Contacts over HTTP: written through the journal, read by this front's own connection. A change that says
 * which version it is of (If-Match) is refused when there is another by then; PATCH reads, merges and writes
 * so that nothing another request wrote meanwhile is lost. */
#include "api/native.h"

#include "base/json.h"
#include "ingest/address.h"
#include "ingest/contact.h"
#include "model/language.h"

#include <string.h>

enum {
    PAGE_BYTES_MAX = 512 * 1024,
    TRIES_MAX = 5,
    ETAG_BYTES_MAX = 40,
    ID_DRAWN_BYTES = 34,
};

/* ---- shapes ---- */

#define WRITE_FIELDS                                                                                         \
    {"name", FIELD_TEXT, "How texts call them.", .max = CONTACT_NAME_BYTES_MAX},                             \
        {"numbers", FIELD_LIST, "Telephone numbers, the one to write to first; up to 8.",                    \
         .example = "[\"+8613800138000\"]"},                                                                 \
        {"emails", FIELD_LIST, "E-mail addresses, the one to write to first; up to 8."},                     \
        {"language", FIELD_TEXT, "Their language (BCP 47): of texts, where a message names none.",           \
         .max = LANGUAGE_BYTES_MAX, .example = "\"zh-CN\""},                                                 \
        {"time_zone", FIELD_TEXT, "Where they live, by its name in the IANA list.",                          \
         .max = CONTACT_ZONE_BYTES_MAX, .example = "\"Asia/Shanghai\""},                                     \
    {                                                                                                        \
        "attributes", FIELD_OBJECT, "Anything of yours that templates may say; at most 8192 bytes as JSON."  \
    }

const struct api_field contact_put_fields[] = {WRITE_FIELDS, {0}};

const struct api_field contact_create_fields[] = {
    {"id", FIELD_TEXT, "Your own id for them; one is drawn without it.", .max = CONTACT_ID_BYTES_MAX},
    WRITE_FIELDS,
    {0},
};

const struct api_field contact_list_fields[] = {
    {"number", FIELD_TEXT, "Who has this number.", .max = 64},
    {"email", FIELD_TEXT, "Who has this e-mail address.", .max = SUPPRESSION_NUMBER_BYTES_MAX},
    {"language", FIELD_TEXT, "Of this language, as contacts show it.", .max = LANGUAGE_BYTES_MAX},
    {"updated_from", FIELD_TIME, "Changed at or after this time."},
    {"limit", FIELD_INT,
     "Contacts on a page; 50 without it. With a filter, or large contacts, a page may be short, or empty, "
     "and others follow.",
     .min = 1, .max = CONTACTS_PAGE_MAX},
    {"cursor", FIELD_TEXT, "`next_cursor` of the page before.", .max = 20},
    {0},
};

const struct api_field contact_device_fields[] = {
    {"platform", FIELD_TEXT, "Who pushes to it: fcm, apns.", .required = true,
     .max = CONTACT_PLATFORM_BYTES_MAX, .example = "\"fcm\""},
    {"token", FIELD_TEXT, "The token the app got there.", .required = true, .max = CONTACT_TOKEN_BYTES_MAX},
    {0},
};

const struct api_field contact_device_shape[] = {
    {"platform", FIELD_TEXT, "Who pushes to it.", .required = true},
    {"token", FIELD_TEXT, "Its token.", .required = true},
    {"added_at", FIELD_TIME, "When this contact's app registered it first.", .required = true},
    {"seen_at", FIELD_TIME, "When it did last.", .required = true},
    {0},
};

const struct api_field contact_shape[] = {
    {"id", FIELD_TEXT, "Your id for them, or the one drawn.", .required = true},
    {"name", FIELD_TEXT, "How texts call them."},
    {"numbers", FIELD_LIST, "In E.164; the first is the one written to.", .required = true},
    {"emails", FIELD_LIST, "In small letters; the first is the one written to.", .required = true},
    {"language", FIELD_TEXT, "BCP 47."},
    {"time_zone", FIELD_TEXT, "IANA."},
    {"attributes", FIELD_OBJECT, "As they were given.", .required = true},
    {"devices", FIELD_LIST, "Seen last first.", .required = true, .ref = "ContactDevice"},
    {"created_at", FIELD_TIME, "When it was made.", .required = true},
    {"updated_at", FIELD_TIME, "When it was changed last.", .required = true},
    {0},
};

const struct api_field contact_page_shape[] = {
    {"data", FIELD_LIST, "In the order of making.", .required = true, .ref = "Contact"},
    NEXT_CURSOR_FIELD,
    {0},
};

/* ---- versions ---- */

/* "7": a strong tag (RFC 9110, 8.8.3). */
static bool read_tag(struct sv tag, int64_t *version) {
    return tag.n > 2 && tag.p[0] == '"' && tag.p[tag.n - 1] == '"' &&
           sv_to_i64(sv_sub(tag, 1, tag.n - 2), version) && *version > 0;
}

/* What the caller says the contact must be like; a tag that is none of ours matches nothing. */
static int64_t expected_version(const struct api_request *rq) {
    struct sv match = exchange_header(rq->x, "If-Match"), none = exchange_header(rq->x, "If-None-Match");
    int64_t version;
    if (none.p && sv_eq(sv_trim(none), SV("*")))
        return CONTACT_VERSION_NONE;
    if (!match.p || sv_eq(sv_trim(match), SV("*")))
        return CONTACT_VERSION_ANY;
    return read_tag(sv_trim(match), &version) ? version : INT64_MAX;
}

/* ---- answering ---- */

static bool load(struct api_request *rq, struct sv id, struct contact *out, struct err *e) {
    return contacts_get(api_db(rq), rq->account_id, id, &rq->x->arena, out, e);
}

static void answer_contact(struct api_request *rq, int status, const struct contact *c) {
    struct buf *out = api_scratch(rq);
    char tag[ETAG_BYTES_MAX];
    int n = snprintf(tag, sizeof tag, "\"%lld\"", (long long)c->version);
    contact_print(c, out);
    struct answer a = {.status = status, .content_type = "application/json", .body = buf_sv(out)};
    a.headers[a.n_headers++] = (struct http_header){SV("ETag"), sv_make(tag, (size_t)n)};
    api_answer(rq, &a);
}

static void answer_stored(struct api_request *rq, int status, struct sv id) {
    struct contact c;
    struct err e = ERR_INIT;
    if (load(rq, id, &c, &e))
        answer_contact(rq, status, &c);
    else
        api_fail(rq, &e);
}

void native_contact_get(struct api_request *rq) {
    answer_stored(rq, 200, rq->params[0]);
}

/* ---- writing ---- */

/* The rule for what two requests write at once is the caller's to choose: it is told, not guessed. */
static void refuse_version(struct api_request *rq, const struct contact_write *w) {
    struct err e = ERR_INIT;
    if (w->version == CONTACT_VERSION_NONE) {
        err_set_field(&e, ERR_CONFLICT, "id", "there is a contact of this id already");
        api_fail(rq, &e);
        return;
    }
    err_set_field(&e, ERR_CONFLICT, "If-Match",
                  "the contact is not there, or was changed since: read it again");
    api_problem(rq, PROBLEM_PRECONDITION, &e);
}

static void refuse_absent(struct api_request *rq, const char *what) {
    struct err e = ERR_INIT;
    err_set(&e, ERR_NOT_FOUND, "there is no such %s", what);
    api_fail(rq, &e);
}

static struct contact_write *new_write(struct api_request *rq, enum contact_act act) {
    struct contact *c = arena_zalloc(&rq->x->arena, sizeof *c);
    struct contact_write *w = arena_zalloc(&rq->x->arena, sizeof *w);
    ASSERT(c && w);
    *c = (struct contact){.account_id = rq->account_id, .id = rq->params[0]};
    *w = (struct contact_write){.write = {.run = contact_write_run}, .act = act, .contact = c};
    w->version = expected_version(rq);
    return w;
}

static void put_write(struct api_request *rq, struct contact_write *w, api_done *done) {
    struct ask *a = api_new_ask(rq, ASK_WRITE);
    a->write = &w->write;
    rq->own = w;
    api_ask(rq, a, done);
}

static void was_written(struct api_request *rq, struct ask *a) {
    const struct contact_write *w = rq->own;
    if (a->result != ASK_DONE) {
        api_fail(rq, &a->err);
        return;
    }
    switch (w->outcome) {
    case CONTACT_MADE: answer_stored(rq, 201, w->contact->id); return;
    case CONTACT_CHANGED: answer_stored(rq, 200, w->contact->id); return;
    case CONTACT_GONE: api_answer(rq, &(struct answer){.status = 204}); return;
    case CONTACT_ABSENT:
        refuse_absent(rq, w->device.token.n ? "contact, or device of it" : "contact");
        return;
    case CONTACT_OTHER: break;
    }
    refuse_version(rq, w);
}

/* The body into c, whose id is the path's where there is one. */
static bool read_body(struct api_request *rq, const struct api_field *fields, bool merge, struct contact *c) {
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    if (!api_read_json(rq, fields, &root, v))
        return false;
    if (contact_from_json(root, merge, api_settings(rq)->defaults.region, &rq->x->arena, c, &e) &&
        contact_check_id(c->id, &e))
        return true;
    api_fail(rq, &e);
    return false;
}

void native_contact_put(struct api_request *rq) {
    struct contact_write *w = new_write(rq, CONTACT_PUT);
    struct contact *c = (struct contact *)(uintptr_t)w->contact;
    if (read_body(rq, contact_put_fields, false, c))
        put_write(rq, w, was_written);
}

void native_contact_create(struct api_request *rq) {
    struct contact_write *w = new_write(rq, CONTACT_PUT);
    struct contact *c = (struct contact *)(uintptr_t)w->contact;
    const struct world *world = api_world(rq);
    char *drawn = arena_alloc(&rq->x->arena, ID_DRAWN_BYTES + 1);
    ASSERT(drawn);
    snprintf(drawn, ID_DRAWN_BYTES + 1, "CT%016llx%016llx", (unsigned long long)world->random(world->ctx),
             (unsigned long long)world->random(world->ctx));
    c->id = sv_of(drawn);
    w->version = CONTACT_VERSION_NONE;
    if (read_body(rq, contact_create_fields, false, c))
        put_write(rq, w, was_written);
}

void native_contact_delete(struct api_request *rq) {
    put_write(rq, new_write(rq, CONTACT_DELETE), was_written);
}

/* ---- PATCH ---- */

struct patch {
    struct contact_write *write;
    bool any_version; /* the caller named none: what was changed meanwhile is merged into */
    unsigned tries;
};

static void patch_once(struct api_request *rq, struct patch *p);

static void was_patched(struct api_request *rq, struct ask *a) {
    struct patch *p = rq->own;
    const struct contact_write *w = p->write;
    bool again = a->result == ASK_DONE && w->outcome == CONTACT_OTHER && p->any_version;
    if (again && ++p->tries < TRIES_MAX) {
        patch_once(rq, p);
        return;
    }
    rq->own = p->write;
    was_written(rq, a);
}

static void patch_once(struct api_request *rq, struct patch *p) {
    struct contact *c = (struct contact *)(uintptr_t)p->write->contact;
    struct err e = ERR_INIT;
    if (!load(rq, rq->params[0], c, &e)) {
        api_fail(rq, &e);
        return;
    }
    if (p->any_version)
        p->write->version = c->version;
    if (!read_body(rq, contact_put_fields, true, c))
        return;
    struct ask *a = api_new_ask(rq, ASK_WRITE);
    a->write = &p->write->write;
    rq->own = p;
    api_ask(rq, a, was_patched);
}

void native_contact_patch(struct api_request *rq) {
    struct patch *p = arena_zalloc(&rq->x->arena, sizeof *p);
    ASSERT(p);
    p->write = new_write(rq, CONTACT_PUT);
    p->any_version = p->write->version == CONTACT_VERSION_ANY;
    patch_once(rq, p);
}

/* ---- devices ---- */

void native_device_add(struct api_request *rq) {
    enum { PLATFORM, TOKEN };
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    struct contact_write *w = new_write(rq, CONTACT_ADD_DEVICE);
    if (!api_read_json(rq, contact_device_fields, &root, v))
        return;
    w->device.platform = arena_dup(&rq->x->arena, v[PLATFORM].text);
    w->device.token = contact_token(w->device.platform, v[TOKEN].text, &rq->x->arena);
    if (contact_check_device(&w->device, &e))
        put_write(rq, w, was_written);
    else
        api_fail(rq, &e);
}

void native_device_remove(struct api_request *rq) {
    struct contact_write *w = new_write(rq, CONTACT_REMOVE_DEVICE);
    w->device.platform = rq->params[1];
    w->device.token = contact_token(w->device.platform, rq->params[2], &rq->x->arena);
    put_write(rq, w, was_written);
}

/* ---- lists ---- */

static bool read_filter(struct api_request *rq, const struct api_value *v, struct contact_filter *f,
                        struct err *e) {
    enum { NUMBER, EMAIL, L_LANGUAGE, SINCE, LIMIT, CURSOR };
    char *address = arena_alloc(&rq->x->arena, SUPPRESSION_NUMBER_BYTES_MAX);
    ASSERT(address);
    *f = (struct contact_filter){
        .account_id = rq->account_id,
        .language = v[L_LANGUAGE].text,
        .updated_from = v[SINCE].n,
        .limit = native_page_limit(&v[LIMIT]),
    };
    if (v[NUMBER].given && v[EMAIL].given)
        return err_set_field(e, ERR_INVALID, "email", "give either a number or an e-mail address");
    if (v[CURSOR].given && (!sv_to_i64(v[CURSOR].text, &f->after_row) || f->after_row < 1))
        return native_no_cursor(e);
    if (v[EMAIL].given)
        f->address = suppression_address(v[EMAIL].text, address);
    return !v[NUMBER].given || address_read(api_query_number(&rq->x->arena, v[NUMBER].text),
                                            api_settings(rq)->defaults.region, address, &f->address, e);
}

bool native_contact_page(struct api_request *rq, const struct contact_filter *f, contact_adder *add,
                         struct buf *out, char cursor[CONTACT_CURSOR_BYTES]) {
    struct contact *rows = calloc(f->limit, sizeof *rows);
    struct err e = ERR_INIT;
    size_t n;
    bool more;
    int64_t last;
    ARENA_AUTO struct arena mem;
    arena_init(&mem, PAGE_BYTES_MAX + CONTACT_BYTES_MAX);
    ASSERT(rows);
    bool ok = contacts_list(api_db(rq), f, &mem, rows, &n, &more, &last, &e);
    for (size_t i = 0; ok && i < n; i++)
        add(&rows[i], out);
    free(rows);
    if (!ok)
        api_fail(rq, &e);
    cursor[0] = '\0';
    if (ok && more)
        snprintf(cursor, CONTACT_CURSOR_BYTES, "%lld", (long long)last);
    return ok;
}

static void add_listed(const struct contact *c, struct buf *out) {
    if (out->p[out->n - 1] == '}')
        buf_addc(out, ',');
    contact_print(c, out);
}

void native_contact_list(struct api_request *rq) {
    struct contact_filter f;
    struct err e = ERR_INIT;
    struct api_value v[FIELDS_MAX];
    if (!api_read_query(rq, contact_list_fields, v))
        return;
    if (!read_filter(rq, v, &f, &e)) {
        api_fail(rq, &e);
        return;
    }
    struct buf *out = api_scratch(rq);
    char cursor[CONTACT_CURSOR_BYTES];
    buf_adds(out, "{\"data\":[");
    if (native_contact_page(rq, &f, add_listed, out, cursor))
        native_answer_page(rq, out, sv_of(cursor));
}
