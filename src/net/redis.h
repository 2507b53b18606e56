/* redis: one connection to a Redis server, for one thread: commands go out in a pipeline, replies come back
 * in the order of their commands.
 *
 * Owns the socket, TLS (OpenSSL) and hiredis' reader of replies; the connection itself is made here, since
 * Debian's hiredis has no TLS and its waits begin anew with every byte. Every wait has an end: a deadline by
 * the monotonic clock (only the look-up of a host name is as slow as the system's resolver). Whatever fails
 * closes the connection, and what was not answered may or may not have been done. It is opened again by
 * redis_connect, after a pause that doubles from 100 to 500 ms; one reply ends the doubling. It does not
 * repeat a command, subscribe, or follow a cluster's redirections (there is one primary).
 *
 *     struct redis *r = redis_new(&where, &e);             // once; makes no connection
 *     struct sv words[] = {SV("XADD"), stream, ...};
 *     if (redis_connect(r, &e)) {                           // does nothing while it is open
 *         redis_add(r, words, n);                           // as many commands as you like
 *         while (redis_waiting(r) && redis_next(r, deadline, &reply, &e))
 *             freeReplyObject(reply);                       // <hiredis/hiredis.h>: an error of the server is
 *     }                                                     // a reply, too (REDIS_REPLY_ERROR)
 *
 * For XREADGROUP ... BLOCK ms, give a deadline beyond the block. redis_call does it all for one command.
 */
#ifndef HY_NET_REDIS_H
#define HY_NET_REDIS_H

#include "base/err.h"
#include "base/sv.h"

enum { REDIS_OUT_BYTES_MAX = 16 << 20, REDIS_REPLY_BYTES_MAX = 16 << 20 };

struct redisReply; /* hiredis' */

/* Where and as whom. Views are copied. */
struct redis_where {
    struct sv url;            /* redis://host[:port][/database], rediss:// with TLS, unix:/path */
    struct sv user, password; /* empty: none; a password without a user is the default user's */
    struct sv ca_file;        /* whom TLS believes; empty: the system's */
    uint32_t timeout_ms;      /* to connect, to log in, and of redis_call */
};

/* ERR_INVALID that says what a URL looks like. */
MUST_USE bool redis_url_check(struct sv url, struct err *e);

struct redis;
/* ERR_INVALID: the URL; ERR_OUTSIDE: the CA file, or memory. */
MUST_USE struct redis *redis_new(const struct redis_where *where, struct err *e);
void redis_free(struct redis *r); /* NULL is fine */

/* Open, logged in and with its database chosen. ERR_BUSY: it failed a moment ago, and its pause is not over;
 * ERR_AUTH: the server does not let us in; ERR_OUTSIDE: not reached. */
MUST_USE bool redis_connect(struct redis *r, struct err *e);
bool redis_is_open(const struct redis *r);
/* To be polled for reading while a reply is awaited; -1: closed. And whether something has come. */
int redis_fd(const struct redis *r);
bool redis_is_readable(const struct redis *r);
/* Precondition: a reply is awaited. Would redis_next have one, or the beginning of one, without waiting? */
bool redis_may_answer(struct redis *r);
/* When redis_connect would try, by the monotonic clock; 0: now. */
int64_t redis_retry_at(const struct redis *r);
/* Closes it: what was added and not answered is forgotten. */
void redis_close(struct redis *r);

/* Adds a command of n words; it leaves with the next redis_next or redis_flush. */
void redis_add(struct redis *r, const struct sv *words, size_t n);
/* How many commands have no reply yet. */
size_t redis_waiting(const struct redis *r);
/* Sends what was added, without waiting for replies. ERR_OUTSIDE: closed. */
MUST_USE bool redis_flush(struct redis *r, int64_t deadline_us, struct err *e);
/* The next reply, the caller's to freeReplyObject. ERR_OUTSIDE: none by then, or the connection broke:
 * closed.
 */
MUST_USE bool redis_next(struct redis *r, int64_t deadline_us, struct redisReply **out, struct err *e);
/* Connects, sends one command and waits for its reply; an error reply is ERR_AUTH (NOAUTH, NOPERM, WRONGPASS)
 * or ERR_OUTSIDE. Nothing else may be waiting. */
MUST_USE bool redis_call(struct redis *r, const struct sv *words, size_t n, struct redisReply **out,
                         struct err *e);
/* What an error reply means, as an error of ours; false always. */
bool redis_refused(const struct redisReply *reply, struct err *e);

#endif
