/* reply: what is known of an inbound text besides the text, and the settings that say how texts are answered:
 * rules of keywords and answers, as data.
 *
 * A keyword rule is written `stop T, 退订 for account=acme topic=news language=zh`: what its words do (stop,
 * start, help, confirm; ignore: nothing, although a built-in word is the same), the words with commas
 * between, and after `for` whom it is for: accounts by name (all without it), the topic that is left or
 * joined (all without it), the language its answer is in. An answer is written `stop zh 您已退订` or `other
 * en account=acme Reply STOP to leave`: to what, in which language, perhaps for which accounts, and the text.
 */
#ifndef HY_MODEL_REPLY_H
#define HY_MODEL_REPLY_H

#include "base/err.h"
#include "base/sv.h"

/* What a text asks for. Stored as numbers: append only. */
enum reply_action {
    REPLY_OTHER = 0,
    REPLY_STOP = 1,
    REPLY_START = 2,
    REPLY_HELP = 3,
    REPLY_CONFIRM = 4, /* yes, to a text that asked for a consent */
    REPLY_ACTIONS
};

enum { REPLY_TOPIC_BYTES_MAX = 64 };

const char *reply_action_name(enum reply_action a); /* "other", "stop", "start", "help", "confirm" */

/* As text/mood labels it. Stored as numbers. */
enum reply_mood { REPLY_NEGATIVE = 0, REPLY_NEUTRAL = 1, REPLY_POSITIVE = 2, REPLY_MOODS };

const char *reply_mood_name(enum reply_mood m);

/* Views are borrowed. */
struct reply {
    int64_t in_reply_to; /* the message it answers; 0: none is known */
    int32_t polarity;    /* of its mood, in thousandths: -1000 to 1000 */
    enum reply_mood mood;
    enum reply_action action;
    struct sv keyword, topic; /* STOP, START: the word, as the settings have it; empty topic: all */
    struct sv answer;         /* what it is to be answered; empty: nothing */
    /* A word that confirms, and what to answer it: should the number have been asked for a consent, it
     * counts instead of all that. */
    struct sv confirm, confirm_answer;
    char confirmed[REPLY_TOPIC_BYTES_MAX + 1]; /* the topic, if it was */
    uint32_t answers_max;                      /* as many automatic answers may a number get in an hour */
};

struct reply_rule {
    bool ignore;
    enum reply_action action;
    struct sv words;    /* with commas between */
    struct sv accounts; /* likewise; empty: all */
    struct sv topic, language;
};
/* Views of text. ERR_INVALID ("must be ...") when it is no rule. */
MUST_USE bool reply_rule_parse(struct sv text, struct reply_rule *out, struct err *e);

struct reply_answer {
    enum reply_action action;
    struct sv language, accounts, text;
};
MUST_USE bool reply_answer_parse(struct sv text, struct reply_answer *out, struct err *e);

/* Is the name among those with commas between, or is the list empty? */
bool reply_is_for(struct sv accounts, struct sv account);

#endif
