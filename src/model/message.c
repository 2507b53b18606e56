#include "model/message.h"

#include "base/clock.h"

#include <string.h>

struct message *message_new(const struct sv text[TEXT_COUNT]) {
    size_t bytes = 0;
    for (int i = 0; i < TEXT_COUNT; i++)
        bytes += text[i].n + 1;
    struct message *m = calloc(1, sizeof *m + bytes);
    if (!m)
        return NULL;
    char *at = (char *)(m + 1);
    for (int i = 0; i < TEXT_COUNT; i++) {
        if (text[i].n)
            memcpy(at, text[i].p, text[i].n);
        m->text[i] = sv_make(at, text[i].n);
        at += text[i].n + 1;
    }
    return m;
}

void message_free(struct message *m) {
    free(m);
}

const char *encoding_name(enum encoding e) {
    return e == ENCODING_GSM7 ? "GSM-7" : "UCS-2";
}

bool event_verdict(const struct event *ev, const struct attempt *a, enum fate *fate, enum lane_hint *hint) {
    bool by_receipt = ev->state == STATE_DELIVERED || ev->state == STATE_UNDELIVERED;
    if (ev->note || by_receipt || ev->attempt != a->number || !a->ended_at || ev->at != a->ended_at)
        return false;
    *fate = ev->state == STATE_UNKNOWN ? FATE_UNKNOWN : a->fate;
    *hint = a->hint;
    return true;
}

int64_t head_expected_at(const struct head *h) {
    int64_t latest = h->updated_at + ATTEMPT_LONGEST_S * US_PER_S;
    return h->state == STATE_SENDING && h->due_at > latest ? latest : h->due_at;
}
