#include "net/line.h"

#include "base/err.h"

#include <linux/tcp.h> /* glibc's own struct tcp_info ends before tcpi_bytes_received */
#include <netinet/in.h>
#include <sys/socket.h>

enum {
    CHECKS = 4, /* of a waiting connection in the time a request may take */
    STEPS = 16, /* checks are gathered: at most so many wake-ups between two checks of one connection */
};

static const enum line timed[] = {LINE_WAITING, LINE_ARRIVING, LINE_LINGERING};

void lines_init(struct lines *l, int64_t arrive_us_max, int64_t linger_us_max,
                int (*fd_of)(const struct line_place *p),
                void (*overdue)(void *ctx, struct line_place *p, enum line was), void *ctx) {
    *l = (struct lines){.arrive_us_max = arrive_us_max,
                        .linger_us_max = linger_us_max,
                        .fd_of = fd_of,
                        .overdue = overdue,
                        .ctx = ctx};
    for (int i = 0; i < LINES; i++)
        l->ends[i].prev = l->ends[i].next = &l->ends[i];
}

void lines_leave(struct lines *l, struct line_place *p) {
    (void)l;
    if (p->line == LINE_NONE)
        return;
    p->prev->next = p->next;
    p->next->prev = p->prev;
    p->line = LINE_NONE;
}

static int64_t next_check(const struct lines *l, int64_t now_us) {
    int64_t period = l->arrive_us_max / CHECKS, step = period / STEPS + 1;
    return (now_us + period + step - 1) / step * step;
}

static void append(struct lines *l, struct line_place *p, enum line to, int64_t due_us) {
    lines_leave(l, p);
    struct line_place *end = &l->ends[to];
    p->line = to;
    p->due_us = due_us;
    p->prev = end->prev;
    p->next = end;
    end->prev->next = p;
    end->prev = p;
}

void lines_move(struct lines *l, struct line_place *p, enum line to, int64_t now_us) {
    int64_t due_us = 0;
    switch (to) {
    case LINE_WAITING: due_us = next_check(l, now_us); break;
    case LINE_ARRIVING: due_us = now_us + l->arrive_us_max; break;
    case LINE_LINGERING: due_us = now_us + l->linger_us_max; break;
    case LINE_HELD:
    case LINE_ANSWERING: break;
    case LINE_NONE:
    case LINES: ASSERT(false);
    }
    append(l, p, to, due_us);
}

uint64_t line_bytes_come(int fd) {
    struct tcp_info info = {0};
    socklen_t n = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 ? info.tcpi_bytes_received : 0;
}

void lines_run(struct lines *l, int64_t now_us) {
    for (size_t i = 0; i < sizeof timed / sizeof timed[0]; i++) {
        struct line_place *end = &l->ends[timed[i]];
        while (end->next != end && end->next->due_us <= now_us) {
            struct line_place *p = end->next;
            if (timed[i] != LINE_WAITING) {
                append(l, p, LINE_ANSWERING, 0);
                l->overdue(l->ctx, p, timed[i]);
            } else if (line_bytes_come(l->fd_of(p)) > p->taken) {
                lines_move(l, p, LINE_ARRIVING, now_us);
            } else {
                append(l, p, LINE_WAITING, next_check(l, now_us));
            }
        }
    }
}

int lines_timeout_ms(const struct lines *l, int64_t now_us) {
    int64_t due_us = INT64_MAX;
    for (size_t i = 0; i < sizeof timed / sizeof timed[0]; i++) {
        const struct line_place *end = &l->ends[timed[i]];
        if (end->next != end && end->next->due_us < due_us)
            due_us = end->next->due_us;
    }
    if (due_us == INT64_MAX)
        return -1;
    int64_t ms = (due_us - now_us + 999) / 1000;
    return ms < 0 ? 0 : ms > INT32_MAX ? INT32_MAX : (int)ms;
}

void lines_each(struct lines *l, enum line line, void (*f)(struct line_place *p)) {
    struct line_place *end = &l->ends[line];
    for (struct line_place *p = end->next; p != end;) {
        struct line_place *next = p->next;
        f(p);
        p = next;
    }
}
