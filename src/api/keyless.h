/* keyless: when a request may do without credentials: made by a program on the gateway's own machine, so that
 * the simplest tools work where a developer tries things.
 *
 * A proxy on this machine makes every caller look as if he were here, and some proxies add no header that
 * tells. So it is only where the settings say that nobody else is meant to reach the gateway: `listen` is an
 * address of this machine's loopback, and so is `public_url`, if there is one.
 */
#ifndef HY_API_KEYLESS_H
#define HY_API_KEYLESS_H

#include "base/err.h"
#include "model/settings.h"

struct api_request;

/* ERR_AUTH with the setting that forbids it and how to mend it. */
MUST_USE bool keyless_allowed(const struct settings *s, struct err *e);
/* Is it from this machine, by a program, and passed on by nobody, as far as a request can show? */
bool keyless_local(const struct api_request *rq);

#endif
