#include "provider/adapter.h"

#include "base/codec.h"

#include <string.h>

enum { CREDENTIALS_BYTES_MAX = 256 * 1024 };

/* One a line, so that additions do not meet: NAME for the `NAME_adapter` of its own file. An empty line ends
 * it. */
/* clang-format off */
#define ADAPTERS(X) \
    X(twilio) \
    X(tencent) \
    X(tencent_appkey) \
    X(aliyun) \
    X(smtp) \
    X(generic) \
    X(twilio_voice) \
    X(aws) \
    X(fcm) \
    X(apns) \
    X(vonage) \

#define DECLARE(name) extern const struct adapter name##_adapter;
#define POINT_TO(name) &name##_adapter,
ADAPTERS(DECLARE)
const struct adapter *const adapters[] = {ADAPTERS(POINT_TO) NULL};
/* clang-format on */

const struct adapter *adapter_find(struct sv name) {
    for (size_t i = 0; adapters[i]; i++)
        if (sv_eq(name, sv_of(adapters[i]->name)))
            return adapters[i];
    return NULL;
}

bool lane_has_channel(const struct lane_config *lane, enum channel c) {
    return lane->channel ? lane->channel == 1u + c : (lane->adapter->channels >> c & 1u) != 0;
}

bool lane_can_look_up(const struct lane_config *lane) {
    const struct adapter *a = lane->adapter;
    return a->can_lookup && (!a->looks_up || a->looks_up(lane));
}

uint32_t lane_pulls(const struct lane_config *lane, enum pull what) {
    const struct adapter *a = lane->adapter;
    return a->pulls && !lane_needs_grant(lane) ? a->pulls(lane, what) : 0;
}

bool lane_needs_grant(const struct lane_config *lane) {
    const struct adapter *a = lane->adapter;
    return (a->grant || a->mint) && (!a->needs_grant || a->needs_grant(lane));
}

/* Secrets among the fields: only the hash stays. */
static uint64_t credentials_of(const struct lane_config *lane) {
    struct buf BUF_AUTO all = BUF_INIT(CREDENTIALS_BYTES_MAX);
    buf_adds(&all, lane->adapter->name);
    for (size_t i = 0; i < lane->adapter->n_fields; i++) {
        buf_addf(&all, "|%zu:", lane->fields[i].n);
        buf_add(&all, lane->fields[i]);
    }
    uint8_t hash[SHA256_BYTES];
    uint64_t key;
    sha256(buf_sv(&all), hash);
    memcpy(&key, hash, sizeof key);
    explicit_bzero(all.p, all.n);
    return key;
}

bool lane_prepare(struct lane_config *lane, struct err *e) {
    if (lane_needs_grant(lane))
        lane->credentials = credentials_of(lane);
    return !lane->adapter->prepare || lane->adapter->prepare(lane, e);
}

void lane_release(struct lane_config *lane) {
    if (lane->prepared)
        lane->adapter->release(lane->prepared);
    lane->prepared = NULL;
}

int adapter_field_index(const struct adapter *a, struct sv name) {
    for (size_t i = 0; i < a->n_fields; i++)
        if (sv_eq(name, sv_of(a->fields[i].name)))
            return (int)i;
    return -1;
}
