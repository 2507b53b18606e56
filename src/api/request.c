/* From a whole request to its handler, and what every handler needs: who calls, headers, the body. */
#include "api/fields.h"
#include "api/front_parts.h"

#include "base/clock.h"
#include "ingest/stock.h"
#include "net/address.h"

#include <string.h>

enum { CALLBACK_BYTES_MAX = 2048, CREDENTIALS_BYTES_MAX = 512, BEGINNING_BYTES_MAX = 256 };

/* ---- finding the route ---- */

static bool take_segment(const char **pattern, struct sv *path, struct sv *param) {
    const char *close = strchr(*pattern, '}');
    ASSERT(close);
    const char *tail = close + 1;
    size_t tail_n = strcspn(tail, "/");
    size_t slash = sv_find_char(*path, '/');
    struct sv segment = slash == SIZE_MAX ? *path : sv_sub(*path, 0, slash);
    if (segment.n <= tail_n || !sv_ends(segment, sv_make(tail, tail_n)))
        return false;
    *param = sv_sub(segment, 0, segment.n - tail_n);
    *path = sv_from(*path, segment.n);
    *pattern = tail + tail_n;
    return true;
}

static bool matches(const char *pattern, struct sv path, struct sv params[API_PARAMS_MAX]) {
    size_t n = 0;
    while (*pattern) {
        if (*pattern == '{') {
            ASSERT(n < API_PARAMS_MAX);
            if (!take_segment(&pattern, &path, &params[n++]))
                return false;
            continue;
        }
        if (path.n == 0 || path.p[0] != *pattern)
            return false;
        pattern++;
        path = sv_from(path, 1);
    }
    return path.n == 0;
}

static bool decode_params(struct api_request *rq) {
    for (size_t i = 0; i < API_PARAMS_MAX; i++) {
        struct sv *v = &rq->params[i];
        if (sv_find_char(*v, '%') == SIZE_MAX)
            continue;
        if (!percent_decode(*v, &rq->x->arena, v) || !sv_is_utf8(*v) || sv_find_char(*v, '\0') != SIZE_MAX)
            return false;
    }
    return true;
}

static const struct route *find_route(struct api_request *rq, enum http_method method) {
    for (size_t t = 0; t < rq->face->n_tables; t++) {
        const struct route_table *table = rq->face->tables[t];
        for (const struct route *r = table->rows; r < table->rows + table->n; r++)
            if (r->method == method && matches(r->path, rq->x->path, rq->params))
                return r;
    }
    return NULL;
}

static void add_methods(const struct route_table *table, struct sv path, struct buf *out) {
    struct sv ignored[API_PARAMS_MAX];
    for (const struct route *r = table->rows; r < table->rows + table->n; r++) {
        if (!matches(r->path, path, ignored))
            continue;
        buf_addf(out, "%s%s", out->n ? ", " : "", http_method_name(r->method));
        if (r->method == HTTP_GET)
            buf_adds(out, ", HEAD");
    }
}

/* The methods this path has, for a 405; NULL when there is no such path. */
static const char *methods_of(struct api_request *rq) {
    BUF_AUTO struct buf out = BUF_INIT(128);
    for (size_t t = 0; t < rq->face->n_tables; t++)
        add_methods(rq->face->tables[t], rq->x->path, &out);
    return out.n ? arena_dup(&rq->x->arena, buf_sv(&out)).p : NULL;
}

/* ---- who calls ---- */

void api_act_for(struct api_request *rq, const struct account *a) {
    rq->account_id = a->id;
    rq->account_sid = a->sid;
    rq->key = a->sid;
    rq->scopes = SCOPE_SEND;
}

static bool check_basic(struct front *f, struct sv encoded, int64_t now, struct caller *out) {
    BUF_AUTO struct buf plain = BUF_INIT(CREDENTIALS_BYTES_MAX);
    if (!base64_parse(encoded, &plain))
        return false;
    struct sv secret = buf_sv(&plain);
    struct sv user = sv_cut(&secret, ':');
    return directory_check(f->directory, user, secret, now, out);
}

bool api_authenticate(struct api_request *rq, struct err *e) {
    struct sv header = exchange_header(rq->x, "Authorization");
    if (header.n == 0)
        return err_set(e, ERR_AUTH,
                       "no Authorization header: send `Authorization: Bearer SK....SECRET`, or HTTP Basic "
                       "with the key's SK... sid and its secret");
    struct sv rest = header;
    struct sv scheme = sv_cut(&rest, ' ');
    rest = sv_trim(rest);
    struct caller caller;
    bool known = false;
    if (sv_eq_nocase(scheme, SV("Bearer")))
        known = directory_check_bearer(rq->front->directory, rest, rq->x->arrived_us, &caller);
    else if (sv_eq_nocase(scheme, SV("Basic")) && rest.n < CREDENTIALS_BYTES_MAX)
        known = check_basic(rq->front, rest, rq->x->arrived_us, &caller);
    if (!known)
        return err_set(e, ERR_AUTH, "these credentials are not known here, or were revoked");
    rq->account_id = caller.account->id;
    rq->account_sid = caller.account->sid;
    rq->scopes = caller.scopes;
    rq->key = caller.key;
    return true;
}

bool api_need_scope(const struct api_request *rq, unsigned scope, struct err *e) {
    if ((rq->scopes & scope) == scope)
        return true;
    BUF_AUTO struct buf name = BUF_INIT(64);
    scopes_print(scope, &name);
    return err_set(e, ERR_FORBIDDEN, "this key lacks the scope `%.*s`", SV_FMT(buf_sv(&name)));
}

/* ---- the handler's door ---- */

static void name_request(struct front *f, struct api_request *rq) {
    memcpy(rq->id, "req_", 4);
    /* An odd multiplier visits every number once: ids of one front never repeat, and do not look like a
     * count. */
    hex_u64(rq->id + 4, ++f->ids * UINT64_C(0x9E3779B97F4A7C15));
    rq->id[REQUEST_ID_BYTES] = '\0';
}

static const struct api_face *face_of(struct sv path) {
    for (size_t i = 0; i + 1 < api_faces_n; i++)
        if (sv_starts(path, sv_of(api_faces[i]->prefix)))
            return api_faces[i];
    return api_faces[api_faces_n - 1];
}

static void refuse_lost(struct api_request *rq) {
    struct err e = ERR_INIT;
    rq->allow = methods_of(rq);
    if (rq->allow) {
        err_set(&e, ERR_INVALID, "%.*s is not for this address; it takes %s", SV_FMT(rq->x->method_name),
                rq->allow);
        api_problem(rq, PROBLEM_METHOD, &e);
        return;
    }
    err_set(&e, ERR_NOT_FOUND, "there is nothing at this address; /openapi.json lists what there is");
    api_problem(rq, PROBLEM_NO_ROUTE, &e);
}

static bool may_run(struct api_request *rq, struct err *e) {
    if (!decode_params(rq))
        return err_set(e, ERR_INVALID, "the path has a broken %%-escape, or is not UTF-8");
    if (rq->route->check == CHECK_CALLER &&
        ((!rq->x->way && !api_authenticate(rq, e)) || !api_need_scope(rq, rq->route->scope, e)))
        return false;
    if (rq->route->creates && rq->front->draining)
        return err_set(e, ERR_BUSY, "the gateway is stopping: try again in a few seconds");
    return true;
}

/* NULL: answered. */
static struct api_request *new_request(struct front *f, struct exchange *x) {
    struct api_request *rq = arena_zalloc(&x->arena, sizeof *rq);
    if (!rq) { /* a fresh arena holds this much unless the machine is out of memory */
        server_answer(x, &(struct answer){.status = 503});
        return NULL;
    }
    rq->x = x;
    rq->front = f;
    rq->now = world_now(f->parts.world);
    rq->face = face_of(x->path);
    name_request(f, rq);
    return rq;
}

static void serve(struct api_request *rq) {
    struct exchange *x = rq->x;
    rq->route = find_route(rq, x->method == HTTP_HEAD ? HTTP_GET : x->method);
    if (!rq->route) {
        refuse_lost(rq);
        return;
    }
    struct err e = ERR_INIT;
    if (!may_run(rq, &e)) {
        api_fail(rq, &e);
        return;
    }
    rq->route->run(rq);
}

void front_handle(void *ctx, struct exchange *x) {
    struct front *f = ctx;
    meter_add(f->parts.world->meters, COUNT_REQUESTS, 1);
    struct api_request *rq = new_request(f, x);
    if (rq)
        serve(rq);
}

void front_take(struct front *f, struct exchange *x, struct sv account) {
    struct api_request *rq = new_request(f, x);
    if (!rq)
        return;
    const struct account *a = account.n ? directory_account_of_name(f->directory, account) : NULL;
    if (a)
        api_act_for(rq, a);
    if (a || !account.n) {
        serve(rq);
        return;
    }
    struct err e = ERR_INIT;
    err_set(&e, ERR_BUSY, "there is no account `%.*s` (yet)", SV_FMT(account));
    api_fail(rq, &e);
}

bool front_has_keys(struct front *f, struct sv account, struct sv beginning) {
    const struct account *a = directory_account_of_name(f->directory, account);
    struct buf BUF_AUTO after = BUF_INIT(BEGINNING_BYTES_MAX);
    struct err e = ERR_INIT;
    bool has;
    buf_join(&after, beginning, SV("\x7f"));
    return !a ||
           !reader_has_key(f->db, a->id, beginning, buf_sv(&after), world_now(f->parts.world), &has, &e) ||
           has;
}

/* ---- what handlers use ---- */

const struct settings *api_settings(const struct api_request *rq) {
    return rq->front->settings;
}

const struct texts *api_texts(const struct api_request *rq) {
    return rq->front->texts;
}

const struct world *api_world(const struct api_request *rq) {
    return rq->front->parts.world;
}

struct admitter *api_admitter(const struct api_request *rq) {
    return rq->front->admitter;
}

struct stock *api_stock(const struct api_request *rq) {
    uint64_t published = atomic_load_explicit(
        &rq->front->parts.world->meters->counters[COUNT_TEMPLATES_PUBLISHED], memory_order_relaxed);
    stock_refresh(rq->front->stock, rq->x->arrived_us, published);
    return rq->front->stock;
}

struct db *api_db(const struct api_request *rq) {
    return rq->front->db;
}

struct directory *api_directory(const struct api_request *rq) {
    return rq->front->directory;
}

const struct master_key *api_master(const struct api_request *rq) {
    return rq->front->parts.master;
}

struct papers *api_papers(const struct api_request *rq) {
    return rq->front->parts.papers;
}

const struct http_file *api_console_file(const struct api_request *rq, struct sv name) {
    const struct front_parts *p = &rq->front->parts;
    return p->console_file ? p->console_file(name) : NULL;
}

bool api_is_draining(const struct api_request *rq) {
    return rq->front->draining;
}

struct buf *api_scratch(const struct api_request *rq) {
    buf_reset(&rq->front->scratch);
    return &rq->front->scratch;
}

static bool plain(struct sv v) {
    return sv_is_utf8(v) && sv_find_char(v, '\0') == SIZE_MAX;
}

static bool read_form(struct api_request *rq, struct sv text, struct form *out, struct err *e) {
    if (!form_parse(text, &rq->x->arena, out, e))
        return false;
    for (size_t i = 0; i < out->n; i++) {
        const struct form_pair *p = &out->pairs[i];
        if (!plain(p->key))
            return err_set(e, ERR_INVALID, "the name of parameter %zu is not UTF-8, or has a NUL in it",
                           i + 1);
        if (!plain(p->value))
            return err_set_field(e, ERR_INVALID, p->key.n < ERR_FIELD_MAX ? p->key.p : "",
                                 "not UTF-8, or has a NUL in it");
    }
    return true;
}

bool api_form(struct api_request *rq, struct form *out, struct err *e) {
    return read_form(rq, rq->x->body, out, e);
}

bool api_query(struct api_request *rq, struct form *out, struct err *e) {
    return read_form(rq, rq->x->query, out, e);
}

bool api_content_is(const struct api_request *rq, struct sv type) {
    struct sv header = exchange_header(rq->x, "Content-Type");
    return sv_eq_nocase(sv_trim(sv_cut(&header, ';')), type);
}

bool api_token_header(const struct api_request *rq, const char *name, size_t max, struct sv *out,
                      struct err *e) {
    struct sv v = exchange_header(rq->x, name);
    *out = v;
    if (!v.p)
        return true;
    bool ok = v.n >= 1 && v.n <= max;
    for (size_t i = 0; ok && i < v.n; i++)
        ok = v.p[i] > ' ' && v.p[i] < 0x7f;
    return ok || err_set_field(e, ERR_INVALID, name,
                               "%s has 1 to %zu printable ASCII characters, without spaces", name, max);
}

static bool lower_hex(struct sv v) {
    bool zero = true;
    for (size_t i = 0; i < v.n; i++) {
        bool digit = v.p[i] >= '0' && v.p[i] <= '9';
        if (!digit && (v.p[i] < 'a' || v.p[i] > 'f'))
            return false;
        zero &= v.p[i] == '0';
    }
    return v.n == 2 || !zero; /* an all-zero id is no id; version and flags may be zero */
}

struct sv api_traceparent(const struct api_request *rq) {
    enum { PLAIN_BYTES = 55, LONG_BYTES_MAX = 128 };
    struct sv v = sv_trim(exchange_header(rq->x, "traceparent"));
    struct sv rest = v;
    struct sv version = sv_cut(&rest, '-'), trace = sv_cut(&rest, '-'), parent = sv_cut(&rest, '-');
    struct sv flags = sv_cut(&rest, '-');
    if (version.n != 2 || trace.n != 32 || parent.n != 16 || flags.n != 2 || v.n > LONG_BYTES_MAX ||
        !lower_hex(version) || !lower_hex(trace) || !lower_hex(parent) || !lower_hex(flags) ||
        sv_eq(version, SV("ff")))
        return SV_NONE;
    if (v.n != PLAIN_BYTES && sv_eq(version, SV("00")))
        return SV_NONE;
    return sv_sub(v, 0, PLAIN_BYTES); /* what later versions may add is not known to those who get it next */
}

/* The host of an authority without user information; a literal IPv6 address without its brackets. */
static struct sv host_of(struct sv authority) {
    if (authority.n && authority.p[0] == '[') {
        struct sv rest = sv_from(authority, 1);
        return sv_cut(&rest, ']');
    }
    return sv_cut(&authority, ':');
}

/* What follows the host is nothing, or a port that can be called. */
static bool port_is_good(struct sv authority, struct sv host) {
    size_t brackets = authority.p[0] == '[' ? 2 : 0;
    struct sv rest = sv_from(authority, host.n + brackets <= authority.n ? host.n + brackets : authority.n);
    uint64_t port;
    if (rest.n <= 1)
        return rest.n == 0 || rest.p[0] == ':';
    return rest.p[0] == ':' && sv_to_u64(sv_from(rest, 1), &port) && port >= 1 && port <= 65535;
}

/* An address in any spelling resolvers take (127.1, 0x7f000001): its last label begins with a digit, as no
 * domain of the public tree does; or IPv6. What is no address in its usual form counts as private. */
static bool looks_numeric(struct sv host) {
    size_t at = host.n && host.p[host.n - 1] == '.' ? host.n - 1 : host.n;
    while (at && host.p[at - 1] != '.')
        at--;
    bool digit = at < host.n && host.p[at] >= '0' && host.p[at] <= '9';
    return digit || sv_find_char(host, ':') != SIZE_MAX;
}

/* Names are looked up, and judged by their addresses, when the call is made (net/client). */
static bool is_inside(struct sv host) {
    char text[64];
    if (sv_eq_nocase(host, SV("localhost")) || sv_ends(host, SV(".localhost")))
        return true;
    if (!looks_numeric(host))
        return false;
    if (host.n >= sizeof text)
        return true;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    return address_text_is_private(text);
}

bool api_check_callback(const struct api_request *rq, const char *field, struct sv url, struct err *e) {
    return api_check_outside(field, url, rq->front->settings->callbacks.allow_private,
                             "callbacks.allow_private", e);
}

bool api_check_outside(const char *field, struct sv url, bool allow_private, const char *setting,
                       struct err *e) {
    struct sv rest = url;
    size_t at = sv_find(url, SV("://"));
    bool http = at != SIZE_MAX && (sv_eq_nocase(sv_sub(url, 0, at), SV("http")) ||
                                   sv_eq_nocase(sv_sub(url, 0, at), SV("https")));
    if (!http || url.n > CALLBACK_BYTES_MAX)
        return err_set_field(e, ERR_INVALID, field, "not an absolute http or https URL of up to %d bytes",
                             CALLBACK_BYTES_MAX);
    rest = sv_from(rest, at + 3);
    size_t end = 0;
    while (end < rest.n && !strchr("/?#\\", rest.p[end]))
        end++;
    struct sv authority = sv_sub(rest, 0, end);
    if (sv_find_char(authority, '@') != SIZE_MAX)
        return err_set_field(e, ERR_INVALID, field, "user and password do not belong into this URL");
    struct sv host = host_of(authority);
    if (host.n == 0 || (end < rest.n && rest.p[end] == '\\'))
        return err_set_field(e, ERR_INVALID, field, "this URL names no host");
    if (!port_is_good(authority, host))
        return err_set_field(e, ERR_INVALID, field, "the port of this URL is none: they go from 1 to 65535");
    if (!allow_private && is_inside(host))
        return err_set_field(e, ERR_INVALID, field, "this address is inside a private network: %s forbids it",
                             setting);
    return true;
}

bool api_read_query(struct api_request *rq, const struct api_field *fields, struct api_value *values) {
    struct form form;
    struct err e = ERR_INIT;
    if (api_query(rq, &form, &e))
        return api_read_form(rq, fields, &form, values);
    api_fail(rq, &e);
    return false;
}
