/* pace: posts messages at a given rate, whatever the server does, and says how long each took.
 *
 *   KEY=... TAIL=... FIRST=... pace PORT RATE SECONDS CONNECTIONS
 *
 * Open loop: when each message is due is drawn beforehand (gaps of a Poisson process), and its time counts
 * from then, also when all connections were still waiting for answers. So a stall shows in every message that
 * would have come during it (a closed loop would send one and wait: coordinated omission). What the tool
 * itself was late with is printed too (late: of messages that had a free connection); it is part of the
 * times. The first second is not counted. One line of JSON; times in milliseconds.
 */
#include "post.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_MAX = 256, ANSWER_BYTES_MAX = 8192, WARM_S = 1, WAIT_S_MAX = 10 };

struct line {
    int fd;
    int64_t due_ns; /* of the message that waits for its answer */
    size_t n;
    char bytes[ANSWER_BYTES_MAX];
};

struct times {
    double *ms;
    size_t n, max;
};

struct pace {
    const char *key, *tail;
    uint64_t next; /* number of the next message */
    double gap_ns;
    int64_t from_ns, begin_ns, end_ns, due_ns;
    uint64_t random;
    int epoll;
    struct line *lines, **idle;
    size_t n_lines, n_idle;
    struct times took, late;
    uint64_t sent, answered, refused;
};

static void times_add(struct times *t, int64_t ns) {
    if (t->n < t->max)
        t->ms[t->n++] = (double)ns / 1e6;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* times must be sorted */
static double times_at(const struct times *t, double share) {
    return t->n ? t->ms[(size_t)(share * (double)(t->n - 1))] : 0;
}

/* xorshift64*: the same arrivals each run */
static double draw(struct pace *p) {
    p->random ^= p->random >> 12;
    p->random ^= p->random << 25;
    p->random ^= p->random >> 27;
    return (double)((p->random * 0x2545f4914f6cdd1dULL) >> 11) * 0x1p-53;
}

static void send_due(struct pace *p) {
    for (int64_t now = post_now_ns(); p->n_idle && p->due_ns <= now && p->due_ns < p->end_ns;
         now = post_now_ns()) {
        char request[POST_BYTES_MAX];
        size_t n = post_request(request, p->key, p->tail, p->next++);
        struct line *l = p->idle[--p->n_idle];
        if (send(l->fd, request, n, MSG_NOSIGNAL) != (ssize_t)n)
            post_die("send");
        l->due_ns = p->due_ns;
        p->sent++;
        p->due_ns += (int64_t)(-log(1 - draw(p)) * p->gap_ns);
    }
}

static void take_answer(struct pace *p, struct line *l) {
    ssize_t n = recv(l->fd, l->bytes + l->n, sizeof l->bytes - l->n, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        post_die("the server closed a connection");
    l->n += (size_t)n;
    if (!post_whole(l->bytes, l->n))
        return;
    int status = post_status(l->bytes, l->n);
    p->answered++;
    p->refused += status < 200 || status > 299;
    if (l->due_ns >= p->from_ns)
        times_add(&p->took, post_now_ns() - l->due_ns);
    l->n = 0;
    p->idle[p->n_idle++] = l;
}

static void wait_and_take(struct pace *p) {
    struct epoll_event events[EVENTS_MAX];
    int64_t until_ns = p->due_ns < p->end_ns && p->n_idle ? p->due_ns : p->end_ns + WAIT_S_MAX * 1000000000LL;
    int64_t wait_ns = until_ns - post_now_ns();
    wait_ns = wait_ns > 0 ? wait_ns : 0;
    struct timespec t = {.tv_sec = wait_ns / 1000000000, .tv_nsec = wait_ns % 1000000000};
    int n = epoll_pwait2(p->epoll, events, EVENTS_MAX, &t, NULL);
    if (n < 0 && errno != EINTR)
        post_die("epoll");
    if (p->n_idle && p->due_ns >= p->from_ns && p->due_ns < p->end_ns && p->due_ns <= post_now_ns())
        times_add(&p->late, post_now_ns() - p->due_ns);
    for (int i = 0; i < n; i++)
        take_answer(p, events[i].data.ptr);
}

static void open_lines(struct pace *p, uint16_t port) {
    p->epoll = epoll_create1(EPOLL_CLOEXEC);
    p->lines = calloc(p->n_lines, sizeof *p->lines);
    p->idle = calloc(p->n_lines, sizeof *p->idle);
    if (p->epoll < 0 || !p->lines || !p->idle)
        post_die("memory");
    for (size_t i = 0; i < p->n_lines; i++) {
        struct line *l = p->idle[p->n_idle++] = &p->lines[i];
        l->fd = post_connect(port);
        struct epoll_event ev = {.events = EPOLLIN, .data = {.ptr = l}};
        if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, l->fd, &ev) != 0)
            post_die("epoll");
    }
}

static void print(struct pace *p) {
    qsort(p->took.ms, p->took.n, sizeof *p->took.ms, by_size);
    qsort(p->late.ms, p->late.n, sizeof *p->late.ms, by_size);
    printf("{\"sent\": %llu, \"answered\": %llu, \"refused\": %llu, \"p50\": %.3f, \"p90\": %.3f, \"p99\": "
           "%.3f, "
           "\"p999\": %.3f, \"max\": %.3f, \"late_p50\": %.3f, \"late_p99\": %.3f}\n",
           (unsigned long long)p->sent, (unsigned long long)p->answered, (unsigned long long)p->refused,
           times_at(&p->took, 0.5), times_at(&p->took, 0.9), times_at(&p->took, 0.99),
           times_at(&p->took, 0.999), times_at(&p->took, 1), times_at(&p->late, 0.5),
           times_at(&p->late, 0.99));
}

int main(int argc, char **argv) {
    const char *first = getenv("FIRST");
    struct pace p = {.key = getenv("KEY"), .tail = getenv("TAIL"), .random = 88172645463325252ULL};
    if (argc != 5 || !p.key || !p.tail || !first || atof(argv[2]) < 1 || atoi(argv[4]) < 1) {
        fprintf(stderr, "usage: KEY=... TAIL=... FIRST=... pace PORT RATE SECONDS CONNECTIONS\n");
        return EXIT_FAILURE;
    }
    double rate = atof(argv[2]), seconds = atof(argv[3]);
    p.next = strtoull(first, NULL, 10);
    p.n_lines = (size_t)atoi(argv[4]);
    p.gap_ns = 1e9 / rate;
    p.took.max = p.late.max = (size_t)(rate * seconds * 2) + 1000;
    p.took.ms = calloc(p.took.max, sizeof *p.took.ms);
    p.late.ms = calloc(p.late.max, sizeof *p.late.ms);
    if (!p.took.ms || !p.late.ms)
        post_die("memory");
    prctl(PR_SET_TIMERSLACK, 1);
    open_lines(&p, (uint16_t)atoi(argv[1]));
    p.begin_ns = p.due_ns = post_now_ns();
    p.from_ns = p.begin_ns + WARM_S * 1000000000LL;
    p.end_ns = p.begin_ns + (int64_t)(seconds * 1e9);
    while (p.due_ns < p.end_ns ||
           (p.n_idle < p.n_lines && post_now_ns() < p.end_ns + WAIT_S_MAX * 1000000000LL)) {
        send_due(&p);
        if (p.due_ns >= p.end_ns && p.n_idle == p.n_lines)
            break;
        wait_and_take(&p);
    }
    int64_t now = post_now_ns();
    for (size_t i = 0; i < p.n_lines; i++) { /* never answered: they count with what they have waited */
        bool waits = true;
        for (size_t k = 0; k < p.n_idle; k++)
            waits &= p.idle[k] != &p.lines[i];
        if (waits)
            times_add(&p.took, now - p.lines[i].due_ns);
    }
    print(&p);
    return EXIT_SUCCESS;
}
