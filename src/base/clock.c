#include "base/clock.h"

#include <time.h>

int64_t clock_system_us(void) {
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

int64_t clock_monotonic_us(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

/* Howard Hinnant's days_from_civil, the usual closed form. */
int64_t clock_days_of(int year, int month, int day) {
    int64_t y = month <= 2 ? (int64_t)year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

static struct tm broken_down(int64_t at, int64_t *us) {
    int64_t s = at / US_PER_S;
    *us = at % US_PER_S;
    if (*us < 0) {
        *us += US_PER_S;
        s--;
    }
    time_t t = (time_t)s;
    struct tm tm;
    gmtime_r(&t, &tm);
    return tm;
}

static void put_digits(char *to, int n, int x) {
    while (n-- > 0) {
        to[n] = (char)('0' + x % 10);
        x /= 10;
    }
}

/* By hand: several of these stand in every answer and log line, and printf takes a microsecond for each. */
void clock_add_rfc3339(struct buf *out, int64_t at) {
    int64_t us;
    struct tm tm = broken_down(at, &us);
    char text[] = "0000-00-00T00:00:00.000Z";
    put_digits(text, 4, tm.tm_year + 1900);
    put_digits(text + 5, 2, tm.tm_mon + 1);
    put_digits(text + 8, 2, tm.tm_mday);
    put_digits(text + 11, 2, tm.tm_hour);
    put_digits(text + 14, 2, tm.tm_min);
    put_digits(text + 17, 2, tm.tm_sec);
    put_digits(text + 20, 3, (int)(us / US_PER_MS));
    buf_add(out, sv_make(text, sizeof text - 1));
}

void clock_add_rfc2822(struct buf *out, int64_t at) {
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t us;
    struct tm tm = broken_down(at, &us);
    buf_addf(out, "%.3s, %02d %.3s %04d %02d:%02d:%02d +0000", days + (size_t)tm.tm_wday * 3, tm.tm_mday,
             months + (size_t)tm.tm_mon * 3, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Reads exactly n digits at *i. */
static bool digits(struct sv v, size_t *i, size_t n, int *out) {
    int x = 0;
    for (size_t k = 0; k < n; k++, (*i)++) {
        if (*i >= v.n || v.p[*i] < '0' || v.p[*i] > '9')
            return false;
        x = x * 10 + (v.p[*i] - '0');
    }
    *out = x;
    return true;
}

static bool literal(struct sv v, size_t *i, const char *any) {
    for (; *any; any++)
        if (*i < v.n && v.p[*i] == *any) {
            (*i)++;
            return true;
        }
    return false;
}

static bool date_part(struct sv v, size_t *i, int64_t *days) {
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int y, m, d;
    if (!digits(v, i, 4, &y) || !literal(v, i, "-") || !digits(v, i, 2, &m) || !literal(v, i, "-") ||
        !digits(v, i, 2, &d))
        return false;
    if (y < 1970 || m < 1 || m > 12 || d < 1)
        return false;
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (d > month_days[m - 1] + (m == 2 && leap ? 1 : 0))
        return false;
    *days = clock_days_of(y, m, d);
    return true;
}

bool clock_parse_rfc3339(struct sv v, int64_t *at) {
    size_t i = 0;
    int64_t days;
    int h, min, s, off_h = 0, off_m = 0;
    int64_t us = 0;
    if (!date_part(v, &i, &days) || !literal(v, &i, "Tt ") || !digits(v, &i, 2, &h) || !literal(v, &i, ":") ||
        !digits(v, &i, 2, &min) || !literal(v, &i, ":") || !digits(v, &i, 2, &s))
        return false;
    if (h > 23 || min > 59 || s > 60)
        return false;
    if (literal(v, &i, ".")) {
        int64_t unit = 100000;
        size_t first = i;
        for (; i < v.n && v.p[i] >= '0' && v.p[i] <= '9'; i++, unit /= 10)
            us += (v.p[i] - '0') * unit;
        if (i == first)
            return false;
    }
    int sign = 0;
    if (!literal(v, &i, "Zz")) {
        sign = i < v.n && v.p[i] == '-' ? -1 : 1;
        if (!literal(v, &i, "+-") || !digits(v, &i, 2, &off_h) || !literal(v, &i, ":") ||
            !digits(v, &i, 2, &off_m) || off_h > 23 || off_m > 59)
            return false;
    }
    if (i != v.n)
        return false;
    int64_t seconds = days * 86400 + h * 3600 + min * 60 + s - sign * (off_h * 3600 + off_m * 60);
    *at = seconds * US_PER_S + us;
    return true;
}

bool clock_parse_day(struct sv v, int64_t *at) {
    size_t i = 0;
    int64_t days;
    if (!date_part(v, &i, &days) || i != v.n)
        return false;
    *at = days * 86400 * US_PER_S;
    return true;
}
