/* settings: everything configurable, as plain data. Filled by app/config from one YAML file (one table drives
 * parsing, checks, docs and `config explain`); read-only for every other room. A reload makes a new struct;
 * the old one lives until nothing can refer to it any more. Strings are NUL-terminated and owned by the
 * struct's arena.
 */
#ifndef HY_MODEL_SETTINGS_H
#define HY_MODEL_SETTINGS_H

#include "base/arena.h"
#include "base/log.h"
#include "model/door.h"
#include "model/event_source.h"
#include "model/lane.h"
#include "model/quiet.h"
#include "model/rate.h"
#include "model/retry.h"
#include "model/route.h"
#include "model/screen_list.h"
#include "model/spend.h"
#include "model/state.h"
#include "model/tally.h"

enum { SETTINGS_LANES_MAX = 64, SETTINGS_FILES_MAX = 16 };

struct settings {
    struct arena arena; /* owns every string below */

    /* listen: */
    struct sv listen;     /* host:port of the API */
    struct sv public_url; /* how providers and customers reach us: http(s)://host[:port][/prefix], no trailing
                             slash */
    struct sv data_dir;
    struct sv
        database; /* sqlite:PATH, or postgres://... without a password; default sqlite:DATA_DIR/hongyan.db */

    struct {
        struct sv name;   /* of this process; empty: the machine's */
        struct sv shared; /* several processes have the database: auto, yes, no */
        uint32_t lease_ms;
    } node;

    struct {
        enum log_level level;
        enum log_format format;
    } log;

    struct {
        uint32_t front;  /* threads that serve HTTP */
        uint32_t sender; /* threads that call providers and webhooks */
    } threads;

    struct {
        uint32_t connections_max;
        uint32_t request_ms_max; /* a request must be whole within this */
        uint32_t idle_s;
        uint32_t request_bytes_max;   /* body of one API request */
        uint32_t body_chars_max;      /* of one message */
        uint32_t urgent_run;          /* so many more urgent ones go before one that waits; 0: all of them */
        uint32_t live_max;            /* messages held in memory; the rest of the queue waits on disk */
        uint32_t journal_batch_max;   /* changes in one transaction */
        struct rate rates[RATES_MAX]; /* how many messages may come in */
        uint32_t n_rates;
        uint32_t rate_keys_max;           /* counters held for them */
        struct sv_list proxies;           /* addresses of those who say for whom they call */
        struct sv_list caps, duplicates;  /* as they are written */
        const struct tally_rule *tallies; /* both, read */
        uint32_t n_tallies;
        struct sv_list spend; /* of model/spend */
    } limits;

    struct {
        struct sv region;    /* ISO 3166 region for numbers written without country code: "CN" */
        uint32_t validity_s; /* how long a message may be sent */
        enum delivery delivery;
        enum priority priority;
        uint32_t idempotency_s; /* how long an Idempotency-Key is remembered */
        bool smart_encoding;    /* replace typographic look-alikes when that makes the text GSM-7 */
    } defaults;

    struct {
        uint32_t first_ms; /* ceiling of the first wait; doubles each time, full jitter */
        uint32_t max_ms;
        uint32_t attempts_max;
        struct sv_list class_texts;        /* as they are written */
        const struct retry_class *classes; /* the same, read: what is other for some refusals */
        uint32_t n_classes;
    } retry;

    struct {
        uint32_t timeout_ms;
        uint32_t attempts_max; /* of one status callback */
        bool allow_private;    /* may post to private addresses: for tests and closed networks */
    } callbacks;

    struct { /* out to customers */
        uint32_t timeout_ms;
        uint32_t window;    /* calls to one of them at once */
        uint32_t give_up_s; /* after so long without success an event is not tried again */
        uint32_t disable_s; /* after so long without any success it is disabled */
        uint32_t keep_s;    /* how long deliveries are remembered */
        bool allow_http, allow_private;
    } webhooks;

    struct {
        struct sv dir;      /* folder of message templates, NAME.txt or NAME.LANG.txt; empty: none */
        bool strict;        /* an undefined variable is an error */
        bool trim_blocks;   /* the newline behind a block tag goes */
        bool lstrip_blocks; /* white space between a line's start and a block tag goes */
    } templates;

    struct {
        struct sv base;  /* what stands before "/l/CODE" in short links; empty: addresses stay as they are */
        uint32_t keep_s; /* how long a link leads somewhere */
    } links;

    struct {
        struct sv words[SETTINGS_FILES_MAX]; /* files of forbidden words, one a line */
        uint32_t n_words;
        struct sv allow;  /* file of phrases in which a forbidden word does not count */
        struct sv action; /* block, replace or flag: what the files of words do */
        struct screen_list_rule lists[SCREEN_LIST_RULES_MAX];
        uint32_t n_lists;
    } screen;

    struct {
        struct sv_list exempt_topics;   /* opt-outs do not stop messages of these */
        struct sv_list required_topics; /* messages of these go to whoever granted it only */
        uint32_t
            invalid_days; /* how long a number that a provider calls invalid is not written to; 0: not kept */
        struct sv_list confirm_topics; /* a consent to these is asked for by a text first */
        uint32_t confirm_hours;        /* how long the answer counts */
        struct sv confirm_template;    /* of that text; empty: the built-in one */
        struct sv brand;               /* who asks, in the built-in one */
        struct sv_list brands;         /* the same in one language each, of model/brand */
    } consent;

    struct {
        bool answer;          /* keywords are answered */
        bool answer_other;    /* and all other texts, with how to opt out */
        bool in_line;         /* in the answer to the provider's post, where the provider takes one there */
        bool built_in;        /* the usual keywords count */
        uint32_t answers_max; /* to one number in an hour */
        struct sv language;   /* of all answers; empty: as fits the text */
        struct sv_list keywords; /* struct reply_rule: model/reply.h */
        struct sv_list answers;  /* struct reply_answer; at most 64 */
    } replies;

    struct {
        struct sv_list hours;           /* as they are written */
        const struct quiet_rule *rules; /* the same, read */
        uint32_t n_rules;
        struct sv time_zone;                     /* of recipients whose own is not known */
        uint32_t spread_s;                       /* what waited for their end goes out over so long */
        struct sv calendars[SETTINGS_FILES_MAX]; /* files */
        uint32_t n_calendars;
    } quiet;

    bool by_account; /* some rule asks for the name of a message's account */

    struct {
        struct sv_list countries;         /* none: all */
        struct sv_list account_countries; /* of model/country_rule */
        uint32_t burst_min;               /* texts to one prefix in the window; 0: not looked at */
        uint32_t burst_window_s;
        bool conversion;
        struct sv action; /* hold or block */
        uint32_t flag_s;
    } fraud;

    struct {
        uint32_t code_length;
        struct sv alphabet; /* of model/code */
        uint32_t expiry_s, attempts_max, resends_max, resend_s;
        struct sv brand, template;
        struct sv_list brands;   /* of model/brand */
        struct sv_list channels; /* the plan of a code that names none; at least one */
        uint32_t fallback_s;     /* between its channels; 0: only a failure leads on */
        struct rate rates[RATES_MAX];
        uint32_t n_rates;
        uint32_t keep_days;
    } verifications;

    struct {
        uint32_t keep_days; /* how long a business event, and that it came, is remembered */
    } events;

    struct {
        uint32_t keep_days; /* how long a message that is over is; 0: for ever */
    } messages;

    struct {
        struct sv dir; /* folder of rules, *.yaml; empty: none */
    } rules;

    struct event_source *sources; /* in the arena: who may sign events */
    uint32_t n_sources;

    struct {           /* what several gateways share */
        struct sv url; /* of net/redis; empty: nothing is shared */
        struct sv user, password, ca_file;
        uint32_t timeout_ms;
        struct sv prefix;        /* of its keys */
        uint32_t nodes_expected; /* gateways that share a rate while it is away */
    } redis;

    struct door *doors; /* in the arena: queues by which things come in and go out */
    uint32_t n_doors;

    uint32_t drain_ms; /* how long SIGTERM waits for calls in flight */

    struct lane_config lanes[SETTINGS_LANES_MAX];
    uint32_t n_lanes;

    struct route_rule *routes; /* in the arena; none: every message may take every lane, in their order */
    uint32_t n_routes;
};

#endif
