/* Runs every *.case file of the folder given: one file, one TAP line. */
#include "fixture.h"

#include "base/clock.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 1024 * 1024, CASES_MAX = 256, HOOK_MAX = 16 };

/* What came of a case, in the words of the file's own sections. */
struct outcome {
    struct buf request, verdict, lookup, receipts, inbound, reply, error, grant, refused, pulled;
};

static void outcome_init(struct outcome *o) {
    *o = (struct outcome){BUF_INIT(TEXT_MAX), BUF_INIT(TEXT_MAX), BUF_INIT(TEXT_MAX), BUF_INIT(TEXT_MAX),
                          BUF_INIT(TEXT_MAX), BUF_INIT(TEXT_MAX), BUF_INIT(TEXT_MAX), BUF_INIT(TEXT_MAX),
                          BUF_INIT(TEXT_MAX), BUF_INIT(TEXT_MAX)};
}

static void outcome_done(struct outcome *o) {
    buf_done(&o->request);
    buf_done(&o->verdict);
    buf_done(&o->lookup);
    buf_done(&o->receipts);
    buf_done(&o->inbound);
    buf_done(&o->reply);
    buf_done(&o->error);
    buf_done(&o->grant);
    buf_done(&o->refused);
    buf_done(&o->pulled);
}

static void add_line(struct buf *out, const char *key, struct sv v) {
    if (v.n == 0)
        return;
    buf_addf(out, "%s%s: ", out->n ? "\n" : "", key);
    for (size_t i = 0; i < v.n; i++)
        buf_adds(out, v.p[i] == '\n' ? "\\n" : v.p[i] == '\\' ? "\\\\" : (char[]){v.p[i], '\0'});
}

static void add_number(struct buf *out, const char *key, int64_t x) {
    if (x)
        buf_addf(out, "%s%s: %lld", out->n ? "\n" : "", key, (long long)x);
}

/* An e-mail: the envelope as SMTP says it, and the message without the CR of its lines. */
static void write_mail(const struct http_request *rq, struct buf *out) {
    static const char *const levels[] = {
        [MAIL_TLS_NEVER] = "never", [MAIL_TLS_TRY] = "try", [MAIL_TLS_ALWAYS] = "always"};
    const struct mail_envelope *m = rq->mail;
    buf_addf(out, "\nTLS: %s", levels[m->tls]);
    add_line(out, "CA", m->ca_file);
    add_line(out, "USER", m->user);
    add_line(out, "PASSWORD", m->password);
    if (m->to.n)
        buf_addf(out, "\nMAIL FROM:<%.*s>\nRCPT TO:<%.*s>\n\n", SV_FMT(m->from), SV_FMT(m->to));
    for (size_t i = 0; i < rq->body.n; i++) {
        char c = rq->body.p[i];
        assert_int_equal(c == '\n', i > 0 && rq->body.p[i - 1] == '\r'); /* nothing but CRLF, and whole */
        if (c != '\r')
            buf_addc(out, c);
    }
    if (rq->body.n) {
        assert_true(sv_ends(rq->body, SV("\r\n")));
        out->n--;
    }
}

static void write_request(const struct http_request *rq, struct buf *out) {
    buf_addf(out, "%s %.*s", http_method_name(rq->method), SV_FMT(rq->url));
    assert_int_equal(strlen(rq->url.p), rq->url.n);
    for (size_t i = 0; i < rq->n_headers; i++) {
        buf_addf(out, "\n%.*s: %.*s", SV_FMT(rq->headers[i].name), SV_FMT(rq->headers[i].value));
        assert_int_equal(strlen(rq->headers[i].value.p), rq->headers[i].value.n);
    }
    if (rq->mail)
        write_mail(rq, out);
    else if (rq->body.n)
        buf_addf(out, "\n\n%.*s", SV_FMT(rq->body));
}

static void write_verdict(const struct verdict *v, struct buf *out) {
    add_line(out, "fate", sv_of(fate_name(v->fate)));
    add_line(out, "hint", sv_of(lane_hint_name(v->hint)));
    if (v->reason)
        add_line(out, "reason", sv_of(reason_name(v->reason)));
    add_number(out, "code", v->code);
    add_line(out, "unknown_code", sv_of(v->unknown_code));
    add_number(out, "retry_after_ms", v->retry_after_ms);
    add_number(out, "segments", v->segments);
    add_line(out, "provider_id", sv_of(v->provider_id));
    if (v->dead_since) {
        struct buf BUF_AUTO at = BUF_INIT(64);
        clock_add_rfc3339(&at, v->dead_since);
        add_line(out, "dead_since", buf_sv(&at));
    }
    if (v->grant_refused)
        add_line(out, "grant_refused", SV("yes"));
    add_line(out, "text", sv_of(v->text));
}

static void write_receipt(const struct receipt *r, const char *key, struct buf *out) {
    buf_addf(out, "%s%s: %s %s", out->n ? "\n" : "", key, r->provider_id, state_name(r->state));
    if (r->reason)
        buf_addf(out, " %s", reason_name(r->reason));
    if (r->code)
        buf_addf(out, " %d", (int)r->code);
    add_line(out, "number", r->number);
    add_line(out, "token", r->token);
}

static void write_lookup(const struct lookup_answer *a, struct buf *out) {
    static const char *const names[] = {"yes", "absent", "cannot tell"};
    add_line(out, "found", sv_of(names[a->found]));
    add_line(out, "hint", sv_of(lane_hint_name(a->hint)));
    for (size_t i = 0; i < a->n; i++)
        write_receipt(&a->candidates[i], "candidate", out);
    add_line(out, "text", sv_of(a->text));
}

static void write_inbound(const struct inbound *in, struct buf *out) {
    add_line(out, "from", in->from);
    add_line(out, "to", in->to);
    add_line(out, "body", in->body);
    add_line(out, "provider_id", in->provider_id);
    add_line(out, "opt_out", in->opt_out);
}

static void write_reply(const struct hook_reply *r, struct buf *out) {
    if (r->content_type)
        buf_addf(out, "%s\n%.*s", r->content_type, SV_FMT(r->body));
    else
        buf_adds(out, "empty");
}

static void write_error(const struct err *e, struct buf *out) {
    assert_int_not_equal(e->kind, ERR_NONE);
    assert_true(e->text[0]);
    add_line(out, "kind", sv_of(err_kind_name(e->kind)));
    add_line(out, "field", sv_of(e->field));
    add_line(out, "text", sv_of(e->text));
}

enum { BATCH_MAX = 8 };

/* Several attempts by one call: those after the first that join it. */
static void run_batch(const struct fixture *f, const struct lane_config *lane, const struct attempt_view *a,
                      size_t n, struct arena *mem, struct outcome *o) {
    const struct adapter *ad = lane->adapter;
    struct attempt_view joined[BATCH_MAX] = {a[0]};
    struct http_request rq;
    struct err e = ERR_INIT;
    size_t n_joined = 1;
    for (size_t i = 1; i < n; i++)
        if (ad->joins(lane, &a[0], &a[i]))
            joined[n_joined++] = a[i];
    if (n_joined < n)
        buf_addf(&o->refused, "%zu did not join", n - n_joined);
    if (n_joined < 2)
        return;
    if (!ad->build_batch(lane, joined, n_joined, fixture_time(f, "case", "now", 0),
                         fixture_number(f, "case", "nonce", 1), mem, &rq, &e)) {
        write_error(&e, &o->error);
        return;
    }
    write_request(&rq, &o->request);
    if (!fixture_section(f, "response").p)
        return;
    struct http_response r = fixture_response(f);
    struct verdict v[BATCH_MAX] = {0};
    ad->judge_batch(lane, joined, n_joined, &r, v);
    for (size_t i = 0; i < n_joined; i++) {
        if (i)
            buf_adds(&o->verdict, "\n--");
        write_verdict(&v[i], &o->verdict);
    }
}

static void run_grant(const struct fixture *f, const struct lane_config *lane, struct arena *mem,
                      struct outcome *o) {
    struct sv so_far = fixture_value(f, "case", "so_far");
    int64_t now = fixture_time(f, "case", "now", 0);
    struct http_request rq;
    struct err e = ERR_INIT;
    struct grant g = {0};
    if (!lane->adapter->grant(lane, so_far, now, fixture_number(f, "case", "nonce", 1), mem, &rq, &e)) {
        write_error(&e, &o->error);
        return;
    }
    write_request(&rq, &o->request);
    if (!fixture_section(f, "response").p)
        return;
    struct http_response r = fixture_response(f);
    if (!lane->adapter->judge_grant(lane, so_far, now, &r, &g, &e)) {
        write_error(&e, &o->error);
        return;
    }
    add_line(&o->grant, "text", sv_of(g.text));
    add_number(&o->grant, "expires_in_s", g.expires_at ? (g.expires_at - now) / 1000000 : 0);
    if (g.more)
        add_line(&o->grant, "more", SV("yes"));
}

/* send, lookup, probe: build a request, then judge the scripted reply. */
static void run_call(const struct fixture *f, const struct lane_config *lane, struct sv call,
                     struct arena *mem, struct outcome *o) {
    struct attempt_view many[BATCH_MAX];
    size_t n = fixture_attempts(f, many, BATCH_MAX);
    if (n > 1) {
        run_batch(f, lane, many, n, mem, o);
        return;
    }
    struct attempt_view a = many[0];
    int64_t now = fixture_time(f, "case", "now", 0);
    const struct adapter *ad = lane->adapter;
    struct http_request rq;
    struct err e = ERR_INIT;
    uint64_t nonce = fixture_number(f, "case", "nonce", 1);
    enum reason refused = sv_eq(call, SV("send")) && ad->refuses ? ad->refuses(lane, &a) : REASON_NONE;
    if (refused) {
        buf_adds(&o->refused, reason_name(refused));
        return;
    }
    bool send = sv_eq(call, SV("send")), lookup = sv_eq(call, SV("lookup"));
    bool built = send                     ? ad->build(lane, &a, now, nonce, mem, &rq, &e)
                 : lookup                 ? ad->lookup(lane, &a, now, nonce, mem, &rq, &e)
                 : lane_needs_grant(lane) ? ad->probe_granted(lane, a.grant, now, nonce, mem, &rq, &e)
                                          : ad->probe(lane, now, nonce, mem, &rq, &e);
    if (!built) {
        write_error(&e, &o->error);
        return;
    }
    assert_int_equal(e.kind, ERR_NONE);
    write_request(&rq, &o->request);
    if (!fixture_section(f, "response").p)
        return;
    struct http_response r = fixture_response(f);
    if (send) {
        struct verdict v = ad->judge(lane, &r);
        write_verdict(&v, &o->verdict);
    } else if (lookup) {
        struct lookup_answer answer = ad->judge_lookup(lane, &a, now, &r);
        write_lookup(&answer, &o->lookup);
    } else if (!ad->judge_probe(lane, &r, &e)) {
        write_error(&e, &o->error);
    }
}

static void hear(const struct lane_config *lane, const struct hook_request *rq, bool inbound,
                 struct arena *mem, struct outcome *o) {
    struct hook_reply reply;
    struct receipt receipts[HOOK_MAX];
    struct inbound in[HOOK_MAX];
    struct err e = ERR_INIT;
    size_t n;
    bool ok = inbound ? lane->adapter->inbound(lane, rq, mem, in, HOOK_MAX, &n, &reply, &e)
                      : lane->adapter->receipt(lane, rq, mem, receipts, HOOK_MAX, &n, &reply, &e);
    if (!ok) {
        assert_int_equal(n, 0);
        write_error(&e, &o->error);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (inbound)
            write_inbound(&in[i], &o->inbound);
        else
            write_receipt(&receipts[i], "receipt", &o->receipts);
    }
    if (!rq->pulled) /* nobody waits for an answer */
        write_reply(&reply, &o->reply);
}

/* What is fetched, and then what stands in it. */
static void run_pull(const struct fixture *f, const struct lane_config *lane, enum pull what,
                     struct arena *mem, struct outcome *o) {
    const struct adapter *ad = lane->adapter;
    struct http_request rq;
    struct err e = ERR_INIT;
    size_t n;
    bool more;
    if (!ad->pull(lane, what, fixture_time(f, "case", "now", 0), mem, &rq, &e)) {
        write_error(&e, &o->error);
        return;
    }
    write_request(&rq, &o->request);
    if (!fixture_section(f, "response").p)
        return;
    struct http_response r = fixture_response(f);
    if (!ad->judge_pull(lane, what, &r, &n, &more, &e)) {
        assert_int_equal(n, 0);
        write_error(&e, &o->error);
        return;
    }
    add_number(&o->pulled, "n", (int64_t)n);
    if (more)
        add_line(&o->pulled, "more", SV("yes"));
    if (n)
        hear(lane, &(struct hook_request){.method = HTTP_POST, .body = r.body, .pulled = true},
             what == PULL_REPLIES, mem, o);
}

static void expect(const struct fixture *f, const char *section, const struct buf *actual) {
    struct sv right = fixture_section(f, section), got = buf_sv(actual);
    if (sv_eq(right, got))
        return;
    fail_msg("[%s] should be:\n%.*s\n--- but is:\n%.*s", section, SV_FMT(right), SV_FMT(got));
}

static void run_case(void **state) {
    struct arena ARENA_AUTO mem;
    arena_init(&mem, TEXT_MAX * 4);
    struct fixture f;
    fixture_load(&f, *state, &mem);
    struct sv call = fixture_value(&f, "case", "call");
    struct outcome o;
    outcome_init(&o);
    struct lane_config lane = fixture_lane(&f);
    struct err e = ERR_INIT;
    if (!lane_prepare(&lane, &e)) {
        write_error(&e, &o.error);
    } else if (sv_eq(call, SV("settings"))) {
        if (!lane.adapter->check_all(&lane, &e))
            write_error(&e, &o.error);
    } else if (sv_eq(call, SV("receipt")) || sv_eq(call, SV("inbound"))) {
        struct hook_request rq = fixture_hook(&f);
        hear(&lane, &rq, sv_eq(call, SV("inbound")), &mem, &o);
    } else if (sv_eq(call, SV("pull_replies")) || sv_eq(call, SV("pull_receipts"))) {
        run_pull(&f, &lane, sv_eq(call, SV("pull_replies")) ? PULL_REPLIES : PULL_RECEIPTS, &mem, &o);
    } else if (sv_eq(call, SV("grant"))) {
        run_grant(&f, &lane, &mem, &o);
    } else {
        assert_true(sv_eq(call, SV("send")) || sv_eq(call, SV("lookup")) || sv_eq(call, SV("probe")));
        run_call(&f, &lane, call, &mem, &o);
    }
    expect(&f, "request", &o.request);
    expect(&f, "verdict", &o.verdict);
    expect(&f, "lookup", &o.lookup);
    expect(&f, "receipts", &o.receipts);
    expect(&f, "inbound", &o.inbound);
    expect(&f, "reply", &o.reply);
    expect(&f, "error", &o.error);
    expect(&f, "grant", &o.grant);
    expect(&f, "refused", &o.refused);
    expect(&f, "pulled", &o.pulled);
    outcome_done(&o);
    lane_release(&lane);
}

static int is_case(const struct dirent *d) {
    return sv_ends(sv_of(d->d_name), SV(".case"));
}

int main(int argc, char **argv) {
    struct dirent **names = NULL;
    int n = argc == 2 ? scandir(argv[1], &names, is_case, alphasort) : -1;
    if (n <= 0 || n > CASES_MAX) {
        fprintf(stderr, "usage: %s FOLDER (with 1 to %d *.case files)\n", argv[0], CASES_MAX);
        return 1;
    }
    static struct CMUnitTest tests[CASES_MAX];
    for (int i = 0; i < n; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s", argv[1], names[i]->d_name) < 0)
            return 1;
        tests[i] =
            (struct CMUnitTest){.name = names[i]->d_name, .test_func = run_case, .initial_state = path};
    }
    int failed = _cmocka_run_group_tests("cases", tests, (size_t)n, NULL, NULL);
    for (int i = 0; i < n; i++) {
        free(tests[i].initial_state);
        free(names[i]);
    }
    free(names);
    return failed;
}
