/* face: one provider that the simulator plays: which requests are for it, and how that provider's answers,
 * errors, receipts and replies are written. All else is shared by the faces: the profile, the magic numbers,
 * the course of each message, the store, /_sim/stats and /_sim/messages.
 *
 * To add a provider NAME:
 *  1. sim_NAME.c with one `const struct sim_face sim_NAME`; one line in sim_faces.c; its files in
 * meson.build. `takes` tells its requests from the others' by path, method and headers: all faces share one
 * port, and paths of one (AWS, Aliyun and Tencent all live on "/") are told apart by their headers.
 *  2. `handle` authenticates by what the vendor documents, with code of its own (never the adapter's),
 * against sim_access (account and secret from the profile, or the face's defaults). A wrong signature, a
 * stale time, an unknown action are answered with the vendor's own words; sim_count_status counts them.
 *  3. A call that sends: call_admit (the profile's rate), call_new(n), each item's draft filled in (number or
 *     address, body, reference, extra), then call_take. The course decides what becomes of it; once its time
 *     has come the face's `answer` or `refuse` writes what the vendor would say.
 *  4. A query reads the store (store_older_of by number, store_get; `provider` is the place in sim_faces) and
 *     shows each message with store_status, not before it is list_lag_ms old; count it in stats.lists or
 *     stats.fetches.
 *  5. `receipt` and `reply` write one post in the vendor's form into a callback: body, content type, headers,
 *     signature (step->sign says whether the signature, or where there is none the secret in the address,
 *     shall be right, wrong or missing). Where posts go: the item's own callback address, else receipt_url
 * and inbound_url of providers.NAME in the profile. `accepts` may say that a 2xx is not enough.
 *  6. docs/simulator.md: the face's table of requests. tests/simulator/test_NAME.py: the vendor's SDK.
 */
#ifndef HY_SIMULATOR_SIM_FACE_H
#define HY_SIMULATOR_SIM_FACE_H

#include "model/http.h"
#include "net/server.h"
#include "simulator/sim_callbacks.h"
#include "simulator/sim_course.h"

struct sim;
struct sim_call;

/* What a call is refused with. status is what it means whatever the vendor's own status for it is: 401, 429,
 * 4xx, 5xx. The magic numbers' codes are Twilio's (21211: not a number, 21610: opted out ...), which a face
 * translates; word is the profile's `code` where that is a text: the vendor's own, to be said as it is. */
struct sim_refusal {
    int status; /* 0: the usual one of the code */
    int code;   /* 0: the usual one of the status */
    struct sv word;
    int retry_after_s;
};

/* One receipt of one message. */
struct sim_step {
    const struct sim_message *message;
    uint64_t seq;
    unsigned number; /* 0.. of this message's */
    enum sim_status status;
    int code; /* Twilio's, 0: none; see above */
    enum callback_sign sign;
    struct sv word; /* the profile's text instead of the code */
    int64_t at;
};

struct sim_reply {
    struct sv from, to, body, account; /* account may be empty */
    struct sid sid;
};

struct sim_face {
    const char *name;             /* the adapter's: "twilio" */
    const char *title;            /* for people: "Twilio" */
    const char *account, *secret; /* defaults of providers.NAME; NULL: has no such setting */
    bool items_apart; /* each item of a call is answered for itself: a refused one refuses no other */
    bool (*takes)(const struct exchange *x);
    void (*handle)(struct sim *sim, struct exchange *x);
    /* The answer to a call that was taken: status, and the body into out (empty). Items with seq 0 were
     * refused (items_apart). */
    int (*answer)(struct sim *sim, const struct sim_call *call, struct buf *out);
    const char *content_type; /* of that */
    /* A header of that, where the vendor says something there; NULL: none. */
    struct http_header (*answer_header)(const struct sim_call *call);
    /* Ends the exchange with the vendor's error; counts it (sim_count_status) where it is 401, 429 or 5xx. */
    void (*refuse)(struct sim *sim, struct exchange *x, const struct sim_refusal *r);
    /* Whether there is a post for that status (a vendor without "sent" receipts); NULL: for each. */
    bool (*reports)(enum sim_status status);
    void (*receipt)(struct sim *sim, const struct sim_step *step, struct callback *c);
    /* Where a reply goes, where that is no inbound_url: a key pressed in a call. False and a reason when
     * nobody waits for one. NULL: to inbound_url. */
    bool (*reply_to)(struct sim *sim, const struct sim_reply *reply, struct buf *url, const char **why);
    /* False and a reason when it cannot be written. */
    bool (*reply)(struct sim *sim, const struct sim_reply *reply, struct callback *c, const char **why);
    /* Keeps a reply until it is asked for, where there is no inbound_url. False and a reason when it cannot.
     * NULL: there must be one. */
    bool (*keep)(struct sim *sim, const struct sim_reply *reply, const char **why);
    /* Whether the tested side's answer to a post is what the vendor wants; NULL: any 2xx. */
    bool (*accepts)(const struct http_response *r);
};

enum { SIM_FACES_MAX = 16 };
/* NULL-terminated; Twilio is the first. A message's `provider` is the place in here. */
extern const struct sim_face *const sim_faces[];
/* The place of the face of that name; -1. */
int sim_face_place(struct sv name);
uint8_t sim_face_number(const struct sim_face *face);

/* The account and secret that this face lets in. */
struct sim_access {
    struct sv account, secret;
};
struct sim_access sim_access(const struct sim *sim, const struct sim_face *face);
/* Where receipts without an address of their own, and replies, of this face go; empty: nowhere. */
struct sv sim_receipt_url(const struct sim *sim, const struct sim_face *face);
struct sv sim_inbound_url(const struct sim *sim, const struct sim_face *face);

/* Counts an answer of that meaning: 401 auth_failures, 429 throttled, 5xx server_errors. */
void sim_count_status(struct sim *sim, int status);

#endif
