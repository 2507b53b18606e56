/* warm_up: how much a new sender or provider account may send on each of its first days, so that carriers
 * come to know it: either a list of ceilings, one a day, or a first one that grows by a factor until it would
 * reach the target. After the last of them it is over and nothing is limited any more. Pure.
 */
#ifndef HY_MODEL_WARM_UP_H
#define HY_MODEL_WARM_UP_H

#include "base/sv.h"

enum { WARM_UP_DAYS_MAX = 60 };
#define WARM_UP_OVER UINT32_MAX

struct warm_up {
    struct sv start; /* YYYY-MM-DD, its first day; empty: the day of first use */
    uint32_t days[WARM_UP_DAYS_MAX];
    uint32_t n_days;                /* 0: by first, factor and target */
    uint32_t first, factor, target; /* target 0: none */
};

bool warm_up_is_on(const struct warm_up *w);
/* What may be sent on that day, counted from 1 (a day before the first counts as the first); WARM_UP_OVER
 * when it is over, or off. */
uint32_t warm_up_ceiling(const struct warm_up *w, int64_t day);

#endif
