/* Double opt-in: a consent to a topic of consent.confirm_topics is asked for by a text, and counts when the
 * number has answered that (store/replies.c). What the application said of it is kept as the request's proof.
 */
#include "api/native.h"

#include "base/clock.h"
#include "ingest/code_texts.h"
#include "ingest/confirm_text.h"
#include "model/brand.h"
#include "store/consents.h"

#include <string.h>

enum { TEXT_BYTES_MAX = 4096, HISTORY_BYTES_MAX = 64 * CONSENT_BYTES_MAX, HISTORY_MAX = 64, AGAIN_S = 600 };

static bool needs_it(const struct settings *s, const struct consent *c) {
    if (c->act != CONSENT_GRANTED || !sv_starts(c->number, SV("+")))
        return false;
    for (uint32_t i = 0; i < s->consent.confirm_topics.n; i++)
        if (sv_eq(s->consent.confirm_topics.at[i], c->topic))
            return true;
    return false;
}

/* Is there nothing to ask: they consented before; or is there a request that was sent a moment ago? */
static bool look_back(struct api_request *rq, const struct consent *c, bool *granted, bool *asked,
                      struct err *e) {
    struct arena ARENA_AUTO mem;
    struct consent *rows = calloc(HISTORY_MAX, sizeof *rows);
    size_t n = 0;
    arena_init(&mem, HISTORY_BYTES_MAX);
    ASSERT(rows);
    *asked = false;
    bool ok = consents_ask(api_db(rq), c->account_id, c->number, c->topic, granted, e) &&
              consents_of(api_db(rq), c->account_id, c->number, c->topic, &mem, rows, HISTORY_MAX, &n, e);
    for (size_t i = 0; ok && i < n && rows[i].act != CONSENT_WITHDRAWN && !*asked; i++)
        *asked = rows[i].act == CONSENT_REQUESTED && rows[i].expires_at > rq->now &&
                 rows[i].created_at > rq->now - AGAIN_S * US_PER_S;
    free(rows);
    return ok;
}

static void was_asked(struct api_request *rq, const struct api_brief *b, bool replayed) {
    struct err e = ERR_INIT;
    (void)replayed;
    if (b->state == STATE_SUPPRESSED) {
        err_set_field(&e, ERR_UNPROCESSABLE, "number",
                      "this number cannot be asked for a consent (%s): only a text from it takes that back",
                      reason_name(b->reason));
        api_fail(rq, &e);
        return;
    }
    struct sid sid = sid_message(api_world(rq)->id_key, b->id);
    log_info(api_world(rq)->log, "consent.asked", kv_word("account", sid_sv(&rq->account_sid)),
             kv_word("key", sid_sv(&rq->key)), kv_word("id", sid_sv(&sid)));
    native_answer_consents(rq, 202, b->to, SV_NONE);
}

static json_t *vars_of(const struct settings *s, const struct consent *c, struct sv brand) {
    json_t *vars = json_object();
    json_object_set_new(vars, "topic", json_stringn(c->topic.p, c->topic.n));
    json_object_set_new(vars, "brand", json_stringn(brand.n ? brand.p : "", brand.n));
    json_object_set_new(vars, "hours", json_integer(s->consent.confirm_hours));
    json_object_set_new(vars, "text", json_stringn(c->text.n ? c->text.p : "", c->text.n));
    return vars;
}

static void ask(struct api_request *rq, struct consent *c, struct sv language) {
    const struct settings *s = api_settings(rq);
    struct sv spoken = code_spoken(language, c->number);
    const struct confirm_asking asking = {.brand = brand_of(&s->consent.brands, spoken, s->consent.brand),
                                          .topic = c->topic,
                                          .hours = s->consent.confirm_hours,
                                          .language = language,
                                          .number = c->number};
    struct buf BUF_AUTO text = BUF_INIT(TEXT_BYTES_MAX);
    struct submission in = {.account_id = rq->account_id,
                            .to = c->number,
                            .channel = CHANNEL_SMS,
                            .language = language.n ? language : confirm_language(&asking),
                            .priority = PRIORITY_TRANSACTIONAL,
                            .delivery = s->defaults.delivery,
                            .face = FACE_NATIVE};
    JSON_AUTO json_t *vars = NULL;
    c->act = CONSENT_REQUESTED;
    c->expires_at = rq->now + (int64_t)s->consent.confirm_hours * 3600 * US_PER_S;
    if (s->consent.confirm_template.n) {
        vars = vars_of(s, c, asking.brand);
        in.template = s->consent.confirm_template;
        in.vars = vars;
    } else {
        confirm_say(&asking, &text);
        in.body = buf_sv(&text);
    }
    api_submit_asking(rq, &in, false, c, was_asked);
}

bool native_confirm(struct api_request *rq, struct consent *c, struct sv language) {
    struct err e = ERR_INIT;
    bool granted, asked;
    if (!needs_it(api_settings(rq), c))
        return false;
    if (!look_back(rq, c, &granted, &asked, &e)) {
        api_fail(rq, &e);
        return true;
    }
    if (granted)
        return false;
    if (asked)
        native_answer_consents(rq, 202, c->number, SV_NONE);
    else
        ask(rq, c, language);
    return true;
}
