#include "model/door.h"

#include <string.h>

enum { PORT_AMQP = 5672, PORT_AMQPS = 5671, PORT_REDIS = 6379 };

static bool take_scheme(enum door_kind kind, struct sv *rest, struct door_address *out) {
    static const struct {
        const char *text;
        enum door_kind kind;
        bool tls;
        uint16_t port;
    } schemes[] = {{"amqp://", DOOR_AMQP, false, PORT_AMQP},
                   {"amqps://", DOOR_AMQP, true, PORT_AMQPS},
                   {"redis://", DOOR_REDIS, false, PORT_REDIS},
                   {"rediss://", DOOR_REDIS, true, PORT_REDIS}};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        struct sv scheme = sv_of(schemes[i].text);
        if (schemes[i].kind != kind || !sv_starts(*rest, scheme))
            continue;
        *rest = sv_from(*rest, scheme.n);
        out->tls = schemes[i].tls;
        out->port = schemes[i].port;
        return true;
    }
    return false;
}

static bool put(struct sv text, char *out, size_t max) {
    if (text.n > max || sv_find_char(text, '\0') != SIZE_MAX)
        return false;
    memcpy(out, text.p ? text.p : "", text.n);
    out[text.n] = '\0';
    return true;
}

static struct sv cut_host(struct sv *authority) {
    if (!sv_starts(*authority, SV("[")))
        return sv_cut(authority, ':');
    *authority = sv_from(*authority, 1);
    struct sv host = sv_cut(authority, ']');
    if (sv_starts(*authority, SV(":")))
        *authority = sv_from(*authority, 1);
    return host;
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* A virtual host may be any text: %2F is the usual one. */
static bool put_path(struct sv text, char *out) {
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            int hi = i + 2 < text.n ? hex_digit(text.p[i + 1]) : -1;
            int lo = i + 2 < text.n ? hex_digit(text.p[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return false;
            c = (char)(hi * 16 + lo);
            i += 2;
        }
        if (n == DOOR_PATH_MAX || c == '\0')
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    return true;
}

bool door_address_of(enum door_kind kind, struct sv url, struct door_address *out, struct err *e) {
    const char *form = kind == DOOR_AMQP ? "amqp://HOST[:PORT][/VHOST], or amqps:// with TLS"
                                         : "redis://HOST[:PORT][/DATABASE], or rediss:// with TLS";
    struct sv rest = url;
    *out = (struct door_address){.path = ""};
    if (!take_scheme(kind, &rest, out))
        return err_set(e, ERR_INVALID, "not %s", form);
    struct sv authority = sv_cut(&rest, '/'), port;
    uint64_t number;
    if (sv_find_char(authority, '@') != SIZE_MAX)
        return err_set(e, ERR_INVALID,
                       "user and password do not belong into the url: give `user` and `password`");
    struct sv host = cut_host(&authority);
    port = authority;
    if (!host.n || !put(host, out->host, DOOR_HOST_MAX))
        return err_set(e, ERR_INVALID, "no host in it: %s", form);
    if (port.n && (!sv_to_u64(port, &number) || number == 0 || number > 65535))
        return err_set(e, ERR_INVALID, "its port is none: they go from 1 to 65535");
    if (port.n)
        out->port = (uint16_t)number;
    if (!put_path(rest, out->path))
        return err_set(e, ERR_INVALID, "what follows the host is no name: %s", form);
    if (kind == DOOR_AMQP && !out->path[0])
        memcpy(out->path, "/", 2);
    if (kind == DOOR_REDIS && out->path[0] && (!sv_to_u64(sv_of(out->path), &number) || number > 65535))
        return err_set(e, ERR_INVALID, "what follows the host is the number of a database: %s", form);
    return true;
}

static bool same_list(const struct sv_list *a, const struct sv_list *b) {
    bool same = a->n == b->n;
    for (uint32_t i = 0; same && i < a->n; i++)
        same = sv_eq(a->at[i], b->at[i]);
    return same;
}

bool door_is_same(const struct door *a, const struct door *b) {
    return strcmp(a->name, b->name) == 0 && a->kind == b->kind && a->direction == b->direction &&
           sv_eq(a->url, b->url) && sv_eq(a->user, b->user) && sv_eq_secret(a->password, b->password) &&
           sv_eq(a->ca_file, b->ca_file) && sv_eq(a->cert_file, b->cert_file) &&
           sv_eq(a->key_file, b->key_file) && sv_eq(a->account, b->account) && sv_eq(a->queue, b->queue) &&
           a->takes == b->takes && sv_eq(a->dead_letters, b->dead_letters) && sv_eq(a->group, b->group) &&
           a->prefetch == b->prefetch && a->claim_s == b->claim_s &&
           a->dead_letters_max == b->dead_letters_max && same_list(&a->events, &b->events) &&
           same_list(&a->topics, &b->topics) && a->unroutable == b->unroutable &&
           a->keep_max == b->keep_max && a->unnamed == b->unnamed;
}
