/* peer: an HTTP server that misbehaves to order, for tests of the client. Driven from the test's own thread.
 *
 * The script says what is done with the 1st, 2nd, ... request on each connection (the last letter stands for
 * all later ones), always after reading it whole:
 *   a answer "ok"        c close without a word     r reset           n never answer
 *   h half an answer, then close                    b answer with a body of 5000 bytes
 *   x answer "ok", then close the idle connection   e echo the request as the body
 *   g garbage that is not HTTP                      1 100 Continue, then an answer with headers of its own
 */
#ifndef HY_TESTS_NET_PEER_H
#define HY_TESTS_NET_PEER_H

#include "base/buf.h"

#include <stdint.h>

enum { PEER_CONNS_MAX = 1200 };

struct peer_conn {
    int fd; /* -1: free */
    size_t n_requests;
    struct buf in;
};

struct peer {
    int listen_fd;
    uint16_t port;
    const char *script;
    struct peer_conn *conns; /* owned, PEER_CONNS_MAX */
    unsigned accepted, requests;
    bool deaf; /* accepts, but reads nothing */
};

void peer_open(struct peer *p, const char *script);
void peer_done(struct peer *p);
/* Does what can be done at once. */
void peer_turn(struct peer *p);

#endif
