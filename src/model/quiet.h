/* quiet: one rule of `quiet.hours`, as data: when which messages are held back.
 *
 * Written `21:00-09:00 for topic=marketing`, `20:00-10:00 on restdays of cn in Asia/Shanghai`. Hours are
 * those of a wall clock; where the end is not behind the beginning they pass midnight, and belong to the day
 * on which they begin.
 */
#ifndef HY_MODEL_QUIET_H
#define HY_MODEL_QUIET_H

#include "model/calendar.h"
#include "model/message_kind.h"

enum {
    QUIET_RULES_MAX = 64,
    QUIET_DAY_MINUTES = 24 * 60,
    /* Bits of quiet_rule.days, beside those of Monday (bit 0) to Sunday (bit 6). */
    QUIET_WORKDAYS = 1 << 7, /* Monday to Friday without holidays, and the weekend days that are worked */
    QUIET_RESTDAYS = 1 << 8, /* all others */
    QUIET_HOLIDAYS = 1 << 9,
    QUIET_EVERY_DAY = 0x7F,
};

struct quiet_rule {
    struct sv text;    /* as it was written */
    uint32_t from, to; /* minutes of the day; from 0 to 24 * 60: all of it */
    unsigned days;
    struct sv calendar_name; /* empty: none */
    struct sv zone;          /* empty: the recipient's */
    struct message_kind kind;
    const struct calendar *calendar; /* of that name; NULL: none */
};

/* Views of text are kept in out, whose calendar stays NULL. ERR_INVALID ("must be ..."). */
MUST_USE bool quiet_parse(struct sv text, struct quiet_rule *out, struct err *e);

#endif
