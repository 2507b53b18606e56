#include "model/calendar.h"

static bool has(const int64_t *dates, uint32_t n, int64_t date) {
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (dates[mid] < date)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && dates[low] == date;
}

bool calendar_is_holiday(const struct calendar *c, int64_t date) {
    return has(c->holidays, c->n_holidays, date);
}

bool calendar_is_workday(const struct calendar *c, int64_t date) {
    return has(c->workdays, c->n_workdays, date);
}
