/* place: whether a database's files still lie where they were opened.
 *
 * SQLite goes on writing into a file that was unlinked, moved or replaced under it, and each commit succeeds;
 * the next start does not find a word of it. So the writer looks before each transaction: device and inode
 * under the path are those of the beginning, for the database, its log (-wal) and the log's index (-shm),
 * without which another process would read something else than we wrote (sqlite.org/howtocorrupt.html,
 * sections 2.4 and 4). What is unlinked between the look and the commit is lost as it were a moment after it.
 */
#ifndef HY_STORE_PLACE_H
#define HY_STORE_PLACE_H

#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

enum { PLACE_FILES = 3 };

struct place {
    const char *path; /* borrowed; NULL or "": nothing on disk, always in place */
    struct {
        dev_t device;
        ino_t inode;
        bool known; /* a file may come into being after the beginning, and from then on must stay */
    } files[PLACE_FILES];
};

/* Looks for the first time. */
void place_init(struct place *p, const char *path);
/* ERR_OUTSIDE with the file and how to mend it. */
MUST_USE bool place_holds(struct place *p, struct err *e);

#endif
