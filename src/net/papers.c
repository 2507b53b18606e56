#include "net/papers.h"

#include "base/clock.h"
#include "base/mailbox.h"
#include "net/client.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { WISHES_MAX = 64, TIMEOUT_MS = 10000, AGAIN_US = 2000 * 1000, CONNECTIONS_MAX = 4 };

/* In an entry's state; from HERE it never goes on. */
enum { ABSENT, HERE };

struct paper {
    char url[PAPER_URL_BYTES_MAX + 1];
    struct sv body; /* owned; valid from HERE on */
    _Atomic int state;
    bool under_way; /* the fetching thread's */
    int64_t tried_at;
    struct papers *owner;
    struct http_request request;
};

struct wish {
    bool allow_private;
    char url[PAPER_URL_BYTES_MAX + 1];
};

struct papers {
    const struct log *log;
    struct mailbox *wishes;
    struct client *client;
    struct paper papers[PAPERS_MAX];
    _Atomic size_t n; /* entries whose url is set */
};

struct papers *papers_open(const struct log *log, struct err *e) {
    struct client_options o = {.connections_max = CONNECTIONS_MAX, .user_agent = "hongyan"};
    struct papers *p = calloc(1, sizeof *p);
    if (!p) {
        err_set(e, ERR_OUTSIDE, "out of memory");
        return NULL;
    }
    p->log = log;
    p->wishes = mailbox_new(WISHES_MAX, e);
    p->client = p->wishes ? client_open(&o, e) : NULL;
    if (p->client)
        return p;
    papers_close(p);
    return NULL;
}

void papers_close(struct papers *p) {
    if (!p)
        return;
    if (p->client)
        client_close(p->client);
    void *item;
    while (p->wishes && mailbox_take(p->wishes, &item, 1))
        free(item);
    mailbox_free(p->wishes);
    for (size_t i = 0; i < PAPERS_MAX; i++)
        free((char *)p->papers[i].body.p);
    free(p);
}

static struct paper *find(struct papers *p, struct sv url) {
    size_t n = atomic_load_explicit(&p->n, memory_order_acquire);
    for (size_t i = 0; i < n; i++)
        if (sv_eq(url, sv_of(p->papers[i].url)))
            return &p->papers[i];
    return NULL;
}

static void wish_for(struct papers *p, struct sv url, bool allow_private) {
    struct wish *w = calloc(1, sizeof *w);
    if (!w)
        return;
    w->allow_private = allow_private;
    memcpy(w->url, url.p, url.n);
    void *item = w;
    if (mailbox_put(p->wishes, &item, 1) == 0)
        free(w); /* who asks will ask again */
}

struct sv papers_get(struct papers *p, struct sv url, bool allow_private) {
    if (url.n == 0 || url.n > PAPER_URL_BYTES_MAX)
        return SV_NONE;
    const struct paper *paper = find(p, url);
    if (paper && atomic_load_explicit(&paper->state, memory_order_acquire) == HERE)
        return paper->body;
    wish_for(p, url, allow_private);
    return SV_NONE;
}

/* ---- the fetching thread ---- */

static void on_done(void *ctx, const struct http_response *r) {
    struct paper *paper = ctx;
    const struct log *log = paper->owner->log;
    struct sv url = sv_of(paper->url);
    url = sv_sub(url, 0, sv_find_char(url, '?')); /* what follows may be a secret */
    paper->under_way = false;
    bool ok = r->transport == HTTP_ANSWERED && r->status == 200;
    char *copy = ok ? malloc(r->body.n + 1) : NULL;
    if (!copy) {
        log_warn(log, "paper.failed", kv_text("url", url), kv_int("status", r->status),
                 kv_text("error", r->error));
        return;
    }
    if (r->body.n)
        memcpy(copy, r->body.p, r->body.n);
    copy[r->body.n] = '\0';
    paper->body = sv_make(copy, r->body.n);
    atomic_store_explicit(&paper->state, HERE, memory_order_release);
    log_info(log, "paper.fetched", kv_text("url", url), kv_int("bytes", (int64_t)r->body.n));
}

static struct paper *paper_of(struct papers *p, const struct wish *w) {
    struct paper *paper = find(p, sv_of(w->url));
    size_t n = atomic_load_explicit(&p->n, memory_order_relaxed);
    if (paper || n == PAPERS_MAX)
        return paper;
    paper = &p->papers[n];
    paper->owner = p;
    memcpy(paper->url, w->url, sizeof paper->url);
    atomic_store_explicit(&p->n, n + 1, memory_order_release);
    return paper;
}

static void grant_wish(struct papers *p, const struct wish *w) {
    struct paper *paper = paper_of(p, w);
    struct err e = ERR_INIT;
    int64_t now = clock_monotonic_us();
    if (!paper) {
        log_error(p->log, "paper.refused", kv_name("why", "too many documents: restart"));
        return;
    }
    bool early = paper->tried_at && now < paper->tried_at + AGAIN_US;
    if (paper->under_way || early || atomic_load_explicit(&paper->state, memory_order_relaxed) == HERE)
        return;
    paper->tried_at = now;
    paper->request = (struct http_request){.method = HTTP_GET, .url = sv_of(paper->url)};
    struct client_call call = {.request = &paper->request,
                               .timeout_ms = TIMEOUT_MS,
                               .connect_timeout_ms = TIMEOUT_MS,
                               .body_bytes_max = PAPER_BYTES_MAX,
                               .allow_private = w->allow_private,
                               .done = on_done,
                               .ctx = paper};
    paper->under_way = client_start(p->client, &call, &e);
    if (!paper->under_way)
        log_warn(p->log, "paper.failed", kv_int("status", 0), kv_cstr("error", e.text));
}

void papers_run(struct papers *p, int timeout_ms) {
    void *items[WISHES_MAX];
    size_t n = mailbox_take(p->wishes, items, WISHES_MAX);
    for (size_t i = 0; i < n; i++) {
        grant_wish(p, items[i]);
        free(items[i]);
    }
    bool sleep = n == 0 && mailbox_may_sleep(p->wishes);
    client_run(p->client, sleep ? timeout_ms : 0, mailbox_fd(p->wishes));
    if (sleep || n == 0)
        mailbox_awake(p->wishes);
}

void papers_wake(struct papers *p) {
    mailbox_wake(p->wishes);
}
