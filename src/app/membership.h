/* membership: this process as one of the nodes of its database (store/nodes.h): joining at the start, leaving
 * at the end. In between the journal keeps the lease. What it was last is kept in data_dir, whose lock says
 * that the process before is gone: a restart goes on with its own work at once.
 */
#ifndef HY_APP_MEMBERSHIP_H
#define HY_APP_MEMBERSHIP_H

#include "app/real_world.h"
#include "model/settings.h"
#include "store/nodes.h"

struct membership {
    struct node_self self; /* id 0: alone */
    struct lease lease;
    bool clock_told;
};

/* Do several processes share the database, as the settings have it? */
bool membership_wanted(const struct settings *s);
/* Joins; from then on clock, which must live as long, follows the database's, which is heard at each renewal
 * of the lease. Precondition: data_dir is locked, the schema this program's. */
MUST_USE bool membership_join(struct membership *m, struct db *db, const struct settings *s,
                              struct real_clock *clock, const struct log *log, struct err *e);
/* Writes to the log when the two clocks have been found apart. */
void membership_tell_clock(struct membership *m, const struct real_clock *clock, const struct log *log);
/* The others may have the rest. Precondition: nothing writes any more. */
void membership_leave(struct membership *m, struct db *db, const struct log *log);

#endif
