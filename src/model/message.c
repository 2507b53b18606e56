#include "model/message.h"

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
