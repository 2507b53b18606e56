/* gate: a whole gateway in the test's own thread: one front on loopback, the core, the journal on a database
 * in a temporary folder, and senders that never call. A request is sent on a socket of its own and everything
 * runs until its answer is whole.
 */
#ifndef HY_TESTS_API_GATE_H
#define HY_TESTS_API_GATE_H

#include "api/front.h"
#include "model/id.h"
#include "pipeline/ask.h"
#include "pipeline/core.h"
#include "store/journal.h"
#include "store/reader.h"

struct gate {
    char dir[64], url[128];
    struct meters meters;
    struct log log;
    struct world world;
    struct master_key master;
    struct settings settings;
    struct texts *texts;
    struct core_mail mail;
    struct mailbox *replies;
    struct db *db;
    struct journal *journal;
    struct core *core;
    struct front *front;
    uint64_t random;
    bool core_stands; /* asks pile up in the mailbox */
    bool journal_stands;

    struct account account, other;
    char bearer[160];       /* "Authorization: Bearer SK....secret\r\n", all scopes */
    char bearer_read[160];  /* scope read only */
    char bearer_other[160]; /* another account's */
    char basic[160];        /* the account's sid and auth token */

    char reply[1024 * 1024]; /* the latest answer, whole, NUL-terminated */
    int status;
    const char *body;
    bool head_only; /* the latest request was a HEAD */
};

/* asks_max, replies_max: capacities of the core's and the front's mailboxes. lane: whether there is a lane
 * called `main` (it takes calls that never end). */
struct gate *gate_open_narrow(size_t asks_max, size_t replies_max, bool lane);
/* The same with ample room for replies. */
struct gate *gate_open(size_t asks_max, bool lane);
void gate_close(struct gate *g);
/* One turn of everything. */
void gate_turn(struct gate *g);

/* Sends and waits for the answer: status, body and reply are set. head: further header lines, each ended by
 * CRLF. */
int gate_send(struct gate *g, const char *method, const char *target, const char *head, const char *body);
/* Only sends: the socket. gate_receive waits for its answer and closes it. */
int gate_begin(struct gate *g, const char *method, const char *target, const char *head, const char *body);
int gate_receive(struct gate *g, int fd);
/* JSON POST with the bearer. */
int gate_post(struct gate *g, const char *target, const char *json);
int gate_get(struct gate *g, const char *target);
enum { MEMBER_BYTES = 256 };
/* The value of a top-level string member of the latest answer; "" when it is not there. */
void gate_member(struct gate *g, const char *name, char out[MEMBER_BYTES]);
/* A header of the latest answer, "" if absent. */
void gate_header(struct gate *g, const char *name, char out[MEMBER_BYTES]);

#endif
