#include "model/meters.h"

static const struct {
    const char *name, *help;
} counters[COUNTER_COUNT] = {
    [COUNT_ACCEPTED] = {"sms_accepted_total", "Messages stored for sending."},
    [COUNT_SENT] = {"sms_sent_total", "Messages taken by a provider."},
    [COUNT_SEGMENTS_SENT] = {"sms_segments_sent_total", "Segments of the messages taken by a provider."},
    [COUNT_RETRIES] = {"sms_retries_total", "Attempts that ended with another one to come."},
    [COUNT_UNKNOWN] = {"sms_outcome_unknown_total", "Attempts whose outcome was not known at their end."},
    [COUNT_POLLS] = {"sms_receipt_polls_total", "Times a provider was asked for a receipt that is overdue."},
    [COUNT_POLLS_FOUND] = {"sms_receipt_polls_found_total", "Of these, it said how the message ended."},
    [COUNT_LOOKUPS] = {"sms_lookups_total", "Times a provider was asked whether it has a message."},
    [COUNT_LOOKUPS_FOUND] = {"sms_lookups_found_total", "Of these, it had it."},
    [COUNT_LOOKUPS_ABSENT] = {"sms_lookups_absent_total", "Of these, it surely had not."},
    [COUNT_RECEIPTS] = {"sms_receipts_total", "Delivery receipts taken."},
    [COUNT_RECEIPTS_REFUSED] = {"sms_receipts_refused_total", "Provider posts refused: forged or malformed."},
    [COUNT_INBOUND] = {"sms_inbound_total", "Inbound texts stored."},
    [COUNT_RETIRED] = {"sms_retired_total",
                       "Messages deleted since they were older than messages.keep_days."},
    [COUNT_LIMITED] = {"sms_limited_total", "Messages refused because a rate of limits.rates was used up."},
    [COUNT_QUIET] = {"sms_quiet_hours_total",
                     "Times that a message was held back, or expired, for quiet hours."},
    [COUNT_SCREENED] = {"sms_screened_total",
                        "Texts in which a screen list found something: blocked, starred out or flagged."},
    [COUNT_IDEMPOTENT_REPLAYS] = {"sms_idempotent_replays_total",
                                  "Requests answered from an earlier one's result."},
    [COUNT_REQUESTS] = {"http_requests_total", "Requests answered."},
    [COUNT_REQUESTS_REFUSED] = {"http_requests_refused_total", "Requests answered with a 4xx status."},
    [COUNT_PUSHED_BACK] = {"http_pushed_back_total",
                           "Requests answered 503: a mailbox full, or the database failing."},
    [COUNT_CALLBACKS_OK] = {"callback_delivered_total", "Status callbacks taken by the caller's server."},
    [COUNT_CALLBACKS_FAILED] = {"callback_failed_total", "Tries of a status callback that failed."},
    [COUNT_CALLBACKS_GIVEN_UP] = {"callback_given_up_total",
                                  "Status callbacks given up after their last try."},
    [COUNT_COMMITS] = {"journal_commits_total", "Transactions committed."},
    [COUNT_JOBS] = {"journal_jobs_total", "Changes and reads done by the journal."},
    [COUNT_JOURNAL_FAILURES] = {"journal_failures_total", "Transactions that failed."},
    [COUNT_PROVIDER_CALLS] = {"provider_calls_total", "Outgoing calls made."},
    [COUNT_PROVIDER_CONNECTIONS] = {"provider_connections_total", "Connections opened for them."},
    [COUNT_LOG_LINES] = {"log_lines_total", "Log lines written by the core."},
    [COUNT_TEMPLATES_PUBLISHED] = {"templates_published_total",
                                   "Versions of templates published, or withdrawn, over HTTP."},
    [COUNT_LINKS] = {"links_total", "Short links stored with messages."},
    [COUNT_CLICKS] = {"link_clicks_total", "Times a short link was opened, counted on disk."},
    [COUNT_CLICKS_LOST] = {"link_clicks_lost_total",
                           "Times one was opened that were not counted: the database did not take writes."},
    [COUNT_QUOTA_ALARMS] = {"lane_quota_alarms_total",
                            "Times a lane's quota or warm-up came to 80 or 100 percent."},
    [COUNT_REPLIES_NEGATIVE] = {"replies_negative_total", "Inbound texts with a negative mood."},
    [COUNT_OPT_OUTS] = {"replies_opt_out_total", "Inbound texts that asked for no more messages."},
    [COUNT_ANSWERS] = {"replies_answered_total", "Automatic answers given to inbound texts."},
    [COUNT_CANARIES_OUT] = {"route_canaries_out_total",
                            "Lanes on trial taken out of their route by themselves."},
    [COUNT_TOKENS] = {"provider_tokens_total", "Access tokens fetched from providers, or signed for them."},
    [COUNT_TOKEN_CALLS] = {"provider_token_calls_total", "Calls that carried one of them."},
    [COUNT_HOOKS_OK] = {"webhook_delivered_total", "Events taken by webhooks."},
    [COUNT_HOOKS_FAILED] = {"webhook_failed_total", "Tries to deliver to a webhook that failed."},
    [COUNT_HOOKS_GIVEN_UP] = {"webhook_given_up_total", "Events given up after webhooks.give_up_s."},
    [COUNT_HOOKS_DISABLED] = {"webhook_disabled_total",
                              "Webhooks disabled since they took nothing for long."},
    [COUNT_VERIFICATIONS] = {"verifications_total", "One-time codes made."},
    [COUNT_VERIFICATIONS_APPROVED] = {"verifications_approved_total", "Of these, given back right in time."},
    [COUNT_VERIFICATIONS_WRONG] = {"verifications_wrong_total",
                                   "Guesses that were not right, or came too late."},
    [COUNT_FRAUD_FLAGS] = {"fraud_flags_total", "Prefixes that the fraud guard has flagged."},
    [COUNT_FRAUD_HELD] = {"fraud_held_total", "Messages that the fraud guard held."},
    [COUNT_FRAUD_STOPPED] = {"fraud_stopped_total",
                             "Messages not sent for their country, or for a flagged prefix."},
    [COUNT_VERIFICATIONS_LAPSED] = {"verifications_lapsed_total", "One-time codes whose time ran out."},
    [COUNT_EVENTS] = {"events_total", "Business events stored."},
    [COUNT_EVENTS_REPEATED] = {"events_repeated_total", "Business events that had come before."},
    [COUNT_EVENTS_FORGED] = {"events_forged_total", "Posts of sources refused: wrong signature or time."},
    [COUNT_RULES_FIRED] = {"rules_fired_total", "Messages that rules made of events."},
    [COUNT_RULES_FAILED] = {"rules_failed_total", "Times a rule could not be evaluated for an event."},
    [COUNT_RULES_DEDUPED] = {"rules_deduplicated_total",
                             "Times a rule did nothing as its dedupe key was seen before."},
    [COUNT_RULES_CANCELED] = {"rules_canceled_total", "Messages withdrawn by later events."},
    [COUNT_DIGESTS] = {"digests_total", "Messages made of gathered events."},
    [COUNT_RULES_PUBLISHED] = {"rules_published_total", "Rules published, or withdrawn, over HTTP."},
    [COUNT_NODES_TAKEN] = {"nodes_taken_total", "Nodes found without a lease, whose work was taken over."},
    [COUNT_NODE_MESSAGES] = {"node_messages_moved_total", "Messages of nodes that are gone, moved here."},
    [COUNT_PARCELS] = {"node_parcels_total",
                       "Receipts and commands handed to the nodes that own their messages."},
    [COUNT_RULES_UNJUDGED] = {"rules_unjudged_total",
                              "Times a rule was not judged, as those before it took all an event may cause."},
    [COUNT_SHARED_CALLS] = {"shared_calls_total", "Calls that Redis answered, many in one round trip."},
    [COUNT_SHARED_PARTS] = {"shared_fallbacks_total",
                            "Messages judged by this gateway's part of each rate, as Redis was away."},
    [COUNT_PULLS] = {"provider_pulls_total", "Fetches of replies and receipts that providers keep."},
    [COUNT_PULLS_FAILED] = {"provider_pulls_failed_total",
                            "Of these, those that were refused, failed, or whose answer "
                            "was not taken."},
    [COUNT_PULLED] = {"provider_pulled_total", "Replies and receipts handed out by them."},
};

static const struct {
    const char *name, *help;
} gauges[GAUGE_COUNT] = {
    [GAUGE_LIVE] = {"sms_live", "Messages held in memory."},
    [GAUGE_READY] = {"sms_ready", "Messages in memory that wait for a lane."},
    [GAUGE_IN_FLIGHT] = {"sms_in_flight", "Calls to providers not yet answered."},
    [GAUGE_LIMIT_KEYS] = {"limit_counters", "Counters held for limits.rates."},
    [GAUGE_BACKLOG] = {"sms_backlog", "Messages on disk that are not finished."},
    [GAUGE_OLDEST_DUE] = {"sms_oldest_due_seconds", "How long the oldest due message has waited."},
    [GAUGE_CONNECTIONS] = {"http_connections", "Open connections."},
    [GAUGE_WAL_PAGES] = {"journal_wal_pages", "Pages in the write-ahead log."},
    [GAUGE_CORE_MAILBOX] = {"mailbox_core_fill_percent", "Fill of the mailbox front to core."},
    [GAUGE_RECEIPT_MAILBOX] = {"mailbox_receipt_fill_percent",
                               "Fill of the receipts' mailbox front to core."},
    [GAUGE_JOURNAL_MAILBOX] = {"mailbox_journal_fill_percent", "Fill of the mailbox core to journal."},
    [GAUGE_SENDER_MAILBOX] = {"mailbox_sender_fill_percent", "Fill of the fullest mailbox core to sender."},
    [GAUGE_JOURNAL_HEALTHY] = {"journal_healthy", "1 while the database takes writes."},
    [GAUGE_NODES] = {"nodes_alive", "Nodes that share the database and are alive; 0: a lone gateway."},
    [GAUGE_SHARED_UP] = {"shared_up", "1 while Redis answers (0, too, where none is configured)."},
};

static const struct {
    const char *name, *help;
} histograms[HIST_COUNT] = {
    [HIST_ACCEPT] = {"http_accept_seconds", "From a whole request for a message to its durable answer."},
    [HIST_QUEUE_WAIT] = {"sms_queue_wait_seconds", "From due to the start of the attempt."},
    [HIST_PROVIDER] = {"provider_call_seconds", "One call to a provider."},
    [HIST_DELIVERY] = {"sms_delivery_seconds", "From sent to delivered."},
    [HIST_COMMIT] = {"journal_commit_seconds", "One transaction."},
    [HIST_SHARED] = {"shared_round_trip_seconds", "One round trip to Redis."},
};

/* Of two counters: the share of `uses` that needed nothing new. */
static const struct {
    const char *name, *help;
    enum counter uses, news;
} ratios[] = {
    {"provider_connection_reuse_ratio", "Share of outgoing calls that found an open connection.",
     COUNT_PROVIDER_CALLS, COUNT_PROVIDER_CONNECTIONS},
    {"provider_token_reuse_ratio", "Share of calls with an access token for which none had to be had.",
     COUNT_TOKEN_CALLS, COUNT_TOKENS},
};

static const int64_t bounds_us[HIST_BUCKETS] = {100,     250,     500,      1000,     2500,      5000,
                                                10000,   25000,   50000,    100000,   250000,    500000,
                                                1000000, 2500000, 10000000, 60000000, 600000000, 3600000000};

void meter_time(struct meters *m, enum histogram h, int64_t elapsed_us) {
    uint64_t us = elapsed_us > 0 ? (uint64_t)elapsed_us : 0; /* clocks step */
    int i = 0;
    while (i < HIST_BUCKETS && (int64_t)us > bounds_us[i])
        i++;
    atomic_fetch_add_explicit(&m->histograms[h].buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->histograms[h].sum_us, us, memory_order_relaxed);
}

void meter_failed(struct meters *m, enum reason r) {
    atomic_fetch_add_explicit(&m->failed[r], 1, memory_order_relaxed);
}

void meter_saved(struct meters *m, const struct saving *v) {
    atomic_fetch_add_explicit(&m->saved_messages[v->by], (uint64_t)v->messages, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->saved_segments[v->by], (uint64_t)v->segments, memory_order_relaxed);
}

void meter_state(struct meters *m, enum state s) {
    atomic_fetch_add_explicit(&m->states[s], 1, memory_order_relaxed);
}

static void head(struct buf *out, const char *name, const char *help, const char *type) {
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_ratio(const struct meters *m, size_t i, struct buf *out) {
    uint64_t uses = atomic_load_explicit(&m->counters[ratios[i].uses], memory_order_relaxed);
    uint64_t news = atomic_load_explicit(&m->counters[ratios[i].news], memory_order_relaxed);
    head(out, ratios[i].name, ratios[i].help, "gauge");
    buf_addf(out, "%s %.4f\n", ratios[i].name, news < uses ? 1 - (double)news / (double)uses : 0);
}

static void print_histogram(const struct meters *m, int h, struct buf *out) {
    const char *name = histograms[h].name;
    head(out, name, histograms[h].help, "histogram");
    uint64_t total = 0;
    for (int i = 0; i < HIST_BUCKETS; i++) {
        total += atomic_load_explicit(&m->histograms[h].buckets[i], memory_order_relaxed);
        buf_addf(out, "%s_bucket{le=\"%g\"} %llu\n", name, (double)bounds_us[i] / 1e6,
                 (unsigned long long)total);
    }
    total += atomic_load_explicit(&m->histograms[h].buckets[HIST_BUCKETS], memory_order_relaxed);
    double sum = (double)atomic_load_explicit(&m->histograms[h].sum_us, memory_order_relaxed) / 1e6;
    buf_addf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.6f\n%s_count %llu\n", name,
             (unsigned long long)total, name, sum, name, (unsigned long long)total);
}

void meters_print(const struct meters *m, struct buf *out) {
    for (int i = 0; i < COUNTER_COUNT; i++) {
        head(out, counters[i].name, counters[i].help, "counter");
        buf_addf(out, "%s %llu\n", counters[i].name,
                 (unsigned long long)atomic_load_explicit(&m->counters[i], memory_order_relaxed));
    }
    head(out, "sms_failed_total",
         "Messages that ended undelivered, failed, expired or suppressed, by reason.", "counter");
    for (int r = 1; r < REASON_COUNT; r++)
        buf_addf(out, "sms_failed_total{reason=\"%s\"} %llu\n", reason_name((enum reason)r),
                 (unsigned long long)atomic_load_explicit(&m->failed[r], memory_order_relaxed));
    head(out, "sms_saved_messages_total", "Messages that need not be paid for, by what saved them.",
         "counter");
    for (int i = 0; i < SAVED_BYS; i++)
        buf_addf(out, "sms_saved_messages_total{by=\"%s\"} %llu\n", saved_by_name(i),
                 (unsigned long long)atomic_load_explicit(&m->saved_messages[i], memory_order_relaxed));
    head(out, "sms_saved_segments_total", "Segments that need not be paid for, by what saved them.",
         "counter");
    for (int i = 0; i < SAVED_BYS; i++)
        buf_addf(out, "sms_saved_segments_total{by=\"%s\"} %llu\n", saved_by_name(i),
                 (unsigned long long)atomic_load_explicit(&m->saved_segments[i], memory_order_relaxed));
    head(out, "sms_messages_total", "Entries of messages into each state.", "counter");
    for (int s = STATE_ACCEPTED; s < STATE_COUNT; s++)
        buf_addf(out, "sms_messages_total{state=\"%s\"} %llu\n", state_name((enum state)s),
                 (unsigned long long)atomic_load_explicit(&m->states[s], memory_order_relaxed));
    for (int i = 0; i < GAUGE_COUNT; i++) {
        head(out, gauges[i].name, gauges[i].help, "gauge");
        buf_addf(out, "%s %lld\n", gauges[i].name,
                 (long long)atomic_load_explicit(&m->gauges[i], memory_order_relaxed));
    }
    for (size_t i = 0; i < sizeof ratios / sizeof ratios[0]; i++)
        print_ratio(m, i, out);
    for (int h = 0; h < HIST_COUNT; h++)
        print_histogram(m, h, out);
    lane_board_print(&m->board, out);
    door_board_print(&m->doors, out);
}
