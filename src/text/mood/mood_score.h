/* mood_score: adds up the words of one text in reading order.
 *
 * Who reads the text says what comes: a word with a value, a negator, a degree word, "but", any other word, a
 * pause, the end of a sentence. The rules and their weights follow VADER (Hutto and Gilbert 2014, section
 * 3.3): a negator turns a word up to three words later by -0.74, a degree word adds 0.293 of a step from one
 * to four, "but" halves what stood before it in its sentence and adds half to what follows, each of the first
 * four exclamation marks adds 0.292. No pause is crossed by a negator or a degree word.
 *
 * Embedded; owns nothing. Every operation is O(1).
 */
#ifndef HY_TEXT_MOOD_MOOD_SCORE_H
#define HY_TEXT_MOOD_MOOD_SCORE_H

#include <stdbool.h>
#include <stddef.h>

struct mood_score {
    double text;                          /* of the sentences that ended */
    double sentence;                      /* of the one being read */
    double weight;                        /* 1, or 1.5 after "but" */
    double last;                          /* what the word just read added; 0 when it added nothing */
    double degree;                        /* of the degree words just read */
    double own;                           /* of a negator that has turned nothing yet: "no" */
    bool turns;                           /* an odd number of negators stands just before */
    unsigned since_negator, since_degree; /* words */
    unsigned exclamations;
    size_t words; /* with a value */
};

void mood_score_init(struct mood_score *s);

/* value: -4 to 4, not 0. A shouted word counts more; that is said by shouted. */
void mood_score_word(struct mood_score *s, double value, bool shouted);
void mood_score_sign(struct mood_score *s, double value); /* a face: nothing turns or strengthens it */
void mood_score_other(struct mood_score *s);
void mood_score_negator(struct mood_score *s, double own);
void mood_score_degree(struct mood_score *s, bool more);
void mood_score_after(struct mood_score *s); /* strengthens the word just read */
void mood_score_contrast(struct mood_score *s);
void mood_score_pause(struct mood_score *s);
void mood_score_stop(struct mood_score *s);
void mood_score_exclamation(struct mood_score *s);

/* -1 to 1, of all that was read. */
double mood_score_polarity(struct mood_score *s);

#endif
