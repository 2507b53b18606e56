/* New settings for a gateway that runs. */
#include "app/gateway_parts.h"

static bool same_redis(const struct settings *a, const struct settings *b) {
    return sv_eq(a->redis.url, b->redis.url) && sv_eq(a->redis.user, b->redis.user) &&
           sv_eq_secret(a->redis.password, b->redis.password) && sv_eq(a->redis.ca_file, b->redis.ca_file) &&
           sv_eq(a->redis.prefix, b->redis.prefix) && a->redis.timeout_ms == b->redis.timeout_ms;
}

/* What cannot change while running. */
static bool same_ground(const struct settings *a, const struct settings *b) {
    return sv_eq(a->listen, b->listen) && sv_eq(a->data_dir, b->data_dir) &&
           sv_eq(a->database, b->database) && sv_eq(a->node.name, b->node.name) &&
           sv_eq(a->node.shared, b->node.shared) && a->node.lease_ms == b->node.lease_ms &&
           a->threads.front == b->threads.front && a->threads.sender == b->threads.sender &&
           a->limits.connections_max == b->limits.connections_max &&
           a->limits.request_bytes_max == b->limits.request_bytes_max &&
           a->limits.request_ms_max == b->limits.request_ms_max && a->limits.idle_s == b->limits.idle_s &&
           a->log.format == b->log.format && same_redis(a, b);
}

void gateway_reload(struct gateway *g) {
    struct err e = ERR_INIT;
    g->reload_again = g->reloading;
    if (g->reloading)
        return;
    if (g->n_retired == RETIRED_MAX) {
        log_warn(&g->log, "reload.refused", kv_name("why", "too many reloads: restart"));
        return;
    }
    struct settings *s = g->source.load(g->source.ctx);
    struct texts *t = s ? texts_load(s, &e) : NULL;
    if (!t) {
        log_error(&g->log, "reload.refused",
                  kv_cstr("error", s ? e.text : "the settings have errors (see above)"),
                  kv_name("meaning", "the old settings stay"));
        if (s)
            g->source.free(s);
        return;
    }
    if (!same_ground(g->settings, s))
        log_warn(&g->log, "reload.partial",
                 kv_name("meaning", "listen, data_dir, database, node, redis (but nodes_expected), threads, "
                                    "log.format and the limits of connections and requests change at "
                                    "restart only"));
    g->retired[g->n_retired++] = (struct retired){.settings = g->settings, .texts = g->texts};
    g->settings = s;
    g->texts = t;
    __atomic_store_n(&g->log.level, s->log.level, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < g->n_fronts; i++)
        if (!front_offer(g->fronts[i].front, s, t, &e))
            log_error(&g->log, "reload.failed", kv_cstr("error", e.text));
    doors_follow(g->doors, s, t);
    (void)doors_settle(g->doors);
    bool pulls = g->puller ? front_offer(puller_front(g->puller), s, t, &e)
                           : gateway_open_puller(g, &e) && gateway_start_puller(g, &e);
    if (!pulls)
        log_error(&g->log, "reload.failed", kv_cstr("error", e.text));
    g->reload = (struct ask){.kind = ASK_RELOAD, .reply_to = g->reloaded, .settings = s};
    void *item = &g->reload;
    g->reloading = mailbox_put(g->mail.asks, &item, 1) == 1;
    g->reload_again = !g->reloading; /* the core is busy: the fronts must not stay ahead of it */
}

void gateway_reloaded(struct gateway *g) {
    void *item;
    if (mailbox_take(g->reloaded, &item, 1)) {
        g->reloading = false;
        log_info(&g->log, "reload.done", kv_int("lanes", g->settings->n_lanes));
    }
}
