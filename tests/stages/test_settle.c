/* What each outcome of a call means for its message: a table of outcomes, and the bounds of what comes next.
 */
#include "../base/check.h"
#include "base/clock.h"
#include "dispatch/settle.h"
#include "provider/adapter.h"

#define NOW (INT64_C(1767225600) * US_PER_S)
#define S(n) ((n)*US_PER_S)

enum { DRAWS = 400, FIRST_MS = 500, MAX_MS = 4000, FLOOR_MS = 50, ATTEMPTS_MAX = 4 };

static const struct adapter asking = {.name = "asking", .can_lookup = true, .lookup_after_ms = 9000};
static const struct adapter deaf = {.name = "deaf"};
static const struct lane_config asks = {.name = "asks",
                                        .adapter = &asking,
                                        .receipt_window_s = 120,
                                        .lookup_after_ms = 4000,
                                        .lookups_max = 3,
                                        .timeout_ms = 10000};
static const struct lane_config cannot_ask = {.name = "deaf", .adapter = &deaf, .receipt_window_s = 120};

static uint64_t draw(void *ctx) {
    uint64_t *seed = ctx;
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed >> 3;
}

static uint64_t seed = 88172645463325252u;
static const struct world world = {.random = draw, .ctx = &seed};
static const struct settings settings = {
    .retry = {.first_ms = FIRST_MS, .max_ms = MAX_MS, .attempts_max = ATTEMPTS_MAX}};

static struct message *message_in(enum state s, enum delivery d, unsigned attempts, int64_t expires_at) {
    static const struct sv text[TEXT_COUNT];
    struct message *m = message_new(text);
    ASSERT(m);
    m->id = 1;
    m->delivery = d;
    m->expires_at = expires_at;
    m->head.state = s;
    m->head.attempts = (uint16_t)attempts;
    m->head.events = 3;
    return m;
}

/* What every change must be, whatever it says. */
static void check_whole(const struct message *m, const struct change *c) {
    bool moved = c->next.state != m->head.state;
    assert_int_equal(c->n_events, moved ? 1 : 0);
    assert_int_equal(c->next.events, m->head.events + c->n_events);
    if (moved) {
        assert_true(state_may_move(m->head.state, c->next.state));
        assert_int_equal(c->events[0].state, c->next.state);
        assert_int_equal(c->events[0].reason, c->next.reason);
        assert_false(c->events[0].note);
    }
    bool over = state_is_terminal(c->next.state);
    assert_int_equal(c->next.done_at != 0, over);
    assert_int_equal(c->next.due_at == 0, over);
    assert_int_equal(c->callbacks, 0);
}

/* ---- verdicts ---- */

struct row {
    const char *name;
    enum delivery delivery;
    enum fate fate;
    enum lane_hint hint;
    unsigned attempts;
    int64_t expires_us; /* from now */
    int32_t retry_after_ms;
    bool other_lane;
    bool can_ask;
    enum state to;
    enum reason reason;
    int64_t due_from_us, due_to_us; /* from now */
};

#define ONCE DELIVERY_AT_MOST_ONCE
#define MORE DELIVERY_AT_LEAST_ONCE
#define MS(n) ((n)*US_PER_MS)

static const struct row rows[] = {
    {"taken", ONCE, FATE_SENT, LANE_FINE, 1, S(600), 0, 0, 1, STATE_SENT, REASON_NONE, S(120), S(120)},
    {"taken at the last moment", ONCE, FATE_SENT, LANE_FINE, 1, 0, 0, 0, 1, STATE_SENT, REASON_NONE, S(120),
     S(120)},
    {"refused", ONCE, FATE_REJECTED, LANE_FINE, 1, S(600), 0, 0, 1, STATE_FAILED, REASON_THROTTLED, 0, 0},
    {"refused, at least once", MORE, FATE_REJECTED, LANE_FINE, 1, S(600), 0, 0, 1, STATE_FAILED,
     REASON_THROTTLED, 0, 0},
    {"first try in vain", ONCE, FATE_RETRY, LANE_FINE, 1, S(600), 0, 0, 1, STATE_QUEUED, REASON_THROTTLED,
     MS(50), MS(550)},
    {"second", ONCE, FATE_RETRY, LANE_FINE, 2, S(600), 0, 0, 1, STATE_QUEUED, REASON_THROTTLED, MS(50),
     MS(1050)},
    {"third", ONCE, FATE_RETRY, LANE_FINE, 3, S(600), 0, 0, 1, STATE_QUEUED, REASON_THROTTLED, MS(50),
     MS(2050)},
    {"the last allowed", ONCE, FATE_RETRY, LANE_FINE, 4, S(600), 0, 0, 1, STATE_FAILED,
     REASON_ATTEMPTS_EXHAUSTED, 0, 0},
    {"a throttle counts not", ONCE, FATE_RETRY, LANE_SLOW_DOWN, 4, S(600), 0, 0, 1, STATE_QUEUED,
     REASON_THROTTLED, MS(50), MS(4050)},
    {"nor a lane that is down", ONCE, FATE_RETRY, LANE_DOWN, 900, S(600), 0, 0, 1, STATE_QUEUED,
     REASON_THROTTLED, MS(50), MS(4050)},
    {"nor a broken one", ONCE, FATE_RETRY, LANE_BROKEN, 900, S(600), 0, 0, 1, STATE_QUEUED, REASON_THROTTLED,
     MS(50), MS(4050)},
    {"another lane is open", ONCE, FATE_RETRY, LANE_DOWN, 3, S(600), 60000, 1, 1, STATE_QUEUED,
     REASON_THROTTLED, MS(50), MS(50)},
    {"but the message was at fault", ONCE, FATE_RETRY, LANE_FINE, 1, S(600), 0, 1, 1, STATE_QUEUED,
     REASON_THROTTLED, MS(50), MS(550)},
    {"wait, says the provider", ONCE, FATE_RETRY, LANE_SLOW_DOWN, 1, S(600), 30000, 0, 1, STATE_QUEUED,
     REASON_THROTTLED, S(30), S(30)},
    {"longer than it is valid", ONCE, FATE_RETRY, LANE_SLOW_DOWN, 1, S(10), 30000, 0, 1, STATE_QUEUED,
     REASON_THROTTLED, S(10), S(10)},
    {"no longer valid", ONCE, FATE_RETRY, LANE_FINE, 1, 0, 0, 0, 1, STATE_EXPIRED, REASON_EXPIRED, 0, 0},
    {"since long", MORE, FATE_RETRY, LANE_DOWN, 9, -S(9), 0, 1, 1, STATE_EXPIRED, REASON_EXPIRED, 0, 0},
    {"unknown: ask", ONCE, FATE_UNKNOWN, LANE_FINE, 1, S(600), 0, 0, 1, STATE_UNKNOWN, REASON_OUTCOME_UNKNOWN,
     S(4), S(4)},
    {"unknown: ask, at least once", MORE, FATE_UNKNOWN, LANE_DOWN, 9, S(600), 0, 1, 1, STATE_UNKNOWN,
     REASON_OUTCOME_UNKNOWN, S(4), S(4)},
    {"unknown, cannot ask", ONCE, FATE_UNKNOWN, LANE_FINE, 1, S(600), 0, 1, 0, STATE_UNKNOWN,
     REASON_OUTCOME_UNKNOWN, S(600), S(600)},
    {"unknown, cannot ask, at least once", MORE, FATE_UNKNOWN, LANE_FINE, 1, S(600), 0, 0, 0, STATE_UNKNOWN,
     REASON_OUTCOME_UNKNOWN, 0, 0},
    {"unknown and attempts used up", ONCE, FATE_UNKNOWN, LANE_FINE, 4, S(600), 0, 0, 1, STATE_UNKNOWN,
     REASON_OUTCOME_UNKNOWN, S(4), S(4)},
};

static void settle_row(const struct row *r, int64_t *least, int64_t *most) {
    const struct settle s = {
        .settings = &settings, .world = &world, .now = NOW, .other_lane_open = r->other_lane};
    struct message *m = message_in(STATE_SENDING, r->delivery, r->attempts, NOW + r->expires_us);
    struct attempt a = {.message_id = 1, .number = (uint16_t)r->attempts, .started_at = NOW - 5};
    struct verdict v = {.fate = r->fate,
                        .hint = r->hint,
                        .reason = r->fate == FATE_SENT ? REASON_NONE : REASON_THROTTLED,
                        .code = 429,
                        .http_status = 200,
                        .retry_after_ms = r->retry_after_ms};
    snprintf(v.provider_id, sizeof v.provider_id, "%s", r->fate == FATE_SENT ? "PR1" : "");
    struct change c = change_of(m);
    settle_verdict(&s, m, &a, r->can_ask ? &asks : &cannot_ask, &v, &c);
    check_whole(m, &c);
    if (c.next.state != r->to || c.next.reason != r->reason)
        fail_msg("%s: %s, %s", r->name, state_name(c.next.state), reason_name(c.next.reason));
    if (c.next.due_at) {
        if (c.next.due_at < NOW + r->due_from_us || c.next.due_at > NOW + r->due_to_us)
            fail_msg("%s: due after %lld us", r->name, (long long)(c.next.due_at - NOW));
        if (c.next.state == STATE_QUEUED)
            assert_true(c.next.due_at <= m->expires_at && c.next.due_at > NOW);
    }
    assert_true(c.attempt_ends && !c.attempt_begins);
    assert_int_equal(c.attempt.ended_at, NOW);
    assert_int_equal(c.attempt.started_at, NOW - 5);
    assert_int_equal(c.attempt.fate, r->fate);
    assert_int_equal(c.attempt.code, 429);
    assert_string_equal(c.attempt.provider_id, v.provider_id);
    assert_string_equal(c.next.provider_id, v.provider_id);
    assert_int_equal(c.next.sent_at, r->to == STATE_SENT ? NOW : 0);
    *least = c.next.due_at < *least ? c.next.due_at : *least;
    *most = c.next.due_at > *most ? c.next.due_at : *most;
    message_free(m);
}

static void test_settle__each_outcome_leads_where_the_table_says(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *r = &rows[i];
        int64_t least = INT64_MAX, most = 0;
        for (int k = 0; k < DRAWS; k++)
            settle_row(r, &least, &most);
        int64_t width = r->due_to_us - r->due_from_us;
        if (state_is_terminal(r->to) || width == 0)
            continue; /* else jitter must use its whole room */
        if (least > NOW + r->due_from_us + width / 20 || most < NOW + r->due_to_us - width / 20)
            fail_msg("%s: only %lld..%lld us", r->name, (long long)(least - NOW), (long long)(most - NOW));
    }
}

static void test_settle__classes_have_waits_and_limits_of_their_own(void **state) {
    (void)state;
    static const char *const texts[] = {"throttled first=8s max=8s attempts=3", "network first=1ms max=1ms",
                                        "server_error attempts=2"};
    struct retry_class classes[3];
    struct err e = ERR_INIT;
    for (size_t i = 0; i < 3; i++)
        assert_true(retry_parse(sv_of(texts[i]), &classes[i], &e));
    static const struct {
        enum reason reason;
        enum lane_hint hint;
        int16_t status;
        unsigned attempts;
        enum state to;
        int64_t most_ms; /* and some draw comes near it */
    } cases[] = {
        {REASON_THROTTLED, LANE_SLOW_DOWN, 429, 2, STATE_QUEUED, 8050},
        {REASON_THROTTLED, LANE_SLOW_DOWN, 429, 3, STATE_FAILED,
         0}, /* counts, though the lane was throttled */
        {REASON_PROVIDER_DOWN, LANE_DOWN, 0, 900, STATE_QUEUED, 51},
        {REASON_PROVIDER_DOWN, LANE_DOWN, 503, 1, STATE_QUEUED, 550},
        {REASON_PROVIDER_DOWN, LANE_DOWN, 503, 2, STATE_FAILED, 0},
        {REASON_UNREACHABLE, LANE_FINE, 200, 1, STATE_QUEUED, 550},
        {REASON_UNREACHABLE, LANE_FINE, 200, ATTEMPTS_MAX, STATE_FAILED, 0},
    };
    struct settings set = settings;
    set.retry.classes = classes;
    set.retry.n_classes = 3;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t most = 0;
        for (int k = 0; k < DRAWS; k++) {
            const struct settle s = {.settings = &set, .world = &world, .now = NOW};
            struct message *m = message_in(STATE_SENDING, ONCE, cases[i].attempts, NOW + S(600));
            struct attempt a = {
                .message_id = 1, .number = (uint16_t)cases[i].attempts, .started_at = NOW - 5};
            struct verdict v = {.fate = FATE_RETRY,
                                .hint = cases[i].hint,
                                .reason = cases[i].reason,
                                .http_status = cases[i].status};
            struct change c = change_of(m);
            settle_verdict(&s, m, &a, &asks, &v, &c);
            if (c.next.state != cases[i].to)
                fail_msg("case %zu: %s", i, state_name(c.next.state));
            if (c.next.due_at - NOW > most && c.next.due_at)
                most = c.next.due_at - NOW;
            message_free(m);
        }
        if (most > MS(cases[i].most_ms) || most < MS(cases[i].most_ms) * 9 / 10)
            fail_msg("case %zu: waits up to %lld us", i, (long long)most);
    }
    static const char *const wrong[] = {"",
                                        "throttled",
                                        "weather first=1s",
                                        "throttled first=",
                                        "network x=1",
                                        "network first=0ms",
                                        "network first=1s first=2s",
                                        "throttled first=10s max=5s",
                                        "throttled attempts=0",
                                        "throttled max=2d"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (retry_parse(sv_of(wrong[i]), &classes[0], &e))
            fail_msg("`%s` is taken for a rule", wrong[i]);
}

static void test_settle__backoff_is_full_jitter_under_a_doubling_ceiling(void **state) {
    (void)state;
    static const struct {
        uint32_t first, max;
        unsigned n;
        int64_t ceiling;
    } bounds[] = {{500, 4000, 1, 500},
                  {500, 4000, 2, 1000},
                  {500, 4000, 4, 4000},
                  {500, 4000, 65535, 4000},
                  {5000, 4000, 1, 4000},
                  {0, 0, 3, 0},
                  {0, 4000, 9, 0},
                  {1, UINT32_MAX, 33, UINT32_MAX},
                  {UINT32_MAX, UINT32_MAX, 2, UINT32_MAX}};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        int64_t least = INT64_MAX, most = 0, sum = 0;
        for (int k = 0; k < DRAWS; k++) {
            int64_t ms = settle_backoff_ms(&world, bounds[i].first, bounds[i].max, bounds[i].n);
            assert_true(ms >= 0 && ms <= bounds[i].ceiling);
            least = ms < least ? ms : least;
            most = ms > most ? ms : most;
            sum += ms;
        }
        int64_t ceiling = bounds[i].ceiling;
        assert_true(least <= ceiling / 20 && most >= ceiling - ceiling / 20);
        assert_true(sum / DRAWS >= ceiling * 2 / 5 && sum / DRAWS <= ceiling * 3 / 5);
    }
}

static void test_settle__a_verdict_behind_a_receipt_only_fills_the_attempt(void **state) {
    (void)state;
    static const enum state states[] = {STATE_SENT, STATE_DELIVERED, STATE_UNDELIVERED, STATE_FAILED};
    static const enum fate fates[] = {FATE_SENT, FATE_REJECTED, FATE_RETRY, FATE_UNKNOWN};
    const struct settle s = {.settings = &settings, .world = &world, .now = NOW};
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++) {
            struct message *m = message_in(states[i], ONCE, 1, NOW + S(60));
            struct attempt a = {.message_id = 1, .number = 1};
            struct verdict v = {.fate = fates[k], .provider_id = "PR1", .code = 7};
            struct change c = change_of(m);
            settle_verdict(&s, m, &a, &asks, &v, &c);
            assert_int_equal(c.next.state, states[i]);
            assert_int_equal(c.n_events, 0);
            assert_int_equal(c.next.code, 0);
            assert_string_equal(c.next.provider_id, "PR1");
            assert_int_equal(c.attempt_ends, fates[k] != FATE_UNKNOWN);
            message_free(m);
        }
}

/* ---- orphans and look-ups ---- */

static void test_settle__an_orphan_is_unknown_and_its_attempt_ended_once(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum delivery delivery;
        const struct lane_config *lane;
        unsigned number; /* of the attempt's row */
        int64_t ended_at;
        bool ends;
        int64_t due_us;
    } orphans[] = {
        {"asks", ONCE, &asks, 2, 0, true, S(4)},
        {"cannot ask", ONCE, &cannot_ask, 2, 0, true, S(60)},
        {"cannot ask, at least once", MORE, &cannot_ask, 2, 0, true, 0},
        {"its lane is gone", ONCE, NULL, 2, 0, true, S(60)},
        {"its lane is gone, at least once", MORE, NULL, 2, 0, true, 0},
        {"its attempt has ended", ONCE, &asks, 2, NOW - 1, false, S(4)},
        {"its attempt is another's", ONCE, &asks, 1, 0, false, S(4)},
    };
    const struct settle s = {.settings = &settings, .world = &world, .now = NOW};
    for (size_t i = 0; i < sizeof orphans / sizeof orphans[0]; i++) {
        struct message *m = message_in(STATE_SENDING, orphans[i].delivery, 2, NOW + S(60));
        struct attempt a = {
            .message_id = 1, .number = (uint16_t)orphans[i].number, .ended_at = orphans[i].ended_at};
        struct change c = change_of(m);
        settle_orphan(&s, m, &a, orphans[i].lane, &c);
        check_whole(m, &c);
        assert_int_equal(c.next.state, STATE_UNKNOWN);
        assert_int_equal(c.attempt_ends, orphans[i].ends);
        assert_true(!c.attempt_ends || c.attempt.fate == FATE_UNKNOWN);
        if (c.next.due_at != NOW + orphans[i].due_us)
            fail_msg("%s: due after %lld us", orphans[i].name, (long long)(c.next.due_at - NOW));
        message_free(m);
    }
}

static void test_settle__who_is_looked_up_and_what_becomes_of_the_others(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum delivery delivery;
        const struct lane_config *lane;
        unsigned lookups;
        int64_t expires_us;
        bool wants;
        enum state to;
        int64_t due_us;
    } asked[] = {
        {"first", ONCE, &asks, 0, S(60), true, STATE_UNKNOWN, -1},
        {"last", MORE, &asks, 2, S(60), true, STATE_UNKNOWN, -1},
        {"asked enough", ONCE, &asks, 3, S(60), false, STATE_UNKNOWN, S(60)},
        {"asked enough, at least once", MORE, &asks, 3, S(60), false, STATE_QUEUED, 0},
        {"cannot ask", ONCE, &cannot_ask, 0, S(60), false, STATE_UNKNOWN, S(60)},
        {"cannot ask, at least once", MORE, &cannot_ask, 0, S(60), false, STATE_QUEUED, 0},
        {"lane gone", ONCE, NULL, 0, S(60), false, STATE_UNKNOWN, S(60)},
        {"lane gone, at least once", MORE, NULL, 0, S(60), false, STATE_QUEUED, 0},
        {"over, never asked", ONCE, &asks, 0, 0, true, STATE_UNKNOWN, -1},
        {"over, never asked, its lane never free", ONCE, &asks, 0, -S(30), false, STATE_FAILED, -1},
        {"over, was asked", ONCE, &asks, 1, 0, false, STATE_FAILED, -1},
        {"over, cannot ask", ONCE, &cannot_ask, 0, 0, false, STATE_FAILED, -1},
        {"over, at least once", MORE, NULL, 0, -1, false, STATE_FAILED, -1},
    };
    const struct settle s = {.settings = &settings, .world = &world, .now = NOW};
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        struct message *m = message_in(STATE_UNKNOWN, asked[i].delivery, 1, NOW + asked[i].expires_us);
        m->head.lookups = (uint16_t)asked[i].lookups;
        m->head.due_at = NOW - 1;
        struct change c = change_of(m);
        bool wants = settle_wants_lookup(&s, m, asked[i].lane, &c);
        check_whole(m, &c);
        if (wants != asked[i].wants || c.next.state != asked[i].to)
            fail_msg("%s: %d, %s", asked[i].name, wants, state_name(c.next.state));
        if (asked[i].due_us >= 0)
            assert_int_equal(c.next.due_at, NOW + asked[i].due_us);
        if (c.next.state == STATE_FAILED)
            assert_int_equal(c.next.reason, REASON_OUTCOME_UNKNOWN);
        message_free(m);
    }
}

static void test_settle__what_a_lookup_found(void **state) {
    (void)state;
    static const struct {
        enum state said, to;
    } found[] = {{STATE_QUEUED, STATE_SENT},
                 {STATE_SENDING, STATE_SENT},
                 {STATE_SENT, STATE_SENT},
                 {STATE_DELIVERED, STATE_DELIVERED},
                 {STATE_UNDELIVERED, STATE_UNDELIVERED},
                 {STATE_FAILED, STATE_FAILED}};
    const struct settle s = {.settings = &settings, .world = &world, .now = NOW};
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++)
        for (unsigned number = 0; number < 2; number++) {
            struct message *m = message_in(STATE_UNKNOWN, ONCE, 1, NOW + S(60));
            struct attempt a = {
                .message_id = 1, .number = (uint16_t)number, .fate = FATE_UNKNOWN, .ended_at = NOW - 9};
            struct receipt r = {.state = found[i].said, .code = 5, .provider_id = "PR1"};
            struct change c = change_of(m);
            settle_found(&s, m, &a, &asks, &r, &c);
            check_whole(m, &c);
            assert_int_equal(c.next.state, found[i].to);
            assert_int_equal(c.next.due_at, found[i].to == STATE_SENT ? NOW + S(120) : 0);
            assert_string_equal(c.next.provider_id, "PR1");
            assert_int_equal(c.next.code, 5);
            assert_int_equal(c.attempt_ends, number); /* no row, nothing to write */
            assert_true(!number || (c.attempt.fate == FATE_SENT && c.attempt.ended_at == NOW - 9));
            message_free(m);
        }
    struct message *m = message_in(STATE_UNKNOWN, ONCE, 1, NOW + S(60));
    struct attempt a = {.message_id = 1, .number = 1, .fate = FATE_UNKNOWN};
    struct change c = change_of(m);
    settle_absent(&s, m, &a, &c);
    check_whole(m, &c);
    assert_int_equal(c.next.state, STATE_QUEUED);
    assert_int_equal(c.next.due_at, NOW);
    assert_int_equal(c.attempt.fate, FATE_RETRY);
    assert_int_equal(c.attempt.ended_at, NOW);
    message_free(m);
}

static void test_settle__cannot_tell_asks_again_ever_later_within_the_validity(void **state) {
    (void)state;
    const struct settle s = {.settings = &settings, .world = &world, .now = NOW};
    int64_t last = 0;
    for (unsigned lookups = 0; lookups < 40; lookups++)
        for (int answered = 0; answered < 2; answered++) {
            struct message *m = message_in(STATE_UNKNOWN, ONCE, 1, NOW + S(100000));
            m->head.lookups = (uint16_t)lookups;
            struct change c = change_of(m);
            settle_cannot_tell(&s, m, &asks, answered, &c);
            check_whole(m, &c);
            assert_int_equal(c.next.lookups, lookups + (unsigned)answered); /* not reached is not asked */
            int64_t wait = c.next.due_at - NOW;
            assert_true(wait >= S(4) && wait <= S(600) && wait >= last);
            last = answered ? last : wait;
            m->expires_at = NOW + S(3);
            c = change_of(m);
            settle_cannot_tell(&s, m, &asks, answered, &c);
            assert_int_equal(c.next.due_at, NOW + S(3));
            m->expires_at = NOW - 1; /* asked after all: over, if it answered */
            c = change_of(m);
            settle_cannot_tell(&s, m, &asks, answered, &c);
            assert_int_equal(c.next.due_at, c.next.lookups ? NOW : NOW + S(4));
            message_free(m);
        }
}

static void test_settle__a_lane_without_a_settling_time_is_not_asked_without_a_pause(void **state) {
    (void)state;
    static const struct adapter hasty = {.name = "hasty", .can_lookup = true};
    static const struct lane_config lane = {.name = "hasty", .adapter = &hasty, .lookups_max = 3};
    static const struct lane_config slow = {.name = "slow", .adapter = &hasty, .lookup_after_ms = 3600000};
    const struct settle s = {.settings = &settings, .world = &world, .now = NOW};
    struct message *m = message_in(STATE_UNKNOWN, ONCE, 1, NOW + S(100000));
    struct change c = change_of(m);
    settle_cannot_tell(&s, m, &lane, false, &c);
    assert_int_equal(c.next.due_at, NOW + S(1));
    m->head.lookups = 40;
    c = change_of(m);
    settle_cannot_tell(&s, m, &slow, true, &c);
    assert_int_equal(c.next.due_at, NOW + S(3600)); /* what the settings say is never cut */
    message_free(m);
}

static void test_settle__a_lease_is_longer_than_the_call_may_take(void **state) {
    (void)state;
    assert_true(settle_lease_us(&asks) > S(10));
    assert_true(settle_lease_us(&asks) <= S(20));
}

/* The usual outcome leaves what was due far as it is, at most a lease late; any other, and one that comes
 * later than its lease, sets it anew. */
static void test_settle__an_outcome_leaves_what_is_due_far_as_it_is(void **state) {
    (void)state;
    struct lane_config lane = asks;
    assert_false(settle_may_be_far(&lane)); /* two minutes: a lease late would be much */
    assert_int_equal(settle_begun_due_at(&lane, false, NOW), NOW + settle_lease_us(&lane));
    lane.receipt_window_s = 3 * 86400;
    assert_true(settle_may_be_far(&lane));
    const int64_t due_at = settle_begun_due_at(&lane, true, NOW), lease_us = settle_lease_us(&lane);
    const struct {
        enum fate fate;
        int64_t after_us;
        bool stays;
    } ends[] = {{FATE_SENT, 0, true},   {FATE_SENT, lease_us, true}, {FATE_SENT, lease_us + 1, false},
                {FATE_RETRY, 0, false}, {FATE_UNKNOWN, 0, false},    {FATE_REJECTED, 0, false}};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        const struct settle s = {.settings = &settings, .world = &world, .now = NOW + ends[i].after_us};
        struct message *m = message_in(STATE_SENDING, ONCE, 1, NOW + S(60));
        struct attempt a = {.message_id = 1, .number = 1};
        struct verdict v = {.fate = ends[i].fate};
        m->head.due_at = due_at;
        struct change c = change_of(m);
        settle_verdict(&s, m, &a, &lane, &v, &c);
        assert_int_equal(c.next.due_at == due_at, ends[i].stays);
        if (ends[i].fate == FATE_SENT)
            assert_in_range(c.next.due_at - s.now - S(lane.receipt_window_s), 0, lease_us);
        message_free(m);
    }
}

/* Two throttled attempts leave all the tries that are allowed. */
static void test_settle__throttled_attempts_do_not_use_up_the_tries(void **state) {
    (void)state;
    struct message *m = message_in(STATE_SENDING, DELIVERY_AT_MOST_ONCE, 0, NOW + 600 * US_PER_S);
    const struct settle s = {.settings = &settings, .world = &world, .now = NOW};
    unsigned tries = 0;
    for (unsigned i = 0; m->head.state == STATE_SENDING && i < 20; i++) {
        const struct verdict v = {
            .fate = FATE_RETRY, .hint = i < 2 ? LANE_SLOW_DOWN : LANE_FINE, .reason = REASON_THROTTLED};
        m->head.attempts++;
        const struct attempt a = {.message_id = 1, .number = m->head.attempts, .started_at = NOW - 5};
        struct change c = change_of(m);
        settle_verdict(&s, m, &a, &asks, &v, &c);
        tries += v.hint == LANE_FINE;
        m->head = c.next;
        if (m->head.state == STATE_QUEUED)
            m->head.state = STATE_SENDING;
    }
    assert_int_equal(m->head.state, STATE_FAILED);
    assert_int_equal(m->head.reason, REASON_ATTEMPTS_EXHAUSTED);
    assert_int_equal(tries, ATTEMPTS_MAX);
    message_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settle__throttled_attempts_do_not_use_up_the_tries),
        cmocka_unit_test(test_settle__each_outcome_leads_where_the_table_says),
        cmocka_unit_test(test_settle__classes_have_waits_and_limits_of_their_own),
        cmocka_unit_test(test_settle__backoff_is_full_jitter_under_a_doubling_ceiling),
        cmocka_unit_test(test_settle__a_verdict_behind_a_receipt_only_fills_the_attempt),
        cmocka_unit_test(test_settle__an_orphan_is_unknown_and_its_attempt_ended_once),
        cmocka_unit_test(test_settle__who_is_looked_up_and_what_becomes_of_the_others),
        cmocka_unit_test(test_settle__what_a_lookup_found),
        cmocka_unit_test(test_settle__cannot_tell_asks_again_ever_later_within_the_validity),
        cmocka_unit_test(test_settle__a_lane_without_a_settling_time_is_not_asked_without_a_pause),
        cmocka_unit_test(test_settle__an_outcome_leaves_what_is_due_far_as_it_is),
        cmocka_unit_test(test_settle__a_lease_is_longer_than_the_call_may_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
