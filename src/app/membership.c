#include "app/membership.h"

#include "base/clock.h"
#include "version.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { CLOCK_TOOK_MAX_US = 200 * 1000 };

bool membership_wanted(const struct settings *s) {
    if (sv_eq(s->node.shared, SV("auto")))
        return !sv_starts(s->database, SV("sqlite:"));
    return sv_eq(s->node.shared, SV("yes"));
}

static int64_t mono(void *ctx) {
    (void)ctx;
    return clock_monotonic_us();
}

/* Not a matter of life: without the file the new process takes another id, and its own work over. */
static void read_before(const struct settings *s, struct node_self *out) {
    struct buf BUF_AUTO path = BUF_INIT(4096);
    buf_addf(&path, "%.*s/node", SV_FMT(s->data_dir));
    FILE *f = path.overflow ? NULL : fopen(path.p, "re");
    *out = (struct node_self){0};
    if (!f)
        return;
    if (fscanf(f, "%u %" SCNd64, &out->id, &out->incarnation) != 2 || out->id > NODES_MAX)
        *out = (struct node_self){0};
    fclose(f);
}

static void write_down(const struct settings *s, const struct node_self *self, const struct log *log) {
    struct buf BUF_AUTO path = BUF_INIT(4096), text = BUF_INIT(64);
    buf_addf(&path, "%.*s/node", SV_FMT(s->data_dir));
    buf_addf(&text, "%u %" PRId64 "\n", self->id, self->incarnation);
    int fd = path.overflow ? -1 : open(path.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n;
    if (fd >= 0)
        close(fd);
    if (!ok)
        log_warn(
            log, "node.file", kv_cstr("error", strerror(errno)),
            kv_name("meaning", "a restart waits for the end of this lease before it has its work again"));
}

/* Due times and ids of all nodes are compared: each goes by the database's clock. An answer that took long
 * says little. */
static void hear_clock(void *ctx, int64_t offset_us, int64_t took_us) {
    if (took_us < CLOCK_TOOK_MAX_US)
        real_clock_follow(ctx, offset_us, clock_monotonic_us());
}

void membership_tell_clock(struct membership *m, const struct real_clock *clock, const struct log *log) {
    int64_t apart = real_clock_apart_us(clock);
    bool differs = apart != 0;
    if (differs && !m->clock_told)
        log_warn(log, "node.clock", kv_int("apart_ms", apart / US_PER_MS),
                 kv_name("meaning", "this node's clock and the database's differ: the database's is taken"));
    m->clock_told = differs;
}

/* Once, at the start, however long it takes. */
static bool set_clock(struct membership *m, struct db *db, struct real_clock *clock, const struct log *log,
                      struct err *e) {
    int64_t now, asked = clock_monotonic_us();
    if (!nodes_now(db, &m->self, &now, e))
        return false;
    int64_t heard = clock_monotonic_us();
    real_clock_follow(clock, now - (asked + heard) / 2, heard);
    membership_tell_clock(m, clock, log);
    m->lease.hear_clock = hear_clock;
    return true;
}

static void fill_card(const struct settings *s, struct node_row *card) {
    *card = (struct node_row){.id = 0};
    snprintf(card->name, sizeof card->name, "%.*s", SV_FMT(s->node.name));
    if (!card->name[0] && gethostname(card->name, sizeof card->name - 1) != 0)
        snprintf(card->name, sizeof card->name, "unnamed");
    snprintf(card->version, sizeof card->version, "%s", HONGYAN_VERSION);
    snprintf(card->address, sizeof card->address, "%.*s", SV_FMT(s->listen));
}

bool membership_join(struct membership *m, struct db *db, const struct settings *s, struct real_clock *clock,
                     const struct log *log, struct err *e) {
    struct node_self before;
    struct node_row card;
    fill_card(s, &card);
    read_before(s, &before);
    m->lease = (struct lease){.mono_us = mono, .ctx = clock};
    m->self = (struct node_self){.incarnation = (int64_t)(real_random(clock) >> 1) | 1,
                                 .lease_us = (int64_t)s->node.lease_ms * US_PER_MS,
                                 .lease = &m->lease};
    if (!nodes_join(db, &m->self, &card, &before, e))
        return false;
    write_down(s, &m->self, log);
    log_info(log, "node.joined", kv_int("node", m->self.id), kv_cstr("name", card.name),
             kv_int("lease_ms", s->node.lease_ms),
             kv_name("work", m->self.id == before.id ? "its own of before" : "none yet"));
    return set_clock(m, db, clock, log, e);
}

void membership_leave(struct membership *m, struct db *db, const struct log *log) {
    struct err e = ERR_INIT;
    if (!m->self.id || atomic_load(&m->lease.lost))
        return;
    if (nodes_leave(db, &m->self, &e))
        log_info(log, "node.left", kv_int("node", m->self.id));
    else
        log_warn(log, "node.left", kv_int("node", m->self.id), kv_cstr("error", e.text),
                 kv_name("meaning", "the others have its rest when its lease ends"));
}
