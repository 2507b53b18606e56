#include "app/config_value.h"

#include "app/config.h"
#include "base/clock.h"
#include "base/json.h"
#include "model/reply.h"
#include "text/zone.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <unicode/uloc.h>

enum { URL_BYTES_MAX = 1024, HOST_BYTES_MAX = 255, COUNT_MAX = 1000000000 };

/* ---- what is a valid text ---- */

bool config_split_listen(struct sv listen, char address[INET6_ADDRSTRLEN], uint16_t *port, struct err *e) {
    size_t colon = listen.n;
    while (colon && listen.p[colon - 1] != ':')
        colon--;
    struct sv host = sv_sub(listen, 0, colon ? colon - 1 : 0);
    bool v6 = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (v6)
        host = sv_sub(host, 1, host.n - 2);
    uint64_t number;
    struct in6_addr parsed;
    char text[INET6_ADDRSTRLEN];
    if (!colon || host.n == 0 || host.n >= sizeof text || memchr(host.p, '\0', host.n) ||
        !sv_to_u64(sv_from(listen, colon), &number) || number > UINT16_MAX)
        return err_set(e, ERR_INVALID, "must be a numeric address and a port");
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    if (inet_pton(v6 ? AF_INET6 : AF_INET, text, &parsed) != 1)
        return err_set(e, ERR_INVALID, "must be a numeric address and a port");
    memcpy(address, text, host.n + 1);
    *port = (uint16_t)number;
    return true;
}

static bool is_host(struct sv v) {
    for (size_t i = 0; i < v.n; i++)
        if (!isalnum((unsigned char)v.p[i]) && !memchr("-._", v.p[i], 3))
            return false;
    return v.n > 0 && v.n <= HOST_BYTES_MAX;
}

static bool is_authority(struct sv v) {
    uint64_t port;
    char address[INET6_ADDRSTRLEN];
    uint16_t number;
    if (sv_starts(v, SV("["))) {
        struct buf BUF_AUTO with_port = BUF_INIT(URL_BYTES_MAX);
        buf_add(&with_port, v);
        if (sv_ends(v, SV("]")))
            buf_adds(&with_port, ":1");
        return config_split_listen(buf_sv(&with_port), address, &number, NULL);
    }
    struct sv host = sv_cut(&v, ':');
    return is_host(host) && (!v.p || (sv_to_u64(v, &port) && port > 0 && port <= UINT16_MAX));
}

/* Trailing slashes are taken off: paths are put behind it. */
static bool is_url(struct sv *v) {
    while (sv_ends(*v, SV("/")))
        v->n--;
    struct sv rest = *v;
    if (sv_starts(rest, SV("https://")))
        rest = sv_from(rest, 8);
    else if (sv_starts(rest, SV("http://")))
        rest = sv_from(rest, 7);
    else
        return false;
    for (size_t i = 0; i < rest.n; i++)
        if (rest.p[i] <= ' ' || rest.p[i] > '~' || memchr("?#\\\"<>@", rest.p[i], 7))
            return false;
    return v->n <= URL_BYTES_MAX && is_authority(sv_cut(&rest, '/'));
}

bool config_is_database(struct sv text) {
    struct sv rest = text;
    if (sv_starts(text, SV("sqlite:"))) /* but no `:memory:`, which is gone with its connection */
        return text.n > 7 && text.n < PATH_MAX && text.p[7] != ':';
    bool url = sv_starts(text, SV("postgres://")) || sv_starts(text, SV("postgresql://"));
    bool pairs =
        sv_starts(text, SV("host=")) || sv_starts(text, SV("service=")) || sv_starts(text, SV("dbname="));
    if (!(url || pairs) || text.n > 2048 || sv_find(text, SV("password=")) != SIZE_MAX)
        return false;
    (void)sv_cut(&rest, '@');
    if (!url || !rest.p)
        return true;
    struct sv user = sv_from(text, sv_find(text, SV("//")) + 2);
    return sv_find_char(sv_sub(user, 0, sv_find_char(user, '@')), ':') == SIZE_MAX;
}

static bool is_region(struct sv v, char capitals[2]) {
    if (v.n != 2)
        return false;
    capitals[0] = (char)toupper((unsigned char)v.p[0]);
    capitals[1] = (char)toupper((unsigned char)v.p[1]);
    for (const char *const *c = uloc_getISOCountries(); *c; c++)
        if (memcmp(*c, capitals, 2) == 0)
            return true;
    return false;
}

static bool is_lane_name(struct sv v) {
    for (size_t i = 0; i < v.n; i++)
        if (!islower((unsigned char)v.p[i]) && !isdigit((unsigned char)v.p[i]) && v.p[i] != '-')
            return false;
    return v.n > 0 && v.n <= LANE_NAME_MAX;
}

static bool is_bool(struct sv v, bool *out) {
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (sv_eq_nocase(v, sv_of(words[i]))) {
            *out = i % 2;
            return true;
        }
    return false;
}

/* ---- into its place ---- */

static bool wrong(const struct config_row *row, struct err *e) {
    struct buf BUF_AUTO type = BUF_INIT(ERR_TEXT_MAX);
    config_row_type(row, false, &type);
    return err_set(e, ERR_INVALID, "must be %s", type.n ? type.p : "");
}

static bool put_text(struct sv text, struct sv *place, struct arena *mem, struct err *e) {
    *place = text.n ? arena_dup(mem, text) : SV("");
    return place->p || err_set(e, ERR_TOO_LARGE, "is too much text");
}

static bool put_path(const struct config_row *row, struct sv text, void *base, struct arena *mem,
                     struct err *e) {
    struct sv *paths = (struct sv *)((char *)base + row->at);
    uint32_t *n = (uint32_t *)((char *)base + row->count_at);
    if (text.n == 0 || *n == row->max)
        return wrong(row, e);
    return put_text(text, &paths[*n], mem, e) && (++*n, true);
}

static bool put_rate(const struct config_row *row, struct sv text, void *base, struct arena *mem,
                     struct err *e) {
    struct rate *rates = (struct rate *)((char *)base + row->at);
    uint32_t *n = (uint32_t *)((char *)base + row->count_at);
    struct sv kept;
    if (*n == row->max)
        return wrong(row, e);
    bool (*parse)(struct sv, struct rate *, struct err *) =
        row->kind == CONFIG_LANE_RATES ? rate_parse_plain : rate_parse;
    return put_text(text, &kept, mem, e) && parse(kept, &rates[*n], e) && (++*n, true);
}

static bool put_screen(const struct config_row *row, struct sv text, void *base, struct arena *mem,
                       struct err *e) {
    struct screen_list_rule *rules = (struct screen_list_rule *)((char *)base + row->at);
    uint32_t *n = (uint32_t *)((char *)base + row->count_at);
    struct sv kept;
    if (*n == row->max)
        return wrong(row, e);
    return put_text(text, &kept, mem, e) && screen_list_parse(kept, &rules[*n], e) && (++*n, true);
}

/* Room for one more behind the n at `from`, in an array that doubles. NULL: mem is full. */
static void *one_more(void *from, uint32_t n, size_t each, struct arena *mem) {
    if (n & (n - 1)) /* room was made when n was a power of two */
        return from;
    void *to = arena_zalloc(mem, each * (n ? 2 * (size_t)n : 1));
    if (to && n)
        memcpy(to, from, n * each);
    return to;
}

static bool put_in_list(const struct config_row *row, struct sv text, void *base, struct arena *mem,
                        struct err *e) {
    struct sv_list *list = (struct sv_list *)((char *)base + row->at);
    struct sv *at = list->n == row->max ? NULL : one_more(list->at, list->n, sizeof *at, mem);
    if (!at)
        return list->n == row->max ? wrong(row, e) : err_set(e, ERR_TOO_LARGE, "is too much text");
    list->at = at;
    return put_text(text, &at[list->n], mem, e) && (++list->n, true);
}

void config_value_clear(const struct config_row *row, void *base) {
    if (row->count_at)
        *(uint32_t *)((char *)base + row->count_at) = 0;
    else if (row->kind == CONFIG_TEXTS)
        ((struct sv_list *)((char *)base + row->at))->n = 0;
}

static bool put_sender(const struct config_row *row, struct sv text, void *base, struct arena *mem,
                       struct err *e) {
    struct sender_id_list *list = (struct sender_id_list *)((char *)base + row->at);
    struct sender_id *at = list->n == row->max ? NULL : one_more(list->at, list->n, sizeof *at, mem);
    struct sv kept;
    if (!at)
        return list->n == row->max ? wrong(row, e) : err_set(e, ERR_TOO_LARGE, "is too much text");
    list->at = at;
    return put_text(text, &kept, mem, e) && sender_id_parse(kept, &at[list->n], e) && (++list->n, true);
}

static bool is_prefix(struct sv *v) {
    if (sv_starts(*v, SV("+")))
        *v = sv_from(*v, 1);
    for (size_t i = 0; i < v->n; i++)
        if (!isdigit((unsigned char)v->p[i]))
            return false;
    return v->n > 0 && v->n <= 15;
}

static bool put_count(const struct config_row *row, struct sv text, void *base, struct err *e) {
    uint32_t *counts = (uint32_t *)((char *)base + row->at);
    uint32_t *n = (uint32_t *)((char *)base + row->count_at);
    uint64_t v;
    if (*n == row->max || !sv_to_u64(text, &v) || v < row->min || v > COUNT_MAX)
        return wrong(row, e);
    counts[(*n)++] = (uint32_t)v;
    return true;
}

/* Index of text in the names, or -1. */
static int name_index(const struct config_row *row, struct sv text) {
    for (int i = 0; row->names[i]; i++)
        if (sv_eq(text, sv_of(row->names[i])))
            return i;
    return -1;
}

static bool put_u32(const struct config_row *row, struct sv text, uint32_t *place, struct err *e) {
    uint64_t v;
    if (!sv_to_u64(text, &v) || v < row->min || v > row->max)
        return wrong(row, e);
    *place = (uint32_t)v;
    return true;
}

bool config_value_put(const struct config_row *row, struct sv text, void *base, struct arena *mem,
                      struct err *e) {
    void *place = (char *)base + row->at;
    bool empty = text.n == 0 && row->fallback && row->fallback[0] == '\0';
    char address[INET6_ADDRSTRLEN], capitals[2];
    uint16_t port;
    switch (row->kind) {
    case CONFIG_STRING:
        if (!empty && row->check && !row->check(text, e))
            return false;
        return row->max && text.n > row->max
                   ? err_set(e, ERR_INVALID, "must be text of at most %u bytes", row->max)
                   : put_text(text, place, mem, e);
    case CONFIG_SECRET: return put_text(text, place, mem, e);
    case CONFIG_LISTEN:
        return config_split_listen(text, address, &port, NULL) ? put_text(text, place, mem, e)
                                                               : wrong(row, e);
    case CONFIG_URL: return empty || is_url(&text) ? put_text(text, place, mem, e) : wrong(row, e);
    case CONFIG_PATH:
        return empty || (text.n && text.n < PATH_MAX) ? put_text(text, place, mem, e) : wrong(row, e);
    case CONFIG_PATHS: return empty || put_path(row, text, base, mem, e);
    case CONFIG_SCREENS: return empty || put_screen(row, text, base, mem, e);
    case CONFIG_RATES:
    case CONFIG_LANE_RATES: return empty || put_rate(row, text, base, mem, e);
    case CONFIG_TEXTS:
        return empty ||
               ((text.n && (!row->names || name_index(row, text) >= 0)) ? put_in_list(row, text, base, mem, e)
                                                                        : wrong(row, e));
    case CONFIG_KEYWORDS:
        return empty ||
               (reply_rule_parse(text, &(struct reply_rule){0}, e) && put_in_list(row, text, base, mem, e));
    case CONFIG_ANSWERS:
        return empty || (reply_answer_parse(text, &(struct reply_answer){0}, e) &&
                         put_in_list(row, text, base, mem, e));
    case CONFIG_RULES: return empty || (row->check(text, e) && put_in_list(row, text, base, mem, e));
    case CONFIG_REGIONS:
        return empty || (is_region(text, capitals) ? put_in_list(row, sv_make(capitals, 2), base, mem, e)
                                                   : wrong(row, e));
    case CONFIG_PREFIXES:
        return empty || (is_prefix(&text) ? put_in_list(row, text, base, mem, e) : wrong(row, e));
    case CONFIG_SENDERS: return empty || put_sender(row, text, base, mem, e);
    case CONFIG_COUNTS: return empty || put_count(row, text, base, e);
    case CONFIG_DAY: {
        int64_t at;
        return empty || clock_parse_day(text, &at) ? put_text(text, place, mem, e) : wrong(row, e);
    }
    case CONFIG_ZONE: return zone_is_known(text) ? put_text(text, place, mem, e) : wrong(row, e);
    case CONFIG_DATABASE:
        return empty || config_is_database(text) ? put_text(text, place, mem, e) : wrong(row, e);
    case CONFIG_REGION:
        if (empty)
            return put_text(text, place, mem, e);
        return is_region(text, capitals) ? put_text(sv_make(capitals, 2), place, mem, e) : wrong(row, e);
    case CONFIG_BOOL: return is_bool(text, place) || wrong(row, e);
    case CONFIG_U32: return put_u32(row, text, place, e);
    case CONFIG_ENUM: {
        int i = name_index(row, text);
        _Static_assert(sizeof(enum log_level) == sizeof i && sizeof(enum delivery) == sizeof i,
                       "enums are ints");
        if (i >= 0)
            memcpy(place, &i, sizeof i);
        return i >= 0 || wrong(row, e);
    }
    case CONFIG_WORD: return name_index(row, text) >= 0 ? put_text(text, place, mem, e) : wrong(row, e);
    case CONFIG_NAME:
        if (!is_lane_name(text))
            return wrong(row, e);
        memcpy(place, text.p, text.n);
        ((char *)place)[text.n] = '\0';
        return true;
    case CONFIG_PROVIDER: {
        const struct adapter *a = adapter_find(text);
        if (a)
            memcpy(place, &a, sizeof a);
        return a || wrong(row, e);
    }
    }
    ASSERT(false); /* no such kind */
    return false;
}

uint32_t config_value_u32(const struct config_row *row, const void *base) {
    uint32_t v;
    ASSERT(row->kind == CONFIG_U32 || row->kind == CONFIG_ENUM);
    memcpy(&v, (const char *)base + row->at, sizeof v);
    return v;
}

/* ---- and back ---- */

/* Could be read as nothing else, and has no sign that means something in YAML. */
static bool is_safe_plain(struct sv v) {
    for (size_t i = 0; i < v.n; i++)
        if (!isalnum((unsigned char)v.p[i]) && !memchr("-._/", v.p[i], 4))
            return false;
    bool ignored;
    return v.n && (isalpha((unsigned char)v.p[0]) || v.p[0] == '/') && !is_bool(v, &ignored) &&
           !sv_eq_nocase(v, SV("null"));
}

void config_text_print(struct sv text, struct buf *out) {
    if (is_safe_plain(text)) {
        buf_add(out, text);
        return;
    }
    struct buf BUF_AUTO escaped = BUF_INIT(2 * CONFIG_VALUE_BYTES_MAX);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '$' && i + 1 < text.n && text.p[i + 1] == '{')
            buf_addc(&escaped, '$');
        buf_addc(&escaped, text.p[i]);
    }
    json_add_string(out, buf_sv(&escaped));
}

static uint32_t count_of(const struct config_row *row, const void *base) {
    uint32_t n;
    memcpy(&n, (const char *)base + row->count_at, sizeof n);
    return n;
}

/* Of n items of `each` bytes the struct sv that lies at `at` in each. */
static void print_texts(const void *items, uint32_t n, size_t each, size_t at, struct buf *out) {
    buf_addc(out, '[');
    for (uint32_t i = 0; i < n; i++) {
        struct sv text;
        memcpy(&text, (const char *)items + i * each + at, sizeof text);
        buf_adds(out, i ? ", " : "");
        config_text_print(text, out);
    }
    buf_addc(out, ']');
}

static void print_counts(const uint32_t *counts, uint32_t n, struct buf *out) {
    buf_addc(out, '[');
    for (uint32_t i = 0; i < n; i++)
        buf_addf(out, "%s%u", i ? ", " : "", counts[i]);
    buf_addc(out, ']');
}

void config_value_print(const struct config_row *row, const void *base, struct buf *out) {
    const void *place = (const char *)base + row->at;
    const struct sv *texts = place;
    const struct adapter *adapter;
    switch (row->kind) {
    case CONFIG_STRING:
    case CONFIG_LISTEN:
    case CONFIG_URL:
    case CONFIG_PATH:
    case CONFIG_DATABASE:
    case CONFIG_REGION:
    case CONFIG_DAY:
    case CONFIG_ZONE:
    case CONFIG_WORD: config_text_print(*texts, out); return;
    case CONFIG_PATHS: print_texts(texts, count_of(row, base), sizeof *texts, 0, out); return;
    case CONFIG_TEXTS:
    case CONFIG_KEYWORDS:
    case CONFIG_ANSWERS:
    case CONFIG_RULES:
    case CONFIG_REGIONS:
    case CONFIG_PREFIXES: {
        const struct sv_list *list = place;
        print_texts(list->at, list->n, sizeof *list->at, 0, out);
        return;
    }
    case CONFIG_SENDERS: {
        const struct sender_id_list *list = place;
        print_texts(list->at, list->n, sizeof *list->at, offsetof(struct sender_id, text), out);
        return;
    }
    case CONFIG_SCREENS:
        print_texts(place, count_of(row, base), sizeof(struct screen_list_rule),
                    offsetof(struct screen_list_rule, text), out);
        return;
    case CONFIG_RATES:
    case CONFIG_LANE_RATES:
        print_texts(place, count_of(row, base), sizeof(struct rate), offsetof(struct rate, text), out);
        return;
    case CONFIG_COUNTS: print_counts(place, count_of(row, base), out); return;
    case CONFIG_BOOL: buf_adds(out, *(const bool *)place ? "true" : "false"); return;
    case CONFIG_U32: buf_add_u64(out, config_value_u32(row, base)); return;
    case CONFIG_ENUM: buf_adds(out, row->names[config_value_u32(row, base)]); return;
    case CONFIG_NAME: config_text_print(sv_of(place), out); return;
    case CONFIG_PROVIDER:
        memcpy(&adapter, place, sizeof adapter);
        buf_adds(out, adapter->name);
        return;
    case CONFIG_SECRET: break;
    }
    ASSERT(row->kind != CONFIG_SECRET); /* its caller prints stars */
}
