#include "provider/push.h"

#include "base/clock.h"
#include "base/codec.h"

#include <string.h>

struct sv push_token(struct sv address, struct sv kind) {
    struct sv rest = address, head = sv_cut(&rest, ':');
    return rest.n && sv_eq(head, kind) ? rest : SV_NONE;
}

enum reason push_refuses(const struct attempt_view *a, struct sv kind) {
    return push_token(a->to, kind).n ? REASON_NONE : REASON_NO_LANE;
}

struct sv push_collapse(const struct attempt_view *a, char mem[PUSH_COLLAPSE_BYTES_MAX + 1]) {
    if (a->collapse.n)
        return a->collapse;
    mem[0] = 'm';
    hex_u64(mem + 1, (uint64_t)a->message_id);
    mem[17] = '\0';
    return sv_make(mem, 17);
}

bool push_is_urgent(const struct attempt_view *a) {
    return a->priority != PRIORITY_MARKETING;
}

int64_t push_ttl_s(const struct attempt_view *a, int64_t now, int64_t most) {
    int64_t left = (a->expires_at - now) / US_PER_S;
    return left < 0 ? 0 : left > most ? most : left;
}
