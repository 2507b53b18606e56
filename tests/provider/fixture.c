#include "fixture.h"

#include "base/clock.h"
#include "base/codec.h"

#include <stdio.h>
#include <string.h>

static struct sv read_file(const char *path, struct arena *mem) {
    FILE *file = fopen(path, "rb");
    ASSERT(file);
    fseek(file, 0, SEEK_END);
    long n = ftell(file);
    rewind(file);
    char *p = arena_alloc(mem, (size_t)n + 1);
    ASSERT(p);
    ASSERT(fread(p, 1, (size_t)n, file) == (size_t)n);
    fclose(file);
    p[n] = '\0';
    return sv_make(p, (size_t)n);
}

/* [name] alone on a line: a to z, and digits (attempt2). */
static struct sv header_name(struct sv line) {
    if (line.n < 3 || line.p[0] != '[' || line.p[line.n - 1] != ']')
        return SV_NONE;
    for (size_t i = 1; i + 1 < line.n; i++)
        if ((line.p[i] < 'a' || line.p[i] > 'z') && (line.p[i] < '0' || line.p[i] > '9'))
            return SV_NONE;
    return sv_sub(line, 1, line.n - 2);
}

static struct sv without_end(struct sv v) {
    while (v.n && v.p[v.n - 1] == '\n')
        v.n--;
    return v;
}

void fixture_load(struct fixture *f, const char *path, struct arena *mem) {
    const char *slash = strrchr(path, '/');
    *f = (struct fixture){.mem = mem,
                          .folder = arena_dup(mem, sv_make(path, slash ? (size_t)(slash - path) : 0))};
    struct sv rest = read_file(path, mem);
    const char *end = rest.p + rest.n;
    while (rest.n) {
        struct sv name = header_name(sv_cut(&rest, '\n'));
        const char *at = rest.p ? rest.p : end;
        if (f->n)
            f->sections[f->n - 1].text.n = (size_t)(at - f->sections[f->n - 1].text.p);
        if (name.p == NULL)
            continue;
        if (f->n) /* not the header line itself */
            f->sections[f->n - 1].text.n = (size_t)(name.p - 1 - f->sections[f->n - 1].text.p);
        ASSERT(f->n < FIXTURE_SECTIONS_MAX);
        f->sections[f->n].name = name;
        f->sections[f->n].text = sv_make(at, 0);
        f->n++;
    }
    for (size_t i = 0; i < f->n; i++)
        f->sections[i].text = without_end(f->sections[i].text);
}

struct sv fixture_section(const struct fixture *f, const char *name) {
    for (size_t i = 0; i < f->n; i++)
        if (sv_eq(f->sections[i].name, sv_of(name)))
            return f->sections[i].text;
    return SV_NONE;
}

/* \n \t \\ and \xHH. */
static struct sv unescape(struct sv v, struct arena *mem) {
    char *p = arena_alloc(mem, v.n + 1);
    ASSERT(p);
    size_t n = 0;
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        if (c == '\\' && i + 1 < v.n) {
            c = v.p[++i];
            if (c == 'x') {
                ASSERT(hex_parse(sv_sub(v, i + 1, 2), &c, 1));
                i += 2;
            } else {
                c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
            }
        }
        p[n++] = c;
    }
    p[n] = '\0';
    return sv_make(p, n);
}

struct sv fixture_value(const struct fixture *f, const char *section, const char *key) {
    struct sv rest = fixture_section(f, section);
    while (rest.n) {
        struct sv value = sv_cut(&rest, '\n');
        struct sv name = sv_cut(&value, ':');
        if (!sv_eq(name, sv_of(key)))
            continue;
        return unescape(sv_from(value, value.n && value.p[0] == ' ' ? 1 : 0), f->mem);
    }
    return SV_NONE;
}

int64_t fixture_time(const struct fixture *f, const char *section, const char *key, int64_t fallback) {
    struct sv v = fixture_value(f, section, key);
    int64_t at = fallback;
    ASSERT(v.n == 0 || clock_parse_rfc3339(v, &at));
    return at;
}

uint64_t fixture_number(const struct fixture *f, const char *section, const char *key, uint64_t fallback) {
    struct sv v = fixture_value(f, section, key);
    uint64_t x = fallback;
    ASSERT(v.n == 0 || sv_to_u64(v, &x));
    return x;
}

/* `NAME: text`, or the text of a file beside the case by `NAME_file`. */
static struct sv lane_value(const struct fixture *f, const char *name) {
    char key[128], path[1024];
    snprintf(key, sizeof key, "%s_file", name);
    struct sv file = fixture_value(f, "lane", key);
    if (!file.n)
        return fixture_value(f, "lane", name);
    snprintf(path, sizeof path, "%.*s/%.*s", SV_FMT(f->folder), SV_FMT(file));
    return read_file(path, f->mem);
}

struct lane_config fixture_lane(const struct fixture *f) {
    struct lane_config lane = {.name = "case", .adapter = adapter_find(fixture_value(f, "case", "adapter"))};
    ASSERT(lane.adapter);
    for (size_t i = 0; i < lane.adapter->n_fields; i++)
        lane.fields[i] = lane_value(f, lane.adapter->fields[i].name);
    lane.from = fixture_value(f, "lane", "from");
    lane.timeout_ms = (uint32_t)fixture_number(f, "lane", "timeout_ms", 10000);
    return lane;
}

struct attempt_view fixture_attempt(const struct fixture *f, const char *section) {
    enum channel channel = CHANNEL_SMS;
    enum priority priority = PRIORITY_TRANSACTIONAL;
    struct sv urgency = fixture_value(f, section, "priority");
    ASSERT(!urgency.n || priority_parse(urgency, &priority));
    struct sv name = fixture_value(f, section, "channel");
    ASSERT(!name.n || channel_find(name, &channel));
    return (struct attempt_view){
        .message_id = 1,
        .number = (uint32_t)fixture_number(f, section, "number", 1),
        .started_at = fixture_time(f, section, "started_at", 0),
        .expires_at = fixture_time(f, section, "expires_at", 0),
        .channel = channel,
        .priority = priority,
        .data = fixture_value(f, section, "data"),
        .collapse = fixture_value(f, section, "collapse"),
        .to = fixture_value(f, section, "to"),
        .from = fixture_value(f, section, "from"),
        .body = fixture_value(f, section, "body"),
        .title = fixture_value(f, section, "title"),
        .html = fixture_value(f, section, "html"),
        .language = fixture_value(f, section, "language"),
        .code = {.code = fixture_value(f, section, "code"),
                 .sign = fixture_value(f, section, "sign"),
                 .params = fixture_value(f, section, "params")},
        .grant = fixture_value(f, section, "grant"),
        .token = fixture_value(f, section, "token"),
        .status_url = fixture_value(f, section, "status_url"),
        .traceparent = fixture_value(f, section, "traceparent"),
    };
}

size_t fixture_attempts(const struct fixture *f, struct attempt_view *out, size_t max) {
    size_t n = 0;
    char section[32] = "attempt";
    while (n < max && (n == 0 || fixture_section(f, section).p)) {
        out[n++] = fixture_attempt(f, section);
        snprintf(section, sizeof section, "attempt%zu", n + 1);
    }
    return n;
}

/* First line, header lines, and behind a blank line the body: as on the wire, but for the line ends. */
static struct sv read_message(const struct fixture *f, struct sv text, struct http_header **headers,
                              size_t *n_headers, struct sv *body) {
    struct sv rest = text;
    struct sv first = sv_cut(&rest, '\n');
    *headers = arena_zalloc(f->mem, HTTP_HEADERS_MAX * sizeof **headers);
    *n_headers = 0;
    ASSERT(*headers);
    while (rest.n) {
        struct sv line = sv_cut(&rest, '\n');
        if (line.n == 0)
            break;
        struct sv name = sv_cut(&line, ':');
        ASSERT(*n_headers < HTTP_HEADERS_MAX);
        (*headers)[(*n_headers)++] = (struct http_header){
            .name = arena_dup(f->mem, name),
            .value = arena_dup(f->mem, sv_trim(line)),
        };
    }
    *body = rest;
    return first;
}

struct http_response fixture_response(const struct fixture *f) {
    struct http_response r = {.transport = HTTP_ANSWERED};
    struct http_header *headers;
    struct sv words = read_message(f, fixture_section(f, "response"), &headers, &r.n_headers, &r.body);
    r.headers = headers;
    struct sv kind = sv_cut(&words, ' ');
    uint64_t status = 0;
    if (sv_eq(kind, SV("not-sent")) || sv_eq(kind, SV("cut"))) {
        r.transport = sv_eq(kind, SV("cut")) ? HTTP_CUT : HTTP_NOT_SENT;
        r.error = words;
    } else {
        ASSERT(sv_eq(kind, SV("HTTP")) && sv_to_u64(words, &status));
    }
    r.status = (int)status;
    return r;
}

/* [document]: its address, and on the next lines what is there. */
static struct sv document(void *ctx, struct sv url) {
    struct sv rest = fixture_section(ctx, "document");
    return sv_eq(sv_cut(&rest, '\n'), url) ? rest : SV_NONE;
}

struct hook_request fixture_hook(const struct fixture *f) {
    struct hook_request rq = {.document = document, .document_ctx = (void *)f};
    struct http_header *headers;
    struct sv url = read_message(f, fixture_section(f, "hook"), &headers, &rq.n_headers, &rq.body);
    rq.headers = headers;
    rq.method = http_method_of(sv_cut(&url, ' '));
    rq.url = arena_dup(f->mem, url);
    struct sv query = rq.url;
    sv_cut(&query, '?');
    rq.query = query;
    rq.content_type = http_find_header(rq.headers, rq.n_headers, SV("Content-Type"));
    return rq;
}
