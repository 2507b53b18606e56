/* gateway: the parts wired together and running: database, journal, core, senders, fronts. What `hongyan
 * serve` runs.
 *
 * gateway_open does all that can fail before a thread is started: files, migration, ports. gateway_run starts
 * the threads and serves until SIGTERM or SIGINT; SIGHUP loads the settings again (a settings file with
 * errors is refused and the old one stays).
 */
#ifndef HY_APP_GATEWAY_H
#define HY_APP_GATEWAY_H

#include "base/err.h"
#include "model/settings.h"

struct gateway;

/* How to read the settings again, for SIGHUP. Returns NULL after having said why on stderr. */
struct settings_source {
    struct settings *(*load)(void *ctx);
    void (*free)(struct settings *s);
    void *ctx;
    struct sv master_key_hex; /* HONGYAN_MASTER_KEY, or empty: the file in data_dir */
};

/* settings become the gateway's. ERR_OUTSIDE or ERR_INVALID, saying what, where and how to mend it. */
MUST_USE struct gateway *gateway_open(struct settings *settings, const struct settings_source *source,
                                      struct err *e);
/* Returns when drained: true if nothing was left in flight. */
MUST_USE bool gateway_run(struct gateway *g, struct err *e);
void gateway_close(struct gateway *g);

#endif
