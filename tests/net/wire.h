/* wire: raw bytes on loopback, for tests of the server and the client. A wire is a client's socket; the
 * server under test runs in the same thread while the wire waits. */
#ifndef HY_TESTS_NET_WIRE_H
#define HY_TESTS_NET_WIRE_H

#include "base/buf.h"
#include "net/server.h"

/* A blocking connected socket to the server. */
int wire_connect(const struct server *s);
/* Sends all of v, running the server whenever the socket is full; false when the other side hung up. */
bool wire_send(struct server *s, int fd, struct sv v);
/* Runs the server until it closes fd or ms have passed without that; what came is added to out. True when it
 * was closed. */
bool wire_read_to_end(struct server *s, int fd, struct buf *out, int ms);
/* Runs the server until `needle` has come n times. */
bool wire_read_until(struct server *s, int fd, struct buf *out, struct sv needle, unsigned n, int ms);
/* Runs the server for that long. */
void wire_run(struct server *s, int ms);
/* One turn: waits up to ms for the server. */
void wire_turn(struct server *s, int ms);
unsigned wire_count(struct sv text, struct sv needle);

#endif
