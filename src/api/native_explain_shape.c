/* The answer of /v1/route/explain: its shape for the OpenAPI document, and its JSON. */
#include "api/native_explain.h"

#include "base/json.h"
#include "ingest/counting.h"

enum { PREFIX_DIGITS = 3 };

/* ---- shapes ---- */

static const char *says_word(int i) {
    return explain_says_name((enum explain_says)i);
}

static const char *outcome_word(int i) {
    static const char *const words[] = {"sends", "waits", "suppressed", "refused"};
    return words[i];
}

static const char *route_word(int i) {
    static const char *const words[] = {"taken", "behind", "does_not_fit"};
    return words[i];
}

#define REASON_FIELDS                                                                                        \
    {"reason", FIELD_TEXT, "Why, as a stable word."}, {                                                      \
        "reason_text", FIELD_TEXT, "Why, in words."                                                          \
    }

const struct api_field explain_fields[] = {
    {"at", FIELD_TIME, "For which moment; now without it.", .example = "\"2026-01-31T08:30:00Z\""},
    {0},
};

const struct api_field explain_shape[] = {
    {"outcome", .kind = FIELD_WORD, .summary = "What would become of it.", .required = true,
     .word = outcome_word, .word_end = EXPLAIN_REFUSES + 1},
    REASON_FIELDS,
    {"at", FIELD_TIME, "The moment this is for.", .required = true},
    {"expected_at", FIELD_TIME, "When it would go; null: never, or nobody can say."},
    {"expected_is", FIELD_TEXT, "How sure that is: set, earliest, latest or estimate."},
    {"decisions", FIELD_LIST, "In the order in which they are made.", .required = true, .ref = "Decision"},
    {"number", FIELD_REF, "What the recipient's number says; null on channels without numbers.",
     .ref = "ExplainedNumber"},
    {"text", FIELD_REF, "The text message as it would go out; null when it was refused.",
     .ref = "ExplainedText"},
    {"suppressions", FIELD_LIST, "The rows of the suppression list for the recipient.", .required = true,
     .ref = "Suppression"},
    {"rates", FIELD_LIST, "`limits.rates` of the settings.", .required = true, .ref = "ExplainedRate"},
    {"routes", FIELD_LIST, "In the order of the settings.", .required = true, .ref = "ExplainedRoute"},
    {"lanes", FIELD_LIST, "In the order in which they are tried; those of other routes behind.",
     .required = true, .ref = "ExplainedLane"},
    {0},
};

const struct api_field decision_shape[] = {
    {"decision", FIELD_TEXT, "Which.", .required = true, .example = "\"route\""},
    {"says", .kind = FIELD_WORD, .summary = "passes: it stops or delays nothing.", .required = true,
     .word = says_word, .word_end = EXPLAIN_REFUSES + 1},
    REASON_FIELDS,
    {"text", FIELD_TEXT, "What it found.", .required = true},
    {"until", FIELD_TIME, "When what it waits for comes at the earliest; null: not known."},
    {"field", FIELD_TEXT, "The field at fault, when it is refused for one (left out otherwise)."},
    {"status", FIELD_INT, "The HTTP status a new message would get (left out otherwise).", .min = 400,
     .max = 599},
    {0},
};

const struct api_field explained_number_shape[] = {
    {"country", FIELD_TEXT, "ISO 3166 region."},
    {"country_code", FIELD_INT, "As it is dialled.", .required = true, .max = 999},
    {"type", FIELD_TEXT, "mobile, fixed_or_mobile, voip ...", .required = true},
    {"prefix", FIELD_TEXT, "Its first digits, country code included: what routes and prices go by.",
     .required = true},
    {0},
};

const struct api_field explained_text_shape[] = {
    {"to", FIELD_TEXT, "The recipient; numbers in E.164.", .required = true},
    {"body", FIELD_TEXT, "As it would be sent; what a list forbids is starred out.", .required = true},
    {"encoding", FIELD_TEXT, "GSM-7 or UCS-2.", .required = true},
    {"segments", FIELD_INT, "Parts on the air.", .required = true, .max = UINT16_MAX},
    {"counted_by", FIELD_TEXT, "The rule: `gsm`, or `china` (70 and 67 characters, whatever they are).",
     .required = true},
    {"template", FIELD_TEXT, "What it was rendered from."},
    {"template_version", FIELD_INT, "Its version; null when it is a file.", .min = 1, .max = UINT32_MAX},
    {0},
};

const struct api_field explained_rate_shape[] = {
    {"rate", FIELD_TEXT, "As it is configured.", .required = true},
    {"applies", FIELD_BOOL, "Whether the message has all that it counts by.", .required = true},
    {"left", FIELD_INT, "How many more it lets in now.", .required = true, .max = UINT32_MAX},
    {"free_at", FIELD_TIME, "When it lets in the next, when it is used up."},
    {0},
};

const struct api_field explained_route_shape[] = {
    {"name", FIELD_TEXT, "As it is configured.", .required = true},
    {"says", .kind = FIELD_WORD, .summary = "behind: it fits too, but one before it was taken.",
     .required = true, .word = route_word, .word_end = 3},
    {"misfits", FIELD_LIST, "The conditions that do not hold: country, prefix, topic ...", .required = true},
    {0},
};

const struct api_field explained_lane_shape[] = {
    {"name", FIELD_TEXT, "Its name in the settings.", .required = true},
    {"place", FIELD_INT, "Its turn among those of the route, from 1; null: not on its route.", .min = 1,
     .max = SETTINGS_LANES_MAX},
    {"canary", FIELD_BOOL, "It is on trial on this route.", .required = true},
    {"takes", FIELD_BOOL, "Whether it could take it at that moment.", .required = true},
    REASON_FIELDS,
    {"until", FIELD_TIME, "When it could; null: not known, or never."},
    {"until_is", FIELD_TEXT, "How sure that is."},
    {"from", FIELD_TEXT, "The sender it would go by; null: the provider's own."},
    {"from_of", FIELD_TEXT, "Whose choice that is: the message's, the route's or the lane's."},
    {"price", FIELD_TEXT,
     "What it would cost, as a decimal; null: no price is known, or without the scope `admin`."},
    {"currency", FIELD_TEXT, "Of that."},
    {"state", FIELD_REF, "How it stands now; null without the scope `admin`.", .ref = "Lane"},
    {0},
};

/* ---- printing ---- */

static void print_reason(enum reason r, struct buf *out) {
    bool why = r != REASON_NONE;
    json_pair_or_null(out, "reason", why ? sv_of(reason_name(r)) : SV_NONE);
    json_pair_or_null(out, "reason_text", why ? sv_of(reason_meaning(r)) : SV_NONE);
}

static void print_expected(const char *at, const char *is, const struct expectation *x, struct buf *out) {
    json_pair_time(out, at, x->kind == EXPECT_UNKNOWN ? 0 : x->at);
    json_pair_or_null(out, is, sv_of(expect_kind_name(x->kind)));
}

static void print_steps(const struct explained *d, struct buf *out) {
    json_key(out, "decisions");
    buf_addc(out, '[');
    for (size_t i = 0; i < d->x->n_steps; i++) {
        const struct explain_step *s = &d->x->steps[i];
        buf_adds(out, i ? ",{" : "{");
        json_pair(out, "decision", sv_of(s->name));
        json_pair(out, "says", sv_of(explain_says_name(s->says)));
        print_reason(s->reason, out);
        json_pair(out, "text", sv_of(s->text));
        json_pair_time(out, "until", s->until);
        if (!d->m) {
            if (d->refusal.field[0])
                json_pair(out, "field", sv_of(d->refusal.field));
            json_pair_i64(out, "status", problems[problem_of(d->refusal.kind)].status);
        }
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
}

static void print_number(const struct explained *d, struct buf *out) {
    json_key(out, "number");
    if (!d->has_number) {
        buf_adds(out, "null");
        return;
    }
    char code[8];
    int n = snprintf(code, sizeof code, "%d", d->number.country_code);
    struct sv e164 = sv_of(d->number.e164);
    size_t prefix = (size_t)n + 1 + PREFIX_DIGITS;
    buf_addc(out, '{');
    json_pair_or_null(out, "country", sv_of(d->number.region));
    json_pair_i64(out, "country_code", d->number.country_code);
    json_pair(out, "type", sv_of(phone_type_name(d->number.type)));
    json_pair(out, "prefix", sv_sub(e164, 0, prefix < e164.n ? prefix : e164.n));
    buf_addc(out, '}');
}

static void print_message(const struct api_request *rq, const struct explained *d, struct buf *out) {
    const struct message *m = d->m;
    json_key(out, "text");
    if (!m) {
        buf_adds(out, "null");
        return;
    }
    buf_addc(out, '{');
    json_pair(out, "to", m->text[TEXT_TO]);
    json_pair(out, "body", m->text[TEXT_BODY]);
    json_pair(out, "encoding", sv_of(encoding_name(m->encoding)));
    json_pair_i64(out, "segments", m->segments);
    json_pair(out, "counted_by",
              sv_of(counting_rule_name(counting_rule(api_settings(rq), m->text[TEXT_TO]))));
    json_pair_or_null(out, "template", m->text[TEXT_TEMPLATE]);
    json_key(out, "template_version");
    if (m->template_version)
        buf_add_u64(out, m->template_version);
    else
        buf_adds(out, "null");
    buf_addc(out, '}');
}

static void print_rates(const struct explain *x, struct buf *out) {
    json_key(out, "rates");
    buf_addc(out, '[');
    for (size_t i = 0; i < x->n_rates; i++) {
        buf_adds(out, i ? ",{" : "{");
        json_pair(out, "rate", sv_of(x->rates[i].text));
        json_pair_bool(out, "applies", x->rates[i].applies);
        json_pair_i64(out, "left", x->rates[i].left);
        json_pair_time(out, "free_at", x->rates[i].free_at);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
}

static void print_routes(const struct explain *x, struct buf *out) {
    json_key(out, "routes");
    buf_addc(out, '[');
    for (size_t i = 0; i < x->n_routes; i++) {
        const struct explain_route *r = &x->routes[i];
        bool first = true;
        buf_adds(out, i ? ",{" : "{");
        json_pair(out, "name", sv_of(r->name));
        json_pair(out, "says", sv_of(route_word(r->taken ? 0 : r->hidden ? 1 : 2)));
        json_key(out, "misfits");
        buf_addc(out, '[');
        for (int by = 0; by < ROUTE_BYS; by++)
            if (r->misfits & 1u << by) {
                buf_addf(out, "%s\"%s\"", first ? "" : ",", route_by_name((enum route_by)by));
                first = false;
            }
        buf_adds(out, "]}");
    }
    buf_addc(out, ']');
}

static void print_lane(const struct api_request *rq, const struct explain_lane *l, struct buf *out) {
    enum reason why = l->refused != REASON_NONE ? l->refused : l->expected.reason;
    struct expectation until = l->expected;
    if (why == REASON_NONE || l->refused != REASON_NONE)
        until = (struct expectation){0};
    buf_addc(out, '{');
    json_pair(out, "name", sv_of(l->report.name));
    json_key(out, "place");
    if (l->place)
        buf_add_u64(out, l->place);
    else
        buf_adds(out, "null");
    json_pair_bool(out, "canary", l->canary);
    json_pair_bool(out, "takes", l->on_route && why == REASON_NONE);
    print_reason(why, out);
    print_expected("until", "until_is", &until, out);
    json_pair_or_null(out, "from", sv_of(l->sender));
    json_pair_or_null(out, "from_of", sv_of(l->sender_of));
    native_print_price(l->price, rq->scopes & SCOPE_ADMIN && l->priced ? sv_of(l->currency) : SV_NONE, out);
    json_key(out, "state");
    if (rq->scopes & SCOPE_ADMIN)
        native_print_lane(&l->report, out);
    else
        buf_adds(out, "null");
    buf_addc(out, '}');
}

static void print_lanes(const struct api_request *rq, const struct explain *x, struct buf *out) {
    json_key(out, "lanes");
    buf_addc(out, '[');
    bool first = true;
    for (uint32_t place = 1; place <= x->n_lanes + 1; place++)
        for (size_t i = 0; i < x->n_lanes; i++) {
            uint32_t own = x->lanes[i].place ? x->lanes[i].place : (uint32_t)x->n_lanes + 1;
            if (own != place)
                continue;
            buf_adds(out, first ? "" : ",");
            print_lane(rq, &x->lanes[i], out);
            first = false;
        }
    buf_addc(out, ']');
}

/* The first of those that say the worst. */
static const struct explain_step *deciding(const struct explain *x) {
    const struct explain_step *worst = &x->steps[0];
    for (size_t i = 1; i < x->n_steps; i++)
        if (x->steps[i].says > worst->says)
            worst = &x->steps[i];
    return worst;
}

void explained_answer(struct api_request *rq, const struct explained *d) {
    const struct explain *x = d->x;
    const struct explain_step *s = deciding(x);
    struct expectation expected = s->says <= EXPLAIN_WAITS ? x->expected : (struct expectation){0};
    struct buf *out = api_scratch(rq);
    buf_addc(out, '{');
    json_pair(out, "outcome", sv_of(outcome_word((int)s->says)));
    print_reason(s->says == EXPLAIN_FINE ? REASON_NONE : s->reason, out);
    json_pair_time(out, "at", x->at);
    print_expected("expected_at", "expected_is", &expected, out);
    print_steps(d, out);
    print_number(d, out);
    print_message(rq, d, out);
    json_key(out, "suppressions");
    native_print_suppressions(rq, d->rows, d->n_rows, out);
    print_rates(x, out);
    print_routes(x, out);
    print_lanes(rq, x, out);
    buf_addc(out, '}');
    api_answer_json(rq, 200, buf_sv(out));
}
