#include "ingest/csv.h"

/* Where a reader of one record is: before a field, in one without quotes, in quotes, right behind a quote
 * that may end the field, or behind the blanks that follow it. */
enum place { FIELD, PLAIN, QUOTED, CLOSED, BEHIND, SLIP };

static enum place next(enum place at, char c) {
    bool blank = c == ' ' || c == '\t' || c == '\r';
    switch (at) {
    case FIELD: return c == '"' ? QUOTED : c == ',' ? FIELD : PLAIN;
    case PLAIN: return c == ',' ? FIELD : PLAIN;
    case QUOTED: return c == '"' ? CLOSED : QUOTED;
    case CLOSED:
    case BEHIND:
        if (c == '"' && at == CLOSED)
            return QUOTED;
        return c == ',' ? FIELD : blank ? BEHIND : SLIP;
    case SLIP: break;
    }
    return SLIP;
}

bool csv_cut(struct csv_scan *scan, struct sv text, bool last, size_t max, size_t *n, size_t *lines) {
    enum place at = (enum place)scan->state;
    size_t i = scan->at, more = sv_find_char(sv_from(text, scan->line), '\n');
    scan->line = more == SIZE_MAX ? text.n : scan->line + more; /* the first line's end */
    *lines = 1;
    *n = scan->line;
    if (more == SIZE_MAX && !last)
        return false;
    for (; i < text.n && i < max && at != SLIP; at = next(at, text.p[i++])) {
        if (text.p[i] != '\n')
            continue;
        if (at != QUOTED) {
            *n = i;
            *lines = scan->breaks + 1;
            return true;
        }
        scan->breaks++;
    }
    scan->at = i;
    scan->state = at;
    if (i == text.n && i < max && at != SLIP) {
        if (!last)
            return false;
        if (at != QUOTED) {
            *n = i;
            *lines = scan->breaks + 1;
        }
    }
    return true;
}

/* The next field, without its quotes, in place. */
static bool take(char *line, size_t *at, size_t n, struct sv *out) {
    size_t i = *at, to = *at;
    bool quoted = i < n && line[i] == '"';
    for (i += quoted; i < n; i++) {
        if (quoted && line[i] == '"') {
            if (i + 1 < n && line[i + 1] == '"') {
                i++;
            } else {
                quoted = false;
                continue;
            }
        } else if (quoted && line[i] == '\r' && i + 1 < n && line[i + 1] == '\n') {
            continue;
        } else if (!quoted && line[i] == ',') {
            break;
        }
        line[to++] = line[i];
    }
    *out = sv_trim(sv_make(line + *at, to - *at));
    *at = i + 1;
    return !quoted;
}

bool csv_split(char *line, size_t n, struct sv *fields, size_t max, size_t *count) {
    size_t at = 0;
    for (*count = 0; at <= n && *count < max; (*count)++)
        if (!take(line, &at, n, &fields[*count]))
            return false;
    return at > n;
}

void csv_add(struct buf *out, struct sv v, char behind) {
    bool quotes = sv_find_char(v, ',') != SIZE_MAX || sv_find_char(v, '"') != SIZE_MAX ||
                  sv_find_char(v, '\n') != SIZE_MAX || sv_find_char(v, '\r') != SIZE_MAX;
    if (quotes)
        buf_addc(out, '"');
    for (size_t i = 0; i < v.n; i++) {
        buf_addc(out, v.p[i]);
        if (v.p[i] == '"')
            buf_addc(out, '"');
    }
    if (quotes)
        buf_addc(out, '"');
    buf_addc(out, behind);
}
