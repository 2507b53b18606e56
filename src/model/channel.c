#include "model/channel.h"

static const char *const names[CHANNEL_COUNT] = {
    [CHANNEL_SMS] = "sms",   [CHANNEL_VOICE] = "voice",       [CHANNEL_EMAIL] = "email",
    [CHANNEL_PUSH] = "push", [CHANNEL_WHATSAPP] = "whatsapp", [CHANNEL_CHAT] = "chat",
};

const char *channel_name(enum channel c) {
    return names[c];
}

bool channel_find(struct sv name, enum channel *out) {
    for (int i = 0; i < CHANNEL_COUNT; i++)
        if (sv_eq(name, sv_of(names[i]))) {
            *out = (enum channel)i;
            return true;
        }
    return false;
}

bool channel_has_numbers(enum channel c) {
    return c == CHANNEL_SMS || c == CHANNEL_VOICE || c == CHANNEL_WHATSAPP;
}
