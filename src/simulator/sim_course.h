/* course: what will become of one create call: decided once, when it arrives, by the magic numbers or by the
 * profile's dice.
 */
#ifndef HY_SIMULATOR_SIM_COURSE_H
#define HY_SIMULATOR_SIM_COURSE_H

#include "simulator/sim_profile.h"
#include "simulator/sim_store.h"

struct sim;

enum course_act {
    COURSE_ANSWER, /* 201 */
    COURSE_ERROR,
    COURSE_SILENCE,      /* no answer, the connection stays open */
    COURSE_LOST_ANSWER,  /* recorded, the connection is closed */
    COURSE_LOST_REQUEST, /* not recorded, the connection is closed */
    COURSE_HALF_ANSWER,  /* recorded; the answer breaks off */
};

struct course {
    enum course_act act;
    int status, code, retry_after_s; /* of COURSE_ERROR; code 0: the usual one of the status */
    char word[PROFILE_WORD_BYTES_MAX + 1];
    bool recorded;
    bool receipts;         /* false: none is ever posted */
    enum sim_status final; /* SIM_SENT: it stays so */
    int error_code;
    char error_word[PROFILE_WORD_BYTES_MAX + 1]; /* instead of the code; "" none */
    bool duplicate, out_of_order, early, unsigned_first, forged;
};

/* text: a hash of To, From and Body, for what happens once a message. whole: the first message of a call,
 * whose draw also decides what happens to the call; for the others only what the magic numbers do, and the
 * end. */
struct course course_draw(struct sim *sim, uint64_t number, uint64_t text, bool whole);

#endif
