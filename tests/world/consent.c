#include "world.h"

#include <string.h>

/* What is asked of the suppression list, with its texts; the ask owns it. */
struct wish {
    struct suppression_write write;
    struct suppression row;
    char number[24];
};

static const char *const topics[] = {"", "news", "otp"};

struct sv consent_topic(unsigned dice) {
    return sv_of(topics[dice % 3]);
}

void consent_forget(struct ask *a) {
    free(a->owner);
}

void consent_change(struct sim *s) {
    struct wish *w = calloc(1, sizeof *w);
    struct ask *a = calloc(1, sizeof *a);
    ASSERT(w && a);
    unsigned who = (unsigned)(sim_random(s) % 104);
    if (who < 40)
        snprintf(w->number, sizeof w->number, "+8613800138%03u", who);
    else
        snprintf(w->number, sizeof w->number, "+8613900139%03u", who - 40);
    w->row = (struct suppression){
        .account_id = sim_chance(s, 80) ? 1 : 0,
        .number = sv_of(w->number),
        .topic = consent_topic((unsigned)(sim_random(s) % 6 < 4 ? 0 : 1)),
        .kind = (enum suppression_kind)(SUPPRESSION_OPT_OUT + sim_random(s) % 3),
        .source = SUPPRESSION_BY_API,
    };
    if (w->row.kind == SUPPRESSION_INVALID)
        w->row.expires_at = s->now + (int64_t)(sim_random(s) % 60000000);
    w->write = (struct suppression_write){
        .act = sim_chance(s, 70) ? SUPPRESSION_ADD : SUPPRESSION_RELEASE, .rows = &w->row, .n = 1};
    *a = (struct ask){.kind = ASK_SUPPRESS,
                      .reply_to = s->replies,
                      .lost = client_forget,
                      .owner = w,
                      .suppression = &w->write};
    sim_say(s, "consent act %d kind %d of %s", w->write.act, w->row.kind, w->number);
    void *item = a;
    if (mailbox_put(s->mail.asks, &item, 1) != 1)
        client_forget(a);
}
