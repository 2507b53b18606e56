#include "model/warm_up.h"

bool warm_up_is_on(const struct warm_up *w) {
    return w->n_days > 0 || w->target > 0;
}

uint32_t warm_up_ceiling(const struct warm_up *w, int64_t day) {
    if (day < 1)
        day = 1;
    if (w->n_days)
        return day <= w->n_days ? w->days[day - 1] : WARM_UP_OVER;
    uint64_t ceiling = w->first;
    for (int64_t i = 1; i < day && ceiling < w->target; i++)
        ceiling *= w->factor;
    return ceiling < w->target ? (uint32_t)ceiling : WARM_UP_OVER;
}
