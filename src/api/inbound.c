/* inbound: texts from handsets. Each is joined to the message it answers, read for keywords and mood, stored,
 * and answered where the settings say so: in the answer to the provider's post, or by a message of its own.
 */
#include "api/hook_parts.h"

#include "ingest/replies.h"
#include "store/replies.h"
#include "text/mood/mood.h"
#include "text/segments.h"

#include <math.h>

enum { MOOD_TEXT_BYTES_MAX = 4096 };

_Static_assert(MOOD_NEGATIVE == (int)REPLY_NEGATIVE && MOOD_POSITIVE == (int)REPLY_POSITIVE,
               "a mood is stored as it is labelled");

/* A text on its way to the core and back. */
struct text {
    struct reply reply; /* first: the ask names it */
    const struct inbound *in;
    struct sv topic; /* of the message it surely answers */
};

/* ---- whose it is ---- */

/* The account of the message it names, else the one that wrote to the number last by this lane, else the
 * lane's own, else the first. */
static bool find_owner(struct api_request *rq, const struct lane_config *lane, const struct inbound *in,
                       struct text *t, int64_t *account_id, struct err *e) {
    struct reply *r = &t->reply;
    unsigned attempt;
    *account_id = 0;
    if (in->token.n && token_parse(api_world(rq)->id_key, in->token, &r->in_reply_to, &attempt) &&
        !replies_owner(api_db(rq), r->in_reply_to, &rq->x->arena, account_id, &t->topic, e))
        return false;
    if (*account_id)
        return true;
    if (!replies_conversation(api_db(rq), in->from, in->to, sv_of(lane->name), account_id, &r->in_reply_to,
                              e))
        return false;
    if (*account_id)
        return true;
    const struct account *a = lane->account.n ? directory_account_of_name(api_directory(rq), lane->account)
                                              : directory_first(api_directory(rq));
    if (!a)
        return err_set(e, ERR_OUTSIDE, "there is no account to give this text to");
    *account_id = a->id;
    return true;
}

/* ---- what it says ---- */

/* What a provider has recognized, it has also answered. */
static bool provider_says(struct sv opt_out, enum reply_action *out) {
    static const struct {
        const char *word;
        enum reply_action action;
    } words[] = {{"STOP", REPLY_STOP}, {"START", REPLY_START}, {"HELP", REPLY_HELP}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (sv_eq(opt_out, sv_of(words[i].word))) {
            *out = words[i].action;
            return true;
        }
    return false;
}

static void read_text(struct api_request *rq, struct sv account, struct text *t) {
    const struct settings *s = api_settings(rq);
    const struct replies *words = texts_replies(api_texts(rq));
    struct reply *r = &t->reply;
    struct mood mood = mood_of(sv_sub(t->in->body, 0, MOOD_TEXT_BYTES_MAX));
    struct reply_reading reading = {.action = REPLY_OTHER};
    r->polarity = (int32_t)lround(mood.polarity * 1000);
    r->mood = (enum reply_mood)mood.label;
    if (words)
        replies_read(words, account, t->in->body, &reading);
    bool answered = provider_says(t->in->opt_out, &reading.action);
    r->action = reading.action;
    r->keyword = reading.keyword.n ? reading.keyword : answered ? t->in->opt_out : SV_NONE;
    r->topic = reading.topic;
    r->answers_max = s->replies.answers_max;
    bool wanted = s->replies.answer || (r->action == REPLY_OTHER && s->replies.answer_other);
    if (words && !answered && wanted && r->answers_max)
        r->answer = replies_answer(words, account, t->in->from, t->in->body, &reading);
    if (words && s->consent.confirm_topics.n && reading.confirm.n) {
        const struct reply_reading yes = {.action = REPLY_CONFIRM, .language = reading.confirm_language};
        r->confirm = arena_dup(&rq->x->arena, reading.confirm);
        if (!answered && s->replies.answer && r->answers_max)
            r->confirm_answer =
                arena_dup(&rq->x->arena, replies_answer(words, account, t->in->from, t->in->body, &yes));
    }
    /* The settings may be others by the time it is stored. */
    r->keyword = arena_dup(&rq->x->arena, r->keyword);
    r->topic = arena_dup(&rq->x->arena, r->topic);
    r->answer = r->answer.n ? arena_dup(&rq->x->arena, r->answer) : SV_NONE;
}

static struct message *message_of(struct api_request *rq, const struct lane_config *lane,
                                  const struct inbound *in, int64_t account_id, struct err *e) {
    /* A repeated call must not make a second message. No key of a caller's has a space in it. */
    BUF_AUTO struct buf key = BUF_INIT(255);
    if (in->provider_id.n)
        buf_addf(&key, "in %s %.*s", lane->name, SV_FMT(in->provider_id));
    const struct sv texts[TEXT_COUNT] = {[TEXT_TO] = in->to,
                                         [TEXT_FROM] = in->from,
                                         [TEXT_BODY] = in->body,
                                         [TEXT_IDEMPOTENCY_KEY] = buf_sv(&key)};
    struct message *m = message_new(texts);
    if (!m) {
        err_set(e, ERR_OUTSIDE, "out of memory");
        return NULL;
    }
    struct segments count = segments_count(m->text[TEXT_BODY], SEGMENTS_INTERNATIONAL);
    m->account_id = account_id;
    m->direction = DIRECTION_IN;
    m->priority = PRIORITY_TRANSACTIONAL;
    m->encoding = count.encoding == SMS_GSM7 ? ENCODING_GSM7 : ENCODING_UCS2;
    m->segments = (uint16_t)count.segments;
    m->created_at = rq->now;
    m->expires_at = rq->now;
    snprintf(m->head.lane, sizeof m->head.lane, "%s", lane->name);
    snprintf(m->head.provider_id, sizeof m->head.provider_id, "%.*s", SV_FMT(in->provider_id));
    return m;
}

/* ---- what comes of it ---- */

static void tell(struct api_request *rq, const struct text *t, const struct ask *a) {
    const struct world *w = api_world(rq);
    const struct reply *r = &t->reply;
    struct sid sid = sid_message(w->id_key, a->id), of = {.text = ""};
    if (r->in_reply_to)
        of = sid_message(w->id_key, r->in_reply_to);
    if (r->action == REPLY_STOP)
        meter_add(w->meters, COUNT_OPT_OUTS, 1);
    if (r->action != REPLY_OTHER)
        log_info(w->log, "reply.keyword", kv_word("id", sid_sv(&sid)), kv_phone("from", t->in->from),
                 kv_name("action", reply_action_name(r->action)), kv_opt("in_reply_to", sv_of(of.text)));
    if (r->mood != REPLY_NEGATIVE)
        return;
    meter_add(w->meters, COUNT_REPLIES_NEGATIVE, 1);
    log_warn(w->log, "reply.negative", kv_word("id", sid_sv(&sid)), kv_phone("from", t->in->from),
             kv_int("polarity", r->polarity), kv_opt("in_reply_to", sv_of(of.text)));
}

static void came_back(struct api_request *rq, struct ask *a);

/* By a message of its own, from the number that was written to. False: it cannot be made. */
static bool answer_by_message(struct api_request *rq, const struct text *t, struct hook *h,
                              int64_t account_id, struct err *e) {
    const struct account *account = directory_account(api_directory(rq), account_id);
    const struct submission in = {
        .account_id = account_id,
        .account_name = account ? sv_of(account->name) : SV_NONE,
        .to = t->in->from,
        .from = t->in->to,
        .body = t->reply.answer,
        .priority = PRIORITY_TRANSACTIONAL,
        .delivery = api_settings(rq)->defaults.delivery,
        .face = t->reply.action == REPLY_OTHER ? FACE_NATIVE : FACE_ANSWER,
    };
    struct admitted admitted;
    if (!admit(api_admitter(rq), api_settings(rq), api_texts(rq), &in, rq->now, &admitted, e))
        return false;
    struct ask *a = api_new_ask(rq, ASK_SUBMIT);
    a->message = admitted.message;
    a->suppress = admitted.suppress;
    a->account_id = account_id;
    h->expected++;
    api_ask(rq, a, came_back);
    return true;
}

static void answer(struct api_request *rq, const struct text *t, int64_t account_id) {
    struct hook *h = rq->own;
    struct err e = ERR_INIT;
    const struct adapter *adapter = h->lane->adapter;
    bool in_line = api_settings(rq)->replies.in_line && adapter->answer && h->expected == 1 && !rq->x->way;
    bool done = in_line ? adapter->answer(t->reply.answer, &rq->x->arena, &h->reply)
                        : answer_by_message(rq, t, h, account_id, &e);
    if (done)
        meter_add(api_world(rq)->meters, COUNT_ANSWERS, 1);
    else
        api_warn(rq, "reply.not_answered", 200, &e);
}

/* A text, or an answer to one. That an answer could not be stored is no reason for the provider to come
 * again: the text is. */
static void came_back(struct api_request *rq, struct ask *a) {
    struct text *t = (struct text *)a->reply;
    if (!t && a->result == ASK_FAILED) {
        api_warn(rq, "reply.not_answered", 200, &a->err);
        a->result = ASK_DONE;
    }
    if (t && a->result == ASK_DONE) {
        tell(rq, t, a);
        if (t->reply.answer.n)
            answer(rq, t, a->account_id);
    }
    hook_came_back(rq, a);
}

static void take_one(struct api_request *rq, const struct lane_config *lane, const struct inbound *in) {
    struct ask *a = api_new_ask(rq, ASK_SUBMIT);
    struct text *t = arena_zalloc(&rq->x->arena, sizeof *t);
    ASSERT(t);
    t->in = in;
    if (find_owner(rq, lane, in, t, &a->account_id, &a->err))
        a->message = message_of(rq, lane, in, a->account_id, &a->err);
    if (!a->message) { /* as if the core had failed to store it */
        a->result = ASK_FAILED;
        hook_came_back(rq, a);
        return;
    }
    const struct account *account = directory_account(api_directory(rq), a->account_id);
    read_text(rq, account ? sv_of(account->name) : SV_NONE, t);
    if (t->topic.n && !t->reply.topic.n)
        t->reply.topic = t->topic;
    a->reply = &t->reply;
    api_ask_urgent(rq, a, came_back);
}

void inbound_take(struct api_request *rq, const struct hook_request *post, struct hook *h) {
    struct arena *mem = &rq->x->arena;
    const struct lane_config *lane = h->lane;
    struct inbound *items = arena_alloc(mem, HOOK_ITEMS_MAX * sizeof *items);
    struct err e = ERR_INIT;
    ASSERT(items);
    if (!lane->adapter->inbound(lane, post, mem, items, HOOK_ITEMS_MAX, &h->expected, &h->reply, &e)) {
        hook_refuse(rq, &e);
        return;
    }
    if (h->expected == 0) {
        hook_finish(rq, h);
        return;
    }
    for (size_t i = 0, n = h->expected; i < n; i++)
        take_one(rq, lane, &items[i]);
}
