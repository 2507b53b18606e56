/* To which countries an account may send, over HTTP, for its administrators. What they say narrows what the
 * settings allow, and never widens it: who runs the gateway has the last word. */
#include "api/native.h"

#include "base/json.h"
#include "model/country_rule.h"
#include "text/phone.h"

const struct api_field fraud_countries_fields[] = {
    {"countries", FIELD_LIST, "Two-letter codes (ISO 3166); at least one.", .required = true,
     .example = "[\"CN\", \"HK\"]"},
    {0},
};

const struct api_field fraud_countries_shape[] = {
    {"countries", FIELD_LIST, "What was set here; null: nothing."},
    {"configured", FIELD_LIST, "What the gateway's settings allow this account; null: every country."},
    {0},
};

/* What the settings say of this account; empty: nothing. */
static struct region_set configured(struct api_request *rq) {
    const struct settings *s = api_settings(rq);
    const struct account *account = directory_account(api_directory(rq), rq->account_id);
    return country_rules_of(&s->fraud.account_countries, &s->fraud.countries,
                            sv_of(account ? account->name : NULL));
}

static void print_list(struct buf *out, const char *name, const struct region_set *set) {
    struct buf BUF_AUTO text = BUF_INIT(4096);
    region_set_print(set, &text);
    json_key(out, name);
    if (!text.n) {
        buf_adds(out, "null");
        return;
    }
    const char *before = "[\"";
    for (struct sv rest = buf_sv(&text); rest.p; before = "\",\"") {
        buf_adds(out, before);
        buf_add(out, sv_cut(&rest, ','));
    }
    buf_adds(out, "\"]");
}

static void answer_with(struct api_request *rq, const struct region_set *own) {
    struct region_set allowed = configured(rq);
    struct buf *out = api_scratch(rq);
    buf_addc(out, '{');
    print_list(out, "countries", own);
    print_list(out, "configured", &allowed);
    buf_addc(out, '}');
    api_answer_json(rq, 200, buf_sv(out));
}

void native_fraud_countries(struct api_request *rq) {
    struct region_set own;
    struct err e = ERR_INIT;
    if (account_countries_read(api_db(rq), rq->account_id, &own, &e))
        answer_with(rq, &own);
    else
        api_fail(rq, &e);
}

static void was_written(struct api_request *rq, struct ask *a) {
    const struct account_countries_write *w = rq->own;
    struct buf BUF_AUTO text = BUF_INIT(4096);
    if (a->result != ASK_DONE) {
        api_fail(rq, &a->err);
        return;
    }
    region_set_print(&w->countries, &text);
    log_info(api_world(rq)->log, "fraud.countries", kv_word("account", sid_sv(&rq->account_sid)),
             kv_word("key", sid_sv(&rq->key)), kv_word("countries", text.n ? buf_sv(&text) : SV("all")));
    if (text.n)
        answer_with(rq, &w->countries);
    else
        api_answer(rq, &(struct answer){.status = 204});
}

static struct account_countries_write *new_write(struct api_request *rq) {
    struct account_countries_write *w = arena_zalloc(&rq->x->arena, sizeof *w);
    ASSERT(w);
    w->write.run = account_countries_run;
    w->account_id = rq->account_id;
    return w;
}

static void put_write(struct api_request *rq, struct account_countries_write *w) {
    struct ask *a = api_new_ask(rq, ASK_WRITE);
    a->write = &w->write;
    rq->own = w;
    api_ask(rq, a, was_written);
}

static bool add_country(const struct region_set *allowed, const json_t *item, struct region_set *out,
                        struct err *e) {
    struct phone p;
    struct sv region = sv_of(json_is_string(item) ? json_string_value(item) : "");
    struct region_set one = {.bits = {0}};
    if (!region_set_add(&one, region))
        return err_set_field(e, ERR_INVALID, "countries",
                             "each must be a two-letter code in capitals, such as \"CN\"");
    if (!phone_parse(SV("1"), region, &p, NULL) && p.fault == PHONE_BAD_REGION)
        return err_set_field(e, ERR_INVALID, "countries",
                             "%.*s is no country of ISO 3166 (the United Kingdom is GB)", SV_FMT(region));
    if (!region_set_is_empty(allowed) && !region_set_has(allowed, region))
        return err_set_field(e, ERR_UNPROCESSABLE, "countries",
                             "the gateway's settings (fraud.countries, fraud.account_countries) do not let "
                             "this account send to %.*s",
                             SV_FMT(region));
    return region_set_add(out, region);
}

void native_fraud_countries_put(struct api_request *rq) {
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    if (!api_read_json(rq, fraud_countries_fields, &root, v))
        return;
    struct account_countries_write *w = new_write(rq);
    const struct region_set allowed = configured(rq);
    bool ok =
        json_array_size(v[0].json) > 0 ||
        err_set_field(&e, ERR_INVALID, "countries",
                      "name at least one; DELETE takes the list away, and then the settings hold alone");
    for (size_t i = 0; ok && i < json_array_size(v[0].json); i++)
        ok = add_country(&allowed, json_array_get(v[0].json, i), &w->countries, &e);
    if (ok)
        put_write(rq, w);
    else
        api_fail(rq, &e);
}

void native_fraud_countries_delete(struct api_request *rq) {
    put_write(rq, new_write(rq));
}
