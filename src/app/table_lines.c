#include "app/table_lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { HELD_BYTES = 4 * TABLE_LINE_BYTES_MAX };
_Static_assert((int)TABLE_RECORD_BYTES_MAX < (int)TABLE_LINE_BYTES_MAX,
               "what is held is enough to tell where a record ends");

void table_lines_init(struct table_lines *l, FILE *in, bool csv) {
    *l = (struct table_lines){.in = in, .csv = csv, .held = malloc(HELD_BYTES)};
    ASSERT(l->held);
}

void table_lines_done(struct table_lines *l) {
    free(l->held);
}

static void read_more(struct table_lines *l) {
    memmove(l->held, l->held + l->at, l->n - l->at);
    l->n -= l->at;
    l->at = 0;
    ssize_t got;
    do /* what is there now: fread would wait until the room is full */
        got = read(fileno(l->in), l->held + l->n, HELD_BYTES - l->n);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        l->failed = errno;
    l->n += got > 0 ? (size_t)got : 0;
    l->over = got <= 0;
}

static void go_on(struct table_lines *l, size_t n) {
    l->at += n;
    l->bytes += n;
}

/* The rest of a line of which the begin was told. */
static void skip_line(struct table_lines *l) {
    for (;;) {
        size_t end = sv_find_char(sv_make(l->held + l->at, l->n - l->at), '\n');
        if (end != SIZE_MAX || l->over) {
            go_on(l, end != SIZE_MAX ? end + 1 : l->n - l->at);
            return;
        }
        go_on(l, l->n - l->at);
        read_more(l);
    }
}

static bool find_end(struct table_lines *l, size_t *n, size_t *lines) {
    struct sv held = sv_make(l->held + l->at, l->n - l->at);
    if (l->csv)
        return csv_cut(&l->scan, held, l->over, TABLE_RECORD_BYTES_MAX, n, lines);
    *n = sv_find_char(held, '\n');
    *lines = 1;
    if (*n != SIZE_MAX)
        return true;
    *n = held.n;
    return l->over;
}

bool table_lines_held(const struct table_lines *l) {
    struct table_lines next = *l;
    size_t n, lines;
    next.at += l->told;
    next.scan = (struct csv_scan){.at = 0};
    return l->over || (!l->in_line && find_end(&next, &n, &lines));
}

bool table_lines_next(struct table_lines *l, struct table_record *out) {
    size_t n, lines;
    if (l->in_line)
        skip_line(l);
    else
        go_on(l, l->told);
    l->in_line = false;
    l->told = 0;
    l->scan = (struct csv_scan){.at = 0};
    while (!find_end(l, &n, &lines)) {
        if (l->n - l->at > TABLE_LINE_BYTES_MAX) {
            n = l->n - l->at; /* of one line that goes on */
            lines = 1;
            break;
        }
        read_more(l);
    }
    if (l->over && l->at == l->n)
        return false;
    bool whole = n <= TABLE_LINE_BYTES_MAX;
    *out = (struct table_record){
        .text = sv_make(l->held + l->at, whole ? n : TABLE_LINE_BYTES_MAX), .whole = whole, .lines = lines};
    l->in_line = !whole;
    l->told = n + (l->at + n < l->n);
    return true;
}
