#include "pipeline/core_parts.h"

#include "base/clock.h"
#include "model/content.h"

void core_load_times(struct core *c, const struct settings *s) {
    quiet_hours_free(c->quiet);
    c->quiet =
        s->quiet.n_rules ? quiet_hours_new(s->quiet.rules, s->quiet.n_rules, s->quiet.time_zone) : NULL;
    c->calendar_told = NULL;
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

void core_place_quiet(struct core *c, const struct message *m, int64_t until, struct change *ch) {
    meter_add(c->world->meters, COUNT_QUIET, 1);
    if (until >= m->expires_at) { /* it would only be found out later */
        change_move(ch, STATE_EXPIRED, REASON_QUIET_HOURS, c->now);
        return;
    }
    change_move(ch, STATE_SCHEDULED, REASON_QUIET_HOURS, c->now);
    ch->next.due_at = spread(c, m, until);
}

bool core_hold(struct core *c, struct live *l) {
    const struct message *m = l->m;
    int64_t until = core_quiet_until(c, m, c->now);
    if (!until)
        return false;
    struct work *w = core_work(c, FOR_HOUSE, JOB_MOVE, l);
    struct change *ch = &w->job.change;
    meter_add(c->world->meters, COUNT_QUIET, 1);
    if (until >= m->expires_at) {
        change_move(ch, STATE_EXPIRED, REASON_QUIET_HOURS, c->now);
    } else {
        if (m->head.reason != REASON_QUIET_HOURS) /* told once, however many nights there are */
            change_note(ch, m->head.state, REASON_QUIET_HOURS, 0, c->now);
        ch->next.reason = REASON_QUIET_HOURS;
        ch->next.updated_at = c->now;
        ch->next.due_at = spread(c, m, until);
    }
    core_owe(c, m, ch);
    core_record(c, w);
    return true;
}
