#include "api/clicks.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

void clickbook_init(struct clickbook *b) {
    *b = (struct clickbook){.ask = {.kind = ASK_WRITE}};
    map_init(&b->index);
}

void clickbook_done(struct clickbook *b) {
    map_done(&b->index);
    free(b->open);
    free(b->written);
    b->open = b->written = NULL;
}

static bool has_memory(struct clickbook *b) {
    if (!b->open)
        b->open = calloc(CLICKS_MAX, sizeof *b->open);
    if (!b->written)
        b->written = calloc(CLICKS_MAX, sizeof *b->written);
    return b->open && b->written;
}

void clickbook_add(struct clickbook *b, int64_t code, int64_t now, struct meters *m) {
    struct clicks *row = map_get(&b->index, (uint64_t)code);
    if (row) {
        row->n++;
        row->last_at = now;
        return;
    }
    if (!has_memory(b) || b->n_open == CLICKS_MAX) {
        meter_add(m, COUNT_CLICKS_LOST, 1);
        return;
    }
    row = &b->open[b->n_open++];
    *row = (struct clicks){.code = code, .n = 1, .first_at = now, .last_at = now};
    map_put(&b->index, (uint64_t)code, row);
}

static void turn_page(struct clickbook *b) {
    struct clicks *empty = b->written;
    b->written = b->open;
    b->n_written = b->n_open;
    b->open = empty;
    b->n_open = 0;
    map_done(&b->index);
    map_init(&b->index);
}

struct ask *clickbook_take(struct clickbook *b, struct mailbox *reply_to, int64_t monotonic, bool at_once) {
    bool again = b->n_written != 0;
    if (b->out || (!again && !b->n_open))
        return NULL;
    bool full = !again && b->n_open == CLICKS_MAX, hurry = at_once && !b->refused;
    if (!full && !hurry && monotonic - b->tried_at < US_PER_S)
        return NULL;
    if (!again)
        turn_page(b);
    b->out = true;
    b->tried_at = monotonic;
    b->clicked =
        (struct links_clicked){.write = {.run = links_count}, .clicks = b->written, .n = b->n_written};
    b->ask = (struct ask){.kind = ASK_WRITE, .reply_to = reply_to, .owner = b, .write = &b->clicked.write};
    return &b->ask;
}

void clickbook_back(struct clickbook *b, struct meters *m) {
    b->out = false;
    b->refused = b->ask.result != ASK_DONE;
    if (b->refused)
        return;
    for (size_t i = 0; i < b->n_written; i++)
        meter_add(m, COUNT_CLICKS, b->written[i].n);
    b->n_written = 0;
}

bool clickbook_is_idle(const struct clickbook *b) {
    return !b->out && (b->refused || (!b->n_open && !b->n_written));
}
