/* What would become of a message that is not there: the same fields as for a new one, taken through the same
 * decisions, and nothing stored, counted or sent. What a front decides itself is told by the functions here,
 * in their order; what the core decides, by those of pipeline/core_explain.c behind them. */
#include "api/native_explain.h"

#include "base/clock.h"
#include "dispatch/plan.h"
#include "store/tally.h"
#include "store/usage.h"

/* ---- what the front decides ---- */

static void print_text(struct explain_step *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void print_text(struct explain_step *s, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(s->text, sizeof s->text, format, args);
    va_end(args);
}

static void decide_number(struct explained *d, struct explain_step *s) {
    if (!channel_has_numbers(d->m->channel)) {
        print_text(s, "%s: an address without a number", channel_name(d->m->channel));
        return;
    }
    d->has_number = phone_parse(d->m->text[TEXT_TO], SV_NONE, &d->number, NULL);
    if (d->has_number)
        print_text(s, "%s, country code %d, %s", d->number.region[0] ? d->number.region : "no country",
                   d->number.country_code, phone_type_name(d->number.type));
}

static void decide_text(struct explained *d, struct explain_step *s) {
    const struct message *m = d->m;
    if (m->segments)
        print_text(s, "%s, %u %s, %s", encoding_name(m->encoding), m->segments,
                   m->segments == 1 ? "segment" : "segments",
                   m->text[TEXT_TEMPLATE].n ? "from its template" : "as it was given");
    else
        print_text(s, "%s: nothing is counted in segments", channel_name(m->channel));
}

/* Which rule, and where; the text itself stands elsewhere. */
static void decide_screening(struct explained *d, struct explain_step *s) {
    const struct screen_verdict *v = &d->admitted.screened;
    if (v->worst == SCREEN_PASS) {
        print_text(s, "no list has anything against it");
        return;
    }
    print_text(s, "list `%.*s`, line %u: %s", (int)(v->hits[0].list.n < 80 ? v->hits[0].list.n : 80),
               v->hits[0].list.p, v->hits[0].rule, screen_action_name(v->worst));
    if (d->admitted.suppress == REASON_NONE)
        return;
    s->says = EXPLAIN_STOPS;
    s->reason = d->admitted.suppress;
}

static const struct {
    const char *name;
    void (*run)(struct explained *d, struct explain_step *s);
} decisions[] = {
    {"number", decide_number},
    {"text", decide_text},
    {"screening", decide_screening},
};

/* Behind the core's answer, which says whether opt-outs count for it. */
static bool decide_suppression(struct api_request *rq, struct explained *d, struct err *e) {
    struct explain_step *s = d->suppression;
    struct arena *mem = &rq->x->arena;
    char folded[SUPPRESSION_NUMBER_BYTES_MAX];
    struct sv address = suppression_address(d->m->text[TEXT_TO], folded);
    const struct suppression_question q = {.m = d->m,
                                           .list = true,
                                           .exempt = d->x->exempt,
                                           .consent = d->x->needs_consent,
                                           .begins = true,
                                           .now = d->x->at};
    if (!suppression_ask(api_db(rq), &q, &s->reason, e) ||
        !suppression_of(api_db(rq), rq->account_id, address, d->x->at, mem, d->rows, EXPLAINED_ROWS_MAX,
                        &d->n_rows, e))
        return false;
    if (plan_passes_by(d->m, s->reason)) {
        print_text(s, "the first channel of its plan is passed by: %s", reason_meaning(s->reason));
        s->reason = REASON_NONE;
    } else if (s->reason != REASON_NONE) {
        s->says = EXPLAIN_STOPS;
        print_text(s, "%s", reason_meaning(s->reason));
    } else {
        print_text(s, "%s",
                   !d->n_rows ? "the suppression list does not have the recipient"
                              : "the rows of the recipient do not stop this message");
    }
    return true;
}

static bool decide_duplicates(struct api_request *rq, struct explained *d, struct err *e) {
    struct explain_step *s = d->x->duplicates;
    struct tally_found found;
    if (!tally_look(api_db(rq), d->x->tally, true, &found, e))
        return false;
    if (!found.asked)
        return true;
    if (!found.over) {
        print_text(s, "its text did not go to the recipient within the window");
        return true;
    }
    struct sid first = sid_message(api_world(rq)->id_key, found.first_id);
    s->says = EXPLAIN_STOPS;
    s->reason = REASON_DUPLICATE;
    print_text(s, "the same went to the recipient with message %s", first.text);
    return true;
}

static bool decide_caps(struct api_request *rq, struct explained *d, struct err *e) {
    struct explain_step *s = d->x->caps;
    struct tally_found found;
    if (!tally_look(api_db(rq), d->x->tally, false, &found, e))
        return false;
    if (!found.asked)
        return true;
    if (!found.over) {
        print_text(s, "the recipient has not had as many as the caps allow");
        return true;
    }
    s->says = found.waits ? EXPLAIN_WAITS : EXPLAIN_STOPS;
    s->reason = REASON_FREQUENCY_CAP;
    s->until = found.until;
    print_text(s, "the recipient has had as many as a cap allows");
    if (found.waits && d->x->expected.kind != EXPECT_UNKNOWN && d->x->expected.at < found.until)
        d->x->expected = (struct expectation){
            .reason = s->reason, .waiting_for = "frequency_cap", .at = found.until, .kind = EXPECT_EARLIEST};
    return true;
}

/* Reckoned for the day of the moment that was asked for: later days are not spent yet. */
static bool decide_spend(struct api_request *rq, struct explained *d, struct err *e) {
    struct explain *x = d->x;
    struct explain_step *s = x->spend;
    int64_t day = x->at / US_PER_DAY, spent;
    if (!x->spend_max)
        return true;
    if (!usage_spent(api_db(rq), rq->account_id, day, sv_of(x->spend_currency), &spent, e))
        return false;
    BUF_AUTO struct buf money = BUF_INIT(128);
    price_print(spent, &money);
    buf_adds(&money, " of ");
    price_print(x->spend_max, &money);
    print_text(s, "the account has spent %.*s %s today", SV_FMT(buf_sv(&money)), x->spend_currency);
    if (spent + x->spend_price <= x->spend_max)
        return true;
    s->reason = REASON_SPEND_CEILING;
    s->until = (day + 1) * US_PER_DAY;
    s->says = s->until < d->m->expires_at ? EXPLAIN_WAITS : EXPLAIN_STOPS;
    if (x->expected.kind != EXPECT_UNKNOWN && x->expected.at < s->until)
        x->expected = (struct expectation){
            .reason = s->reason, .waiting_for = "spend_ceiling", .at = s->until, .kind = EXPECT_EARLIEST};
    return true;
}

/* ---- the handler ---- */

static void explained(struct api_request *rq, struct ask *a) {
    struct explained *d = rq->own;
    struct message *m = d->m; /* d lives in the request's arena, which ends with the answer */
    struct err e = a->err;
    struct tally *t = d->x->tally;
    if (a->result == ASK_DONE && decide_suppression(rq, d, &e) &&
        (!t || (decide_duplicates(rq, d, &e) && decide_caps(rq, d, &e))) && decide_spend(rq, d, &e))
        explained_answer(rq, d);
    else
        api_fail(rq, &e);
    free(t);
    message_free(m);
}

/* What would be refused is told as the one decision there is. */
static void refused(struct api_request *rq, struct explained *d) {
    struct explain_step *s = explain_add(d->x, "message");
    s->says = EXPLAIN_REFUSES;
    print_text(s, "%s", d->refusal.text);
    explained_answer(rq, d);
}

void native_explain(struct api_request *rq) {
    JSON_AUTO json_t *root = NULL;
    JSON_AUTO json_t *vars = NULL;
    struct submission in;
    struct api_value at;
    struct arena *mem = &rq->x->arena;
    if (!native_read_create(rq, explain_fields, &at, &root, &vars, &in))
        return;
    struct explained *d = arena_zalloc(mem, sizeof *d);
    struct explain *x = arena_zalloc(mem, sizeof *x);
    ASSERT(d && x);
    d->x = x;
    x->at = at.given && at.n > rq->now ? at.n : rq->now;
    x->routes_max = api_settings(rq)->n_routes;
    x->routes = arena_zalloc(mem, (x->routes_max + 1) * sizeof *x->routes);
    ASSERT(x->routes);
    rq->own = d;
    if (!api_admit(rq, &in, &d->admitted, &d->refusal)) {
        refused(rq, d);
        return;
    }
    d->m = d->admitted.message;
    for (size_t i = 0; i < sizeof decisions / sizeof decisions[0]; i++)
        decisions[i].run(d, explain_add(x, decisions[i].name));
    d->suppression = explain_add(x, "suppression");
    struct err e = ERR_INIT;
    if (!reader_ahead(api_db(rq), api_world(rq)->node, d->m->priority, x->at, INT64_MAX, &x->ahead,
                      &x->ahead_more, &e)) {
        message_free(d->m);
        api_fail(rq, &e);
        return;
    }
    struct ask *a = api_new_ask(rq, ASK_EXPLAIN);
    const struct account *account = directory_account(api_directory(rq), rq->account_id);
    a->account_name = account ? arena_dup(mem, sv_of(account->name)) : SV_NONE;
    a->countries = directory_countries(api_directory(rq), rq->account_id, mem);
    a->about = d->m;
    a->explain = x;
    a->caller_key = sid_sv(&rq->key);
    a->source = api_caller(rq);
    api_ask(rq, a, explained);
}
