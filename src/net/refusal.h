/* refusal: what the server itself says to a request that no handler sees: fixed problem documents (RFC 9457).
 */
#ifndef HY_NET_REFUSAL_H
#define HY_NET_REFUSAL_H

struct refusal {
    unsigned status;
    const char *reason;
    const char *body;
};

/* A whole answer, status line and headers included, is shorter than this. */
enum { REFUSAL_BYTES_MAX = 600 };

/* status: 400, 408, 413 or 431. */
const struct refusal *refusal_of(unsigned status);

#endif
