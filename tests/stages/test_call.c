/* Attempts that go by one request: built, parted where they have to, judged with the room they need. */
#include "../base/check.h"
#include "model/content.h"
#include "pipeline/call.h"
#include "provider/adapter.h"

#include <string.h>

enum { MANY = 200, PARAM_BYTES = 3500 };

static uint64_t no_random(void *ctx) {
    (void)ctx;
    return 7;
}

static int64_t no_time(void *ctx) {
    (void)ctx;
    return 1000;
}

static bool joins(const struct lane_config *lane, const struct attempt_view *a,
                  const struct attempt_view *b) {
    (void)lane;
    return sv_eq(a->body, b->body);
}

static bool build(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                  struct arena *mem, struct http_request *out, struct err *e) {
    (void)lane, (void)now, (void)nonce, (void)mem;
    *out = (struct http_request){.method = HTTP_POST, .url = SV("http://p/")};
    return a->to.n > 2 || err_set(e, ERR_INVALID, "no such number");
}

/* Takes no batch that has a number which cannot be. */
static bool build_batch(const struct lane_config *lane, const struct attempt_view *a, size_t n, int64_t now,
                        uint64_t nonce, struct arena *mem, struct http_request *out, struct err *e) {
    for (size_t i = 0; i < n; i++)
        if (!build(lane, &a[i], now, nonce, mem, out, e))
            return false;
    return true;
}

static struct verdict judge(const struct lane_config *lane, const struct http_response *r) {
    (void)lane;
    return (struct verdict){.fate = FATE_SENT, .http_status = (int16_t)r->status};
}

static void judge_batch(const struct lane_config *lane, const struct attempt_view *a, size_t n,
                        const struct http_response *r, struct verdict *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = judge(lane, r);
        snprintf(out[i].text, sizeof out[i].text, "%.*s", SV_FMT(a[i].to));
    }
}

static const struct adapter adapter = {
    .name = "many",
    .channels = 1u << CHANNEL_SMS,
    .batch_max = MANY,
    .build = build,
    .judge = judge,
    .joins = joins,
    .build_batch = build_batch,
    .judge_batch = judge_batch,
};

struct bench {
    struct world world;
    struct settings settings;
    struct lane_config lane;
    struct message *messages[MANY];
    struct call calls[MANY];
    struct call *others[MANY];
    struct arena mem;
};

/* params: of each message's provider template. */
static struct bench *bench_new(size_t n, const char *params, const char *odd_to) {
    struct bench *b = calloc(1, sizeof *b);
    BUF_AUTO struct buf content = BUF_INIT(CONTENT_BYTES_MAX);
    ASSERT(b);
    b->world = (struct world){.now_us = no_time, .random = no_random};
    b->settings.public_url = SV("https://sms.example.com");
    b->lane.adapter = &adapter;
    snprintf(b->lane.name, sizeof b->lane.name, "lane");
    buf_addf(&content, "{\"codes\":{\"*\":{\"code\":\"C\",\"sign\":null,\"params\":[\"%s\"]}}}", params);
    for (size_t i = 0; i < n; i++) {
        char to[24];
        snprintf(to, sizeof to, "+86138%08zu", i);
        const struct sv text[TEXT_COUNT] = {
            [TEXT_TO] = i == n / 2 && odd_to ? sv_of(odd_to) : sv_of(to),
            [TEXT_BODY] = SV("hello"),
            [TEXT_CONTENT] = buf_sv(&content),
        };
        b->messages[i] = message_new(text);
        ASSERT(b->messages[i]);
        b->messages[i]->id = (int64_t)i + 1;
        b->calls[i] = (struct call){.kind = CALL_ATTEMPT,
                                    .settings = &b->settings,
                                    .lane = &b->lane,
                                    .message = b->messages[i],
                                    .attempt = 1};
        b->others[i] = &b->calls[i];
    }
    arena_init(&b->mem, CALL_ARENA_BYTES);
    return b;
}

static void bench_free(struct bench *b) {
    for (size_t i = 0; i < MANY; i++)
        message_free(b->messages[i]);
    arena_done(&b->mem);
    free(b);
}

static size_t join(struct bench *b, size_t n) {
    struct arena ARENA_AUTO mem;
    arena_init(&mem, CALL_ARENA_BYTES);
    return call_join(&b->calls[0], b->others + 1, n - 1, &b->world, &mem);
}

static void test_join__as_many_as_have_room_are_built_and_judged(void **state) {
    (void)state;
    char params[PARAM_BYTES + 1];
    struct http_request rq;
    struct signer nobody = {0};
    memset(params, 'x', PARAM_BYTES);
    params[PARAM_BYTES] = '\0';
    struct bench *b = bench_new(MANY, params, NULL);
    size_t n = join(b, MANY);
    assert_true(n > MANY / 2);
    assert_true(call_build(&b->calls[0], &b->world, &nobody, &b->mem, &rq));
    struct http_response r = {.transport = HTTP_ANSWERED, .status = 200};
    call_judge(&b->calls[0], &b->world, &r);
    size_t judged = 0;
    for (const struct call *c = &b->calls[0]; c; c = c->joined, judged++) {
        assert_int_equal(c->verdict.fate, FATE_SENT);
        assert_string_equal(c->verdict.text, c->message->text[TEXT_TO].p);
    }
    assert_int_equal(judged, n);
    bench_free(b);
}

static void test_batch__that_cannot_be_built_is_judged_by_none(void **state) {
    (void)state;
    struct http_request rq;
    struct signer nobody = {0};
    struct bench *b = bench_new(3, "1234", "+1");
    assert_int_equal(join(b, 3), 3);
    assert_false(call_build(&b->calls[0], &b->world, &nobody, &b->mem, &rq));
    size_t n = 0, rejected = 0;
    for (struct call *c = &b->calls[0], *next; c; c = next, n++) {
        next = c->joined;
        assert_int_equal(c->verdict.fate, 0);
        c->joined = NULL;
        if (!call_build(c, &b->world, &nobody, &b->mem, &rq)) {
            assert_int_equal(c->verdict.fate, FATE_REJECTED);
            assert_string_equal(c->verdict.text, "no such number");
            rejected++;
        }
    }
    assert_int_equal(n, 3);
    assert_int_equal(rejected, 1);
    bench_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join__as_many_as_have_room_are_built_and_judged),
        cmocka_unit_test(test_batch__that_cannot_be_built_is_judged_by_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
