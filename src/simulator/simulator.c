#include "simulator/simulator.h"

#include "base/clock.h"
#include "simulator/sim.h"
#include "simulator/sim_control.h"
#include "simulator/sim_face.h"
#include "simulator/sim_twilio.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 16384,
    REQUEST_BODY_BYTES_MAX = 2 * 1024 * 1024, /* a batch of two hundred long texts, each byte as %XX */
    REQUEST_HEADER_BYTES_MAX =
        16 * 1024, /* cleared by the HTTP library for each request: not larger than needed */
    REQUEST_MS_MAX = 10000,
    IDLE_S = 120,
};

struct simulator {
    struct sim sim;
};

int64_t sim_now(const struct sim *sim) {
    return clock_monotonic_us() + sim->clock_shift;
}

static void handle(void *ctx, struct exchange *x) {
    struct sim *sim = ctx;
    for (size_t i = 0; sim_faces[i]; i++)
        if (sim_faces[i]->takes(x)) {
            sim_faces[i]->handle(sim, x);
            return;
        }
    control_handle(sim, x);
}

/* ---- life ---- */

static bool open_profile(struct sim *sim, const struct simulator_options *o, struct err *e) {
    profile_init(&sim->profile);
    if (o->profile.n && !profile_merge(&sim->profile, o->profile, NULL, e))
        return false;
    if (o->inbound_url) {
        if (strlen(o->inbound_url) > PROFILE_URL_BYTES_MAX)
            return err_set_field(e, ERR_INVALID, "inbound-url", "the inbound URL is too long");
        memcpy(sim->profile.inbound_url, o->inbound_url, strlen(o->inbound_url) + 1);
    }
    sim->first_profile = sim->profile;
    prng_init(&sim->dice, (uint64_t)sim->profile.seed);
    return true;
}

static bool open_account(struct sim *sim, const struct simulator_options *o, struct err *e) {
    if (!o->account_sid && !o->auth_token)
        return true;
    if (o->account_sid && o->auth_token &&
        sim_twilio_fix_account(sim, sv_of(o->account_sid), sv_of(o->auth_token)))
        return true;
    return err_set_field(e, ERR_INVALID, "account-sid",
                         "the account needs both a sid (AC and 32 hex digits) and a token (1 to %d bytes)",
                         SIM_TOKEN_BYTES_MAX);
}

static bool open_net(struct sim *sim, const struct simulator_options *o, struct err *e) {
    struct server_options so = {.address = o->address,
                                .port = o->port,
                                .body_bytes_max = REQUEST_BODY_BYTES_MAX,
                                .connections_max = CONNECTIONS_MAX,
                                .idle_s = IDLE_S,
                                .request_ms_max = REQUEST_MS_MAX,
                                .header_bytes_max = REQUEST_HEADER_BYTES_MAX};
    struct client_options co = {.connections_max = CALLBACKS_MAX, .user_agent = "TwilioProxy/1.1"};
    sim->server = server_open(&so, handle, sim, e);
    if (!sim->server)
        return false;
    sim->client = client_open(&co, e);
    if (!sim->client)
        return false;
    sim->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ev = {.events = EPOLLIN};
    if (sim->epoll_fd < 0 || epoll_ctl(sim->epoll_fd, EPOLL_CTL_ADD, server_fd(sim->server), &ev) < 0)
        return err_set(e, ERR_OUTSIDE, "cannot wait for events: out of open files");
    return true;
}

static bool open_all(struct sim *sim, const struct simulator_options *o, struct err *e) {
    struct {
        struct sip_key store;
        uint64_t sids;
    } keys;
    if (getrandom(&keys, sizeof keys, 0) != sizeof keys)
        return err_set(e, ERR_OUTSIDE, "the machine gives no random bytes");
    prng_init(&sim->sids, keys.sids);
    return open_profile(sim, o, e) && open_account(sim, o, e) &&
           store_init(&sim->store, o->keep, keys.store, e) && callbacks_init(&sim->callbacks, sim, e) &&
           open_net(sim, o, e);
}

struct simulator *simulator_open(const struct simulator_options *o, struct err *e) {
    struct simulator *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(e, ERR_OUTSIDE, "out of memory");
        return NULL;
    }
    struct sim *sim = &s->sim;
    sim->epoll_fd = -1;
    sim->clock_shift = clock_system_us() - clock_monotonic_us();
    map_init(&sim->refused_once);
    map_init(&sim->nonces);
    receipts_init(&sim->receipts);
    buf_init(&sim->out, SIM_ANSWER_BYTES_MAX);
    buf_init(&sim->date, 64);
    if (open_all(sim, o, e))
        return s;
    simulator_close(s);
    return NULL;
}

void simulator_close(struct simulator *s) {
    if (!s)
        return;
    struct sim *sim = &s->sim;
    if (sim->server)
        control_reset(sim);
    client_close(sim->client); /* what is on the wire ends now, while its exchange is still there */
    server_close(sim->server);
    callbacks_done(&sim->callbacks);
    timers_done(&sim->timers);
    store_done(&sim->store);
    map_done(&sim->refused_once);
    map_done(&sim->nonces);
    push_done(sim);
    json_decref(sim->kept_replies);
    buf_done(&sim->out);
    buf_done(&sim->date);
    if (sim->epoll_fd >= 0)
        close(sim->epoll_fd);
    free(s);
}

uint16_t simulator_port(const struct simulator *s) {
    return server_port(s->sim.server);
}

bool simulator_watch(struct simulator *s, int fd) {
    struct epoll_event ev = {.events = EPOLLIN};
    return epoll_ctl(s->sim.epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0;
}

/* ---- the turn ---- */

static int shorter(int a, int b) {
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

static int wait_ms(const struct sim *sim, int limit) {
    if (receipts_pending_now(sim))
        return 0;
    int wait = shorter(limit, server_timeout_ms(sim->server));
    int64_t next = timers_next(&sim->timers);
    if (next == INT64_MAX)
        return wait;
    int64_t left = (next - sim_now(sim) + US_PER_MS - 1) / US_PER_MS;
    return shorter(wait, left < 0 ? 0 : left < INT32_MAX ? (int)left : INT32_MAX);
}

void simulator_run(struct simulator *s, int timeout_ms) {
    struct sim *sim = &s->sim;
    client_run(sim->client, wait_ms(sim, timeout_ms), sim->epoll_fd);
    server_run(sim->server);
    timers_run(&sim->timers, sim_now(sim), sim);
    receipts_run(sim);
}
