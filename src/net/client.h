/* client: outgoing HTTP(S) calls, many at a time, driven by the one thread that owns it (libcurl multi).
 *
 * Connections are kept and reused; HTTP/2 where the other side offers it by ALPN, with many calls at a time
 * on one connection (all of them, where the request says `multiplexes`). Redirects are never
 * followed; proxies only from settings, never from the environment. Bodies of answers are bounded (more:
 * HTTP_CUT). A call ends exactly once, by its callback from client_run, whatever happens.
 *
 * HTTP_NOT_SENT is told from HTTP_CUT by one border: the moment a connection is ready and libcurl begins to
 * write the request to it (CURLOPT_PREREQFUNCTION). What fails before is HTTP_NOT_SENT, all else is HTTP_CUT.
 * libcurl by itself repeats a request when a kept connection ends before the answer's first byte; such
 * repeats pass the same border and are refused there: no request, with or without body, is ever written
 * twice. The price: an HTTP/2 stream the server refused (GOAWAY, REFUSED_STREAM) is HTTP_CUT too.
 *
 * E-mail goes the same way by SMTP (struct mail_envelope), over sessions that are kept, too. There the border
 * is the message's end: until the final dot leaves, no server can have taken it.
 */
#ifndef HY_NET_CLIENT_H
#define HY_NET_CLIENT_H

#include "base/err.h"
#include "model/http.h"

struct client;

struct client_options {
    unsigned connections_max; /* open at once in all; calls beyond wait for one */
    const char *user_agent;
    const char *ca_file; /* NULL: the system's */
};

struct client_call {
    const struct http_request *request; /* borrowed until done is called */
    unsigned timeout_ms;                /* whole call */
    unsigned connect_timeout_ms;
    size_t body_bytes_max; /* of the answer */
    bool cut_body;         /* nobody needs it whole: what is longer is cut, and counts as answered */
    /* Addresses on this machine and private networks (RFC 1918, 4193, 3927, loopback, metadata services) are
     * refused with HTTP_NOT_SENT unless set. Checked on the address really connected to, so DNS rebinding is
     * covered. */
    bool allow_private;
    void (*done)(void *ctx, const struct http_response *r); /* r is valid during the call only */
    void *ctx;
};

MUST_USE struct client *client_open(const struct client_options *o, struct err *e);
/* Calls in flight end first: HTTP_CUT, or HTTP_NOT_SENT where nothing had left. Not from within done. */
void client_close(struct client *c);

/* Copies what it needs of call but not of call->request; timeouts and body_bytes_max are above 0. ERR_INVALID
 * for a URL that is not absolute http(s) (or smtp(s), for e-mail), HTTP_OTHER, an address SMTP cannot carry,
 * a header without name or with a line break, headers over 64 KiB; ERR_OUTSIDE when memory is short; ERR_BUSY
 * while closing: then done is not called. May be called from within done. */
MUST_USE bool client_start(struct client *c, const struct client_call *call, struct err *e);
/* Does what can be done; waits up to timeout_ms (0: not at all) for the network or for wake_fd (or -1) to
 * become readable. Calls done for each call that ended. */
void client_run(struct client *c, int timeout_ms, int wake_fd);
unsigned client_in_flight(const struct client *c);
/* Totals since open: calls made, connections opened (reuse ratio in metrics). */
void client_counts(const struct client *c, uint64_t *calls, uint64_t *connections);

#endif
