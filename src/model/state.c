#include "model/state.h"

#include "base/err.h"

#define BIT(s) (1u << (s))

static const struct {
    const char *name, *meaning;
    uint32_t next; /* bits of the states it may move to; none: terminal */
} states[STATE_COUNT] = {
    [STATE_NONE] = {"none", "not stored yet",
                    BIT(STATE_ACCEPTED) | BIT(STATE_SCHEDULED) | BIT(STATE_QUEUED) | BIT(STATE_SENDING) |
                        BIT(STATE_SUPPRESSED) | BIT(STATE_RECEIVED)},
    [STATE_ACCEPTED] = {"accepted", "stored, not yet decided upon",
                        BIT(STATE_SCHEDULED) | BIT(STATE_QUEUED) | BIT(STATE_SENDING) | BIT(STATE_CANCELED) |
                            BIT(STATE_EXPIRED) | BIT(STATE_SUPPRESSED) | BIT(STATE_FAILED)},
    [STATE_SCHEDULED] = {"scheduled", "waits for its send_at, or for the end of quiet hours",
                         BIT(STATE_QUEUED) | BIT(STATE_SENDING) | BIT(STATE_CANCELED) | BIT(STATE_EXPIRED) |
                             BIT(STATE_SUPPRESSED) | BIT(STATE_FAILED)},
    [STATE_QUEUED] = {"queued", "waits for a lane, or for its next attempt",
                      BIT(STATE_SENDING) | BIT(STATE_CANCELED) | BIT(STATE_EXPIRED) | BIT(STATE_SUPPRESSED) |
                          BIT(STATE_FAILED) | BIT(STATE_SENT) | BIT(STATE_DELIVERED) |
                          BIT(STATE_UNDELIVERED)},
    [STATE_SENDING] = {"sending", "an attempt is with a provider",
                       BIT(STATE_SENT) | BIT(STATE_DELIVERED) | BIT(STATE_UNDELIVERED) | BIT(STATE_FAILED) |
                           BIT(STATE_QUEUED) | BIT(STATE_UNKNOWN) | BIT(STATE_EXPIRED)},
    [STATE_SENT] = {"sent", "the provider took it; a receipt may follow",
                    BIT(STATE_DELIVERED) | BIT(STATE_UNDELIVERED) | BIT(STATE_FAILED) | BIT(STATE_QUEUED)},
    [STATE_DELIVERED] = {"delivered", "a receipt says the handset has it", 0},
    [STATE_UNDELIVERED] = {"undelivered", "a receipt says the handset did not get it", 0},
    [STATE_FAILED] = {"failed", "refused for good, or tried in vain", 0},
    [STATE_EXPIRED] = {"expired", "its validity ended before it could be sent", 0},
    [STATE_CANCELED] = {"canceled", "withdrawn before it was sent", 0},
    [STATE_SUPPRESSED] = {"suppressed", "not sent on purpose; the reason says why", 0},
    [STATE_UNKNOWN] = {"unknown", "the provider may have it: being reconciled, not resent",
                       BIT(STATE_SENT) | BIT(STATE_DELIVERED) | BIT(STATE_UNDELIVERED) | BIT(STATE_FAILED) |
                           BIT(STATE_QUEUED)},
    [STATE_RECEIVED] = {"received", "an inbound text", 0},
};

const char *state_name(enum state s) {
    ASSERT(s < STATE_COUNT);
    return states[s].name;
}

const char *state_meaning(enum state s) {
    ASSERT(s < STATE_COUNT);
    return states[s].meaning;
}

bool state_parse(struct sv name, enum state *out) {
    for (int s = STATE_ACCEPTED; s < STATE_COUNT; s++)
        if (sv_eq(name, sv_of(states[s].name))) {
            *out = (enum state)s;
            return true;
        }
    return false;
}

bool state_may_move(enum state from, enum state to) {
    ASSERT(from < STATE_COUNT && to < STATE_COUNT);
    return (states[from].next & BIT(to)) != 0;
}

bool state_is_terminal(enum state s) {
    ASSERT(s < STATE_COUNT);
    return states[s].next == 0;
}

static const struct {
    const char *name, *meaning;
} reasons[REASON_COUNT] = {
    [REASON_NONE] = {"none", "nothing to say"},
    [REASON_INVALID_NUMBER] = {"invalid_number", "the number does not exist or cannot get texts"},
    [REASON_OPTED_OUT] = {"opted_out", "the recipient does not want messages"},
    [REASON_CONTENT_REJECTED] = {"content_rejected", "the provider or carrier refused the text"},
    [REASON_SENDER_REJECTED] = {"sender_rejected", "the sender may not send, or not there"},
    [REASON_CREDENTIALS] = {"credentials", "the provider does not accept the lane's credentials or account"},
    [REASON_QUOTA] = {"quota", "a quota of the provider account is used up"},
    [REASON_THROTTLED] = {"throttled", "the provider asks to slow down"},
    [REASON_PROVIDER_DOWN] = {"provider_down", "the provider fails or cannot be reached"},
    [REASON_UNREACHABLE] = {"unreachable", "the handset or its carrier cannot be reached"},
    [REASON_OUTCOME_UNKNOWN] = {"outcome_unknown", "the provider may have it and could not be asked"},
    [REASON_EXPIRED] = {"expired", "its validity ended"},
    [REASON_CANCELED] = {"canceled", "withdrawn by the caller"},
    [REASON_NO_RECEIPT] = {"no_receipt", "no delivery receipt came within the window"},
    [REASON_SCREENED] = {"screened", "a word list or pattern forbids the text"},
    [REASON_BLOCKED] = {"blocked", "the number is on a block list"},
    [REASON_DUPLICATE] = {"duplicate", "the same text went to the same number a moment ago"},
    [REASON_NO_LANE] = {"no_lane", "no lane is configured, or none is usable"},
    [REASON_ATTEMPTS_EXHAUSTED] = {"attempts_exhausted", "tried as often as the settings allow"},
    [REASON_REJECTED] = {"rejected", "the provider refused with a code of its own"},
    [REASON_REQUEST_REJECTED] = {"request_rejected", "the provider calls the request malformed"},
    [REASON_SCHEDULED] = {"scheduled", "waits for its send_at"},
    [REASON_LANE_FULL] = {"lane_full", "waits for a free place in the lane"},
    [REASON_RECONCILING] = {"reconciling", "the provider is being asked whether it has the message"},
    [REASON_LANE_RATE] = {"lane_rate", "waits until the lane's rates let it go"},
    [REASON_OTHER_PROVIDER_ID] = {"other_provider_id",
                                  "a receipt names another provider id than the attempt: not believed"},
    [REASON_NO_ROUTE] = {"no_route", "no route of the settings is for it"},
    [REASON_NO_TEMPLATE_CODE] =
        {"no_template_code", "the provider takes only templates it knows, and the message has none of them"},
    [REASON_KNOWN_INVALID] = {"known_invalid", "a provider said lately that the number cannot get texts"},
    [REASON_LANE_QUOTA] = {"lane_quota", "waits for the next day or month of the lane's quota"},
    [REASON_NO_CONSENT] = {"no_consent", "its topic needs the recipient's consent, and none is known"},
    [REASON_WARM_UP] = {"warm_up", "waits for the next day of the lane's or sender's warm-up"},
    [REASON_FREQUENCY_CAP] = {"frequency_cap", "its recipient got as many as a cap of the settings allows"},
    [REASON_QUIET_HOURS] = {"quiet_hours", "quiet hours of its recipient: it goes out when they are over"},
    [REASON_CODE_USED] = {"code_used", "the one-time code in it came back: it has arrived"},
    [REASON_PRICE_CEILING] = {"price_ceiling", "every lane costs more than the message or its route allows"},
    [REASON_SPEND_CEILING] = {"spend_ceiling",
                              "its account has spent as much as limits.spend allows in a day"},
    [REASON_CODE_OVER] = {"code_over", "the one-time code in it is used, withdrawn or too old"},
    [REASON_COUNTRY_NOT_ALLOWED] = {"country_not_allowed", "its account does not send to that country"},
    [REASON_PREFIX_BLOCKED] = {"prefix_blocked", "the fraud guard has flagged the prefix of its number"},
    [REASON_FRAUD_HOLD] = {"fraud_hold",
                           "the fraud guard has flagged the prefix of its number: to be released or dropped"},
    [REASON_RELEASED] = {"released", "somebody has looked and let it go"},
};

const char *reason_name(enum reason r) {
    ASSERT(r < REASON_COUNT);
    return reasons[r].name;
}

const char *reason_meaning(enum reason r) {
    ASSERT(r < REASON_COUNT);
    return reasons[r].meaning;
}

static const char *const priorities[] = {"otp", "transactional", "marketing"};
static const char *const deliveries[] = {"at_most_once", "at_least_once"};

static bool parse_name(const char *const *names, int n, struct sv name, int *out) {
    int at = sv_place(name, names, n);
    if (at >= 0)
        *out = at;
    return at >= 0;
}

const char *priority_name(enum priority p) {
    ASSERT(p < PRIORITY_COUNT);
    return priorities[p];
}

bool priority_parse(struct sv name, enum priority *out) {
    int i;
    bool ok = parse_name(priorities, PRIORITY_COUNT, name, &i);
    if (ok)
        *out = (enum priority)i;
    return ok;
}

const char *delivery_name(enum delivery d) {
    return deliveries[d];
}

bool delivery_parse(struct sv name, enum delivery *out) {
    int i;
    bool ok = parse_name(deliveries, 2, name, &i);
    if (ok)
        *out = (enum delivery)i;
    return ok;
}
