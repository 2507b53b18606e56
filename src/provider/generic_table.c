/* The tables of a lane of `http`: error codes and status words. */
#include "provider/generic.h"

#include <string.h>

enum { ROWS_MAX = 200, PAUSE_MS_MAX = 24 * 3600 * 1000 };

/* What usually follows from a reason: all that a row has to say is what differs. */
static const struct usual {
    enum reason reason;
    enum fate fate;
    enum lane_hint hint;
    int32_t pause_ms;
} usuals[] = {
    {REASON_INVALID_NUMBER, FATE_REJECTED, LANE_FINE, 0},
    {REASON_OPTED_OUT, FATE_REJECTED, LANE_FINE, 0},
    {REASON_BLOCKED, FATE_REJECTED, LANE_FINE, 0},
    {REASON_CONTENT_REJECTED, FATE_REJECTED, LANE_FINE, 0},
    {REASON_SENDER_REJECTED, FATE_REJECTED, LANE_FINE, 0},
    {REASON_REJECTED, FATE_REJECTED, LANE_FINE, 0},
    {REASON_REQUEST_REJECTED, FATE_REJECTED, LANE_FINE, 0},
    {REASON_EXPIRED, FATE_REJECTED, LANE_FINE, 0},
    {REASON_CREDENTIALS, FATE_RETRY, LANE_BROKEN, 0},
    {REASON_QUOTA, FATE_RETRY, LANE_SLOW_DOWN, 3600000},
    {REASON_THROTTLED, FATE_RETRY, LANE_SLOW_DOWN, 0},
    {REASON_UNREACHABLE, FATE_RETRY, LANE_FINE, 0},
    {REASON_PROVIDER_DOWN, FATE_UNKNOWN, LANE_DOWN, 0},
    {REASON_OUTCOME_UNKNOWN, FATE_UNKNOWN, LANE_FINE, 0},
};

/* A table being read. */
struct rows {
    struct sv rest;
    unsigned next; /* the line rest begins on */
    unsigned line; /* of the row at hand */
    struct sv key, words;
    bool broken; /* the row at hand is none */
};

/* The next row: what stands before its last ':', and the words behind. False at the end. */
static bool next_row(struct rows *r) {
    while (r->rest.n) {
        size_t at = 0;
        while (at < r->rest.n && r->rest.p[at] != '\n' && r->rest.p[at] != ';')
            at++;
        struct sv row = sv_trim(sv_sub(r->rest, 0, at));
        r->line = r->next;
        r->next += at < r->rest.n && r->rest.p[at] == '\n';
        r->rest = sv_from(r->rest, at + 1);
        if (row.n == 0 || row.p[0] == '#')
            continue;
        size_t colon = row.n;
        while (colon > 0 && row.p[colon - 1] != ':')
            colon--;
        r->key = colon ? sv_trim(sv_sub(row, 0, colon - 1)) : SV_NONE;
        r->words = sv_trim(sv_from(row, colon));
        r->broken = r->key.n == 0 || r->words.n == 0;
        return true;
    }
    return false;
}

static struct sv next_word(struct sv *rest) {
    struct sv word = sv_cut(rest, ' ');
    *rest = sv_trim(*rest);
    return word;
}

static bool fail(struct err *e, const char *field, unsigned line, const char *what, struct sv word) {
    err_set_field(e, ERR_INVALID, field, "line %u: %s%s%.*s%s", line, what, word.n ? " `" : "",
                  SV_FMT(sv_sub(word, 0, 40)), word.n ? "`" : "");
    return err_place(e, line, 1);
}

static bool read_reason(struct sv word, enum reason *out) {
    for (int r = REASON_NONE + 1; r < REASON_COUNT; r++)
        if (sv_eq(word, sv_of(reason_name((enum reason)r)))) {
            *out = (enum reason)r;
            return true;
        }
    return false;
}

/* 500ms, 60s, 5m, 2h. */
static bool read_pause(struct sv word, int32_t *ms) {
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    uint64_t x;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        struct sv unit = sv_of(units[i].unit);
        if (sv_ends(word, unit) && sv_to_u64(sv_sub(word, 0, word.n - unit.n), &x) &&
            x <= PAUSE_MS_MAX / units[i].ms) {
            *ms = (int32_t)(x * units[i].ms);
            return true;
        }
    }
    return false;
}

static bool read_fate_or_hint(struct sv word, struct generic_error *row) {
    for (int f = FATE_SENT; f <= FATE_UNKNOWN; f++)
        if (sv_eq(word, sv_of(fate_name((enum fate)f)))) {
            row->fate = (enum fate)f;
            return true;
        }
    for (int h = LANE_FINE; h <= LANE_BROKEN; h++)
        if (sv_eq(word, sv_of(lane_hint_name((enum lane_hint)h)))) {
            row->hint = (enum lane_hint)h;
            return true;
        }
    return false;
}

/* `sent`, or a reason and what differs from the usual. */
static bool read_error(struct sv words, unsigned line, struct generic_error *row, struct err *e) {
    static const char field[] = "errors";
    struct sv word = next_word(&words);
    const struct usual *usual = NULL;
    if (sv_eq(word, sv_of(fate_name(FATE_SENT)))) {
        row->fate = FATE_SENT;
    } else {
        if (!read_reason(word, &row->reason))
            return fail(e, field, line,
                        "a code is followed by `sent` or a reason such as invalid_number, not", word);
        for (size_t i = 0; i < sizeof usuals / sizeof usuals[0]; i++)
            if (usuals[i].reason == row->reason)
                usual = &usuals[i];
        if (!usual)
            return fail(e, field, line, "this reason is not a provider's to give:", word);
        row->fate = usual->fate;
        row->hint = usual->hint;
        row->pause_ms = usual->pause_ms;
    }
    while (words.n) {
        word = next_word(&words);
        if (!read_fate_or_hint(word, row) && !read_pause(word, &row->pause_ms))
            return fail(e, field, line,
                        "behind the reason come rejected, retry or unknown, fine, slow_down, down or broken, "
                        "or a pause such as 60s, not",
                        word);
    }
    if (usual && row->fate == FATE_SENT)
        return fail(e, field, line, "`sent` needs no reason", SV_NONE);
    return true;
}

bool generic_read_errors(struct sv text, struct generic *g, struct err *e) {
    struct rows r = {.rest = text, .next = 1};
    if (text.n && !(g->errors = arena_zalloc(&g->mem, ROWS_MAX * sizeof *g->errors)))
        return err_set_field(e, ERR_TOO_LARGE, "errors", "too much text");
    while (next_row(&r)) {
        if (r.broken)
            return fail(e, "errors", r.line, "write `CODE: reason`", SV_NONE);
        if (g->n_errors == ROWS_MAX)
            return fail(e, "errors", r.line, "there are more rows than the table may have", SV_NONE);
        struct generic_error *row = &g->errors[g->n_errors++];
        row->code = arena_dup(&g->mem, r.key);
        if (!read_error(r.words, r.line, row, e))
            return false;
    }
    return true;
}

static bool read_status(struct sv words, unsigned line, struct generic_status *row, struct err *e) {
    static const char field[] = "statuses";
    struct sv word = next_word(&words);
    bool known =
        state_parse(word, &row->state) &&
        (row->state == STATE_QUEUED || row->state == STATE_SENDING || row->state == STATE_SENT ||
         row->state == STATE_DELIVERED || row->state == STATE_UNDELIVERED || row->state == STATE_FAILED);
    if (!known)
        return fail(e, field, line,
                    "a word is followed by queued, sending, sent, delivered, undelivered or failed, not",
                    word);
    if (words.n && !read_reason(words, &row->reason))
        return fail(e, field, line, "this is no reason:", words);
    return true;
}

bool generic_read_statuses(struct sv text, struct generic *g, struct err *e) {
    struct rows r = {.rest = text, .next = 1};
    if (text.n && !(g->statuses = arena_zalloc(&g->mem, ROWS_MAX * sizeof *g->statuses)))
        return err_set_field(e, ERR_TOO_LARGE, "statuses", "too much text");
    while (next_row(&r)) {
        if (r.broken)
            return fail(e, "statuses", r.line, "write `WORD: state` or `WORD: state reason`", SV_NONE);
        if (g->n_statuses == ROWS_MAX)
            return fail(e, "statuses", r.line, "there are more rows than the table may have", SV_NONE);
        struct generic_status *row = &g->statuses[g->n_statuses++];
        row->word = arena_dup(&g->mem, r.key);
        if (!read_status(r.words, r.line, row, e))
            return false;
    }
    return true;
}

const struct generic_error *generic_error_find(const struct generic *g, struct sv code) {
    const struct generic_error *any = NULL;
    for (size_t i = 0; code.n && i < g->n_errors; i++) {
        if (sv_eq(g->errors[i].code, code))
            return &g->errors[i];
        if (sv_eq(g->errors[i].code, SV("*")))
            any = &g->errors[i];
    }
    return any;
}

bool generic_status_find(const struct generic *g, struct sv word, enum state *state, enum reason *reason) {
    static const enum state own[] = {STATE_QUEUED,    STATE_SENDING,     STATE_SENT,
                                     STATE_DELIVERED, STATE_UNDELIVERED, STATE_FAILED};
    const struct generic_status *any = NULL;
    *reason = REASON_NONE;
    for (size_t i = 0; word.n && i < g->n_statuses; i++) {
        const struct generic_status *row = &g->statuses[i];
        if (sv_eq_nocase(row->word, word)) {
            *state = row->state;
            *reason = row->reason;
            return true;
        }
        if (sv_eq(row->word, SV("*")))
            any = row;
    }
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (sv_eq_nocase(word, sv_of(state_name(own[i])))) {
            *state = own[i];
            return true;
        }
    if (any) {
        *state = any->state;
        *reason = any->reason;
    }
    return any != NULL;
}
