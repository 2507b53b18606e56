/* Has Twilio got this message? The API keeps no reference of ours, so the answer comes from its message list:
 * exact number, our direction, our text, and a creation time that fits the attempt. */
#include "provider/twilio.h"

#include "base/clock.h"

#include <string.h>

enum {
    PAGE_SIZE = 50,               /* the API's own default; of one number */
    LIST_MAX_BYTES = 1024 * 1024, /* 50 messages, 1600 characters each as \uXXXX pairs, fit */
    SKEW_S = 60,                  /* how far Twilio's clock and ours may be apart */
};

#define SKEW_US (SKEW_S * US_PER_S)

bool twilio_lookup(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                   struct arena *mem, struct http_request *out, struct err *e) {
    (void)now;
    (void)nonce;
    struct buf BUF_AUTO url = BUF_INIT(2048);
    twilio_account_url(lane, &url);
    buf_adds(&url, "/Messages.json?");
    twilio_add_address(&url, SV("To"), a, a->to);
    /* With a Messaging Service the sender may not be chosen yet. No DateSent filter either: whether it finds
     * messages that are still queued is not documented. */
    struct sv from = twilio_sender(lane, a);
    if (from.n && lane->fields[TWILIO_SERVICE_SID].n == 0)
        twilio_add_address(&url, SV("From"), a, from);
    buf_addf(&url, "&PageSize=%d", PAGE_SIZE);
    return twilio_request(lane, HTTP_GET, &url, mem, out, e);
}

static bool number_at(struct sv v, size_t at, size_t n, int max, int *out) {
    uint64_t x;
    if (!sv_to_u64(sv_sub(v, at, n), &x) || x > (uint64_t)max)
        return false;
    *out = (int)x;
    return true;
}

/* "Thu, 24 Aug 2023 05:01:45 +0000", and the GMT of the Date header: the fixed form of RFC 2822 that Twilio
 * and HTTP write; the zone is always UTC. */
bool twilio_parse_date(struct sv v, int64_t *at) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct sv zone = sv_from(v, 26);
    int day, month = 0, year, hour, minute, second;
    if (v.n < 29 || !(sv_eq(zone, SV("+0000")) || sv_eq(zone, SV("GMT"))))
        return false;
    while (month < 12 && memcmp(months + (size_t)month * 3, v.p + 8, 3) != 0)
        month++;
    if (month == 12 || !number_at(v, 5, 2, 31, &day) || !number_at(v, 12, 4, 9999, &year) ||
        !number_at(v, 17, 2, 23, &hour) || !number_at(v, 20, 2, 59, &minute) ||
        !number_at(v, 23, 2, 60, &second))
        return false;
    *at = (clock_days_of(year, month + 1, day) * 86400 + hour * 3600 + minute * 60 + second) * US_PER_S;
    return true;
}

/* What the list says so far. */
struct reading {
    struct lookup_answer answer;
    int64_t oldest; /* creation time of the entry read last */
    bool falling;   /* no entry was newer than the one before it */
    bool altered;   /* an entry could be ours with a text that Twilio changed */
    bool too_many;
};

/* Our text as Twilio may give it back: as it was, or with the note that a trial account's texts begin with.
 */
static bool same_text(struct sv theirs, struct sv ours) {
    return sv_eq(theirs, ours) ||
           (ours.n && sv_starts(theirs, SV("Sent from your Twilio trial account")) && sv_ends(theirs, ours));
}

/* False when the entry makes no sense. */
static bool read_entry(const struct lane_config *lane, const struct attempt_view *a, int64_t now,
                       const json_t *entry, struct reading *r) {
    struct sv sid = kit_string(entry, "sid"), body = kit_string(entry, "body");
    int64_t created;
    if (!twilio_is_message_sid(sid) || !twilio_parse_date(kit_string(entry, "date_created"), &created))
        return false;
    if (created > now + SKEW_US)
        return false; /* of the future: then the window means nothing */
    r->falling = r->falling && created <= r->oldest;
    r->oldest = created;
    if (created < a->started_at - SKEW_US || !sv_eq(kit_string(entry, "direction"), SV("outbound-api")) ||
        !sv_eq(twilio_number(kit_string(entry, "to")), a->to))
        return true;
    if (!same_text(body, a->body)) {
        /* A redacted text is empty; a Messaging Service may shorten links and replace characters; a
         * content template's is Twilio's to write. */
        r->altered =
            r->altered || body.n == 0 || lane->fields[TWILIO_SERVICE_SID].n > 0 || a->code.code.n > 0;
        return true;
    }
    if (r->answer.n == LOOKUP_CANDIDATES_MAX) {
        r->too_many = true;
        return true;
    }
    struct receipt *c = &r->answer.candidates[r->answer.n++];
    *c = (struct receipt){.number = a->to};
    if (!twilio_status(kit_string(entry, "status"), twilio_code(entry, "error_code"), c))
        c->state = STATE_SENDING; /* a status of the future: it is there, and that is what was asked */
    memcpy(c->provider_id, sid.p, sid.n);
    return true;
}

/* Ours and theirs must agree on the time for the window to mean anything. */
bool twilio_clocks_agree(const struct http_response *r, int64_t now) {
    int64_t theirs;
    if (!twilio_parse_date(http_find_header(r->headers, r->n_headers, SV("Date")), &theirs))
        return true; /* not said */
    return theirs - now < SKEW_US && now - theirs < SKEW_US;
}

struct lookup_answer twilio_judge_lookup(const struct lane_config *lane, const struct attempt_view *a,
                                         int64_t now, const struct http_response *r) {
    if (r->transport != HTTP_ANSWERED || r->status != 200)
        return kit_cannot_tell(kit_lookup_hint(r), "the message list could not be read");
    json_auto_t *page = kit_parse(r->body, LIST_MAX_BYTES);
    const json_t *list = json_object_get(page, "messages"), *next = json_object_get(page, "next_page_uri");
    if (!json_is_array(list) || !(json_is_null(next) || json_is_string(next)))
        return kit_cannot_tell(LANE_FINE, "the answer is no message list");
    if (!twilio_clocks_agree(r, now))
        return kit_cannot_tell(LANE_FINE, "the provider's clock and ours differ");

    struct reading seen = {.answer = {.hint = LANE_FINE}, .oldest = INT64_MAX, .falling = true};
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_entry(lane, a, now, json_array_get(list, i), &seen))
            return kit_cannot_tell(LANE_FINE, "an entry of the message list makes no sense");

    /* Newest first is the custom, not a promise: believe it only of a page that shows it. */
    bool reaches_back = seen.falling && seen.oldest < a->started_at - SKEW_US;
    if (json_is_string(next) && !reaches_back)
        return kit_cannot_tell(LANE_FINE, "the list goes on, and its first page does not reach the attempt");
    if (seen.too_many)
        return kit_cannot_tell(LANE_FINE, "too many messages look alike");
    if (seen.answer.n) {
        seen.answer.found = FOUND_YES;
        seen.answer.complete = !seen.altered;
        return seen.answer;
    }
    if (seen.altered)
        return kit_cannot_tell(LANE_FINE, "a message of that time has another text: it may be ours, altered");
    seen.answer.found = FOUND_ABSENT;
    return seen.answer;
}
