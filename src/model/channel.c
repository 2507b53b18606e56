#include "model/channel.h"

static const char *const names[CHANNEL_COUNT] = {
    [CHANNEL_SMS] = "sms",   [CHANNEL_VOICE] = "voice",       [CHANNEL_EMAIL] = "email",
    [CHANNEL_PUSH] = "push", [CHANNEL_WHATSAPP] = "whatsapp", [CHANNEL_CHAT] = "chat",
};

const char *channel_name(enum channel c) {
    return names[c];
}

bool channel_find(struct sv name, enum channel *out) {
    int at = sv_place(name, names, CHANNEL_COUNT);
    if (at >= 0)
        *out = (enum channel)at;
    return at >= 0;
}

bool channel_has_numbers(enum channel c) {
    return c == CHANNEL_SMS || c == CHANNEL_VOICE || c == CHANNEL_WHATSAPP;
}
