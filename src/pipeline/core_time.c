#include "pipeline/core_parts.h"

#include "base/clock.h"
#include "model/content.h"

void core_load_times(struct core *c, const struct settings *s) {
    quiet_hours_free(c->quiet);
    c->quiet =
        s->quiet.n_rules ? quiet_hours_new(s->quiet.rules, s->quiet.n_rules, s->quiet.time_zone) : NULL;
    c->calendar_told = NULL;
    tallies_free(c->tallies);
    c->tallies = s->limits.n_tallies ? tallies_new(s->limits.tallies, s->limits.n_tallies, s->quiet.time_zone,
                                                   c->world->id_key)
                                     : NULL;
    c->accounts.unread |= s->by_account;
}

static struct message_facts facts_of(const struct core *c, const struct message *m) {
    return (struct message_facts){.topic = m->text[TEXT_TOPIC],
                                  .account = core_account_name(c, m->account_id),
                                  .priority = m->priority,
                                  .channel = content_channel(m, m->head.step)};
}

/* A person has to bring the next one; until then the days of the week alone count. */
static void tell_calendar(struct core *c, const struct calendar *ended) {
    if (!ended || ended == c->calendar_told)
        return;
    c->calendar_told = ended;
    log_warn(c->world->log, "quiet.calendar_ended", kv_text("calendar", ended->name));
}

/* Answers to texts that just came are held back by nothing. */
int64_t core_quiet_until(struct core *c, const struct message *m, int64_t at) {
    if (!c->quiet || m->face == FACE_ANSWER)
        return 0;
    const struct quiet_subject s = {
        .facts = facts_of(c, m), .to = m->text[TEXT_TO], .zone = content_time_zone(m)};
    struct quiet_answer a = quiet_hours_ask(c->quiet, &s, at);
    tell_calendar(c, a.calendar_ended);
    return a.until;
}

/* Nobody said how long this text is good: it is as good in the morning as it was at night. */
void core_extend_validity(struct core *c, struct message *m) {
    if (!c->quiet)
        return;
    int64_t validity_us = (int64_t)c->settings->defaults.validity_s * US_PER_S;
    int64_t from = m->send_at > c->now ? m->send_at : c->now, quiet_until = core_quiet_until(c, m, from);
    if (quiet_until)
        m->expires_at = quiet_until + validity_us;
    quiet_until = core_quiet_until(c, m, m->expires_at);
    if (quiet_until)
        m->expires_at = quiet_until + validity_us;
}

/* Not all at the first moment: evenly over the time that is set for it, as far as m is valid. */
static int64_t spread(struct core *c, const struct message *m, int64_t until) {
    int64_t room = (int64_t)c->settings->quiet.spread_s * US_PER_S;
    if (room > (m->expires_at - until) / 2)
        room = (m->expires_at - until) / 2;
    return room ? until + (int64_t)world_random(c->world, (uint64_t)room) : until;
}

/* A ceiling may be raised before the day ends: it is looked at again this often. */
static const int64_t ceiling_again_us = INT64_C(900) * US_PER_S;

/* When it may go; a cap lets one go at a time and needs no spreading. */
static int64_t due_at(struct core *c, const struct message *m, enum reason why, int64_t until) {
    if (why == REASON_SPEND_CEILING)
        return until < c->now + ceiling_again_us ? until : c->now + ceiling_again_us;
    return why == REASON_QUIET_HOURS ? spread(c, m, until) : until;
}

void core_place_held(struct core *c, const struct message *m, enum reason why, int64_t until,
                     struct change *ch) {
    if (why == REASON_QUIET_HOURS)
        meter_add(c->world->meters, COUNT_QUIET, 1);
    if (until >= m->expires_at) { /* it would only be found out later */
        change_move(ch, STATE_EXPIRED, why, c->now);
        return;
    }
    change_move(ch, STATE_SCHEDULED, why, c->now);
    ch->next.due_at = due_at(c, m, why, until);
}

void core_hold_until(struct core *c, struct live *l, enum reason why, int64_t until, enum state over) {
    const struct message *m = l->m;
    struct work *w = core_work(c, FOR_HOUSE, JOB_MOVE, l);
    struct change *ch = &w->job.change;
    if (until >= m->expires_at) {
        change_move(ch, over, why, c->now);
    } else {
        if (m->head.reason != why) /* told once, however many nights there are */
            change_note(ch, m->head.state, why, 0, c->now);
        ch->next.reason = why;
        ch->next.updated_at = c->now;
        ch->next.due_at = due_at(c, m, why, until);
    }
    core_owe(c, m, ch);
    core_record(c, w);
}

bool core_hold(struct core *c, struct live *l) {
    int64_t until = core_quiet_until(c, l->m, c->now);
    if (!until)
        return false;
    meter_add(c->world->meters, COUNT_QUIET, 1);
    core_hold_until(c, l, REASON_QUIET_HOURS, until, STATE_EXPIRED);
    return true;
}

/* Ended without having reached anybody, as far as is known. */
static bool counts_no_more(const struct head *h) {
    bool over = h->state == STATE_FAILED || h->state == STATE_UNDELIVERED || h->state == STATE_EXPIRED ||
                h->state == STATE_CANCELED || h->state == STATE_SUPPRESSED;
    return over && h->reason != REASON_OUTCOME_UNKNOWN;
}

struct tally *core_tally_of(struct core *c, const struct message *m, int64_t at, bool only_text) {
    const struct tally_subject s = {.facts = facts_of(c, m),
                                    .account_id = m->account_id,
                                    .to = m->text[TEXT_TO],
                                    .body = m->text[TEXT_BODY],
                                    .template = m->text[TEXT_TEMPLATE],
                                    .zone = content_time_zone(m)};
    return c->tallies ? tallies_of(c->tallies, &s, at, only_text) : NULL;
}

/* Also of messages that wait for their time: their text is spoken for. What a cap says of those is asked when
 * they are due. */
void core_tally(struct core *c, struct work *w) {
    const struct message *m = w->job.message;
    const struct change *ch = &w->job.change;
    bool put = w->job.kind == JOB_PUT, begins = ch->attempt_begins;
    if ((!put && w->job.kind != JOB_MOVE) || m->direction == DIRECTION_IN || m->face == FACE_ANSWER)
        return;
    bool records = begins || (put && ch->next.due_at);
    bool releases = !put && m->head.state != ch->next.state && counts_no_more(&ch->next);
    if (!records && !releases)
        return;
    bool later = put && ch->next.due_at > c->now && !begins;
    struct tally *t = core_tally_of(c, m, later ? ch->next.due_at : c->now, later);
    if (t) {
        t->check = t->record = records;
        t->begun = begins;
        t->release = releases;
    }
    w->job.tally = t;
}
