/* provider: the seeded world's providers, one for each lane, which speak Twilio's API as data and lie on
 * purpose: they lose answers, refuse, fail, are away, lock the account, and send receipts early, late, twice,
 * out of order or never. What they took is kept, so that the oracle can count. The host of a request says
 * which of them is meant: http://NAME.test, NAME being the lane's.
 */
#ifndef HY_TESTS_WORLD_PROVIDER_H
#define HY_TESTS_WORLD_PROVIDER_H

#include "base/buf.h"
#include "model/http.h"
#include "model/verdict.h"

enum { HOSTS = 3, TAKEN_MAX = 16384, REPORTS_MAX = 8192 };
enum { BATCH_STATUS = 207 }; /* of an answer that has a line, status first, for each line of its request */

extern const char *const host_names[HOSTS];

/* A text the provider took. */
struct taken {
    char provider_id[40], to[24], body[200], token[64];
    unsigned host;
    int64_t message_id; /* the oracle's: what the token says */
    int64_t at;
    enum state state;
    int64_t final_at; /* when that became so; 0: it never ends */
};

/* A receipt on its way to the gateway. */
struct report {
    int64_t due_at;
    size_t taken; /* index */
    enum state state;
};

/* What it does wrong, in percent. All zero: an honest provider. */
struct lies {
    unsigned lost_request, lost_answer, garbage, server_error, throttle, refuse_number, no_receipt,
        early_receipt, twice, backwards, undelivered, refuse_connection, short_list;
};

struct provider {
    uint64_t (*random)(void *ctx);
    void *ctx;
    struct lies lies;
    bool locked[HOSTS]; /* answers 401 to everything */
    bool away[HOSTS];   /* refuses connections */
    struct taken taken[TAKEN_MAX];
    size_t n_taken;
    struct report reports[REPORTS_MAX];
    size_t n_reports;
    struct buf answer; /* of the latest call */
    unsigned calls, lookups;
};

void provider_init(struct provider *p, uint64_t (*random)(void *), void *ctx);
void provider_done(struct provider *p);
/* One exchange. r's views are valid until the next. */
void provider_answer(struct provider *p, const struct http_request *rq, int64_t now, struct http_response *r);
/* The next receipt that is due, taken out; false if none. */
bool provider_report(struct provider *p, int64_t now, struct report *out);
/* When the next one is due; 0: none. */
int64_t provider_next_report_at(const struct provider *p);

#endif
