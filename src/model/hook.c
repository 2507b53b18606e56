#include "model/hook.h"

#include <string.h>

static const struct {
    const char *name, *meaning;
} types[HOOK_TYPES_END] = {
    [STATE_ACCEPTED] = {"message.accepted", "A message was stored."},
    [STATE_SCHEDULED] = {"message.scheduled", "It waits for its send_at."},
    [STATE_QUEUED] = {"message.queued", "It waits for a lane, or for its next attempt."},
    [STATE_SENDING] = {"message.sending", "An attempt began."},
    [STATE_SENT] = {"message.sent", "The provider took it."},
    [STATE_DELIVERED] = {"message.delivered", "A receipt says that the handset has it."},
    [STATE_UNDELIVERED] = {"message.undelivered", "A receipt says that the handset did not get it."},
    [STATE_FAILED] = {"message.failed", "It was refused for good, or tried in vain."},
    [STATE_EXPIRED] = {"message.expired", "Its validity ended before it could be sent."},
    [STATE_CANCELED] = {"message.canceled", "It was withdrawn before it was sent."},
    [STATE_SUPPRESSED] = {"message.suppressed", "It was not sent on purpose; the reason says why."},
    [STATE_UNKNOWN] = {"message.unknown", "The provider may have it; it is being found out."},
    [STATE_RECEIVED] = {"message.received", "A text came from a handset: a reply."},
    [HOOK_OPTED_OUT] =
        {"consent.opted_out",
         "A number opted out: by a keyword, at its provider, by API, or by an import with proof."},
    [HOOK_OPTED_IN] =
        {"consent.opted_in",
         "A number opted in, or its opt-out was taken back: by a keyword, a confirmation, or by API."},
    [HOOK_TEST] = {"webhook.test", "Asked for by POST /v1/webhooks/{id}/test; goes there only, always."},
    [HOOK_DISABLED] = {"webhook.disabled", "Another webhook of the account was disabled."},
    [HOOK_REPLY_NEGATIVE] = {"reply.negative",
                             "A text from a handset sounds negative: told besides message.received."},
};

const char *hook_type_name(unsigned type) {
    return type < HOOK_TYPES_END ? types[type].name : NULL;
}

const char *hook_type_meaning(unsigned type) {
    return type < HOOK_TYPES_END ? types[type].meaning : NULL;
}

uint64_t hook_types_of(struct sv pattern) {
    uint64_t bits = 0;
    bool all = sv_eq(pattern, SV("*")), group = sv_ends(pattern, SV(".*")) && pattern.n > 2;
    for (unsigned i = 0; i < HOOK_TYPES_END; i++) {
        struct sv name = sv_of(types[i].name);
        if (name.n &&
            (all || sv_eq(name, pattern) || (group && sv_starts(name, sv_sub(pattern, 0, pattern.n - 1)))))
            bits |= UINT64_C(1) << i;
    }
    return bits;
}

const char *hook_status_name(enum hook_status s) {
    static const char *const names[HOOK_STATUSES] = {"enabled", "by_caller", "gone", "failing"};
    ASSERT(s < HOOK_STATUSES);
    return names[s];
}

bool hook_wants(const struct webhook *h, unsigned type, struct sv topic) {
    if (!(h->type_bits >> type & 1))
        return false;
    if (!h->topics.n || type == HOOK_TEST || type == HOOK_DISABLED)
        return true;
    struct sv rest = h->topics;
    while (rest.p)
        if (sv_eq(sv_cut(&rest, '\n'), topic))
            return true;
    return false;
}
