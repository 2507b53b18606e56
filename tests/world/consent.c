#include "world.h"

#include "store/consents.h"

#include <string.h>

/* What is asked of the suppression list, with its texts; the ask owns it. */
struct wish {
    struct suppression_write write;
    struct suppression row;
    char number[24];
};

/* What a recipient says of "promo", which goes only to whoever granted it; the ask owns it. */
struct word {
    struct consent_write write;
    char number[24];
};

static const char *const topics[] = {"", "news", "otp", "promo"};

struct sv consent_topic(unsigned dice) {
    return sv_of(topics[dice % 7 == 0 ? 3 : dice % 3]);
}

static void draw_number(struct sim *s, char out[24]) {
    unsigned who = (unsigned)(sim_random(s) % 104);
    if (who < 40)
        snprintf(out, 24, "+8613800138%03u", who);
    else
        snprintf(out, 24, "+8613900139%03u", who - 40);
}

static void say_consent(struct sim *s) {
    struct word *w = calloc(1, sizeof *w);
    struct ask *a = calloc(1, sizeof *a);
    ASSERT(w && a);
    draw_number(s, w->number);
    w->write =
        (struct consent_write){.write = {.run = consent_write_run},
                               .consent = {.account_id = 1,
                                           .number = sv_of(w->number),
                                           .topic = sim_chance(s, 70) ? SV("promo") : SV(""),
                                           .act = sim_chance(s, 70) ? CONSENT_GRANTED : CONSENT_WITHDRAWN,
                                           .source = SUPPRESSION_BY_API,
                                           .at = s->now - (sim_chance(s, 20) ? 30 * INT64_C(1000000) : 0)}};
    *a = (struct ask){.kind = ASK_WRITE,
                      .reply_to = s->p->replies,
                      .lost = client_forget,
                      .owner = w,
                      .write = &w->write.write};
    sim_say(s, "%s consent of %s", consent_act_name(w->write.consent.act), w->number);
    client_ask(s, a);
}

void consent_change(struct sim *s) {
    if (sim_chance(s, 40)) {
        say_consent(s);
        return;
    }
    struct wish *w = calloc(1, sizeof *w);
    struct ask *a = calloc(1, sizeof *a);
    ASSERT(w && a);
    draw_number(s, w->number);
    w->row = (struct suppression){
        .account_id = sim_chance(s, 80) ? 1 : 0,
        .number = sv_of(w->number),
        .topic = consent_topic((unsigned)(sim_random(s) % 6 < 4 ? 0 : 1)),
        .kind = (enum suppression_kind)(SUPPRESSION_OPT_OUT + sim_random(s) % 3),
        .source = SUPPRESSION_BY_API,
    };
    if (w->row.kind == SUPPRESSION_INVALID)
        w->row.expires_at = s->now + (int64_t)(sim_random(s) % 60000000);
    w->write = (struct suppression_write){.write = {.run = suppression_run},
                                          .act = sim_chance(s, 70) ? SUPPRESSION_ADD : SUPPRESSION_RELEASE,
                                          .rows = &w->row,
                                          .n = 1};
    *a = (struct ask){.kind = ASK_WRITE,
                      .reply_to = s->p->replies,
                      .lost = client_forget,
                      .owner = w,
                      .write = &w->write.write};
    sim_say(s, "consent act %d kind %d of %s", w->write.act, w->row.kind, w->number);
    client_ask(s, a);
}
