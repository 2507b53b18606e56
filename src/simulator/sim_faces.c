#include "simulator/sim.h"
#include "simulator/sim_aliyun.h"
#include "simulator/sim_aws.h"
#include "simulator/sim_chat.h"
#include "simulator/sim_tencent.h"
#include "simulator/sim_twilio.h"
#include "simulator/sim_vonage.h"

/* One a line, so that additions do not meet. */
/* clang-format off */
const struct sim_face *const sim_faces[] = {
    &sim_twilio,
    &sim_twilio_voice,
    &sim_aliyun,
    &sim_tencent,
    &sim_tencent_appkey,
    &sim_aws,
    &sim_aws_sns,
    &sim_chat,
    &sim_fcm,
    &sim_vonage,
    &sim_apns,
    NULL,
};
/* clang-format on */

int sim_face_place(struct sv name) {
    for (int i = 0; sim_faces[i]; i++)
        if (sv_eq(name, sv_of(sim_faces[i]->name)))
            return i;
    return -1;
}

uint8_t sim_face_number(const struct sim_face *face) {
    for (uint8_t i = 0; sim_faces[i]; i++)
        if (sim_faces[i] == face)
            return i;
    BUG("a face that is not in the table");
}

struct sim_access sim_access(const struct sim *sim, const struct sim_face *face) {
    const struct profile_provider *p = &sim->profile.providers[sim_face_number(face)];
    return (struct sim_access){sv_of(p->account[0] ? p->account : face->account),
                               sv_of(p->secret[0] ? p->secret : face->secret)};
}

struct sv sim_receipt_url(const struct sim *sim, const struct sim_face *face) {
    return sv_of(sim->profile.providers[sim_face_number(face)].receipt_url);
}

struct sv sim_inbound_url(const struct sim *sim, const struct sim_face *face) {
    if (face == &sim_twilio)
        return sv_of(sim->profile.inbound_url);
    return sv_of(sim->profile.providers[sim_face_number(face)].inbound_url);
}

void sim_count_status(struct sim *sim, int status) {
    sim->stats.auth_failures += status == 401;
    sim->stats.throttled += status == 429;
    sim->stats.server_errors += status >= 500;
}
