/* clicks: how often short links were opened, gathered by one front and handed to the journal about once a
 * second, so that a thousand people who open the links of one campaign cost a few writes.
 *
 * Price: a crash forgets what was opened within that second; an orderly stop forgets nothing. While the
 * database takes no writes they are kept and tried again, CLICKS_MAX links at most; what is opened beyond
 * those is not counted (link_clicks_lost_total). The front owns one; its thread alone.
 */
#ifndef HY_API_CLICKS_H
#define HY_API_CLICKS_H

#include "base/map.h"
#include "model/world.h"
#include "pipeline/ask.h"
#include "store/links.h"

enum { CLICKS_MAX = 4096 };

struct clickbook {
    struct clicks *open; /* being gathered; owned, as the others */
    size_t n_open;
    struct map index;       /* code -> its row of open */
    struct clicks *written; /* with the core, or to be handed over again */
    size_t n_written;
    bool out;         /* they are with the core */
    bool refused;     /* the last time they were not stored */
    int64_t tried_at; /* when they were handed over last, monotonic */
    struct links_clicked clicked;
    struct ask ask;
};

/* Memory is taken at the first click. */
void clickbook_init(struct clickbook *b);
void clickbook_done(struct clickbook *b);
void clickbook_add(struct clickbook *b, int64_t code, int64_t now, struct meters *m);
/* The ask to be put, when there is something and its time has come (at once: now); NULL: nothing. It comes
 * back by reply_to, to clickbook_back. */
struct ask *clickbook_take(struct clickbook *b, struct mailbox *reply_to, int64_t monotonic, bool at_once);
void clickbook_back(struct clickbook *b, struct meters *m);
/* Nothing is left to be stored, or it was tried in vain. */
bool clickbook_is_idle(const struct clickbook *b);

#endif
