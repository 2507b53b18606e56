#include "base/window.h"

int64_t window_slot_us(int64_t period_us) {
    return (period_us + WINDOW_SLOTS - 2) / (WINDOW_SLOTS - 1);
}

static void move_to(struct window *w, int64_t slot) {
    if (slot - w->newest >= WINDOW_SLOTS) {
        *w = (struct window){.newest = slot};
        return;
    }
    while (w->newest < slot)
        w->counts[++w->newest % WINDOW_SLOTS] = 0;
}

uint32_t window_left(struct window *w, uint32_t max, int64_t period_us, int64_t now) {
    move_to(w, now / window_slot_us(period_us));
    uint64_t sum = 0;
    for (int i = 0; i < WINDOW_SLOTS; i++)
        sum += w->counts[i];
    return sum < max ? (uint32_t)(max - sum) : 0;
}

int64_t window_wait_us(const struct window *w, int64_t period_us, int64_t now) {
    for (int64_t slot = w->newest - WINDOW_SLOTS + 1; slot <= w->newest; slot++) {
        if (slot < 0 || w->counts[slot % WINDOW_SLOTS] == 0)
            continue;
        int64_t free_at = (slot + WINDOW_SLOTS) * window_slot_us(period_us);
        return free_at > now ? free_at - now : 1;
    }
    return 0;
}

void window_count(struct window *w, uint32_t n, int64_t period_us, int64_t now) {
    move_to(w, now / window_slot_us(period_us));
    w->counts[w->newest % WINDOW_SLOTS] += n;
}

bool window_by_age(struct window *w, int64_t period_us, int64_t now, uint32_t out[WINDOW_SLOTS]) {
    uint64_t sum = 0;
    move_to(w, now / window_slot_us(period_us));
    for (int age = 0; age < WINDOW_SLOTS; age++) {
        int64_t slot = w->newest - age;
        out[age] = slot >= 0 ? w->counts[slot % WINDOW_SLOTS] : 0;
        sum += out[age];
    }
    return sum > 0;
}

void window_count_at(struct window *w, uint32_t n, int64_t period_us, int64_t then) {
    int64_t slot = then / window_slot_us(period_us);
    if (slot >= 0 && slot <= w->newest && w->newest - slot < WINDOW_SLOTS)
        w->counts[slot % WINDOW_SLOTS] += n;
}

void window_give_back(struct window *w, uint32_t n, int64_t period_us, int64_t then) {
    int64_t slot = then / window_slot_us(period_us);
    if (slot > w->newest || w->newest - slot >= WINDOW_SLOTS)
        return;
    uint32_t *count = &w->counts[slot % WINDOW_SLOTS];
    *count -= n < *count ? n : *count;
}

int64_t window_empty_at(const struct window *w, int64_t period_us) {
    return (w->newest + WINDOW_SLOTS) * window_slot_us(period_us);
}
