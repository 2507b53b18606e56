/* chat: the simulated providers that a lane of `provider: http` reaches by a preset, all as one face
 * (`http`): ntfy, Gotify, Bark, and the robots of DingTalk, Feishu and WeCom, told apart by path. `account`
 * is the token (key, device's access ...) and `secret` what the robots that sign are signed with. No
 * receipts, no replies. Sources: the vendors' pages that provider/generic_presets.c names; nothing is taken
 * from the presets.
 */
#ifndef HY_SIMULATOR_SIM_CHAT_H
#define HY_SIMULATOR_SIM_CHAT_H

#include "simulator/sim_call.h"

extern const struct sim_face sim_chat;

#endif
