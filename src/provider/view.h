/* view: a message as the adapter of a lane is shown it. */
#ifndef HY_PROVIDER_VIEW_H
#define HY_PROVIDER_VIEW_H

#include "model/message.h"
#include "provider/adapter.h"

/* A step of its plan, all but number, times, token, addresses for callbacks and the grant. Views into m, or
 * into mem. */
struct attempt_view view_of_message(const struct message *m, unsigned step, const struct lane_config *lane,
                                    struct arena *mem);
/* Why m cannot go by that lane at all, on the channel it is on; REASON_NONE: it can. */
enum reason view_refused(const struct message *m, const struct lane_config *lane);

#endif
