#include "model/verdict.h"

const char *fate_name(enum fate f) {
    static const char *const names[] = {"sent", "rejected", "retry", "unknown"};
    return names[f];
}

const char *lane_hint_name(enum lane_hint h) {
    static const char *const names[] = {"fine", "slow_down", "down", "broken"};
    return names[h];
}
