/* All that is kept of one person, for whoever asks what that is: the contact, what they consented to, what
 * stands against writing to them, and page by page their messages with attempts and links, and their replies,
 * then the business events that mention them.
 */
#include "api/events.h"
#include "api/verification_parts.h"

#include "base/json.h"
#include "ingest/contact.h"
#include "store/consents.h"
#include "store/links.h"
#include "store/replies.h"
#include "store/traces.h"

#include <string.h>

enum {
    PAGE = 100,
    ROWS_MAX = 200,
    ATTEMPTS_MAX = 64,
    PERSON_BYTES_MAX = 4 << 20,
    EVENTS_PAGE = 50,
    CODES_MAX = 50,
    EVENTS_PAGE_BYTES = 256 << 10,
    EVENTS_BYTES_MAX = 16 << 20,
};

const struct api_field person_fields[] = {
    {"cursor", FIELD_TEXT, "`next_cursor` of the page before: more messages, then more events.", .max = 40},
    {0},
};

const struct api_field person_shape[] = {
    {"contact", FIELD_REF, "The contact.", .required = true, .ref = "Contact"},
    {"consents", FIELD_LIST, "What they said, by number and address; on the first page.", .required = true,
     .ref = "ConsentHistory"},
    {"suppressions", FIELD_LIST, "What stands against writing to them; on the first page.", .required = true,
     .ref = "Suppression"},
    {"verifications", FIELD_LIST,
     "One-time codes for their numbers, the latest fifty of each; on the first page.", .required = true,
     .ref = "Verification"},
    {"messages", FIELD_LIST,
     "Messages to and from them, oldest first: each with `calls` (its attempts), `links`, and (from "
     "them) `reply`.",
     .required = true, .ref = ""},
    {"events", FIELD_LIST,
     "Business events that mention them, oldest first, behind the last of the messages. A page may have "
     "none and a `next_cursor` all the same.",
     .required = true, .ref = "BusinessEvent"},
    NEXT_CURSOR_FIELD,
    {0},
};

struct showing {
    struct api_request *rq;
    struct person *person;
    struct arena *mem;
    struct buf *out;
    struct err *e;
};

static void open_list(struct buf *out, const char *key) {
    json_key(out, key);
    buf_addc(out, '[');
}

static void comma(struct buf *out) {
    if (out->p[out->n - 1] != '[')
        buf_addc(out, ',');
}

static bool show_consents(const struct showing *s) {
    struct consent *rows = calloc(ROWS_MAX, sizeof *rows);
    bool ok = true;
    ASSERT(rows);
    open_list(s->out, "consents");
    for (size_t i = 0; ok && i < s->person->n; i++) {
        size_t n;
        ok = consents_of(api_db(s->rq), s->rq->account_id, s->person->addresses[i], SV_NONE, s->mem, rows,
                         ROWS_MAX, &n, s->e);
        if (!ok || n == 0)
            continue;
        comma(s->out);
        buf_addc(s->out, '{');
        json_pair(s->out, "number", s->person->addresses[i]);
        open_list(s->out, "data");
        for (size_t k = 0; k < n; k++) {
            comma(s->out);
            native_print_consent(s->rq, &rows[k], s->out);
        }
        buf_adds(s->out, "]}");
    }
    buf_addc(s->out, ']');
    free(rows);
    return ok;
}

static bool show_suppressions(const struct showing *s) {
    struct suppression rows[ROWS_MAX];
    open_list(s->out, "suppressions");
    for (size_t i = 0; i < s->person->n; i++) {
        size_t n;
        if (s->person->addresses[i].n > SUPPRESSION_NUMBER_BYTES_MAX)
            continue;
        if (!suppression_of(api_db(s->rq), s->rq->account_id, s->person->addresses[i], s->rq->now, s->mem,
                            rows, ROWS_MAX, &n, s->e))
            return false;
        for (size_t k = 0; k < n; k++) {
            comma(s->out);
            native_print_suppression(s->rq, &rows[k], s->out);
        }
    }
    buf_addc(s->out, ']');
    return true;
}

static bool show_codes(const struct showing *s) {
    struct verification rows[CODES_MAX];
    open_list(s->out, "verifications");
    for (size_t i = 0; i < s->person->n; i++) {
        const struct verification_filter f = {
            .account_id = s->rq->account_id, .to = s->person->addresses[i], .limit = CODES_MAX};
        size_t n;
        bool more;
        int64_t last;
        if (!sv_starts(f.to, SV("+")))
            continue;
        if (!verifications_list(api_db(s->rq), &f, s->rq->now, rows, &n, &more, &last, s->e))
            return false;
        for (size_t k = 0; k < n; k++) {
            comma(s->out);
            buf_addc(s->out, '{');
            verification_print(s->rq, &rows[k], s->out);
            buf_addc(s->out, '}');
        }
    }
    buf_addc(s->out, ']');
    return true;
}

static bool show_parts(const struct showing *s, const struct message *m) {
    struct attempt attempts[ATTEMPTS_MAX];
    struct link_row links[LINKS_MAX];
    struct reply reply;
    size_t n, n_links;
    bool is_reply = false;
    int64_t answered_at, read_at;
    struct db *db = api_db(s->rq);
    if (!reader_attempts(db, s->rq->account_id, m->id, attempts, ATTEMPTS_MAX, &n, s->e) ||
        !links_of(db, s->rq->account_id, m->id, s->mem, links, LINKS_MAX, &n_links, s->e) ||
        (m->direction == DIRECTION_IN &&
         !replies_get(db, m->id, s->mem, &reply, &answered_at, &read_at, &is_reply, s->e)))
        return false;
    open_list(s->out, "calls"); /* `attempts` is their number */
    for (size_t i = 0; i < n; i++) {
        comma(s->out);
        native_print_attempt(&attempts[i], s->out);
    }
    buf_addc(s->out, ']');
    native_print_links(api_settings(s->rq)->links.base, links, n_links, s->out);
    json_key(s->out, "reply");
    if (is_reply)
        native_print_reply(s->rq, m, &reply, answered_at, read_at, s->out);
    else
        buf_adds(s->out, "null");
    return true;
}

/* Where a page begins, or the next one: behind a message, or behind an event. */
struct place {
    bool events;
    int64_t after;
};

static bool show_messages(const struct showing *s, int64_t after_id, struct place *next) {
    int64_t ids[PAGE];
    size_t n;
    bool more, ok = true;
    if (!person_messages(api_db(s->rq), s->person, false, after_id, PAGE, ids, &n, &more, s->e))
        return false;
    open_list(s->out, "messages");
    for (size_t i = 0; ok && i < n; i++) {
        struct message *m = reader_message(api_db(s->rq), s->rq->account_id, ids[i], s->e);
        if (!m)
            return false;
        comma(s->out);
        native_print_message(s->rq, m, s->out);
        s->out->n--; /* its members go on */
        ok = show_parts(s, m);
        buf_addc(s->out, '}');
        message_free(m);
    }
    buf_addc(s->out, ']');
    *next = more ? (struct place){.after = ids[n - 1]} : (struct place){.events = true};
    return ok;
}

/* *more: there may be others behind next. */
static bool show_events(const struct showing *s, struct place *next, bool *more) {
    struct db *db = api_db(s->rq);
    struct arena ARENA_AUTO mem;
    int64_t ids[EVENTS_PAGE];
    size_t n;
    arena_init(&mem, EVENTS_BYTES_MAX);
    if (!traces_events(db, s->person, &next->after, EVENTS_PAGE, ids, &n, more, s->e))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct event_row row;
        if (!events_load(db, s->rq->account_id, ids[i], &mem, &row, s->e))
            return false;
        comma(s->out);
        event_print(s->rq, &row, s->out);
        arena_reset(&mem);
        if (s->out->n > EVENTS_PAGE_BYTES && i + 1 < n) {
            *next = (struct place){.events = true, .after = ids[i]};
            *more = true;
            break;
        }
    }
    return true;
}

static bool show_rest(const struct showing *s, struct place from) {
    struct sid cursor = {.text = ""};
    struct place next = from;
    bool more = true;
    if (from.events)
        buf_adds(s->out, ",\"messages\":[]");
    else if (!show_messages(s, from.after, &next))
        return false;
    open_list(s->out, "events");
    if (next.events && !show_events(s, &next, &more))
        return false;
    buf_addc(s->out, ']');
    if (more)
        cursor =
            next.events ? event_sid(s->rq, next.after) : sid_message(api_world(s->rq)->id_key, next.after);
    json_pair_or_null(s->out, "next_cursor", sv_of(cursor.text));
    return true;
}

static bool show(const struct showing *s, const struct contact *c, struct place from) {
    buf_addc(s->out, '{');
    json_key(s->out, "contact");
    contact_print(c, s->out);
    if (from.after)
        buf_adds(s->out, ",\"consents\":[],\"suppressions\":[],\"verifications\":[]");
    else if (!show_consents(s) || !show_suppressions(s) || !show_codes(s))
        return false;
    if (!show_rest(s, from))
        return false;
    buf_addc(s->out, '}');
    return !s->out->overflow || err_set(s->e, ERR_TOO_LARGE, "the page is too large");
}

void native_contact_data(struct api_request *rq) {
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    struct contact c;
    struct place from = {0};
    if (!api_read_query(rq, person_fields, v))
        return;
    from.events = v[0].given && event_parse_sid(rq, v[0].text, &from.after);
    if (!from.events && !native_message_cursor(rq, &v[0], &from.after, &e)) {
        api_fail(rq, &e);
        return;
    }
    struct arena ARENA_AUTO mem;
    arena_init(&mem, PERSON_BYTES_MAX);
    struct showing s = {
        .rq = rq, .mem = &mem, .out = api_scratch(rq), .e = &e, .person = malloc(sizeof *s.person)};
    ASSERT(s.person);
    bool ok = contacts_get(api_db(rq), rq->account_id, rq->params[0], &mem, &c, &e) &&
              person_of_contact(api_db(rq), rq->account_id, rq->params[0], &mem, s.person, &e) &&
              show(&s, &c, from);
    free(s.person);
    if (ok)
        api_answer_json(rq, 200, buf_sv(s.out));
    else
        api_fail(rq, &e);
}
