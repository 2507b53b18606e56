/* door: a queue of another system through which messages and business events come in, or what webhooks tell
 * goes out, instead of HTTP. Part of the settings, and owned by their arena.
 */
#ifndef HY_MODEL_DOOR_H
#define HY_MODEL_DOOR_H

#include "base/err.h"
#include "model/lane.h"

enum { DOORS_MAX = 16, DOOR_HOST_MAX = 255, DOOR_PATH_MAX = 255 };

enum door_kind { DOOR_AMQP, DOOR_REDIS };
enum door_direction { DOOR_IN, DOOR_OUT };
/* What no queue is bound for: it waits, or is gone. */
enum door_unroutable { DOOR_RETRY, DOOR_DROP };
enum door_takes { DOOR_MESSAGES, DOOR_EVENTS };

struct door {
    char name[LANE_NAME_MAX + 1];
    enum door_kind kind;
    enum door_direction direction;
    struct sv url;            /* amqp://, amqps://, redis://, rediss://; no user and password */
    struct sv user, password; /* password: secret */
    struct sv ca_file, cert_file, key_file;
    struct sv account; /* whose messages and events they are, by name */
    struct sv queue;   /* in: queue or stream; out: exchange or stream */
    enum door_takes takes;
    struct sv dead_letters; /* in: queue or stream; empty: that of `queue` and ".dead" */
    struct sv group;        /* in, Redis: the consumer group */
    uint32_t prefetch;      /* in: entries taken and not yet acknowledged */
    uint32_t claim_s;       /* in, Redis: entries left alone by their consumer for so long are taken over */
    uint32_t dead_letters_max;       /* in, Redis: about how many the dead-letter stream keeps */
    struct sv_list events, topics;   /* out: patterns of model/hook; empty: all */
    enum door_unroutable unroutable; /* out, RabbitMQ */
    uint32_t keep_max;               /* out, Redis: about how many entries the stream keeps */
    bool unnamed; /* in, RabbitMQ: entries without an id of their own are taken, at the risk of doubles */
};

/* Do both say the same of it? */
bool door_is_same(const struct door *a, const struct door *b);

/* What its url says. */
struct door_address {
    char host[DOOR_HOST_MAX + 1];
    uint16_t port;
    bool tls;
    char path[DOOR_PATH_MAX + 1]; /* virtual host ("/" where none is said), or number of the database */
};
/* ERR_INVALID says what is wrong with the url for doors of that kind. */
MUST_USE bool door_address_of(enum door_kind kind, struct sv url, struct door_address *out, struct err *e);

#endif
