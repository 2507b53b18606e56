/* The suppression list over HTTP: written through the journal, read by this front's own connection. An
 * account sees and changes its own rows; those for every account are an operator's (hongyan import), and
 * shown where one number is asked about. */
#include "api/native.h"

#include "base/clock.h"
#include "base/json.h"
#include "ingest/address.h"

#include <string.h>

enum {
    BULK_MAX = 1000,
    OF_ONE_MAX = 100,
    CURSOR_BYTES_MAX = SUPPRESSION_NUMBER_BYTES_MAX + SUPPRESSION_TOPIC_BYTES_MAX + 8,
    ROW_BYTES_MAX =
        SUPPRESSION_NUMBER_BYTES_MAX + SUPPRESSION_TOPIC_BYTES_MAX + SUPPRESSION_NOTE_BYTES_MAX + 512,
};

/* Who writes to the list: a program, or a person at the console, whose page says so. */
static const enum suppression_source writers[] = {SUPPRESSION_BY_API, SUPPRESSION_BY_CONSOLE};
enum { WRITERS = sizeof writers / sizeof writers[0] };

/* ---- shapes ---- */

static const char *kind_word(int i) {
    return suppression_kind_name((enum suppression_kind)i);
}

static const char *source_word(int i) {
    return suppression_source_name((enum suppression_source)i);
}

static const char *writer_word(int i) {
    return suppression_source_name(writers[i]);
}

#define KIND_FIELD                                                                                           \
    .kind = FIELD_WORD, .word = kind_word, .word_first = SUPPRESSION_OPT_OUT, .word_end = SUPPRESSION_KINDS
#define SOURCE_FIELD                                                                                         \
    .kind = FIELD_WORD, .word = source_word, .word_first = SUPPRESSION_BY_API, .word_end = SUPPRESSION_SOURCES
#define WRITER_FIELD                                                                                         \
    {                                                                                                        \
        "source", .summary = "Who says it: a program (`api`, as without it), or a person at the `console`.", \
                  .kind = FIELD_WORD, .word = writer_word, .word_end = WRITERS                               \
    }
#define WRITE_FIELDS                                                                                         \
    {"kind", .summary = "Why it must not be written to; opt_out without it. Blocks need the scope `admin`.", \
     KIND_FIELD},                                                                                            \
        {"topic", FIELD_TEXT, "Only messages of this topic; all without it.",                                \
         .max = SUPPRESSION_TOPIC_BYTES_MAX},                                                                \
        {"note", FIELD_TEXT, "Proof, for people: where and how it was said.",                                \
         .max = SUPPRESSION_NOTE_BYTES_MAX},                                                                 \
        {"expires_at", FIELD_TIME,                                                                           \
         "When it ends; never without it (`invalid`: after consent.invalid_days)."},                         \
        WRITER_FIELD

const struct api_field suppression_put_fields[] = {WRITE_FIELDS, {0}};

const struct api_field suppression_create_fields[] = {
    WRITE_FIELDS,
    {"number", FIELD_TEXT, "The number, or address.", .required = true, .max = SUPPRESSION_NUMBER_BYTES_MAX,
     .example = "\"+8613800138000\""},
    {0},
};

const struct api_field suppression_bulk_fields[] = {
    {"suppressions", FIELD_LIST, "The rows, a thousand at most.", .required = true,
     .ref = "SuppressionCreate"},
    {0},
};

const struct api_field suppression_delete_fields[] = {
    {"kind", .summary = "Only rows of this kind. Without it all, which like `block` needs the scope `admin`.",
     KIND_FIELD},
    {"topic", FIELD_TEXT, "Only the rows for this topic; without it every topic's.",
     .max = SUPPRESSION_TOPIC_BYTES_MAX},
    WRITER_FIELD,
    {"no_topic", FIELD_BOOL, "Only the row that is for all topics; those of single topics stay."},
    {0},
};

const struct api_field suppression_list_fields[] = {
    {"kind", .summary = "Of this kind.", KIND_FIELD},
    {"source", .summary = "From there.", SOURCE_FIELD},
    {"topic", FIELD_TEXT, "For this topic.", .max = SUPPRESSION_TOPIC_BYTES_MAX},
    {"limit", FIELD_INT,
     "Rows on a page; 50 without it. With a filter a page may be short, or empty, and others follow.",
     .min = 1, .max = SUPPRESSION_PAGE_MAX},
    {"cursor", FIELD_TEXT, "`next_cursor` of the page before.", .max = 2 * CURSOR_BYTES_MAX},
    {0},
};

const struct api_field suppression_shape[] = {
    {"number", FIELD_TEXT, "The number, in E.164, or the address.", .required = true},
    {"kind", .summary = "Why it must not be written to.", .required = true, KIND_FIELD},
    {"topic", FIELD_TEXT, "Only messages of this topic; null: all."},
    {"everyone", FIELD_BOOL, "For every account; only an operator releases it.", .required = true},
    {"source", .summary = "Where it came from.", .required = true, SOURCE_FIELD},
    {"by", FIELD_TEXT, "Who or what said it: an API key, a keyword, a lane and its provider's code."},
    {"note", FIELD_TEXT, "As it was given."},
    {"message_id", FIELD_TEXT, "The text or message it comes from."},
    {"created_at", FIELD_TIME, "When it was said first.", .required = true},
    {"updated_at", FIELD_TIME, "When it was said last.", .required = true},
    {"expires_at", FIELD_TIME, "When it ends; null: never."},
    {0},
};

const struct api_field suppression_page_shape[] = {
    {"data", FIELD_LIST, "By number.", .required = true, .ref = "Suppression"},
    NEXT_CURSOR_FIELD,
    {0},
};

const struct api_field suppression_of_shape[] = {
    {"number", FIELD_TEXT, "The number, as messages have it.", .required = true},
    {"data", FIELD_LIST, "What stands against writing to it; empty: nothing.", .required = true,
     .ref = "Suppression"},
    {0},
};

const struct api_field suppression_refusal_shape[] = {
    {"index", FIELD_INT, "Which of the rows, from 0.", .required = true, .max = BULK_MAX},
    {"detail", FIELD_TEXT, "What is wrong with it.", .required = true},
    {"field", FIELD_TEXT, "The field at fault."},
    {0},
};

const struct api_field suppression_bulk_shape[] = {
    {"added", FIELD_INT, "Rows that were not there before.", .required = true, .max = BULK_MAX},
    {"renewed", FIELD_INT, "Rows that were.", .required = true, .max = BULK_MAX},
    {"refused", FIELD_LIST, "Rows that were not taken; the others were.", .required = true,
     .ref = "SuppressionRefusal"},
    {0},
};

/* ---- printing ---- */

void native_print_suppression(const struct api_request *rq, const struct suppression *r, struct buf *out) {
    struct sid sid = {.text = ""};
    if (r->message_id && r->account_id)
        sid = sid_message(api_world(rq)->id_key, r->message_id);
    buf_addc(out, '{');
    json_pair(out, "number", r->number);
    json_pair(out, "kind", sv_of(suppression_kind_name(r->kind)));
    json_pair_or_null(out, "topic", r->topic);
    json_pair_bool(out, "everyone", r->account_id == 0);
    json_pair(out, "source", sv_of(suppression_source_name(r->source)));
    json_pair_or_null(out, "by", r->by);
    json_pair_or_null(out, "note", r->note);
    json_pair_or_null(out, "message_id", sv_of(sid.text));
    json_pair_time(out, "created_at", r->created_at);
    json_pair_time(out, "updated_at", r->updated_at);
    json_pair_time(out, "expires_at", r->expires_at);
    buf_addc(out, '}');
}

void native_print_suppressions(const struct api_request *rq, const struct suppression *rows, size_t n,
                               struct buf *out) {
    buf_addc(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_addc(out, ',');
        native_print_suppression(rq, &rows[i], out);
    }
    buf_addc(out, ']');
}

static void print_data(const struct api_request *rq, const struct suppression *rows, size_t n,
                       struct buf *out) {
    json_key(out, "data");
    native_print_suppressions(rq, rows, n, out);
}

/* What holds for a number now. */
static void answer_of(struct api_request *rq, struct sv number, int status) {
    struct suppression rows[OF_ONE_MAX];
    struct err e = ERR_INIT;
    size_t n;
    ARENA_AUTO struct arena mem;
    arena_init(&mem, OF_ONE_MAX * ROW_BYTES_MAX);
    if (!suppression_of(api_db(rq), rq->account_id, number, rq->now, &mem, rows, OF_ONE_MAX, &n, &e)) {
        api_fail(rq, &e);
        return;
    }
    struct buf *out = api_scratch(rq);
    buf_addc(out, '{');
    json_pair(out, "number", number);
    print_data(rq, rows, n, out);
    buf_addc(out, '}');
    api_answer_json(rq, status, buf_sv(out));
}

/* ---- one number ---- */

bool native_read_address(struct api_request *rq, struct sv text, struct sv *address, struct err *e) {
    char *mem = arena_alloc(&rq->x->arena, SUPPRESSION_NUMBER_BYTES_MAX);
    ASSERT(mem);
    return address_read(text, api_settings(rq)->defaults.region, mem, address, e);
}

/* What stands in the path; answered when it is none. A + that was not escaped comes through a path as it is.
 */
static bool number_of_path(struct api_request *rq, struct sv *number) {
    struct err e = ERR_INIT;
    if (native_read_address(rq, rq->params[0], number, &e))
        return true;
    api_fail(rq, &e);
    return false;
}

void native_suppression_get(struct api_request *rq) {
    struct sv number;
    if (number_of_path(rq, &number))
        answer_of(rq, number, 200);
}

struct change {
    struct suppression_write write;
    struct suppression *rows;
    const char *refused; /* POST: JSON of the rows that were not taken */
    size_t refused_n;
};

static struct change *new_change(struct api_request *rq, enum suppression_act act, size_t rows) {
    struct change *c = arena_zalloc(&rq->x->arena, sizeof *c);
    ASSERT(c);
    c->rows = arena_zalloc(&rq->x->arena, (rows ? rows : 1) * sizeof *c->rows);
    ASSERT(c->rows);
    c->write.write.run = suppression_run;
    c->write.act = act;
    c->write.rows = c->rows;
    return c;
}

static void put_change(struct api_request *rq, struct change *c, api_done *done) {
    rq->own = c;
    struct ask *a = api_new_ask(rq, ASK_WRITE);
    a->write = &c->write.write;
    api_ask(rq, a, done);
}

/* For whoever has to tell later who changed the list; the rows have their proof, the numbers stay out. */
static void tell(struct api_request *rq, const struct change *c) {
    log_info(api_world(rq)->log, "suppression.changed", kv_word("account", sid_sv(&rq->account_sid)),
             kv_word("key", sid_sv(&rq->key)), kv_int("added", (int64_t)c->write.added),
             kv_int("renewed", (int64_t)c->write.renewed), kv_int("released", (int64_t)c->write.released));
}

/* The positions of WRITE_FIELDS. */
enum { KIND, TOPIC, NOTE, EXPIRES, WRITER, NUMBER };

static struct sv keep(struct api_request *rq, struct sv v) {
    return v.n ? arena_dup(&rq->x->arena, v) : SV("");
}

/* A row as the request says it, its texts in the request's arena; number is set by the caller. */
static bool row_of(struct api_request *rq, const struct api_value *v, struct suppression *out,
                   struct err *e) {
    *out = (struct suppression){
        .account_id = rq->account_id,
        .topic = keep(rq, v[TOPIC].text),
        .kind = v[KIND].given ? (enum suppression_kind)v[KIND].n : SUPPRESSION_OPT_OUT,
        .source = writers[v[WRITER].n],
        .by = sid_sv(&rq->key),
        .note = keep(rq, v[NOTE].text),
        .expires_at = v[EXPIRES].n,
    };
    if (out->topic.n > SUPPRESSION_TOPIC_BYTES_MAX)
        return err_set_field(e, ERR_INVALID, "topic", "a topic has up to %d bytes",
                             SUPPRESSION_TOPIC_BYTES_MAX);
    if (v[EXPIRES].given && v[EXPIRES].n <= rq->now)
        return err_set_field(e, ERR_INVALID, "expires_at", "this time has passed");
    if (out->kind == SUPPRESSION_INVALID && !v[EXPIRES].given && api_settings(rq)->consent.invalid_days)
        out->expires_at = rq->now + (int64_t)api_settings(rq)->consent.invalid_days * 86400 * US_PER_S;
    return out->kind != SUPPRESSION_BLOCK || api_need_scope(rq, SCOPE_ADMIN, e);
}

/* An opt-out of all topics is always taken. */
static bool check_row(struct api_request *rq, const struct suppression *row, struct err *e) {
    bool of_topic = row->kind == SUPPRESSION_OPT_OUT && row->topic.n;
    return address_check_listed(row->number, e) && (!of_topic || native_check_history(rq, row->number, e));
}

static void was_put(struct api_request *rq, struct ask *a) {
    const struct change *c = rq->own;
    if (a->result != ASK_DONE) {
        api_fail(rq, &a->err);
        return;
    }
    tell(rq, c);
    answer_of(rq, c->rows[0].number, c->write.added ? 201 : 200);
}

void native_suppression_put(struct api_request *rq) {
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX] = {{0}};
    struct err e = ERR_INIT;
    struct sv number;
    if (!number_of_path(rq, &number) ||
        (rq->x->body.n && !api_read_json(rq, suppression_put_fields, &root, v)))
        return;
    struct change *c = new_change(rq, SUPPRESSION_ADD, 1);
    bool ok = row_of(rq, v, &c->rows[0], &e);
    c->rows[0].number = number;
    if (!ok || !check_row(rq, &c->rows[0], &e)) {
        api_fail(rq, &e);
        return;
    }
    c->write.n = 1;
    put_change(rq, c, was_put);
}

static void was_released(struct api_request *rq, struct ask *a) {
    const struct change *c = rq->own;
    struct err e = ERR_INIT;
    if (a->result != ASK_DONE) {
        api_fail(rq, &a->err);
        return;
    }
    if (c->write.released == 0) {
        err_set(&e, ERR_NOT_FOUND, "your account has no such row for this number");
        api_fail(rq, &e);
        return;
    }
    tell(rq, c);
    api_answer(rq, &(struct answer){.status = 204});
}

/* The positions of suppression_delete_fields. */
enum { RELEASE_KIND, RELEASE_TOPIC, RELEASE_WRITER, RELEASE_NO_TOPIC };

void native_suppression_delete(struct api_request *rq) {
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    struct sv number;
    if (!number_of_path(rq, &number))
        return;
    if (!api_read_query(rq, suppression_delete_fields, v))
        return;
    enum suppression_kind kind =
        v[RELEASE_KIND].given ? (enum suppression_kind)v[RELEASE_KIND].n : SUPPRESSION_ANY;
    bool blocks = kind == SUPPRESSION_ANY || kind == SUPPRESSION_BLOCK;
    bool opt_outs = kind == SUPPRESSION_ANY || kind == SUPPRESSION_OPT_OUT;
    if ((blocks && !api_need_scope(rq, SCOPE_ADMIN, &e)) ||
        (opt_outs && !native_check_history(rq, number, &e))) {
        api_fail(rq, &e);
        return;
    }
    if (v[RELEASE_NO_TOPIC].n && v[RELEASE_TOPIC].given) {
        err_set_field(&e, ERR_INVALID, "no_topic", "name a topic, or say no_topic=true");
        api_fail(rq, &e);
        return;
    }
    struct change *c = new_change(rq, SUPPRESSION_RELEASE, 1);
    c->rows[0] = (struct suppression){
        .account_id = rq->account_id,
        .number = number,
        .topic = v[RELEASE_TOPIC].given || v[RELEASE_NO_TOPIC].n ? keep(rq, v[RELEASE_TOPIC].text) : SV_NONE,
        .kind = kind,
        .source = writers[v[RELEASE_WRITER].n],
        .by = sid_sv(&rq->key)};
    c->write.n = 1;
    put_change(rq, c, was_released);
}

/* ---- many ---- */

static void refuse_row(struct buf *out, size_t index, const struct err *e) {
    buf_adds(out, out->n ? ",{" : "{");
    json_pair_i64(out, "index", (int64_t)index);
    json_pair(out, "detail", sv_of(e->text));
    json_pair_or_null(out, "field", sv_of(e->field));
    buf_addc(out, '}');
}

static bool read_row(struct api_request *rq, const json_t *item, struct suppression *out, struct err *e) {
    struct api_value v[FIELDS_MAX];
    char number[SUPPRESSION_NUMBER_BYTES_MAX];
    if (!api_read_object(suppression_create_fields, item, v, e) || !row_of(rq, v, out, e) ||
        !address_read(v[NUMBER].text, api_settings(rq)->defaults.region, number, &out->number, e) ||
        !check_row(rq, out, e))
        return false;
    out->number = keep(rq, out->number);
    return true;
}

static void were_put(struct api_request *rq, struct ask *a) {
    const struct change *c = rq->own;
    if (a->result != ASK_DONE) {
        api_fail(rq, &a->err);
        return;
    }
    tell(rq, c);
    struct buf *out = api_scratch(rq);
    buf_addc(out, '{');
    json_pair_i64(out, "added", (int64_t)c->write.added);
    json_pair_i64(out, "renewed", (int64_t)c->write.renewed);
    json_key(out, "refused");
    buf_addc(out, '[');
    buf_add(out, sv_make(c->refused, c->refused_n));
    buf_adds(out, "]}");
    api_answer_json(rq, 200, buf_sv(out));
}

void native_suppression_create(struct api_request *rq) {
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    if (!api_read_json(rq, suppression_bulk_fields, &root, v))
        return;
    size_t n = json_array_size(v[0].json);
    if (n > BULK_MAX) {
        err_set_field(&e, ERR_TOO_LARGE, "suppressions",
                      "at most %d rows at once; `hongyan import suppressions` takes files of any length",
                      BULK_MAX);
        api_fail(rq, &e);
        return;
    }
    struct change *c = new_change(rq, SUPPRESSION_ADD, n);
    struct buf *refused = api_scratch(rq);
    for (size_t i = 0; i < n; i++) {
        struct err why = ERR_INIT;
        if (read_row(rq, json_array_get(v[0].json, i), &c->rows[c->write.n], &why))
            c->write.n++;
        else
            refuse_row(refused, i, &why);
    }
    struct sv kept = arena_dup(&rq->x->arena, buf_sv(refused));
    c->refused = kept.p;
    c->refused_n = kept.n;
    put_change(rq, c, were_put);
}

/* ---- lists ---- */

/* A cursor is the kind, number and topic of the last row looked at, in hex: they may hold anything. */
static void print_cursor(const struct suppression *last, struct buf *out) {
    BUF_AUTO struct buf plain = BUF_INIT(CURSOR_BYTES_MAX);
    buf_addf(&plain, "%d", last->kind);
    buf_addc(&plain, '\n');
    buf_add(&plain, last->number);
    buf_addc(&plain, '\n');
    buf_add(&plain, last->topic);
    hex_add(out, plain.p, plain.n);
}

static bool parse_cursor(struct api_request *rq, struct sv cursor, struct suppression *out, struct err *e) {
    if (!cursor.n)
        return true;
    char *plain = arena_alloc(&rq->x->arena, CURSOR_BYTES_MAX);
    ASSERT(plain);
    size_t n = cursor.n / 2;
    bool ok = n <= CURSOR_BYTES_MAX && hex_parse(cursor, plain, n);
    struct sv rest = sv_make(plain, ok ? n : 0);
    uint64_t kind = 0;
    ok = ok && sv_to_u64(sv_cut(&rest, '\n'), &kind) && kind < SUPPRESSION_KINDS && rest.p;
    if (!ok)
        return native_no_cursor(e);
    out->kind = (enum suppression_kind)kind;
    out->number = sv_cut(&rest, '\n');
    out->topic = rest;
    return true;
}

void native_suppression_list(struct api_request *rq) {
    enum { L_KIND, L_SOURCE, L_TOPIC, L_LIMIT, L_CURSOR };
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    if (!api_read_query(rq, suppression_list_fields, v))
        return;
    struct suppression_filter f = {
        .account_id = rq->account_id,
        .kind = v[L_KIND].given ? (enum suppression_kind)v[L_KIND].n : SUPPRESSION_ANY,
        .source = v[L_SOURCE].given ? (enum suppression_source)v[L_SOURCE].n : 0,
        .topic = v[L_TOPIC].given ? v[L_TOPIC].text : SV_NONE,
        .limit = native_page_limit(&v[L_LIMIT]),
    };
    struct suppression last = {0}, *rows = calloc(f.limit, sizeof *rows);
    size_t n;
    bool more;
    ASSERT(rows);
    ARENA_AUTO struct arena mem;
    arena_init(&mem, (f.limit + 1) * ROW_BYTES_MAX);
    if (!parse_cursor(rq, v[L_CURSOR].text, &f.after, &e) ||
        !suppression_list(api_db(rq), &f, &mem, rows, &n, &more, &last, &e)) {
        free(rows);
        api_fail(rq, &e);
        return;
    }
    struct buf *out = api_scratch(rq);
    BUF_AUTO struct buf cursor = BUF_INIT(2 * CURSOR_BYTES_MAX);
    if (more)
        print_cursor(&last, &cursor);
    buf_addc(out, '{');
    print_data(rq, rows, n, out);
    json_pair_or_null(out, "next_cursor", buf_sv(&cursor));
    buf_addc(out, '}');
    free(rows);
    api_answer_json(rq, 200, buf_sv(out));
}
