/* Webhooks over HTTP: written through the journal, read by this front's own connection. */
#include "api/native_webhooks.h"

#include "base/clock.h"
#include "base/json.h"
#include "store/seal.h"

#include <string.h>

enum {
    SECRET_BYTES = 32,
    SECRET_BYTES_MIN = 24,
    OVERLAP_DEFAULT_S = 86400,
    REPLAY_BACK_S = 8 * 86400, /* an event may be so much younger than its message */
    ROW_BYTES_MAX = HOOK_URL_BYTES_MAX + 2 * HOOK_LIST_BYTES_MAX + 2048 + 256,
};

/* A write on its way to the core and back. */
struct hook_change {
    struct hook_write write;
    struct sv secret; /* to be shown once, or empty */
    int status;       /* of the answer */
    const char *event;
};

static struct hook_change *new_change(struct api_request *rq, enum hook_act act, const char *event) {
    struct hook_change *c = arena_zalloc(&rq->x->arena, sizeof *c);
    ASSERT(c);
    c->write.act = act;
    c->write.hook.account_id = rq->account_id;
    c->status = 200;
    c->event = event;
    rq->own = c;
    return c;
}

static bool not_there(struct err *e) {
    return err_set(e, ERR_NOT_FOUND, "your account has no such webhook");
}

/* Its id out of the path; answered when it is none. */
static bool id_of_path(struct api_request *rq, int64_t *id) {
    struct err e = ERR_INIT;
    if (sid_parse_hook(api_world(rq)->id_key, rq->params[0], id))
        return true;
    not_there(&e);
    api_fail(rq, &e);
    return false;
}

/* ---- answers ---- */

static void answer_hook(struct api_request *rq, int64_t id, int status, struct sv secret) {
    struct err e = ERR_INIT;
    struct webhook h;
    size_t n;
    struct arena ARENA_AUTO mem;
    arena_init(&mem, ROW_BYTES_MAX);
    if (!hooks_read(api_db(rq), rq->account_id, id, &mem, &h, &n, &e) || (n == 0 && !not_there(&e))) {
        api_fail(rq, &e);
        return;
    }
    struct buf *out = api_scratch(rq);
    webhook_print(rq, &h, secret, out);
    if (status != 201) {
        api_answer_json(rq, status, buf_sv(out));
        return;
    }
    struct sid sid = sid_hook(api_world(rq)->id_key, id);
    native_answer_new(rq, 201, out, "/v1/webhooks/", &sid, false);
}

static void written(struct api_request *rq, struct ask *a) {
    const struct hook_change *c = rq->own;
    struct err e = ERR_INIT;
    if (a->result == ASK_ABSENT && c->write.act == HOOK_CREATE) {
        err_set(&e, ERR_BUSY, "the id is taken: try again");
    } else if (a->result == ASK_ABSENT) {
        not_there(&e);
    } else if (a->result == ASK_REFUSED && c->write.full) {
        err_set(&e, ERR_CONFLICT, "an account has at most %d webhooks: delete one that is not used",
                HOOKS_PER_ACCOUNT_MAX);
    } else if (a->result == ASK_REFUSED) {
        err_set(&e, ERR_CONFLICT, "this webhook is disabled: enable it first");
    } else if (a->result != ASK_DONE) {
        e = a->err;
    }
    if (e.kind != ERR_NONE) {
        api_fail(rq, &e);
        return;
    }
    struct sid sid = sid_hook(api_world(rq)->id_key, c->write.hook.id);
    log_info(api_world(rq)->log, c->event, kv_word("id", sid_sv(&sid)),
             kv_word("account", sid_sv(&rq->account_sid)), kv_word("key", sid_sv(&rq->key)));
    if (c->status == 204)
        api_answer(rq, &(struct answer){.status = 204});
    else
        answer_hook(rq, c->write.hook.id, c->status, c->secret);
}

static void put_change(struct api_request *rq, struct hook_change *c) {
    struct ask *a = api_new_ask(rq, ASK_HOOK);
    a->hook = &c->write;
    api_ask(rq, a, written);
}

/* ---- what may be given ---- */

static bool check_url(const struct api_request *rq, struct sv url, struct err *e) {
    const struct settings *s = api_settings(rq);
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == 0x7f)
            return err_set_field(e, ERR_INVALID, "url", "a URL has no blanks or control characters");
    if (!s->webhooks.allow_http && !sv_eq_nocase(sv_sub(url, 0, 8), SV("https://")))
        return err_set_field(e, ERR_INVALID, "url", "not an https URL: webhooks.allow_http forbids others");
    return api_check_outside("url", url, s->webhooks.allow_private, "webhooks.allow_private", e);
}

/* A list of texts, one a line, in the request's arena. */
static bool read_lines(struct api_request *rq, const json_t *list, const char *field,
                       bool (*check)(struct sv v), const char *wrong, struct sv *out, struct err *e) {
    struct buf BUF_AUTO lines = BUF_INIT(HOOK_LIST_BYTES_MAX);
    if (json_array_size(list) > HOOK_LIST_MAX)
        return err_set_field(e, ERR_INVALID, field, "`%s` has at most %d items", field, HOOK_LIST_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *j = json_array_get(list, i);
        struct sv v = json_is_string(j) ? sv_make(json_string_value(j), json_string_length(j)) : SV_NONE;
        if (!v.n || sv_find_char(v, '\n') != SIZE_MAX || !check(v))
            return err_set_field(e, ERR_INVALID, field, "item %zu of `%s` is %s", i, field, wrong);
        if (lines.n)
            buf_addc(&lines, '\n');
        buf_add(&lines, v);
    }
    if (lines.overflow)
        return err_set_field(e, ERR_TOO_LARGE, field, "`%s` has at most %d bytes in all", field,
                             HOOK_LIST_BYTES_MAX);
    *out = arena_dup(&rq->x->arena, lines.n ? buf_sv(&lines) : SV(""));
    return true;
}

static bool is_pattern(struct sv v) {
    return hook_types_of(v) != 0;
}

static bool is_topic(struct sv v) {
    return v.n <= 256;
}

static struct sv keep(struct api_request *rq, struct sv v) {
    return arena_dup(&rq->x->arena, v.n ? v : SV(""));
}

/* What create and update have in common, at the same positions. */
enum { URL, EVENTS, TOPICS, DESCRIPTION, CREATE_SECRET };

static bool fill(struct api_request *rq, const struct api_value *v, struct webhook *h, struct err *e) {
    if (v[URL].given) {
        h->url = keep(rq, v[URL].text);
        if (!check_url(rq, h->url, e))
            return false;
    }
    if (v[DESCRIPTION].given)
        h->description = keep(rq, v[DESCRIPTION].text);
    if (v[EVENTS].given &&
        !read_lines(rq, v[EVENTS].json, "events", is_pattern,
                    "no type of event, and no pattern of some: see docs/webhooks.md", &h->types, e))
        return false;
    if (v[EVENTS].given && !h->types.n)
        return err_set_field(e, ERR_INVALID, "events",
                             "an empty list of events: disable the webhook instead");
    return !v[TOPICS].given || read_lines(rq, v[TOPICS].json, "topics", is_topic, "no topic", &h->topics, e);
}

/* Makes a secret, or takes the one given; seals it into out, and keeps its text to be shown. */
static bool make_secret(struct api_request *rq, struct sv given, struct hook_secret *out, struct sv *shown,
                        struct err *e) {
    struct buf BUF_AUTO bytes = BUF_INIT(HOOK_SECRET_BYTES_MAX), text = BUF_INIT(128);
    if (given.n) {
        if (!sv_starts(given, SV("whsec_")) || !base64_parse(sv_from(given, 6), &bytes) ||
            bytes.n < SECRET_BYTES_MIN)
            return err_set_field(e, ERR_INVALID, "secret", "a secret is whsec_ and %d to %d bytes in base64",
                                 SECRET_BYTES_MIN, HOOK_SECRET_BYTES_MAX);
    } else {
        char *p = buf_room(&bytes, SECRET_BYTES);
        if (!p || !seal_random(p, SECRET_BYTES, e))
            return false;
        bytes.n += SECRET_BYTES;
    }
    buf_adds(&text, "whsec_");
    base64_add(&text, bytes.p, bytes.n);
    *shown = arena_dup(&rq->x->arena, buf_sv(&text));
    out->n = (uint8_t)(bytes.n + SEAL_BYTES);
    return seal(api_master(rq), buf_sv(&bytes), out->sealed, e);
}

/* ---- handlers ---- */

void native_webhook_create(struct api_request *rq) {
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    if (!api_read_json(rq, webhook_create_fields, &root, v))
        return;
    struct hook_change *c = new_change(rq, HOOK_CREATE, "webhook.created");
    c->status = 201;
    c->write.hook.types = SV("*");
    if (!fill(rq, v, &c->write.hook, &e) ||
        !make_secret(rq, v[CREATE_SECRET].text, &c->write.hook.secret, &c->secret, &e)) {
        api_fail(rq, &e);
        return;
    }
    put_change(rq, c);
}

void native_webhook_list(struct api_request *rq) {
    struct webhook hooks[HOOKS_PER_ACCOUNT_MAX];
    struct err e = ERR_INIT;
    size_t n;
    struct arena ARENA_AUTO mem;
    arena_init(&mem, HOOKS_PER_ACCOUNT_MAX * ROW_BYTES_MAX);
    if (!hooks_read(api_db(rq), rq->account_id, 0, &mem, hooks, &n, &e)) {
        api_fail(rq, &e);
        return;
    }
    struct buf *out = native_open_page(rq);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_addc(out, ',');
        webhook_print(rq, &hooks[i], SV_NONE, out);
    }
    buf_adds(out, "]}");
    api_answer_json(rq, 200, buf_sv(out));
}

void native_webhook_get(struct api_request *rq) {
    int64_t id;
    if (id_of_path(rq, &id))
        answer_hook(rq, id, 200, SV_NONE);
}

void native_webhook_update(struct api_request *rq) {
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    int64_t id;
    if (!id_of_path(rq, &id) || !api_read_json(rq, webhook_update_fields, &root, v))
        return;
    struct hook_change *c = new_change(rq, HOOK_UPDATE, "webhook.updated");
    c->write.hook.id = id;
    if (!fill(rq, v, &c->write.hook, &e)) {
        api_fail(rq, &e);
        return;
    }
    put_change(rq, c);
}

/* Acts that say nothing but which webhook. */
static void act(struct api_request *rq, enum hook_act what, int status, const char *event) {
    int64_t id;
    if (!id_of_path(rq, &id))
        return;
    struct hook_change *c = new_change(rq, what, event);
    c->write.hook.id = id;
    c->write.hook.status = HOOK_BY_CALLER; /* DISABLE */
    c->write.data = SV("{\"test\":true}");
    c->status = status;
    put_change(rq, c);
}

void native_webhook_delete(struct api_request *rq) {
    act(rq, HOOK_DELETE, 204, "webhook.deleted");
}

void native_webhook_enable(struct api_request *rq) {
    act(rq, HOOK_ENABLE, 200, "webhook.enabled");
}

void native_webhook_disable(struct api_request *rq) {
    act(rq, HOOK_DISABLE, 200, "webhook.disabled_by_caller");
}

void native_webhook_test(struct api_request *rq) {
    act(rq, HOOK_SEND_TEST, 202, "webhook.tested");
}

void native_webhook_rotate(struct api_request *rq) {
    enum { SECRET, OVERLAP };
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX] = {{0}};
    struct err e = ERR_INIT;
    int64_t id;
    if (!id_of_path(rq, &id) || (rq->x->body.n && !api_read_json(rq, webhook_rotate_fields, &root, v)))
        return;
    struct hook_change *c = new_change(rq, HOOK_ROTATE, "webhook.rotated");
    c->write.hook.id = id;
    c->write.hook.old_until = rq->now + (v[OVERLAP].given ? v[OVERLAP].n : OVERLAP_DEFAULT_S) * US_PER_S;
    if (!make_secret(rq, v[SECRET].text, &c->write.hook.secret, &c->secret, &e)) {
        api_fail(rq, &e);
        return;
    }
    put_change(rq, c);
}

void native_webhook_replay(struct api_request *rq) {
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX];
    int64_t id;
    if (!id_of_path(rq, &id) || !api_read_json(rq, webhook_replay_fields, &root, v))
        return;
    struct hook_change *c = new_change(rq, HOOK_REPLAY, "webhook.replayed");
    c->write.hook.id = id;
    c->write.hook.replay_since = v[0].n;
    c->write.hook.replay_after = id_floor(v[0].n - REPLAY_BACK_S * US_PER_S) - 1;
    c->status = 202;
    put_change(rq, c);
}

/* ---- the log ---- */

/* A cursor is where the page ended: subject and event, in hex. */
static bool parse_cursor(struct sv cursor, struct delivery_filter *f, struct err *e) {
    uint8_t b[10];
    uint64_t x = 0;
    if (!cursor.n)
        return true;
    if (!hex_parse(cursor, b, sizeof b))
        return native_no_cursor(e);
    for (int i = 0; i < 8; i++)
        x = x << 8 | b[i];
    f->before_subject = (int64_t)(x & INT64_MAX);
    f->before_event = (uint16_t)(b[8] << 8 | b[9]);
    return true;
}

static void print_cursor(const struct delivery_key *last, struct buf *out) {
    uint8_t b[10];
    for (int i = 0; i < 8; i++)
        b[i] = (uint8_t)((uint64_t)last->subject_id >> (56 - 8 * i));
    b[8] = (uint8_t)(last->event >> 8);
    b[9] = (uint8_t)last->event;
    hex_add(out, b, sizeof b);
}

static bool is_own(struct api_request *rq, int64_t id, struct err *e) {
    struct webhook h;
    size_t n;
    struct arena ARENA_AUTO mem;
    arena_init(&mem, ROW_BYTES_MAX);
    return hooks_read(api_db(rq), rq->account_id, id, &mem, &h, &n, e) && (n || not_there(e));
}

void native_webhook_deliveries(struct api_request *rq) {
    enum { OUTCOME, LIMIT, CURSOR };
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    struct delivery_key last = {0};
    int64_t id;
    size_t n;
    bool more;
    if (!id_of_path(rq, &id) || !api_read_query(rq, webhook_delivery_fields, v))
        return;
    struct delivery_filter f = {.hook_id = id,
                                .by_outcome = v[OUTCOME].given,
                                .outcome = (enum delivery_outcome)v[OUTCOME].n,
                                .limit = native_page_limit(&v[LIMIT])};
    struct delivery_row *rows = calloc(f.limit, sizeof *rows);
    ASSERT(rows);
    if (!parse_cursor(v[CURSOR].text, &f, &e) || !is_own(rq, id, &e) ||
        !deliveries_list(api_db(rq), &f, rows, &n, &more, &last, &e)) {
        free(rows);
        api_fail(rq, &e);
        return;
    }
    struct buf *out = api_scratch(rq);
    BUF_AUTO struct buf cursor = BUF_INIT(64);
    if (more)
        print_cursor(&last, &cursor);
    buf_adds(out, "{\"data\":[");
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_addc(out, ',');
        webhook_print_delivery(rq, &rows[i], out);
    }
    free(rows);
    native_answer_page(rq, out, buf_sv(&cursor));
}
