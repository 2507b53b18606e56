/* What the account's messages cost, where lanes have prices. */
#include "api/native.h"

#include "base/clock.h"
#include "base/json.h"
#include "store/savings.h"
#include "store/usage.h"

enum { ROWS_MAX = 1000, DAYS_DEFAULT = 30, DAYS_MAX = 366, TEXT_BYTES = 512 };

const struct api_field usage_fields[] = {
    {"from", FIELD_TIME, "From the day (UTC) of this time on; 30 days ago without it."},
    {"until", FIELD_TIME, "Up to the day of this time, included; today without it. At most 366 days in all."},
    {"by", .kind = FIELD_WORD, .summary = "Summed up by what; by day without it.", .word = usage_by_name,
     .word_end = USAGE_BYS},
    {0},
};

const struct api_field usage_row_shape[] = {
    {"day", FIELD_TEXT, "YYYY-MM-DD, when summed up by day; else null."},
    {"lane", FIELD_TEXT, "When summed up by lane; else null."},
    {"country", FIELD_TEXT, "When summed up by country; else null, or for numbers of none."},
    {"topic", FIELD_TEXT, "When summed up by topic; else null, or for messages without one."},
    {"messages", FIELD_INT, "Attempts that were taken, or may have been.", .required = true,
     .max = INT64_MAX},
    {"segments", FIELD_INT, "Their segments.", .required = true, .max = INT64_MAX},
    {"price", FIELD_TEXT, "What they cost, as a decimal.", .required = true},
    {"currency", FIELD_TEXT, "Of that.", .required = true},
    {0},
};

const struct api_field usage_shape[] = {
    {"data", FIELD_LIST, "One row for each day, lane, country or topic, and currency.", .required = true,
     .ref = "UsageRow"},
    {"more", FIELD_BOOL, "There are more than 1000: ask for fewer days.", .required = true},
    {0},
};

const struct api_field saved_fields[] = {
    {"from", FIELD_TIME, "From the day (UTC) of this time on; 30 days ago without it."},
    {"until", FIELD_TIME, "Up to the day of this time, included; today without it. At most 366 days in all."},
    {0},
};

const struct api_field saved_row_shape[] = {
    {"by", .kind = FIELD_WORD, .required = true, .word = saved_by_name, .word_end = SAVED_BYS,
     .summary =
         "Thanks to what: duplicates that were not sent, numbers known to be dead, events gathered into one "
         "text, fewer segments by smart encoding, a cheaper lane than the first of its route."},
    {"messages", FIELD_INT, "That were not sent for it.", .required = true, .max = INT64_MAX},
    {"segments", FIELD_INT, "That were not sent for it.", .required = true, .max = INT64_MAX},
    {"price", FIELD_TEXT,
     "What these would have cost by the first lane for them, as a decimal; null: no price was known."},
    {"currency", FIELD_TEXT, "Of that."},
    {0},
};

const struct api_field saved_shape[] = {
    {"data", FIELD_LIST, "One row for each way and currency.", .required = true, .ref = "SavedRow"},
    {0},
};

static void print_row(const struct usage_row *r, enum usage_by by, struct buf *out) {
    BUF_AUTO struct buf day = BUF_INIT(64);
    if (by == USAGE_BY_DAY)
        clock_add_rfc3339(&day, r->day);
    buf_addc(out, '{');
    json_pair_or_null(out, "day", sv_sub(buf_sv(&day), 0, day.n ? sizeof "YYYY-MM-DD" - 1 : 0));
    for (int i = USAGE_BY_LANE; i < USAGE_BYS; i++)
        json_pair_or_null(out, usage_by_name(i), i == (int)by ? r->what : SV_NONE);
    json_pair_i64(out, "messages", r->messages);
    json_pair_i64(out, "segments", r->segments);
    native_print_price(r->cost, r->currency, out);
    buf_addc(out, '}');
}

/* From *from up to before *until, in days since 1970. What is wrong is answered. */
static bool read_days(struct api_request *rq, const struct api_value *first, const struct api_value *last,
                      int64_t *from, int64_t *until) {
    struct err e = ERR_INIT;
    *until = (last->given ? last->n : rq->now) / US_PER_DAY + 1;
    *from = first->given ? first->n / US_PER_DAY : *until - DAYS_DEFAULT;
    if (*from < *until && *until - *from <= DAYS_MAX)
        return true;
    err_set_field(&e, ERR_INVALID, "from", "`from` is before `until`, by at most %d days", DAYS_MAX);
    api_fail(rq, &e);
    return false;
}

void native_saved(struct api_request *rq) {
    enum { FROM, UNTIL };
    struct api_value v[FIELDS_MAX];
    struct saving rows[SAVINGS_ROWS_MAX];
    struct err e = ERR_INIT;
    int64_t from, until;
    size_t n;
    if (!api_read_query(rq, saved_fields, v) || !read_days(rq, &v[FROM], &v[UNTIL], &from, &until))
        return;
    if (!savings_read(api_db(rq), rq->account_id, from, until, rows, &n, &e)) {
        api_fail(rq, &e);
        return;
    }
    struct buf *out = native_open_page(rq);
    for (size_t i = 0; i < n; i++) {
        buf_adds(out, i ? ",{" : "{");
        json_pair(out, "by", sv_of(saved_by_name((int)rows[i].by)));
        json_pair_i64(out, "messages", rows[i].messages);
        json_pair_i64(out, "segments", rows[i].segments);
        native_print_price(rows[i].cost, sv_of(rows[i].currency), out);
        buf_addc(out, '}');
    }
    buf_adds(out, "]}");
    api_answer_json(rq, 200, buf_sv(out));
}

void native_usage(struct api_request *rq) {
    enum { FROM, UNTIL, BY };
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    size_t n;
    bool more;
    if (!api_read_query(rq, usage_fields, v))
        return;
    enum usage_by by = v[BY].given ? (enum usage_by)v[BY].n : USAGE_BY_DAY;
    int64_t from, until;
    if (!read_days(rq, &v[FROM], &v[UNTIL], &from, &until))
        return;
    struct usage_row *rows = arena_alloc(&rq->x->arena, ROWS_MAX * sizeof *rows);
    ASSERT(rows);
    ARENA_AUTO struct arena mem;
    arena_init(&mem, ROWS_MAX * TEXT_BYTES);
    if (!usage_read(api_db(rq), rq->account_id, from, until, by, &mem, rows, ROWS_MAX, &n, &more, &e)) {
        api_fail(rq, &e);
        return;
    }
    struct buf *out = native_open_page(rq);
    for (size_t i = 0; i < n; i++) {
        buf_adds(out, i ? "," : "");
        print_row(&rows[i], by, out);
    }
    buf_addc(out, ']');
    json_pair_bool(out, "more", more);
    buf_addc(out, '}');
    api_answer_json(rq, 200, buf_sv(out));
}
