/* Who calls, where proxies stand between. */
#include "api/front_parts.h"
#include "net/address.h"

#include <netinet/in.h>

static bool is_proxy(const struct sv_list *proxies, struct sv address) {
    char one[INET6_ADDRSTRLEN];
    for (uint32_t i = 0; i < proxies->n; i++)
        if (address_normal(proxies->at[i], one) && sv_eq(sv_of(one), address))
            return true;
    return false;
}

struct sv api_caller(struct api_request *rq) {
    const struct sv_list *proxies = &api_settings(rq)->limits.proxies;
    struct sv caller = rq->x->client;
    if (proxies->n == 0 || !is_proxy(proxies, caller))
        return caller;
    /* Each proxy writes whom it took the request from behind what was there, which anybody may have written.
     */
    struct sv left = exchange_last_header(rq->x, "X-Forwarded-For");
    while (left.n) {
        char text[INET6_ADDRSTRLEN];
        size_t at = left.n;
        while (at > 0 && left.p[at - 1] != ',')
            at--;
        if (!address_normal(sv_trim(sv_from(left, at)), text))
            return caller;
        caller = arena_dup(&rq->x->arena, sv_of(text));
        if (!is_proxy(proxies, caller))
            return caller;
        left = sv_sub(left, 0, at ? at - 1 : 0);
    }
    return caller;
}
