/* simulator: a provider to try things against: plays Twilio's messaging API over HTTP on loopback, keeps what
 * it gets, posts receipts and replies, and misbehaves on request (docs/simulator.md).
 *
 * One thread drives it. Opened, it listens and answers only while simulator_run is called.
 */
#ifndef HY_SIMULATOR_SIMULATOR_H
#define HY_SIMULATOR_SIMULATOR_H

#include "base/err.h"
#include "base/sv.h"

#include <stddef.h>
#include <stdint.h>

struct simulator;

struct simulator_options {
    const char *address; /* numeric */
    uint16_t port;       /* 0: any free one */
    /* Both or neither (NULL): with neither, any account is let in whose sid is in the path, and the password
     * it gave signs its callbacks. */
    const char *account_sid, *auth_token;
    const char *inbound_url; /* NULL: that of the profile */
    struct sv profile;       /* JSON; empty: the default */
    size_t keep;             /* messages remembered; > 0 */
};

enum { SIMULATOR_KEEP_DEFAULT = 2000000 };

/* ERR_INVALID for the profile, the account or the address, ERR_OUTSIDE when the port is taken or memory
 * short. */
MUST_USE struct simulator *simulator_open(const struct simulator_options *o, struct err *e);
/* Requests without an answer are dropped, receipts to come are forgotten. NULL is fine. */
void simulator_close(struct simulator *s);
uint16_t simulator_port(const struct simulator *s);
/* simulator_run also returns when fd becomes readable. False when the machine refuses. */
MUST_USE bool simulator_watch(struct simulator *s, int fd);
/* One turn: waits up to timeout_ms (-1: for ever) for something to do, and does it. */
void simulator_run(struct simulator *s, int timeout_ms);

/* `hongyan simulator`: runs until SIGTERM or SIGINT. Returns an exit code of sysexits. */
int simulator_main(int argc, char **argv);

#endif
