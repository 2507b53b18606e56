#include "app/config_near.h"

#include <ctype.h>

struct config_near config_near_of(struct sv wanted) {
    return (struct config_near){.wanted = wanted, .best_steps = UINT32_MAX};
}

static unsigned least(unsigned a, unsigned b) {
    return a < b ? a : b;
}

static int small(char c) {
    return c == '-' ? '_' : tolower((unsigned char)c);
}

/* Optimal string alignment distance; case and dashes do not count. Precondition: both at most
 * CONFIG_NEAR_MAX long. */
static unsigned steps_between(struct sv a, struct sv b) {
    unsigned rows[3][CONFIG_NEAR_MAX + 1];
    for (unsigned j = 0; j <= b.n; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a.n; i++) {
        unsigned *now = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
        now[0] = i;
        for (unsigned j = 1; j <= b.n; j++) {
            unsigned change = small(a.p[i - 1]) != small(b.p[j - 1]);
            now[j] = least(least(now[j - 1], up[j]) + 1, up[j - 1] + change);
            if (i > 1 && j > 1 && small(a.p[i - 1]) == small(b.p[j - 2]) &&
                small(a.p[i - 2]) == small(b.p[j - 1]))
                now[j] = least(now[j], up2[j - 2] + 1);
        }
    }
    return rows[a.n % 3][b.n];
}

void config_near_try(struct config_near *n, struct sv known) {
    if (n->wanted.n == 0 || n->wanted.n > CONFIG_NEAR_MAX || known.n > CONFIG_NEAR_MAX)
        return;
    unsigned steps = steps_between(n->wanted, known);
    size_t shorter = known.n < n->wanted.n ? known.n : n->wanted.n;
    if (shorter >= 3 && sv_starts(known, n->wanted))
        steps = 1; /* `idle` for `idle_s` */
    if (steps < n->best_steps && (steps <= 1 || steps <= shorter / 3)) {
        n->best = known;
        n->best_steps = steps;
    }
}
