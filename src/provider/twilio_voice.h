/* twilio_voice: see twilio_voice.c. */
#ifndef HY_PROVIDER_TWILIO_VOICE_H
#define HY_PROVIDER_TWILIO_VOICE_H

#include "provider/twilio.h"

extern const struct adapter twilio_voice_adapter;

#endif
