#include "api/keyless.h"

#include "api/api.h"
#include "net/server.h"

/* "localhost", 127.0.0.0/8 or [::1], with or without a port. A name that only begins with 127 may point
 * anywhere. */
static bool is_this_machine(struct sv host) {
    if (sv_starts(host, SV("[::1]")))
        return host.n == 5 || host.p[5] == ':';
    struct sv name = sv_cut(&host, ':');
    if (sv_eq_nocase(name, SV("localhost")))
        return true;
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] != '.' && (name.p[i] < '0' || name.p[i] > '9'))
            return false;
    return sv_starts(name, SV("127."));
}

static struct sv host_of(struct sv url) {
    struct sv rest = sv_from(url, sv_find(url, SV("://")) + 3);
    return sv_cut(&rest, '/');
}

bool keyless_allowed(const struct settings *s, struct err *e) {
    bool listen = is_this_machine(s->listen),
         url = !s->public_url.n || is_this_machine(host_of(s->public_url));
    if (listen && url)
        return true;
    return err_set(e, ERR_AUTH,
                   "a key is needed: send `Authorization: Bearer SK....SECRET` (`hongyan key create` makes "
                   "one). This address does without only where nobody but this machine can reach the "
                   "gateway, and the setting `%s` names another address",
                   listen ? "public_url" : "listen");
}

bool keyless_local(const struct api_request *rq) {
    static const char *const signs[] = {"Forwarded", "X-Forwarded-For", "X-Real-IP",
                                        "Via",       "Origin",          "Sec-Fetch-Site"};
    struct sv peer = rq->x->client;
    if (!sv_starts(peer, SV("127.")) && !sv_eq(peer, SV("::1")))
        return false;
    /* A proxy has passed it on, or a browser has made it, as any web page can have it do. */
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (exchange_header(rq->x, signs[i]).p)
            return false;
    /* A whole address in the request line is how proxies are asked; another name for this machine is one that
     * was made to point here. */
    return sv_starts(rq->x->target, SV("/")) && is_this_machine(exchange_header(rq->x, "Host"));
}
