/* multi: one of libcurl's multi handles, driven by our own waiting (net/watch): what the HTTP client and the
 * mailer share. Part of the two; nothing else includes it.
 *
 * Always holds: no socket is opened to a private address where that is not allowed; each descriptor is
 * watched until it is closed.
 */
#ifndef HY_NET_MULTI_H
#define HY_NET_MULTI_H

#include "base/err.h"
#include "net/watch.h"

#include <curl/curl.h>

struct multi {
    struct watch *watch; /* borrowed */
    void *owner;         /* what events of its descriptors carry */
    CURLM *handle;       /* owned */
    int64_t timer_us;    /* when libcurl wants to be called; 0: not at all */
};

/* m stays where it is until multi_done. connections_max: how many it keeps. False: memory is short;
 * multi_done is due all the same. */
MUST_USE bool multi_init(struct multi *m, struct watch *watch, void *owner, unsigned connections_max);
/* Closes the connections it kept. */
void multi_done(struct multi *m);

/* One of its descriptors is ready: WATCH bits. */
void multi_event(struct multi *m, int fd, unsigned bits);
/* Lets libcurl do what its timer is for, when that is due. */
void multi_timer(struct multi *m, int64_t now_us);

/* For CURLOPT_OPENSOCKETFUNCTION: *refused when the address is private and must not be. */
curl_socket_t multi_open_socket(struct watch *watch, const struct curl_sockaddr *a, bool allow_private,
                                bool *refused);
/* CURLOPT_CLOSESOCKETFUNCTION; its data is the watch. What was sent and not confirmed by then is dropped
 * (tcp(7), SO_LINGER). */
int multi_close_socket(void *watch, curl_socket_t fd);

/* What is said of a refused address. */
#define MULTI_REFUSED "the address is this machine's or of a private network, which is not allowed here"

/* In functions that answer false when memory is short: all else is a bug of ours. */
#define MULTI_SET(easy, option, value)                                                                       \
    do {                                                                                                     \
        CURLcode set_ = curl_easy_setopt((easy), (option), (value));                                         \
        if (set_ == CURLE_OUT_OF_MEMORY)                                                                     \
            return false;                                                                                    \
        ASSERT(set_ == CURLE_OK);                                                                            \
    } while (0)

#endif
