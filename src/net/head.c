#include "net/head.h"

#include <microhttpd.h>
#include <string.h>
#include <strings.h>

struct walk {
    const char *at; /* where the next header must begin */
    bool bad;
    unsigned hosts, lengths, encodings;
    uint64_t length;
};

/* RFC 9110, section 5.6.2. */
static bool is_token(const char *text) {
    static const char marks[] = "!#$%&'*+-.^_`|~";
    const char *c = text;
    for (; *c; c++) {
        bool letter = (*c | 0x20) >= 'a' && (*c | 0x20) <= 'z';
        if (!letter && !(*c >= '0' && *c <= '9') && !strchr(marks, *c))
            return false;
    }
    return c != text;
}

static bool is_visible(struct sv text) {
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= ' ' || text.p[i] == 0x7F)
            return false;
    return true;
}

/* A name or address and perhaps a port (RFC 3986, section 3.2), judged by its letters only. */
static bool is_host(struct sv text) {
    for (size_t i = 0; i < text.n; i++)
        if (strchr("/\\?#@\"<>^`{|} \t", text.p[i]))
            return false;
    return true;
}

static void count(struct walk *w, const char *name, const char *value) {
    if (strcasecmp(name, "content-length") == 0) {
        w->lengths++;
        w->bad |= !sv_to_u64(sv_of(value), &w->length);
    } else if (strcasecmp(name, "transfer-encoding") == 0) {
        w->encodings++;
        w->bad |= strcasecmp(value, "chunked") != 0;
    } else if (strcasecmp(name, "host") == 0) {
        w->hosts++;
        w->bad |= !is_host(sv_trim(sv_of(value)));
    }
}

static enum MHD_Result walk(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value) {
    (void)kind;
    struct walk *w = ctx;
    if (name != w->at || !value || !is_token(name)) {
        w->bad = true;
        return MHD_NO;
    }
    const char *c = name + strlen(name) + 1;
    while (c < value && (*c == ' ' || *c == '\t'))
        c++;
    /* Other control characters are the handler's business: its refusal names the header. */
    w->bad |= c != value || strchr(value, '\r');
    w->at = value + strlen(value) + 2;
    count(w, name, value);
    return w->bad ? MHD_NO : MHD_YES;
}

static bool starts_nocase(struct sv v, struct sv prefix) {
    return sv_eq_nocase(sv_sub(v, 0, prefix.n), prefix);
}

static bool is_absolute(struct sv target) {
    return starts_nocase(target, SV("http://")) || starts_nocase(target, SV("https://"));
}

/* %00 in the path decodes to a NUL; in the query it is a value's business. */
static bool is_target(struct sv target) {
    struct sv rest = target, path = sv_cut(&rest, '?');
    if (!is_visible(target) || sv_find(path, SV("%00")) != SIZE_MAX)
        return false;
    return sv_starts(target, SV("/")) || is_absolute(target) || sv_eq(target, SV("*"));
}

static bool is_line(const struct http_head *h) {
    return is_token(h->method) && h->target == h->method + strlen(h->method) + 1 &&
           h->version == h->target + h->target_copy.n + 1 && is_target(h->target_copy);
}

bool head_is_sound(struct MHD_Connection *mhd, const struct http_head *h, struct http_head_body *body) {
    bool old = strcmp(h->version, "HTTP/1.0") == 0;
    struct walk w = {.at = h->version + strlen(h->version) + 2};
    if (!is_line(h))
        return false;
    MHD_get_connection_values(mhd, MHD_HEADER_KIND, walk, &w);
    *body = (struct http_head_body){.n = w.length, .chunked = w.encodings > 0};
    if (w.bad || w.at + 2 != h->method + h->n)
        return false;
    if (w.hosts > 1 || (!w.hosts && !old))
        return false;
    return w.lengths + w.encodings <= 1 && !(w.encodings && old);
}

struct sv head_path(struct sv target) {
    struct sv path = sv_cut(&target, '?');
    if (!is_absolute(path))
        return path;
    struct sv rest = sv_from(path, sv_find(path, SV("://")) + 3);
    size_t slash = sv_find_char(rest, '/');
    return slash == SIZE_MAX ? SV("/") : sv_from(rest, slash);
}
