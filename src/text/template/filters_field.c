/* Filters of the field, which Jinja2 has not: phone, money, date, mask, short_url. */
#include "text/template/builtin.h"
#include "text/template/unicode.h"

#include "base/clock.h"

#include <math.h>
#include <string.h>
#include <unicode/ucal.h>
#include <unicode/unum.h>
#include <unicode/ustring.h>

#define FILTER(name)                                                                                         \
    static bool name(struct rt *rt, struct value in, const struct value *arg, const struct args *all,        \
                     struct value *out)

/* Digits of the country code (ITU-T E.164, list of assigned codes): zones 1 and 7 have one, these have two.
 */
static size_t country_digits(struct sv digits) {
    static const char two[] =
        "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 "
        "63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 ";
    if (digits.n < 4)
        return 0;
    if (digits.p[0] == '1' || digits.p[0] == '7')
        return 1;
    char code[4] = {digits.p[0], digits.p[1], ' ', '\0'};
    return strstr(two, code) ? 2 : 3;
}

/* +8613800138000 as +86 138 0013 8000; +14155550123 as +1 415 555 0123; eight digits in fours, others
 * in threes. What is not a
 * number of E.164 stays as it is. */
FILTER(run_phone) {
    (void)arg, (void)all;
    struct sv s;
    if (!to_text(rt, in, &s))
        return false;
    *out = value_str(s);
    struct sv digits = sv_from(s, 1);
    bool plain = s.n > 1 && s.n <= 16 && s.p[0] == '+';
    for (size_t i = 0; i < digits.n && plain; i++)
        plain = digits.p[i] >= '0' && digits.p[i] <= '9';
    size_t code = plain ? country_digits(digits) : 0;
    if (!code)
        return true;
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    buf_addf(&text, "+%.*s", (int)code, digits.p);
    struct sv rest = sv_from(digits, code);
    const bool china = sv_starts(digits, SV("86")) && rest.n == 11;
    for (size_t n; rest.n; rest = sv_from(rest, n)) {
        n = rest.n <= 4 || rest.n == 8 || (china && rest.n < 11) ? 4 : 3;
        buf_addf(&text, " %.*s", SV_FMT(sv_sub(rest, 0, n)));
        n = n < rest.n ? n : rest.n;
    }
    return rt_str_of(rt, &text, out);
}

/* An address made short by who renders; a text that is none is an error, as it could not be opened. */
FILTER(run_short_url) {
    (void)arg, (void)all;
    struct sv url;
    if (in.kind == VALUE_UNDEFINED)
        return rt_undefined(rt, in);
    if (!to_text(rt, in, &url))
        return false;
    bool clean = sv_starts(url, SV("https://")) || sv_starts(url, SV("http://"));
    for (size_t i = 0; i < url.n && clean; i++)
        clean = (unsigned char)url.p[i] > ' ' && url.p[i] != 0x7F;
    if (!clean)
        return rt_error(rt,
                        "short_url needs an address that begins with https:// or http:// and has no spaces");
    *out = value_str(url);
    const struct template_limits *l = rt->limits;
    if (!l->shorten)
        return true;
    if (url.n > TEMPLATE_URL_BYTES_MAX)
        return rt_error(rt, "short_url takes addresses of up to %d bytes", TEMPLATE_URL_BYTES_MAX);
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    if (!rt_charge(rt, 100))
        return false;
    if (!l->shorten(l->shorten_ctx, url, &text))
        return rt_error(rt, "short_url: more links than one text may have");
    return rt_str_of(rt, &text, out);
}

FILTER(run_mask) {
    (void)all;
    struct sv s, with;
    int64_t keep;
    if (!to_text(rt, in, &s) || !want_int(rt, "mask", arg[0], 4, &keep) ||
        !want_str(rt, "mask", arg[1], SV("*"), &with))
        return false;
    int64_t n = (int64_t)u8_count(s), hidden = keep < 0 ? n : n > keep ? n - keep : 0;
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    for (int64_t i = 0; i < hidden && !text.overflow; i++)
        buf_add(&text, with);
    buf_add(&text, sv_from(s, u8_offset(s, (size_t)hidden)));
    return rt_str_of(rt, &text, out);
}

enum { MONEY_CHARS_MAX = 200, ZONE_CHARS_MAX = 64 };

static bool is_decimal(struct sv s) {
    size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+'), digits = 0, points = 0;
    for (; i < s.n; i++)
        if (s.p[i] == '.')
            points++;
        else if (s.p[i] >= '0' && s.p[i] <= '9')
            digits++;
        else
            return false;
    return digits > 0 && points < 2 && s.n < 40;
}

/* An amount in a currency (ISO 4217) as a locale writes it; a string is taken digit by digit. */
FILTER(run_money) {
    (void)all;
    struct sv currency, locale, amount;
    if (!want_str(rt, "money", arg[0], SV_NONE, &currency) ||
        !want_str(rt, "money", arg[1], SV("en"), &locale))
        return false;
    if (in.kind == VALUE_UNDEFINED)
        return rt_undefined(rt, in);
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    if (in.kind == VALUE_FLOAT && isfinite(in.f) && fabs(in.f) < 1e18)
        buf_addf(&text, "%.9f", in.f);
    else if (!add_str(rt, &text, in))
        return false;
    amount = sv_trim(buf_sv(&text));
    if (in.kind == VALUE_BOOL || !is_decimal(amount))
        return rt_error(rt, "money needs a number, not %s", value_type(in));
    UChar code[4] = {0}, shown[MONEY_CHARS_MAX];
    char name[40], utf8[MONEY_CHARS_MAX * 3];
    bool letters = currency.n == 3;
    for (size_t i = 0; i < 3 && letters; i++) {
        letters = currency.p[i] >= 'A' && currency.p[i] <= 'Z';
        code[i] = (UChar)currency.p[i];
    }
    if (!letters)
        return rt_error(rt, "money needs a currency of three capital letters");
    snprintf(name, sizeof name, "%.*s", SV_FMT(locale));
    UErrorCode status = U_ZERO_ERROR;
    UNumberFormat *format = unum_open(UNUM_CURRENCY, NULL, 0, name, NULL, &status);
    unum_setTextAttribute(format, UNUM_CURRENCY_CODE, code, 3, &status);
    int32_t n = 0, utf8_n = 0;
    if (U_SUCCESS(status))
        n = unum_formatDecimal(format, amount.p, (int32_t)amount.n, shown, MONEY_CHARS_MAX, NULL, &status);
    if (format)
        unum_close(format);
    if (U_SUCCESS(status))
        u_strToUTF8(utf8, sizeof utf8, &utf8_n, shown, n, &status);
    if (U_FAILURE(status))
        return rt_error(rt, "money: %s", u_errorName(status));
    return rt_str(rt, sv_make(utf8, (size_t)utf8_n), out);
}

static bool read_time(struct rt *rt, struct value in, double *ms) {
    int64_t at;
    if (value_is_number(in) && in.kind != VALUE_BOOL) {
        *ms = value_to_float(in) * 1000;
        return (*ms >= -62135596800000.0 && *ms < 253402300800000.0) ||
               rt_error(rt, "date: the time lies outside the years 1 to 9999");
    }
    if (in.kind == VALUE_UNDEFINED)
        return rt_undefined(rt, in);
    if (in.kind != VALUE_STR ||
        (!clock_parse_rfc3339(value_sv(in), &at) && !clock_parse_day(value_sv(in), &at)))
        return rt_error(rt, "date needs seconds since 1970 or a time such as 2026-01-02T03:04:05Z");
    *ms = floor((double)at / 1000);
    return true;
}

static UCalendar *open_calendar(struct sv zone, double ms, UErrorCode *status) {
    UChar id[ZONE_CHARS_MAX], known[ZONE_CHARS_MAX];
    char text[ZONE_CHARS_MAX];
    bool offset = zone.n && (zone.p[0] == '+' || zone.p[0] == '-');
    int n = snprintf(text, sizeof text, "%s%.*s", offset ? "GMT" : "", SV_FMT(zone));
    if (n < 0 || n >= (int)sizeof text || !zone.n) {
        *status = U_ILLEGAL_ARGUMENT_ERROR;
        return NULL;
    }
    for (int i = 0; i <= n; i++)
        id[i] = (UChar)(unsigned char)text[i];
    ucal_getCanonicalTimeZoneID(id, n, known, ZONE_CHARS_MAX, NULL, status); /* an unknown one is an error */
    UCalendar *c =
        U_SUCCESS(*status) ? ucal_open(id, n, "en@calendar=iso8601", UCAL_GREGORIAN, status) : NULL;
    if (U_SUCCESS(*status))
        ucal_setGregorianChange(c, -8.64e15, status); /* one calendar throughout, as RFC 3339 has */
    if (U_SUCCESS(*status))
        ucal_setMillis(c, ms, status);
    return c;
}

struct moment {
    int year, month, day, hour, minute, second, weekday, yearday, offset_min;
    double ms;
};

static void add_conversion(struct buf *out, const struct moment *m, char c, bool bare) {
    static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    int two = bare ? 1 : 2, hour12 = m->hour % 12 ? m->hour % 12 : 12, off = abs(m->offset_min);
    switch (c) {
    case 'Y': buf_addf(out, "%04d", m->year); break;
    case 'y': buf_addf(out, "%02d", m->year % 100); break;
    case 'm': buf_addf(out, "%0*d", two, m->month); break;
    case 'd': buf_addf(out, "%0*d", two, m->day); break;
    case 'e': buf_addf(out, "%2d", m->day); break;
    case 'H': buf_addf(out, "%0*d", two, m->hour); break;
    case 'I': buf_addf(out, "%0*d", two, hour12); break;
    case 'M': buf_addf(out, "%0*d", two, m->minute); break;
    case 'S': buf_addf(out, "%0*d", two, m->second); break;
    case 'p': buf_adds(out, m->hour < 12 ? "AM" : "PM"); break;
    case 'j': buf_addf(out, "%0*d", bare ? 1 : 3, m->yearday); break;
    case 'u': buf_addf(out, "%d", m->weekday ? m->weekday : 7); break;
    case 'w': buf_addf(out, "%d", m->weekday); break;
    case 'A': buf_adds(out, days[m->weekday]); break;
    case 'a': buf_addf(out, "%.3s", days[m->weekday]); break;
    case 'B': buf_adds(out, months[m->month - 1]); break;
    case 'b': buf_addf(out, "%.3s", months[m->month - 1]); break;
    case 'F': buf_addf(out, "%04d-%02d-%02d", m->year, m->month, m->day); break;
    case 'T': buf_addf(out, "%02d:%02d:%02d", m->hour, m->minute, m->second); break;
    case 'R': buf_addf(out, "%02d:%02d", m->hour, m->minute); break;
    case 's': buf_addf(out, "%.0f", floor(m->ms / 1000)); break;
    case 'z': buf_addf(out, "%c%02d%02d", m->offset_min < 0 ? '-' : '+', off / 60, off % 60); break;
    default:
        if (c != '%')
            buf_addc(out, '%');
        buf_addc(out, c);
    }
}

/* date(format, tz): conversions as strftime's in English, %-d without leading zero; tz is an IANA name or an
 * offset such as +08:00. */
FILTER(run_date) {
    (void)all;
    struct sv format, zone;
    double ms;
    if (!want_str(rt, "date", arg[0], SV("%Y-%m-%d %H:%M:%S"), &format) ||
        !want_str(rt, "date", arg[1], SV("UTC"), &zone) || !read_time(rt, in, &ms))
        return false;
    UErrorCode status = U_ZERO_ERROR;
    UCalendar *c = open_calendar(zone, ms, &status);
    struct moment m = {.ms = ms};
    if (U_SUCCESS(status)) {
        m.year = ucal_get(c, UCAL_EXTENDED_YEAR, &status);
        m.month = ucal_get(c, UCAL_MONTH, &status) + 1;
        m.day = ucal_get(c, UCAL_DATE, &status);
        m.hour = ucal_get(c, UCAL_HOUR_OF_DAY, &status);
        m.minute = ucal_get(c, UCAL_MINUTE, &status);
        m.second = ucal_get(c, UCAL_SECOND, &status);
        m.weekday = ucal_get(c, UCAL_DAY_OF_WEEK, &status) - UCAL_SUNDAY;
        m.yearday = ucal_get(c, UCAL_DAY_OF_YEAR, &status);
        m.offset_min =
            (ucal_get(c, UCAL_ZONE_OFFSET, &status) + ucal_get(c, UCAL_DST_OFFSET, &status)) / 60000;
    }
    if (c)
        ucal_close(c);
    if (U_FAILURE(status))
        return rt_error(rt, "date: there is no time zone '%.*s'", SV_FMT(sv_sub(zone, 0, 60)));
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    for (size_t i = 0; i < format.n; i++) {
        if (format.p[i] != '%' || i + 1 == format.n) {
            buf_addc(&text, format.p[i]);
            continue;
        }
        bool bare = format.p[i + 1] == '-' && i + 2 < format.n;
        i += bare ? 2 : 1;
        add_conversion(&text, &m, format.p[i], bare);
    }
    return rt_str_of(rt, &text, out);
}

const struct filter filters_field[] = {
    {"phone", "", run_phone},          {"short_url", "", run_short_url},
    {"mask", "keep=,with=", run_mask}, {"money", "currency,locale=", run_money},
    {"date", "format=,tz=", run_date}, {NULL, NULL, NULL},
};
