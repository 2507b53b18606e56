/* adapter: one provider's API, as pure functions. No socket, thread, clock or log in here: requests are built
 * as data in the caller's arena, answers are judged as data.
 *
 * A new provider is one .c file, one line in provider/list.c, one folder of fixtures under tests/provider.
 *
 * Promises an adapter makes:
 *  - build's request is complete: every header the provider needs, the body signed where it signs.
 *  - judge never says FATE_RETRY or FATE_REJECTED unless the provider surely did not take the message.
 * HTTP_CUT, 5xx and answers that make no sense are FATE_UNKNOWN unless the provider documents otherwise.
 *  - judge_lookup never says FOUND_ABSENT when the list may lag or be cut: that is FOUND_CANNOT_TELL.
 *  - receipt and inbound authenticate before they parse further, in constant time; false with ERR_AUTH
 * otherwise.
 *  - nothing is taken from a provider's answer without a bound.
 */
#ifndef HY_PROVIDER_ADAPTER_H
#define HY_PROVIDER_ADAPTER_H

#include "base/arena.h"
#include "base/err.h"
#include "model/channel.h"
#include "model/form.h"
#include "model/http.h"
#include "model/lane.h"
#include "model/verdict.h"
#include "text/segments.h"

/* How the value of a setting may be written. */
enum adapter_text {
    ADAPTER_LINE, /* one line of text */
    ADAPTER_LINES /* several, too: a template, a table */
};

/* One setting of a lane that this adapter needs. Drives config check, docs, console form and redaction. */
struct adapter_field {
    const char *name;  /* the YAML key: "account_sid" */
    const char *label; /* for people, English */
    const char *label_zh;
    bool secret;
    bool required;
    bool identifies; /* another value is another account: what was sent with one is not asked of the other */
    const char *fallback; /* default, or NULL */
    /* False and a reason (field's shape, and how to mend it) when the value cannot be right. NULL: anything.
     */
    bool (*check)(struct sv value, struct err *e);
    enum adapter_text text;
};

/* What one attempt says. Borrowed for the call. */
struct attempt_view {
    int64_t message_id;
    unsigned number;    /* 1.. */
    int64_t started_at; /* when the attempt row was committed */
    int64_t expires_at; /* end of the message's validity */
    enum channel channel;
    struct sv to;          /* E.164, or the channel's address */
    struct sv from;        /* sender, may be empty (then the lane's) */
    struct sv body;        /* the very bytes that were screened and counted; valid UTF-8, no NUL */
    struct sv title, html; /* an e-mail's subject, a push's title; an e-mail's other part; may be empty */
    struct sv data;     /* of a push: what the app gets beside the text, a JSON object of strings; or empty */
    struct sv collapse; /* of a push: it takes the place of what came with the same word; or empty */
    enum priority priority;
    struct sv language;   /* BCP 47, as model/language spells it; empty: not known */
    struct attempt_code { /* how this provider knows the template, if it does; all may be empty */
        struct sv code, sign;
        struct sv params; /* JSON: an object of strings by name, or a list of strings by place */
    } code;
    struct sv grant; /* what `grant` brought or `mint` made, where the adapter has one */
    struct sv token; /* the attempt's own token, for the callback address and reference fields */
    struct sv
        status_url; /* where the provider shall post receipts, token included; empty: no public address */
    struct sv traceparent; /* W3C trace context, or empty */
};

/* A request a provider posted to us, whole and unparsed. */
struct hook_request {
    enum http_method method;
    struct sv url;   /* as the provider called it: configured public base + raw target */
    struct sv query; /* raw */
    struct sv body;  /* raw */
    struct sv content_type;
    const struct http_header *headers;
    size_t n_headers;
    bool pulled; /* no post: body is what `pull` was answered, which the provider's connection vouches for */
    /* What is at a public address that the post itself names and the adapter has checked: a signer's
     * certificate, a page that confirms. p == NULL: it is not here yet, and is being fetched; the adapter
     * says ERR_BUSY, and the provider posts again. The document stays valid. NULL: nothing can be fetched. */
    struct sv (*document)(void *ctx, struct sv url);
    void *document_ctx;
};

/* A token that a provider gives for a while in exchange for credentials (OAuth, instance roles). */
enum { GRANT_BYTES_MAX = 4096 };
struct grant {
    char text[GRANT_BYTES_MAX]; /* the adapter's own form; a secret */
    int64_t expires_at;         /* asked for anew some time before */
    bool more;                  /* not yet the token: `grant` is called again, with this as its `so_far` */
    int64_t renewable_at; /* the provider takes no newer one before, also when it refuses this; 0: any time */
};

/* What a provider keeps for us until it is fetched. */
enum pull { PULL_REPLIES, PULL_RECEIPTS, PULL_KINDS };

/* What to answer to a provider's post, once what it said is on disk. */
struct hook_reply {
    const char *content_type; /* NULL: no body */
    struct sv body;
};

/* One row of what a provider's codes mean, for people. */
struct adapter_code {
    char code[80];
    enum fate fate;
    enum lane_hint hint;
    enum reason reason;
    int32_t pause_ms; /* 0: none */
};

struct adapter {
    const char *name; /* "twilio" */
    const struct adapter_field *fields;
    size_t n_fields;
    /* What no single field shows: which go together, and what one of several must say. False and a reason,
     * with the setting to look at in e->field. NULL: nothing. */
    bool (*check_all)(const struct lane_config *lane, struct err *e);
    /* What the adapter makes of the settings once, when they are read, and needs with every message (compiled
     * templates): puts it into lane->prepared, and may fill in what the file leaves open (lane->channel).
     * After check_all and before all else; never changed afterwards. False as check_all, with the place in
     * the setting's text in e->line and e->column. release ends it. NULL, both: nothing. */
    bool (*prepare)(struct lane_config *lane, struct err *e);
    void (*release)(void *prepared);
    /* Limits and habits. */
    unsigned channels;       /* a bit 1u << CHANNEL_... for each it can carry; a lane may be for one only */
    unsigned batch_max;      /* messages in one call; more than 1: the three batch functions exist */
    bool batch_distinct;     /* no two of a batch to one address: the provider's receipts could not tell them
                                apart */
    size_t body_chars_max;   /* of one message, in characters; 0: none */
    bool senders_by_country; /* a text's sender is what the recipient's network shows, by its rules
                                (model/sender_kind); not a sign name, an address, or what a template says */
    bool rate_counts_segments;       /* what the provider's rate limit counts: segments, else messages */
    enum segments_rule segment_rule; /* how it counts texts to numbers of mainland China */
    bool can_lookup;
    uint32_t lookup_after_ms; /* default settling time: the provider's list lags behind by so much */

    bool (*build)(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                  struct arena *mem, struct http_request *out, struct err *e);
    struct verdict (*judge)(const struct lane_config *lane, const struct http_response *r);
    /* Why a message of this shape cannot go this way, whatever the provider would say (no template code for a
     * provider that takes nothing else, a country it does not serve); REASON_NONE: it can. Cheap, without
     * token and grant in the view. NULL: all can. */
    enum reason (*refuses)(const struct lane_config *lane, const struct attempt_view *a);
    /* Several attempts by one call, each with its own verdict. `joins`: whether b may go with a (and with all
     * that joined a). n is 2..batch_max; out has room for n. NULL: never. */
    bool (*joins)(const struct lane_config *lane, const struct attempt_view *a, const struct attempt_view *b);
    bool (*build_batch)(const struct lane_config *lane, const struct attempt_view *a, size_t n, int64_t now,
                        uint64_t nonce, struct arena *mem, struct http_request *out, struct err *e);
    void (*judge_batch)(const struct lane_config *lane, const struct attempt_view *a, size_t n,
                        const struct http_response *r, struct verdict *out);
    /* Fetches what other requests need as attempt_view.grant. so_far: empty, or what the step before
     * gave; of the first step, what grant_file holds. judge_grant: false with ERR_AUTH (credentials are
     * wrong: the lane is broken) or another kind (for now). NULL: needs none. needs_grant: which lanes do,
     * where not all do. grant_file: the path of a file that is read for each fetch, or empty. */
    bool (*grant)(const struct lane_config *lane, struct sv so_far, int64_t now, uint64_t nonce,
                  struct arena *mem, struct http_request *out, struct err *e);
    bool (*judge_grant)(const struct lane_config *lane, struct sv so_far, int64_t now,
                        const struct http_response *r, struct grant *out, struct err *e);
    bool (*needs_grant)(const struct lane_config *lane);
    struct sv (*grant_file)(const struct lane_config *lane);
    /* Makes it without a call: a token that the lane's own key signs. False: the lane's settings cannot make
     * one. NULL: `grant` fetches it, or none is needed. */
    bool (*mint)(const struct lane_config *lane, int64_t now, struct grant *out, struct err *e);
    bool (*lookup)(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                   struct arena *mem, struct http_request *out, struct err *e);
    /* Whether this lane can be asked, where not all lanes of the adapter can. NULL: what can_lookup says. */
    bool (*looks_up)(const struct lane_config *lane);
    struct lookup_answer (*judge_lookup)(const struct lane_config *lane, const struct attempt_view *a,
                                         int64_t now, const struct http_response *r);
    /* The names of headers that receipt and inbound of this lane look at, beyond the usual ones: the i-th, or
     * NULL at the end. NULL: none. */
    const char *(*hook_header)(const struct lane_config *lane, size_t i);
    /* One post may carry several; at most max are written, *n says how many. Views point into mem or rq. */
    bool (*receipt)(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                    struct receipt *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e);
    bool (*inbound)(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                    struct inbound *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e);
    /* Fetches replies or receipts that the provider keeps for us, and forgets once it has handed them out:
     * what is lost on the way is lost, so only lanes that ask for it do. pulls: every how many seconds this
     * lane asks; 0: never. judge_pull: false when nothing was handed out (ERR_AUTH: nor will be, while the
     * credentials are these); *n: how many were; *more: others may wait. The body of such an answer is then
     * given to inbound or receipt, with `pulled`. NULL, all three: it keeps nothing. No adapter that needs a
     * grant has it. */
    uint32_t (*pulls)(const struct lane_config *lane, enum pull what);
    bool (*pull)(const struct lane_config *lane, enum pull what, int64_t now, struct arena *mem,
                 struct http_request *out, struct err *e);
    bool (*judge_pull)(const struct lane_config *lane, enum pull what, const struct http_response *r,
                       size_t *n, bool *more, struct err *e);
    /* The answer to an inbound post that has the provider send text back to the handset, in mem. NULL: it
     * takes none there. */
    bool (*answer)(struct sv text, struct arena *mem, struct hook_reply *out);
    /* A harmless call that shows whether address and credentials work (`hongyan doctor`), and its judgement.
     */
    bool (*probe)(const struct lane_config *lane, int64_t now, uint64_t nonce, struct arena *mem,
                  struct http_request *out, struct err *e);
    /* The same for a lane that needs a grant, with that. NULL: that the grant is given shows enough. */
    bool (*probe_granted)(const struct lane_config *lane, struct sv grant, int64_t now, uint64_t nonce,
                          struct arena *mem, struct http_request *out, struct err *e);
    bool (*judge_probe)(const struct lane_config *lane, const struct http_response *r, struct err *e);
    /* The i-th row of its table of codes; false behind the last (docs/providers/NAME.md is made of it). NULL:
     * it has none. */
    bool (*code)(size_t i, struct adapter_code *out);
};

/* All adapters, in the order of provider/list.c; NULL-terminated. */
extern const struct adapter *const adapters[];
const struct adapter *adapter_find(struct sv name);
/* Whether a lane is for messages of that channel. */
bool lane_has_channel(const struct lane_config *lane, enum channel c);
/* Whether the outcome of an attempt can be looked up at its provider. */
bool lane_can_look_up(const struct lane_config *lane);
/* Every how many seconds it fetches those of its provider; 0: never. */
uint32_t lane_pulls(const struct lane_config *lane, enum pull what);
/* Whether its requests need a grant. */
bool lane_needs_grant(const struct lane_config *lane);
/* adapter->prepare and release, where there are any; release may be called on a lane that was never prepared.
 */
MUST_USE bool lane_prepare(struct lane_config *lane, struct err *e);
void lane_release(struct lane_config *lane);
/* Index of a field by name in the adapter's table, or -1. */
int adapter_field_index(const struct adapter *a, struct sv name);

#endif
