/* Every state meets every report: by hand, as a table; then by chance, for what must never be. */
#include "../base/check.h"
#include "base/clock.h"
#include "receipt/join.h"

#define NOW (INT64_C(1767225600) * US_PER_S)
#define WINDOW (120 * US_PER_S)

static struct message *message_in(enum state s, unsigned attempts, const char *provider_id) {
    static const struct sv text[TEXT_COUNT];
    struct message *m = message_new(text);
    ASSERT(m);
    m->id = 1;
    m->head.state = s;
    m->head.attempts = (uint16_t)attempts;
    m->head.events = 3;
    m->head.done_at = state_is_terminal(s) ? NOW - 1 : 0;
    snprintf(m->head.provider_id, sizeof m->head.provider_id, "%s", provider_id);
    return m;
}

/* Reports as columns: the provider has it; delivered; undelivered; failed. M: moves there. n: noted, nothing
 * else changes. -: says nothing new. */
static const struct {
    enum state from;
    bool window_closed;
    const char *latest;  /* about the latest attempt, or not known which */
    const char *earlier; /* about an earlier one */
} table[] = {
    {STATE_ACCEPTED, false, "nnnM", "nnnn"},  {STATE_SCHEDULED, false, "nnnM", "nnnn"},
    {STATE_QUEUED, false, "MMMM", "MMnn"},    {STATE_SENDING, false, "MMMM", "MMnn"},
    {STATE_SENT, false, "-MMM", "-Mnn"},      {STATE_SENT, true, "-nnn", "-nnn"},
    {STATE_DELIVERED, false, "--nn", "--nn"}, {STATE_UNDELIVERED, false, "-n-n", "-n-n"},
    {STATE_FAILED, false, "-nn-", "-nn-"},    {STATE_EXPIRED, false, "-nnn", "-nnn"},
    {STATE_CANCELED, false, "-nnn", "-nnn"},  {STATE_SUPPRESSED, false, "-nnn", "-nnn"},
    {STATE_UNKNOWN, false, "MMMM", "MMnn"},   {STATE_RECEIVED, false, "-nnn", "-nnn"},
};

static const struct {
    enum state said, to;
    int column;
} reports[] = {
    {STATE_QUEUED, STATE_SENT, 0},
    {STATE_SENDING, STATE_SENT, 0},
    {STATE_SENT, STATE_SENT, 0},
    {STATE_DELIVERED, STATE_DELIVERED, 1},
    {STATE_UNDELIVERED, STATE_UNDELIVERED, 2},
    {STATE_FAILED, STATE_FAILED, 3},
};

static void check_moved(const struct message *m, const struct receipt *r, unsigned number,
                        const struct attempt *latest, enum state to, const struct change *c) {
    assert_true(state_may_move(m->head.state, to));
    assert_int_equal(c->next.state, to);
    assert_int_equal(c->next.code, r->code);
    assert_int_equal(c->next.reason, r->reason);
    assert_int_equal(c->next.due_at, to == STATE_SENT ? NOW + WINDOW : 0);
    assert_int_equal(c->next.done_at, to == STATE_SENT ? 0 : NOW);
    assert_string_equal(c->next.provider_id, r->provider_id[0] ? r->provider_id : m->head.provider_id);
    assert_int_equal(c->n_events, 1);
    assert_false(c->events[0].note);
    assert_int_equal(c->events[0].state, to);
    assert_int_equal(c->events[0].number, 4);
    bool open = latest->ended_at == 0 || latest->fate == FATE_UNKNOWN;
    assert_int_equal(c->attempt_ends, open);
    if (!open)
        return;
    assert_int_equal(c->attempt.fate, number == 2 ? FATE_SENT : FATE_UNKNOWN);
    assert_int_equal(c->attempt.ended_at, latest->ended_at ? latest->ended_at : NOW);
    assert_string_equal(c->attempt.provider_id, number == 2 ? r->provider_id : "");
}

static void check_noted(const struct message *m, const struct receipt *r, enum state to,
                        const struct change *c) {
    struct head same = c->next;
    same.events = m->head.events;
    same.updated_at = m->head.updated_at;
    assert_memory_equal(&same, &m->head, sizeof same);
    assert_int_equal(c->n_events, 1);
    assert_true(c->events[0].note);
    assert_int_equal(c->events[0].state, to);
    assert_int_equal(c->events[0].code, r->code);
    assert_int_equal(c->events[0].reason, r->reason);
    assert_false(c->attempt_ends);
}

/* number: 0 not known, 1 earlier, 2 latest, of two. */
static void meet(size_t row, size_t report, unsigned number, const struct attempt *latest, const char *has_id,
                 const char *brings_id) {
    struct message *m = message_in(table[row].from, 2, has_id);
    if (table[row].window_closed)
        m->head.done_at = NOW - 1;
    struct receipt r = {.state = reports[report].said, .code = 30003};
    r.reason = reports[report].column >= 2 ? REASON_UNREACHABLE : REASON_NONE;
    snprintf(r.provider_id, sizeof r.provider_id, "%s", brings_id);
    struct change c = change_of(m);
    enum joined joined = join_receipt(m, &r, number, latest, WINDOW, NOW, &c);
    char right = (number == 1 ? table[row].earlier : table[row].latest)[reports[report].column];
    bool strange = number != 1 && has_id[0] && brings_id[0] && strcmp(has_id, brings_id) != 0;
    if (strange) { /* the address says this message, the provider's id another one */
        r.reason = REASON_OTHER_PROVIDER_ID;
        right = 'n';
    }
    bool fills = right == '-' && !has_id[0] && brings_id[0] && number != 1;
    if ((joined == JOINED_NOTHING_NEW) != (right == '-' && !fills))
        fail_msg("%s, %s, attempt %u: %d", state_name(table[row].from), state_name(reports[report].said),
                 number, joined);
    if (right == 'M') {
        check_moved(m, &r, number, latest, reports[report].to, &c);
    } else if (right == 'n') {
        check_noted(m, &r, reports[report].to, &c);
    } else {
        assert_int_equal(c.n_events, 0);
        assert_int_equal(c.next.state, m->head.state);
        assert_int_equal(c.next.due_at, m->head.due_at);
        assert_string_equal(c.next.provider_id, fills ? brings_id : has_id);
    }
    message_free(m);
}

static void test_join__each_state_meets_each_report_as_the_table_says(void **state) {
    (void)state;
    static const char *const ids[][2] = {{"", ""}, {"", "PR1"}, {"PR1", "PR1"}, {"PR1", ""}, {"PR1", "PR2"}};
    static const struct attempt latest[] = {
        {.message_id = 1, .number = 2},
        {.message_id = 1, .number = 2, .ended_at = NOW - 5, .fate = FATE_UNKNOWN},
        {.message_id = 1, .number = 2, .ended_at = NOW - 5, .fate = FATE_RETRY},
    };
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++)
        for (size_t report = 0; report < sizeof reports / sizeof reports[0]; report++)
            for (unsigned number = 0; number < 3; number++)
                for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
                    for (size_t a = 0; a < sizeof latest / sizeof latest[0]; a++)
                        meet(row, report, number, &latest[a], ids[i][0], ids[i][1]);
}

static void test_join__a_report_without_a_number_is_the_only_attempts(void **state) {
    (void)state;
    struct message *m = message_in(STATE_UNKNOWN, 1, "PR1");
    const struct receipt r = {.state = STATE_DELIVERED, .provider_id = "PR1"};
    const struct attempt latest = {.message_id = 1, .number = 1, .ended_at = NOW - 5, .fate = FATE_UNKNOWN};
    struct change c = change_of(m);
    assert_int_equal(join_receipt(m, &r, 0, &latest, WINDOW, NOW, &c), JOINED_CHANGE);
    assert_true(c.attempt_ends);
    assert_int_equal(c.attempt.fate, FATE_SENT);
    assert_string_equal(c.attempt.provider_id, "PR1");
    message_free(m);
}

static void test_join__strange_receipts_are_told_of_a_few_times_only(void **state) {
    (void)state;
    struct message *m = message_in(STATE_SENT, 1, "PR1");
    const struct receipt r = {.state = STATE_DELIVERED, .provider_id = "PR2"};
    const struct attempt latest = {.message_id = 1, .number = 1};
    unsigned told = 0;
    for (unsigned i = 0; i < 100; i++) {
        struct change c = change_of(m);
        if (join_receipt(m, &r, 1, &latest, WINDOW, NOW, &c) == JOINED_CHANGE) {
            told++;
            m->head = c.next;
        }
    }
    assert_in_range(told, 5, 16);
    assert_int_equal(m->head.state, STATE_SENT);
    assert_string_equal(m->head.provider_id, "PR1");
    message_free(m);
}

static void test_join__the_table_has_every_state(void **state) {
    (void)state;
    for (int s = STATE_ACCEPTED; s < STATE_COUNT; s++) {
        bool there = false;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
            there |= table[i].from == (enum state)s;
        assert_true(there);
    }
}

static void test_join__an_attempt_that_has_ended_is_not_ended_again(void **state) {
    (void)state;
    struct message *m = message_in(STATE_SENDING, 2, "");
    const struct attempt others[] = {{.number = 2, .ended_at = NOW - 3}, {.number = 1}, {.number = 0}};
    for (size_t i = 0; i < 3; i++) {
        struct receipt r = {.state = STATE_DELIVERED, .provider_id = "PR1"};
        struct change c = change_of(m);
        assert_int_equal(join_receipt(m, &r, 2, &others[i], WINDOW, NOW, &c), JOINED_CHANGE);
        assert_int_equal(c.next.state, STATE_DELIVERED);
        assert_false(c.attempt_ends);
    }
    message_free(m);
}

static void test_join__a_closed_window_ends_sent_as_it_is(void **state) {
    (void)state;
    struct message *m = message_in(STATE_SENT, 1, "PR1");
    m->head.due_at = NOW;
    struct change c = change_of(m);
    join_window_closed(m, NOW, &c);
    assert_int_equal(c.next.state, STATE_SENT);
    assert_int_equal(c.next.due_at, 0);
    assert_int_equal(c.next.done_at, NOW);
    assert_int_equal(c.next.reason, REASON_NO_RECEIPT);
    assert_true(c.n_events == 1 && c.events[0].note);
    message_free(m);
}

static int rank(enum state s) {
    switch ((int)s) {
    case STATE_ACCEPTED:
    case STATE_SCHEDULED:
    case STATE_QUEUED: return 0;
    case STATE_SENDING:
    case STATE_UNKNOWN: return 1;
    case STATE_SENT: return 2;
    default: return 3;
    }
}

static void test_join__never_goes_back_and_never_grows_without_end(void **state) {
    (void)state;
    static const enum state from[] = {STATE_QUEUED, STATE_SENDING, STATE_UNKNOWN, STATE_SENT};
    uint64_t seed = 88172645463325252u;
    for (int run = 0; run < 2000; run++) {
        struct message *m = message_in(from[run % 4], 2, "");
        unsigned silent = 0;
        for (int step = 0; step < 200; step++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            struct receipt r = {.state = reports[seed % 6].said, .provider_id = "PR1"};
            struct attempt latest = {.message_id = 1, .number = 2, .ended_at = seed >> 20 & 1 ? NOW : 0};
            struct change c = change_of(m);
            if (join_receipt(m, &r, (unsigned)(seed >> 30) % 3, &latest, WINDOW, NOW + step, &c) ==
                JOINED_NOTHING_NEW) {
                assert_int_equal(c.n_events, 0);
                silent++;
                continue;
            }
            assert_true(rank(c.next.state) >= rank(m->head.state));
            assert_true(rank(m->head.state) < 3 || c.next.state == m->head.state);
            m->head = c.next;
        }
        assert_true(m->head.events <= 65 && silent > 0);
        message_free(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join__each_state_meets_each_report_as_the_table_says),
        cmocka_unit_test(test_join__a_report_without_a_number_is_the_only_attempts),
        cmocka_unit_test(test_join__strange_receipts_are_told_of_a_few_times_only),
        cmocka_unit_test(test_join__the_table_has_every_state),
        cmocka_unit_test(test_join__an_attempt_that_has_ended_is_not_ended_again),
        cmocka_unit_test(test_join__a_closed_window_ends_sent_as_it_is),
        cmocka_unit_test(test_join__never_goes_back_and_never_grows_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
