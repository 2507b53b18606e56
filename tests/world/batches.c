/* Calls for several messages at once. Twilio has none, so in some seeds its adapter is given one: the
 * requests of all, a line each, and an answer of as many lines, each with a status of its own. What is judged
 * is what the core, its calls and its senders make of batches: partial failures, lost answers, crashes in
 * between. */
#include "world.h"

#include "base/codec.h"

#include <string.h>

enum { BATCH_MAX = 8, BATCH_BYTES_MAX = 64 * 1024, STATUS_DIGITS = 3 };

static const struct adapter *twilio(void) {
    const struct adapter *a = adapter_find(SV("twilio"));
    ASSERT(a);
    return a;
}

static bool joins(const struct lane_config *lane, const struct attempt_view *a,
                  const struct attempt_view *b) {
    (void)lane;
    return sv_eq(a->from, b->from);
}

static bool build_batch(const struct lane_config *lane, const struct attempt_view *a, size_t n, int64_t now,
                        uint64_t nonce, struct arena *mem, struct http_request *out, struct err *e) {
    struct buf BUF_AUTO body = BUF_INIT(BATCH_BYTES_MAX);
    for (size_t i = 0; i < n; i++) {
        if (!twilio()->build(lane, &a[i], now, nonce, mem, out, e))
            return false;
        buf_adds(&body, i ? "\n" : "");
        buf_add(&body, out->body);
    }
    out->body = arena_dup(mem, buf_sv(&body));
    return !mem->full || err_set(e, ERR_TOO_LARGE, "no room to build the request");
}

static void judge_batch(const struct lane_config *lane, const struct attempt_view *a, size_t n,
                        const struct http_response *r, struct verdict *out) {
    (void)a;
    struct sv rest = r->body;
    for (size_t i = 0; i < n; i++) {
        struct http_response own = *r;
        uint64_t status;
        if (r->transport == HTTP_ANSWERED && r->status == BATCH_STATUS) {
            struct sv line = sv_cut(&rest, '\n');
            own.status = sv_to_u64(sv_sub(line, 0, STATUS_DIGITS), &status) ? (int)status : 200;
            own.body = sv_from(line, line.n < STATUS_DIGITS ? line.n : STATUS_DIGITS);
        }
        out[i] = twilio()->judge(lane, &own);
    }
}

void batches_init(struct sim *s) {
    uint64_t dice = siphash((struct sip_key){.k0 = s->seed, .k1 = 12}, SV("batches"));
    s->batches = dice % 3 == 0;
    s->adapter = *twilio();
    if (sim_push_has(s)) {
        s->adapter.channels |= 1u << CHANNEL_PUSH;
        s->adapter.judge = sim_push_judge;
    }
    if (!s->batches)
        return;
    s->adapter.batch_max = BATCH_MAX;
    s->adapter.batch_distinct = dice >> 8 & 1;
    s->adapter.joins = joins;
    s->adapter.build_batch = build_batch;
    s->adapter.judge_batch = judge_batch;
}

size_t batches_take(struct sim *s, struct mailbox *from, struct call **out, size_t room) {
    void *items[BATCH_MAX];
    struct arena ARENA_AUTO mem;
    size_t max = s->batches ? BATCH_MAX : 1, n_out = 0;
    size_t n = mailbox_take(from, items, max < room ? max : room);
    struct call *calls[BATCH_MAX];
    memcpy(calls, items, n * sizeof *calls);
    arena_init(&mem, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        if (!calls[i])
            continue;
        out[n_out++] = calls[i];
        if (calls[i]->kind == CALL_ATTEMPT && s->batches && i + 1 < n &&
            call_join(calls[i], calls + i + 1, n - i - 1, &s->p->world, &mem) > 1)
            s->joined++;
    }
    return n_out;
}
