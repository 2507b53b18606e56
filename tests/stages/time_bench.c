/* What it costs to decide whether a message may go: quiet hours with ten rules, by the clocks of many
 * numbers; and what caps and duplicate windows count for it. One line: nanoseconds a decision, each.
 */
#include "base/clock.h"
#include "policy/quiet_hours.h"
#include "policy/tallies.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TIMES = 200000, RULES = 10 };

static const char *const numbers[] = {"+8613800138000", "+12122345678",   "+61412345678", "+447400123456",
                                      "+79161234567",   "+4915112345678", "+85291234567", "+33612345678",
                                      "+819012345678",  "+6591234567"};

/* Of this thread: the machine may be busy with others. */
static int64_t cpu_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

static double quiet_ns(void) {
    struct quiet_rule rules[RULES];
    struct err e;
    for (int i = 0; i < RULES; i++) {
        bool ok = quiet_parse(
            i % 2 ? SV("21:00-09:00 for topic=marketing") : SV("22:00-08:00 for topic=news"), &rules[i], &e);
        ASSERT(ok);
    }
    struct quiet_hours *q = quiet_hours_new(rules, RULES, SV("UTC"));
    int64_t begin = cpu_us(), sum = 0;
    for (int i = 0; i < TIMES; i++) {
        const struct quiet_subject s = {.facts = {.topic = SV("marketing"), .priority = PRIORITY_MARKETING},
                                        .to = sv_of(numbers[i % 10])};
        sum += quiet_hours_ask(q, &s, (INT64_C(1790000000) + i) * US_PER_S).until;
    }
    double ns = (double)(cpu_us() - begin) * 1000 / TIMES;
    ASSERT(sum);
    quiet_hours_free(q);
    return ns;
}

static double tallies_ns(void) {
    struct tally_rule rules[3];
    struct err e;
    bool ok = tally_parse_cap(SV("3/7d for topic=marketing"), &rules[0], &e) &&
              tally_parse_cap(SV("1/calendar-day for topic=marketing"), &rules[1], &e) &&
              tally_parse_duplicate(SV("10min for topic=marketing"), &rules[2], &e);
    ASSERT(ok);
    struct tallies *t = tallies_new(rules, 3, SV("UTC"), (struct sip_key){1, 2});
    int64_t begin = cpu_us();
    for (int i = 0; i < TIMES; i++) {
        const struct tally_subject s = {
            .facts = {.topic = SV("marketing"), .priority = PRIORITY_MARKETING},
            .to = sv_of(numbers[i % 10]),
            .body = SV("Everything must go: 20 % off until Sunday, only in our shops.")};
        free(tallies_of(t, &s, (INT64_C(1790000000) + i) * US_PER_S, false));
    }
    double ns = (double)(cpu_us() - begin) * 1000 / TIMES;
    tallies_free(t);
    return ns;
}

int main(void) {
    printf("quiet hours %.0f ns, caps and duplicates %.0f ns a decision\n", quiet_ns(), tallies_ns());
    return 0;
}
