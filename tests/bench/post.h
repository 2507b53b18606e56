/* post: what the load tools share: a clock, a connection, the request for one message, and finding the end of
 * an HTTP message in what has arrived.
 *
 * It stands alone (libc only): script/bench compiles the tools itself. Errors end the tool, with a sentence.
 */
#ifndef HY_BENCH_POST_H
#define HY_BENCH_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POST_BYTES_MAX = 4096 };

/* CLOCK_MONOTONIC, in nanoseconds. */
int64_t post_now_ns(void);

/* Prints what failed, with errno's words, and ends the tool with 1. */
_Noreturn void post_die(const char *what);

/* A connected socket to 127.0.0.1, non-blocking, without Nagle's delay. */
int post_connect(uint16_t port);

/* The request for message n into out; returns its length. key: API key; tail: the JSON object after "to",
 * with its closing brace. The numbers are those of post.lua. */
size_t post_request(char out[POST_BYTES_MAX], const char *key, const char *tail, uint64_t n);

/* Length of the whole HTTP message at the head of bytes, 0 when its end has not arrived. Only messages with
 * Content-Length, or without a body. */
size_t post_whole(const char *bytes, size_t n);

/* The status of an answer's first line, 0 when there is none. */
int post_status(const char *bytes, size_t n);

#endif
