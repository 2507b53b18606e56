/* listen: a listening TCP socket, with errors a person can act on. */
#ifndef HY_NET_LISTEN_H
#define HY_NET_LISTEN_H

#include "base/err.h"

#include <netinet/in.h>
#include <stdint.h>

/* A non-blocking listening socket, the caller's to close; -1 with ERR_INVALID for an address that is not
 * numeric, ERR_OUTSIDE when the machine refuses it. */
MUST_USE int listen_open(const char *address, uint16_t port, bool reuse_port, struct err *e);
/* The port it is bound to, 0 when that cannot be told. */
uint16_t listen_port(int fd);
/* The peer's numeric address without port; an IPv4 address seen through an IPv6 socket is written as IPv4. */
void listen_peer_text(const struct sockaddr *peer, char out[INET6_ADDRSTRLEN]);
/* Lifts the soft limit of open files to the hard one: each connection needs a descriptor. */
void listen_lift_files(void);

#endif
