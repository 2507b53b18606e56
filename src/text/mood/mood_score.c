#include "text/mood/mood_score.h"

#include <math.h>

enum { WINDOW_WORDS = 3, EXCLAMATIONS_MAX = 4 };

static const double turn = -0.74, degree_step = 0.293, degree_max = 0.9, shout = 0.733, exclamation = 0.292;
/* How soon many words stop to matter. With 8 a word of 1.7 (a "problem") is just negative by the article's
 * limit and one of 0.9 ("okay") just neutral; VADER's own 15 leaves "terrible" neutral. */
static const double alpha = 8;

void mood_score_init(struct mood_score *s) {
    *s = (struct mood_score){.weight = 1, .since_negator = WINDOW_WORDS, .since_degree = WINDOW_WORDS};
}

static void age(struct mood_score *s) {
    if (s->since_negator < WINDOW_WORDS)
        s->since_negator++;
    else
        s->turns = false;
    if (s->since_degree < WINDOW_WORDS)
        s->since_degree++;
    else
        s->degree = 0;
    s->last = 0;
}

static void add(struct mood_score *s, double value) {
    age(s);
    s->last = value * s->weight;
    s->sentence += s->last;
    s->words++;
}

void mood_score_word(struct mood_score *s, double value, bool shouted) {
    if (shouted)
        value += copysign(shout, value);
    if (s->since_degree < WINDOW_WORDS) { /* weaker, but never the other way round */
        double degree = s->degree < 0 ? fmax(s->degree, -0.8 * fabs(value)) : s->degree;
        value += copysign(1, value) * degree;
    }
    if (s->turns && s->since_negator < WINDOW_WORDS) {
        value *= turn;
        s->own = 0;
    }
    add(s, value);
}

void mood_score_sign(struct mood_score *s, double value) {
    add(s, value);
}

void mood_score_other(struct mood_score *s) {
    age(s);
}

void mood_score_negator(struct mood_score *s, double own) {
    bool again = s->turns && s->since_negator < WINDOW_WORDS;
    age(s);
    s->turns = !again;
    s->since_negator = 0;
    s->own = again ? 0 : own;
}

void mood_score_degree(struct mood_score *s, bool more) {
    double before = s->since_degree < WINDOW_WORDS ? s->degree : 0;
    age(s);
    s->degree = fmax(-degree_max, fmin(degree_max, before + (more ? degree_step : -degree_step)));
    s->since_degree = 0;
}

void mood_score_after(struct mood_score *s) {
    if (s->last != 0)
        s->sentence += copysign(degree_step, s->last) * s->weight;
    age(s);
}

static void settle_own(struct mood_score *s) {
    if (s->own != 0) {
        s->sentence += s->own * s->weight;
        s->words++;
    }
    s->own = 0;
}

void mood_score_pause(struct mood_score *s) {
    settle_own(s);
    s->turns = false;
    s->since_negator = s->since_degree = WINDOW_WORDS;
    s->degree = s->last = 0;
}

void mood_score_contrast(struct mood_score *s) {
    mood_score_pause(s);
    s->sentence *= 0.5;
    s->weight = 1.5;
}

void mood_score_stop(struct mood_score *s) {
    mood_score_pause(s);
    s->text += s->sentence;
    s->sentence = 0;
    s->weight = 1;
}

void mood_score_exclamation(struct mood_score *s) {
    if (s->exclamations < EXCLAMATIONS_MAX)
        s->exclamations++;
}

double mood_score_polarity(struct mood_score *s) {
    mood_score_stop(s);
    double sum = s->text;
    if (sum != 0)
        sum += copysign(exclamation * s->exclamations, sum);
    return sum / sqrt(sum * sum + alpha);
}
