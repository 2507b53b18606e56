/* trials: what was counted of lanes on trial, and which were taken out of their route, so that a restart goes
 * on with the one and does not try the other again. A
 * row is for the canary as the settings had it; with another one the route's trial begins anew. Once out, a
 * canary stays so, whatever another node writes that has not heard of it. Writing and
 * reading are for the journal (store/write.h).
 */
#ifndef HY_STORE_TRIALS_H
#define HY_STORE_TRIALS_H

#include "model/route.h"
#include "store/write.h"

enum { TRIAL_CANARY_MAX = 64, TRIAL_COUNTS_MAX = 480 };

struct trial_row {
    char route[LANE_NAME_MAX + 1], canary[TRIAL_CANARY_MAX + 1];
    bool out;
    char counts[TRIAL_COUNTS_MAX + 1]; /* of policy/canary; may be empty */
};

enum trial_act { TRIAL_PUT, TRIAL_FORGET, TRIAL_READ };

struct trial_write {
    struct store_write write; /* first; run: trials_run */
    enum trial_act act;
    struct trial_row row; /* PUT; FORGET: its route */
    size_t n;
    struct trial_row rows[]; /* READ: room for ROUTES_MAX */
};
MUST_USE bool trials_run(struct db *db, struct store_write *w, int64_t now, struct err *e);

#endif
