#include "store/place.h"

#include "base/buf.h"

#include <string.h>
#include <sys/stat.h>

static const char *const ends[PLACE_FILES] = {"", "-wal", "-shm"};

static bool same(struct place *p, size_t i) {
    struct buf BUF_AUTO path = BUF_INIT(8192);
    struct stat st;
    bool told = buf_addf(&path, "%s%s", p->path, ends[i]) && stat(path.p, &st) == 0;
    if (!p->files[i].known) {
        if (told) {
            p->files[i].device = st.st_dev;
            p->files[i].inode = st.st_ino;
        }
        p->files[i].known = told;
        return true;
    }
    return told && st.st_dev == p->files[i].device && st.st_ino == p->files[i].inode;
}

void place_init(struct place *p, const char *path) {
    *p = (struct place){.path = path};
    for (size_t i = 0; path && path[0] && i < PLACE_FILES; i++)
        (void)same(p, i);
}

bool place_holds(struct place *p, struct err *e) {
    for (size_t i = 0; p->path && p->path[0] && i < PLACE_FILES; i++)
        if (!same(p, i))
            return err_set(e, ERR_OUTSIDE,
                           "database %s%s: the file in use was deleted, moved or replaced: put it back, or "
                           "restart to go on with what is there now",
                           p->path, ends[i]);
    return true;
}
