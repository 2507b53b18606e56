/* line: the queues a server's connections stand in, and how long each may stand there.
 *
 * A place is in exactly one line. Every line is in order of age, as all in it may stay equally long, so what
 * is overdue stands at its head. WAITING is for connections between requests: whether the first bytes of one
 * have come cannot be seen from the HTTP library until a whole request line is there, so the kernel is asked
 * every now and then how much has come (TCP_INFO), and a connection with more than its whole requests had
 * moves to ARRIVING. So a request that drips in is overdue between 1 and 1 + 1/CHECKS of its time, and idle
 * connections cost one system call in each such part. How long a connection may idle is not this file's
 * business.
 */
#ifndef HY_NET_LINE_H
#define HY_NET_LINE_H

#include <stdint.h>

enum line {
    LINE_NONE,
    LINE_WAITING,   /* nothing of a request has come */
    LINE_ARRIVING,  /* a request is coming in */
    LINE_HELD,      /* the handler has it */
    LINE_ANSWERING, /* the answer is going out, or the connection is being closed */
    LINE_LINGERING, /* refused; what comes is thrown away */
    LINES
};

struct line_place {
    struct line_place *prev, *next;
    enum line line;
    uint64_t taken; /* bytes of the whole requests so far; the owner counts */
    int64_t due_us;
};

struct lines {
    struct line_place ends[LINES]; /* next: oldest, prev: youngest */
    int64_t arrive_us_max, linger_us_max;
    int (*fd_of)(const struct line_place *p);
    void (*overdue)(void *ctx, struct line_place *p, enum line was);
    void *ctx;
};

/* overdue is called from lines_run for places of ARRIVING and LINGERING, which are in ANSWERING by then. */
void lines_init(struct lines *l, int64_t arrive_us_max, int64_t linger_us_max,
                int (*fd_of)(const struct line_place *p),
                void (*overdue)(void *ctx, struct line_place *p, enum line was), void *ctx);
void lines_move(struct lines *l, struct line_place *p, enum line to, int64_t now_us);
/* Bytes that have come on a TCP connection since it was made; 0 when the kernel does not tell. */
uint64_t line_bytes_come(int fd);
void lines_leave(struct lines *l, struct line_place *p);
void lines_run(struct lines *l, int64_t now_us);
/* Until lines_run has something to do; -1: never. */
int lines_timeout_ms(const struct lines *l, int64_t now_us);
/* f may move its place out of the line. */
void lines_each(struct lines *l, enum line line, void (*f)(struct line_place *p));

#endif
