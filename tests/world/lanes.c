#include "world.h"

#include "base/clock.h"
#include "base/codec.h"
#include "pipeline/core_parts.h"
#include "provider/adapter.h"

#include <string.h>

struct lane_config *lanes_add(struct sim *s, struct settings *set, unsigned host) {
    const struct adapter *a = &s->adapter;
    char url[40];
    snprintf(url, sizeof url, "http://%s.test", host_names[host]);
    struct lane_config *l = &set->lanes[set->n_lanes++];
    *l = (struct lane_config){
        .adapter = a,
        .from = SV("+15005550006"),
        .in_flight_max = s->windows[host],
        .timeout_ms = 5000,
        .connect_timeout_ms = 2000,
        .receipt_window_s = s->seed % 2 ? 500 : 120, /* long: attempts are due far (dispatch/settle.h) */
        .lookup_after_ms = 4000,
        .lookups_max = 4};
    if (s->polls) {
        l->receipt_poll_after_s = 20;
        l->receipt_polls_max = 3;
        l->receipt_polls_per_minute = 30;
    }
    snprintf(l->name, sizeof l->name, "%s", host_names[host]);
    if (s->rates[host].max)
        l->rates[l->n_rates++] = s->rates[host];
    l->in_flight_adaptive = s->seed % 3 != 0;
    l->time_zone = SV("UTC");
    l->quota = s->quotas[host].quota;
    l->warm_up = s->quotas[host].warm_up;
    l->sender_warm_up = s->quotas[host].sender_warm_up;
    l->fields[adapter_field_index(a, SV("account_sid"))] = SV("AC00000000000000000000000000000001");
    l->fields[adapter_field_index(a, SV("auth_token"))] = SV("0123456789abcdef0123456789abcdef");
    l->fields[adapter_field_index(a, SV("base_url"))] = arena_dup(&set->arena, sv_of(url));
    return l;
}

static struct sv exempt_topics[] = {{"otp", 3}};
static struct sv required_topics[] = {{"promo", 5}};

struct settings *lanes_blank(void) {
    struct settings *set = calloc(1, sizeof *set);
    ASSERT(set);
    arena_init(&set->arena, 1 << 16);
    set->public_url = SV("http://gateway.test");
    set->limits.live_max = 200;
    set->limits.journal_batch_max = 100;
    set->defaults.validity_s = 600;
    set->defaults.idempotency_s = 86400;
    set->retry.first_ms = 500;
    set->retry.max_ms = 20000;
    set->retry.attempts_max = 5;
    set->callbacks.timeout_ms = 5000;
    set->callbacks.attempts_max = 5;
    return set;
}

static void make(struct sim *s, bool whole) {
    ASSERT(s->n_settings < SETTINGS_KEPT);
    struct settings *set = lanes_blank();
    set->limits.live_max = (uint32_t)(20 + sim_random(s) % 200);
    set->limits.urgent_run = (uint32_t)(s->seed % 4);
    set->consent.exempt_topics = (struct sv_list){.at = exempt_topics, .n = 1};
    set->consent.required_topics = (struct sv_list){.at = required_topics, .n = 1};
    set->consent.invalid_days = sim_chance(s, 50) ? 1 : 0;
    if (sim_push_has(s)) /* then devices that are gone stay so */
        set->consent.invalid_days = 1;
    hooks_settings(set);
    sim_events_settings(set);
    sim_codes_settings(set);
    unsigned first = (unsigned)(sim_random(s) % s->hosts);
    for (unsigned i = 0; i < s->hosts; i++)
        if (whole || sim_chance(s, 65))
            lanes_add(s, set, (first + i) % s->hosts);
    routes_make(s, set, whole);
    prices_make(s, set);
    times_make(s, set);
    shared_make(s, set);
    guard_make(s, set);
    s->settings[s->n_settings++] = set;
}

/* One seed in five has quotas and warm-ups, and its run has a midnight in it. Drawn apart from all else, so
 * that the other seeds stay what they were. */
static void draw_quotas(struct sim *s) {
    uint64_t dice = siphash((struct sip_key){.k0 = s->seed, .k1 = 7}, SV("quotas"));
    if (dice % 5 != 0 || s->n_procs > 1)
        return;
    s->has_quotas = true;
    s->now += (int64_t)(86400 - (dice >> 8) % 600) * US_PER_S;
    for (unsigned i = 0; i < s->hosts; i++) {
        struct lane_config *l = &s->quotas[i];
        uint64_t d = siphash((struct sip_key){.k0 = s->seed, .k1 = i}, SV("quota"));
        uint32_t few = 3 + (uint32_t)((d >> 8) % 40);
        if (d & 1)
            l->quota.day = few;
        if (d & 2)
            l->quota.month = few + few / 2;
        if (d & 4)
            l->warm_up = (struct warm_up){
                .start = SV("2026-01-01"), .first = few / 2 + 1, .factor = 2, .target = 1000};
        if (d & 8)
            l->sender_warm_up = (struct warm_up){.days = {few / 3 + 1, few}, .n_days = 2};
    }
}

struct sv lanes_sender(const struct sim *s, unsigned n) {
    static const char *const names[] = {"+15005550006", "+15005550007", ""};
    return s->has_quotas ? sv_of(names[n % 3]) : SV_NONE;
}

void lanes_init(struct sim *s) {
    batches_init(s);
    s->hosts = sim_chance(s, 40) ? 1 : 2 + (unsigned)(sim_random(s) % (HOSTS - 1));
    for (unsigned i = 0; i < s->hosts; i++)
        s->windows[i] = (uint32_t)(1 + sim_random(s) % 40);
    for (unsigned i = 0; i < s->hosts; i++)
        if (sim_chance(s, 20))
            s->rates[i] = (struct rate){.max = 1 + (uint32_t)(sim_random(s) % 10), .period_us = US_PER_S};
    for (unsigned i = 0; i < s->hosts && s->n_procs > 1; i++)
        s->rates[i].max = 0; /* each node would count for itself */
    draw_quotas(s);
    times_init(s);
    s->polls = siphash((struct sip_key){.k0 = s->seed, .k1 = 9}, SV("polls")) % 2;
    make(s, true);
}

static void forget(struct settings *set) {
    arena_done(&set->arena);
    free(set);
}

void lanes_forget_old(struct sim *s) {
    if (s->n_procs > 1)
        return; /* the others may */
    struct settings *last = s->settings[--s->n_settings];
    for (size_t i = 0; i < s->n_settings; i++)
        forget(s->settings[i]);
    s->settings[0] = last;
    s->n_settings = 1;
}

void lanes_done(struct sim *s) {
    for (size_t i = 0; i < s->n_settings; i++)
        forget(s->settings[i]);
}

const struct settings *lanes_settings(const struct sim *s) {
    return s->settings[s->n_settings - 1];
}

void lanes_tell(struct sim *s) {
    struct ask *a = calloc(1, sizeof *a);
    ASSERT(a);
    *a = (struct ask){
        .kind = ASK_RELOAD, .reply_to = s->p->replies, .lost = client_forget, .settings = lanes_settings(s)};
    void *item = a;
    size_t took = mailbox_put(s->p->mail.asks, &item, 1);
    ASSERT(took == 1);
    s->reloads++;
    sim_say(s, "reload with %u lanes, %s first", a->settings->n_lanes, a->settings->lanes[0].name);
}

void lanes_reload(struct sim *s, bool whole) {
    size_t spare = whole ? 0 : PROCS_MAX; /* each process must be able to have the last ones */
    if (s->n_settings + spare >= SETTINGS_KEPT ||
        mailbox_fill(s->p->mail.asks) == mailbox_capacity(s->p->mail.asks))
        return;
    make(s, whole);
    for (unsigned i = 0; i < s->hosts; i++)
        if (whole || sim_chance(s, 70))
            s->provider.locked[i] = false; /* that is why the settings were looked at */
    lanes_tell(s);
}

void lanes_trouble(struct sim *s) {
    unsigned host = (unsigned)(sim_random(s) % s->hosts);
    bool locks = sim_chance(s, 30);
    bool *what = locks ? &s->provider.locked[host] : &s->provider.away[host];
    *what = locks || !*what;
    sim_say(s, "provider %s: locked %d, away %d", host_names[host], s->provider.locked[host],
            s->provider.away[host]);
}

static int64_t closed_at(const struct sim *s, const char *lane) {
    for (unsigned i = 0; i < HOSTS; i++)
        if (strcmp(lane, host_names[i]) == 0)
            return s->p->breakers[i].closed_at;
    return 0;
}

void lanes_check_window(struct sim *s, const struct call *c) {
    unsigned n = 0, probes = 0;
    int64_t since = closed_at(s, c->lane->name);
    for (size_t i = 0; i < s->p->n_flying; i++) {
        for (const struct call *other = s->p->flying[i].call; other; other = other->joined) {
            bool here = call_has_lane(other) && strcmp(other->lane->name, c->lane->name) == 0;
            n += here;
            probes += here && since && other->kind == CALL_ATTEMPT && other->started_at > since;
        }
    }
    if (n > c->lane->in_flight_max)
        sim_broken(s, "I8", "%u calls at once on lane %s, whose window is %u", n, c->lane->name,
                   c->lane->in_flight_max);
    if (probes > 1)
        sim_broken(s, "I8", "%u calls at once try lane %s, which its breaker has closed", probes,
                   c->lane->name);
}

/* What was under way when it closed comes back; more than one call is not added to it, be it a look-up. */
void lanes_watch_breakers(struct sim *s) {
    for (unsigned i = 0; i < HOSTS; i++) {
        const struct lane *lane = core_lane(s->p->core, host_names[i]);
        uint32_t n = lane ? lane->in_flight : 0;
        if (!lane || !lane->downs)
            s->p->breakers[i].closed_at = 0;
        else if (!s->p->breakers[i].closed_at)
            s->p->breakers[i].closed_at = s->now + s->p->skew_us;
        else if (n > 1 && n > s->p->breakers[i].in_flight)
            sim_broken(s, "I8", "%u calls are begun on lane %s, which its breaker has closed", n,
                       host_names[i]);
        s->p->breakers[i].in_flight = n;
    }
}
