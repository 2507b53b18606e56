#include "provider/adapter.h"
#include "provider/aliyun.h"
#include "provider/aws.h"
#include "provider/generic.h"
#include "provider/smtp.h"
#include "provider/tencent.h"
#include "provider/tencent_appkey.h"
#include "provider/twilio.h"
#include "provider/twilio_voice.h"

/* One a line, so that additions do not meet. */
/* clang-format off */
const struct adapter *const adapters[] = {
    &twilio_adapter,
    &tencent_adapter,
    &tencent_appkey_adapter,
    &aliyun_adapter,
    &smtp_adapter,
    &generic_adapter,
    &twilio_voice_adapter,
    &aws_adapter,
    NULL,
};
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

bool lane_needs_grant(const struct lane_config *lane) {
    const struct adapter *a = lane->adapter;
    return a->grant && (!a->needs_grant || a->needs_grant(lane));
}

bool lane_prepare(struct lane_config *lane, struct err *e) {
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
