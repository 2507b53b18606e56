#include "ingest/csv.h"

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
        char c = v.p[i];
        buf_addc(out, c == '\n' || c == '\r' ? ' ' : c);
        if (c == '"')
            buf_addc(out, c);
    }
    if (quotes)
        buf_addc(out, '"');
    buf_addc(out, behind);
}
