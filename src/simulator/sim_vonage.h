/* vonage: the simulated SMS API of Vonage. See sim_vonage.c. */
#ifndef HY_SIMULATOR_SIM_VONAGE_H
#define HY_SIMULATOR_SIM_VONAGE_H

#include "simulator/sim_call.h"

extern const struct sim_face sim_vonage;

#endif
