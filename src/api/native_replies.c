/* The inbox: texts from handsets with what is known of them, read and marked. */
#include "api/native.h"

#include "base/json.h"
#include "store/replies.h"

enum { ROW_BYTES_MAX = 4096 };

/* ---- shapes ---- */

static const char *mood_word(int i) {
    return reply_mood_name((enum reply_mood)i);
}

static const char *action_word(int i) {
    return reply_action_name((enum reply_action)i);
}

#define MOOD_FIELD .kind = FIELD_WORD, .word = mood_word, .word_end = REPLY_MOODS
#define ACTION_FIELD .kind = FIELD_WORD, .word = action_word, .word_end = REPLY_ACTIONS

const struct api_field reply_list_fields[] = {
    {"from", FIELD_TEXT, "Of exactly this number, in E.164.", .max = 64},
    {"to", FIELD_TEXT, "To exactly this number of ours.", .max = 64},
    {"since", FIELD_TIME, "Received at this time or later."},
    {"until", FIELD_TIME, "Received before this time."},
    {"mood", .summary = "That sound so.", MOOD_FIELD},
    {"action", .summary = "That ask for this.", ACTION_FIELD},
    {"unread", FIELD_BOOL, "true: only those not marked as read."},
    {"limit", FIELD_INT,
     "Texts on a page; 50 without it. With a filter a page may be short, or empty, and others follow.",
     .min = 1, .max = REPLIES_PAGE_MAX},
    {"cursor", FIELD_TEXT, "`next_cursor` of the page before.", .max = 64},
    {0},
};

const struct api_field reply_shape[] = {
    {"id", FIELD_TEXT, "Of the text, which is a message of direction inbound.", .required = true},
    {"from", FIELD_TEXT, "Who wrote.", .required = true},
    {"to", FIELD_TEXT, "The number that was written to.", .required = true},
    {"body", FIELD_TEXT, "The text; empty once redacted.", .required = true},
    {"received_at", FIELD_TIME, "When it was stored.", .required = true},
    {"provider", FIELD_TEXT, "The lane it came by."},
    {"in_reply_to", FIELD_TEXT, "The message it answers; null: none is known."},
    {"mood", .summary = "How it sounds.", .required = true, MOOD_FIELD},
    {"polarity", FIELD_INT, "The same in thousandths.", .required = true, .min = -1000, .max = 1000},
    {"action", .summary = "What it asks for; other: nothing that is a keyword.", .required = true,
     ACTION_FIELD},
    {"keyword", FIELD_TEXT, "The word it was taken for."},
    {"topic", FIELD_TEXT, "The topic that is left or joined; null: all."},
    {"answer", FIELD_TEXT, "What it was answered by itself."},
    {"answered_at", FIELD_TIME, "When."},
    {"read_at", FIELD_TIME, "When it was marked as read; null: it is not."},
    {0},
};

const struct api_field reply_page_shape[] = {
    {"data", FIELD_LIST, "Newest first.", .required = true, .ref = "Reply"},
    NEXT_CURSOR_FIELD,
    {0},
};

/* ---- printing ---- */

static void print_sid(const struct api_request *rq, const char *key, int64_t id, struct buf *out) {
    struct sid sid = {.text = ""};
    if (id)
        sid = sid_message(api_world(rq)->id_key, id);
    json_pair_or_null(out, key, sv_of(sid.text));
}

void native_print_reply(const struct api_request *rq, const struct message *m, const struct reply *r,
                        int64_t answered_at, int64_t read_at, struct buf *out) {
    buf_addc(out, '{');
    print_sid(rq, "id", m->id, out);
    json_pair(out, "from", m->text[TEXT_FROM]);
    json_pair(out, "to", m->text[TEXT_TO]);
    json_pair(out, "body", m->text[TEXT_BODY]);
    json_pair_time(out, "received_at", m->created_at);
    json_pair_or_null(out, "provider", sv_of(m->head.lane));
    print_sid(rq, "in_reply_to", r->in_reply_to, out);
    json_pair(out, "mood", sv_of(reply_mood_name(r->mood)));
    json_pair_i64(out, "polarity", r->polarity);
    json_pair(out, "action", sv_of(reply_action_name(r->action)));
    json_pair_or_null(out, "keyword", r->keyword);
    json_pair_or_null(out, "topic", r->topic);
    json_pair_or_null(out, "answer", r->answer);
    json_pair_time(out, "answered_at", answered_at);
    json_pair_time(out, "read_at", read_at);
    buf_addc(out, '}');
}

/* ---- lists ---- */

static void answer_page(struct api_request *rq, const struct reply_filter *f) {
    struct err e = ERR_INIT;
    struct reply_row *rows = calloc(f->limit, sizeof *rows);
    size_t n = 0;
    bool more;
    int64_t last_id;
    ASSERT(rows);
    ARENA_AUTO struct arena mem;
    arena_init(&mem, (f->limit + 1) * ROW_BYTES_MAX);
    bool ok = replies_list(api_db(rq), f, &mem, rows, &n, &more, &last_id, &e);
    if (ok) {
        struct buf *out = native_open_page(rq);
        for (size_t i = 0; i < n; i++) {
            if (i)
                buf_addc(out, ',');
            native_print_reply(rq, rows[i].message, &rows[i].reply, rows[i].answered_at, rows[i].read_at,
                               out);
        }
        native_answer_message_page(rq, out, more ? last_id : 0);
    } else {
        api_fail(rq, &e);
    }
    for (size_t i = 0; i < n; i++)
        message_free(rows[i].message);
    free(rows);
}

void native_reply_list(struct api_request *rq) {
    enum { FROM, TO, SINCE, UNTIL, MOOD, ACTION, UNREAD, LIMIT, CURSOR };
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    if (!api_read_query(rq, reply_list_fields, v))
        return;
    struct reply_filter f = {
        .account_id = rq->account_id,
        .from = api_query_number(&rq->x->arena, v[FROM].text),
        .to = api_query_number(&rq->x->arena, v[TO].text),
        .created_from = v[SINCE].n,
        .created_until = v[UNTIL].n,
        .by_mood = v[MOOD].given,
        .mood = (enum reply_mood)v[MOOD].n,
        .by_action = v[ACTION].given,
        .action = (enum reply_action)v[ACTION].n,
        .unread = v[UNREAD].n != 0,
        .limit = native_page_limit(&v[LIMIT]),
    };
    if (native_message_cursor(rq, &v[CURSOR], &f.before_id, &e))
        answer_page(rq, &f);
    else
        api_fail(rq, &e);
}

void native_message_replies(struct api_request *rq) {
    struct message *m = api_find_message(rq, rq->params[0]);
    if (!m)
        return;
    const struct reply_filter f = {
        .account_id = rq->account_id, .in_reply_to = m->id, .limit = REPLIES_PAGE_MAX};
    message_free(m);
    answer_page(rq, &f);
}

/* ---- marking ---- */

static void marked(struct api_request *rq, struct ask *a) {
    struct err e = ERR_INIT;
    if (a->result == ASK_DONE && ((const struct reply_mark *)a->write)->there) {
        api_answer(rq, &(struct answer){.status = 204});
    } else if (a->result == ASK_DONE) {
        err_set(&e, ERR_NOT_FOUND, "your account has no such text from a handset");
        api_fail(rq, &e);
    } else {
        api_fail(rq, &a->err);
    }
}

static void mark(struct api_request *rq, bool read) {
    int64_t id;
    if (!api_parse_sid(rq, rq->params[0], &id))
        return;
    struct reply_mark *w = arena_zalloc(&rq->x->arena, sizeof *w);
    ASSERT(w);
    *w = (struct reply_mark){
        .write = {.run = replies_mark}, .account_id = rq->account_id, .message_id = id, .read = read};
    struct ask *a = api_new_ask(rq, ASK_WRITE);
    a->write = &w->write;
    api_ask(rq, a, marked);
}

void native_reply_read(struct api_request *rq) {
    mark(rq, true);
}

void native_reply_unread(struct api_request *rq) {
    mark(rq, false);
}
