/* One-time codes over HTTP: tried and withdrawn. A guess is on disk before it is answered; one that was right
 * ends what is still to be done with its message. */
#include "api/verification_parts.h"

#include "base/json.h"

/* ---- trying ---- */

static struct ask *ask_of(struct api_request *rq, struct verification_write *w) {
    struct ask *a = api_new_ask(rq, ASK_VERIFY);
    a->verification = w;
    rq->own = w;
    return a;
}

/* Else that it was not is answered. */
static bool was_done(struct api_request *rq, const struct ask *a) {
    if (a->result == ASK_DONE)
        return true;
    if (a->result == ASK_ABSENT)
        return verification_refuse_absent(rq);
    api_fail(rq, &a->err);
    return false;
}

static void answer_checked(struct api_request *rq, const struct verification_write *w) {
    struct buf *out = api_scratch(rq);
    buf_addc(out, '{');
    json_pair_bool(out, "valid", w->valid);
    verification_print(rq, &w->row, out);
    buf_addc(out, '}');
    api_answer_json(rq, 200, buf_sv(out));
}

static void settled(struct api_request *rq, struct ask *a) {
    (void)a; /* whatever came of it: the guess is approved, on disk */
    answer_checked(rq, rq->own);
}

/* A code that came back has arrived, whatever the provider says or does not say; one that is still to be sent
 * need not be. */
static bool settle_message(struct api_request *rq, const struct verification_write *w) {
    struct err e = ERR_INIT;
    struct message *m = reader_message(api_db(rq), rq->account_id, w->row.message_id, &e);
    if (!m)
        return false;
    enum state s = m->head.state;
    bool out = (s == STATE_SENT && !m->head.done_at) || s == STATE_SENDING || s == STATE_UNKNOWN;
    bool waits = state_may_move(s, STATE_CANCELED);
    struct ask *a = api_new_ask(rq, out ? ASK_RECEIPT : ASK_CANCEL);
    a->id = m->id;
    a->attempt = m->head.attempts;
    a->receipt = (struct receipt){.state = STATE_DELIVERED, .reason = REASON_CODE_USED};
    message_free(m);
    if (out)
        api_ask_urgent(rq, a, settled);
    else if (waits)
        api_ask(rq, a, settled);
    return out || waits;
}

static void checked(struct api_request *rq, struct ask *a) {
    const struct verification_write *w = rq->own;
    if (!was_done(rq, a))
        return;
    verification_tell(rq, w->valid ? "verification.approved" : "verification.wrong", &w->row);
    if (!w->valid || !settle_message(rq, w))
        answer_checked(rq, w);
}

static void check(struct api_request *rq, struct verification_write *w, struct sv typed) {
    struct err e = ERR_INIT;
    char *code = arena_alloc(&rq->x->arena, CODE_CHARS_MAX + 1);
    ASSERT(code);
    code_read(typed, code);
    w->code = sv_of(code);
    if (w->code.n < CODE_CHARS_MIN) {
        err_set_field(&e, ERR_INVALID, "code", "a code has %d to %d letters and digits", CODE_CHARS_MIN,
                      CODE_CHARS_MAX);
        api_fail(rq, &e);
        return;
    }
    api_ask(rq, ask_of(rq, w), checked);
}

void native_verification_check(struct api_request *rq) {
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX];
    int64_t id;
    if (!api_read_json(rq, verification_check_fields, &root, v) || !verification_of_path(rq, &id))
        return;
    check(rq, verification_new_write(rq, VERIFICATION_CHECK, id), v[0].text);
}

void native_verification_check_to(struct api_request *rq) {
    enum { OF_TO, OF_PURPOSE, OF_CODE };
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    struct phone mem;
    if (!api_read_json(rq, verification_check_to_fields, &root, v))
        return;
    struct verification_write *w = verification_new_write(rq, VERIFICATION_CHECK, 0);
    if (!verification_read_number(rq, v[OF_TO].text, &mem, &w->to, &e)) {
        api_fail(rq, &e);
        return;
    }
    w->purpose = v[OF_PURPOSE].text.n ? arena_dup(&rq->x->arena, v[OF_PURPOSE].text) : SV("");
    check(rq, w, v[OF_CODE].text);
}

static void canceled(struct api_request *rq, struct ask *a) {
    const struct verification_write *w = rq->own;
    struct err e = ERR_INIT;
    if (!was_done(rq, a))
        return;
    if (w->row.status != VERIFICATION_CANCELED) {
        err_set(&e, ERR_CONFLICT, "the verification is `%s`", verification_status_name(w->row.status));
        api_problem(rq, PROBLEM_TOO_LATE, &e);
        return;
    }
    verification_tell(rq, "verification.canceled", &w->row);
    verification_answer(rq, 200, &w->row);
}

void native_verification_cancel(struct api_request *rq) {
    int64_t id;
    if (verification_of_path(rq, &id))
        api_ask(rq, ask_of(rq, verification_new_write(rq, VERIFICATION_CANCEL, id)), canceled);
}
