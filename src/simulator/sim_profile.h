/* profile: how the simulated provider behaves: how long it takes, how often and how it fails, what becomes of
 * messages. Plain data; drawing from it is deterministic for a seed.
 *
 * Read from JSON and merged: keys that are not named keep their value, an array is replaced whole, an unknown
 * key is an error and changes nothing. docs/simulator.md lists the keys; a test holds the page and
 * profile_write together.
 */
#ifndef HY_SIMULATOR_SIM_PROFILE_H
#define HY_SIMULATOR_SIM_PROFILE_H

#include "base/buf.h"
#include "base/err.h"
#include "simulator/sim_prng.h"

enum {
    PROFILE_ERRORS_MAX = 16,
    PROFILE_SENDERS_MAX = 32,
    PROFILE_SENDER_BYTES_MAX = 32,
    PROFILE_URL_BYTES_MAX = 4000,
    PROFILE_WORD_BYTES_MAX = 63,
    PROFILE_PROVIDERS_MAX = 16,
    PROFILE_ACCESS_BYTES_MAX = 255,
    PROFILE_CALLBACK_BYTES_MAX = 1000,
};

/* A span drawn evenly between min and max, or, when p50 is set, from the log-normal distribution with these
 * percentiles. */
struct profile_span {
    double min, max;
    double p50, p99;
};

struct profile_error {
    double share;
    int status;
    int code;                              /* Twilio's; 0: the usual one of the status */
    char word[PROFILE_WORD_BYTES_MAX + 1]; /* a code that is a text, of another provider; "" none */
    int retry_after_s;                     /* 0: no such header */
    bool recorded;                         /* the message was accepted all the same */
};

/* What one face is told; "" its default, or none. */
struct profile_provider {
    char account[PROFILE_ACCESS_BYTES_MAX + 1], secret[PROFILE_ACCESS_BYTES_MAX + 1];
    char receipt_url[PROFILE_CALLBACK_BYTES_MAX + 1], inbound_url[PROFILE_CALLBACK_BYTES_MAX + 1];
};

struct profile {
    struct profile_span latency_ms;
    struct profile_error errors[PROFILE_ERRORS_MAX];
    size_t n_errors;
    struct {
        double per_s; /* 0: no limit */
        double burst; /* at least 1 */
        double retry_after_s;
    } rate;
    double silence, lost_answers, lost_requests, half_answers; /* shares */
    bool silence_recorded;
    double silence_ms; /* then the connection is closed */
    struct {
        struct profile_span delay_ms;                /* before each receipt */
        double delivered, undelivered, failed, none; /* shares; delivered is what the others leave */
        double undelivered_code, failed_code;
        char undelivered_word[PROFILE_WORD_BYTES_MAX + 1], failed_word[PROFILE_WORD_BYTES_MAX + 1];
        bool sent;                                                     /* a receipt for "sent" too */
        double duplicate, out_of_order, early, unsigned_first, forged; /* shares */
    } receipts;
    double list_lag_ms;
    double seed;
    char inbound_url[PROFILE_URL_BYTES_MAX + 1];                     /* "" none */
    char senders[PROFILE_SENDERS_MAX][PROFILE_SENDER_BYTES_MAX + 1]; /* none: any sender will do */
    size_t n_senders;
    struct profile_provider providers[PROFILE_PROVIDERS_MAX]; /* by place in sim_faces */
};

/* Answers at once, everything is delivered at once. */
void profile_init(struct profile *p);
/* *p is untouched on failure. ERR_INVALID names the key. *seeded (may be NULL) tells whether "seed" was
 * named. */
MUST_USE bool profile_merge(struct profile *p, struct sv json, bool *seeded, struct err *e);
/* The whole profile as a JSON object that profile_merge takes. */
void profile_write(const struct profile *p, struct buf *out);

double profile_draw_ms(const struct profile_span *s, struct prng *dice);

#endif
