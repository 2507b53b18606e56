#include "policy/canary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const int64_t half_window_us = INT64_C(600) * 1000000;
static const double surely = 3.5, worth_it = 0.02;

static void turn(struct canary *c, int64_t now) {
    if (now - c->turned_at < half_window_us)
        return;
    bool old = now - c->turned_at >= 2 * half_window_us;
    memcpy(c->before, c->now, sizeof c->before);
    if (old)
        memset(c->before, 0, sizeof c->before);
    memset(c->now, 0, sizeof c->now);
    c->turned_at = now;
}

static void add(struct canary_sample *to, const struct canary_sample *s) {
    to->n += s->n;
    to->failed += s->failed;
    to->timed += s->timed;
    to->log_sum += s->log_sum;
    to->log_squares += s->log_squares;
}

static void count(struct canary *c, int which, const struct canary_sample *s, int64_t now) {
    turn(c, now);
    add(&c->now[which], s);
    add(&c->untold[which], s);
}

void canary_attempt(struct canary *c, bool of_canary, bool failed, int64_t elapsed_us, int64_t now) {
    struct canary_sample s = {.n = 1, .failed = failed};
    if (elapsed_us > 0) {
        double ms = log((double)elapsed_us / 1000);
        s.timed = 1;
        s.log_sum = ms;
        s.log_squares = ms * ms;
    }
    count(c, of_canary, &s, now);
}

void canary_undelivered(struct canary *c, bool of_canary, int64_t now) {
    count(c, of_canary, &(struct canary_sample){.failed = 1}, now);
}

bool canary_untold(struct canary *c, int which, struct canary_sample *out) {
    *out = c->untold[which];
    memset(&c->untold[which], 0, sizeof *out);
    return out->n || out->failed;
}

void canary_hear(struct canary *c, int which, const struct canary_sample *heard, int64_t now) {
    turn(c, now);
    add(&c->now[which], heard);
}

struct canary_sample canary_window(const struct canary *c, int which) {
    struct canary_sample s = c->now[which];
    add(&s, &c->before[which]);
    if (s.failed > s.n) /* its attempt is out of the window already */
        s.failed = s.n;
    return s;
}

static bool fails_more(struct canary_sample other, struct canary_sample own) {
    if (own.failed < CANARY_FAILURES_MIN)
        return false;
    double p1 = (double)own.failed / own.n, p0 = (double)other.failed / other.n;
    double pooled = (double)(own.failed + other.failed) / ((double)own.n + other.n);
    double deviation = sqrt(pooled * (1 - pooled) * (1.0 / own.n + 1.0 / other.n));
    return p1 - p0 >= worth_it && (p1 - p0) > surely * deviation;
}

static double mean(struct canary_sample s) {
    return s.log_sum / s.timed;
}

/* Of the mean. */
static double variance(struct canary_sample s) {
    double v = (s.log_squares - s.log_sum * mean(s)) / (s.timed - 1);
    return (v > 0 ? v : 0) / s.timed;
}

static bool is_slower(struct canary_sample other, struct canary_sample own) {
    if (own.timed < CANARY_SAMPLE_MIN || other.timed < CANARY_SAMPLE_MIN)
        return false;
    double more = mean(own) - mean(other);
    return more >= log(2) && more > surely * sqrt(variance(own) + variance(other));
}

enum canary_verdict canary_judge(const struct canary *c) {
    struct canary_sample other = canary_window(c, 0), own = canary_window(c, 1);
    if (other.n < CANARY_SAMPLE_MIN || own.n < CANARY_SAMPLE_MIN)
        return CANARY_FINE;
    return fails_more(other, own) ? CANARY_FAILS : is_slower(other, own) ? CANARY_SLOW : CANARY_FINE;
}

static const struct canary_sample *sample(const struct canary *c, int i) {
    return i < 2 ? &c->now[i] : &c->before[i - 2];
}

void canary_print(const struct canary *c, struct buf *out) {
    buf_addf(out, "%lld", (long long)c->turned_at);
    for (int i = 0; i < 4; i++) {
        const struct canary_sample *s = sample(c, i);
        buf_addf(out, " %u %u %u %.17g %.17g", s->n, s->failed, s->timed, s->log_sum, s->log_squares);
    }
}

bool canary_parse(struct sv text, struct canary *c) {
    enum { TEXT_MAX = 512 };
    char copy[TEXT_MAX];
    struct canary_sample s[4] = {0};
    long long turned_at;
    int used;
    snprintf(copy, sizeof copy, "%.*s", SV_FMT(text));
    const char *at = copy;
    if (sscanf(at, "%lld%n", &turned_at, &used) != 1)
        return false;
    for (int i = 0; i < 4; i++) {
        at += used;
        if (sscanf(at, "%u %u %u %lf %lf%n", &s[i].n, &s[i].failed, &s[i].timed, &s[i].log_sum,
                   &s[i].log_squares, &used) != 5 ||
            !isfinite(s[i].log_sum) || !isfinite(s[i].log_squares))
            return false;
    }
    c->turned_at = turned_at;
    memcpy(c->now, s, sizeof c->now);
    memcpy(c->before, s + 2, sizeof c->before);
    return true;
}
