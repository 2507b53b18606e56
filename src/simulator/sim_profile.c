#include "simulator/sim_profile.h"

#include "base/json.h"
#include "simulator/sim_face.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

enum { PATH_BYTES_MAX = ERR_FIELD_MAX };
#define MS_MAX 3600000.0
#define SEED_MAX 9007199254740991.0 /* what a JSON number carries exactly */

enum key_kind {
    KEY_NUMBER,
    KEY_BOOL,
    KEY_SPAN,
    KEY_TEXT,
    KEY_CODE,
    KEY_GROUP,
    KEY_ERRORS,
    KEY_SENDERS,
    KEY_PROVIDERS
};

struct key {
    const char *name;
    enum key_kind kind;
    size_t at; /* in struct profile */
    double min, max;
    const struct key *group;
    size_t word_at; /* of a code: where it goes when it is a text */
};

#define AT(member) offsetof(struct profile, member)
#define SHARE(name, member)                                                                                  \
    { name, KEY_NUMBER, AT(member), 0, 1, NULL }

static const struct key rate_keys[] = {
    {"per_s", KEY_NUMBER, AT(rate.per_s), 0, 1e9, NULL},
    {"burst", KEY_NUMBER, AT(rate.burst), 1, 1e9, NULL},
    {"retry_after_s", KEY_NUMBER, AT(rate.retry_after_s), 0, 86400, NULL},
    {NULL},
};

static const struct key receipts_keys[] = {
    {"delay_ms", KEY_SPAN, AT(receipts.delay_ms), 0, MS_MAX, NULL},
    SHARE("delivered", receipts.delivered),
    SHARE("undelivered", receipts.undelivered),
    SHARE("failed", receipts.failed),
    SHARE("none", receipts.none),
    {"undelivered_code", KEY_CODE, AT(receipts.undelivered_code), 0, 99999, NULL,
     AT(receipts.undelivered_word)},
    {"failed_code", KEY_CODE, AT(receipts.failed_code), 0, 99999, NULL, AT(receipts.failed_word)},
    {"sent", KEY_BOOL, AT(receipts.sent), 0, 0, NULL},
    SHARE("duplicate", receipts.duplicate),
    SHARE("out_of_order", receipts.out_of_order),
    SHARE("early", receipts.early),
    SHARE("unsigned", receipts.unsigned_first),
    SHARE("forged", receipts.forged),
    {NULL},
};

/* Offsets in struct profile_provider. */
static const struct key provider_keys[] = {
    {"account", KEY_TEXT, offsetof(struct profile_provider, account), 0, PROFILE_ACCESS_BYTES_MAX, NULL},
    {"secret", KEY_TEXT, offsetof(struct profile_provider, secret), 0, PROFILE_ACCESS_BYTES_MAX, NULL},
    {"receipt_url", KEY_TEXT, offsetof(struct profile_provider, receipt_url), 0, PROFILE_CALLBACK_BYTES_MAX,
     NULL},
    {"inbound_url", KEY_TEXT, offsetof(struct profile_provider, inbound_url), 0, PROFILE_CALLBACK_BYTES_MAX,
     NULL},
    {NULL},
};

static const struct key profile_keys[] = {
    {"latency_ms", KEY_SPAN, AT(latency_ms), 0, MS_MAX, NULL},
    {"errors", KEY_ERRORS, 0, 0, 0, NULL},
    {"rate", KEY_GROUP, 0, 0, 0, rate_keys},
    SHARE("silence", silence),
    {"silence_recorded", KEY_BOOL, AT(silence_recorded), 0, 0, NULL},
    {"silence_ms", KEY_NUMBER, AT(silence_ms), 1, MS_MAX, NULL},
    SHARE("lost_answers", lost_answers),
    SHARE("lost_requests", lost_requests),
    SHARE("half_answers", half_answers),
    {"receipts", KEY_GROUP, 0, 0, 0, receipts_keys},
    {"list_lag_ms", KEY_NUMBER, AT(list_lag_ms), 0, MS_MAX, NULL},
    {"seed", KEY_NUMBER, AT(seed), 0, SEED_MAX, NULL},
    {"inbound_url", KEY_TEXT, AT(inbound_url), 0, PROFILE_URL_BYTES_MAX, NULL},
    {"senders", KEY_SENDERS, 0, 0, 0, NULL},
    {"providers", KEY_PROVIDERS, 0, 0, 0, NULL},
    {NULL},
};

void profile_init(struct profile *p) {
    *p = (struct profile){
        .rate.burst = 1,
        .silence_ms = 120000,
        .receipts = {.delivered = 1, .undelivered_code = 30005, .failed_code = 30008, .sent = true},
        .seed = 1};
}

/* ---- reading ---- */

struct reading {
    struct profile *p;
    struct err *e;
    bool seeded, delivered_named;
};

static bool read_number(const json_t *v, const char *path, double min, double max, double *out,
                        struct err *e) {
    if (!json_is_number(v) || !(json_number_value(v) >= min && json_number_value(v) <= max))
        return err_set_field(e, ERR_INVALID, path, "%s must be a number from %.0f to %.0f", path, min, max);
    *out = json_number_value(v);
    return true;
}

static bool read_whole(const json_t *v, const char *path, int min, int max, int *out, struct err *e) {
    double x = 0;
    if (!read_number(v, path, min, max, &x, e))
        return false;
    if (x != floor(x))
        return err_set_field(e, ERR_INVALID, path, "%s must be a whole number", path);
    *out = (int)x;
    return true;
}

/* Cut short where it does not fit: it is for error texts. */
static void path_join(char out[PATH_BYTES_MAX], const char *path, const char *name) {
    if (snprintf(out, PATH_BYTES_MAX, "%s%s%s", path, path[0] ? "." : "", name) >= PATH_BYTES_MAX)
        memcpy(out + PATH_BYTES_MAX - 4, "...", 4);
}

static bool unknown_key(const char *path, struct err *e) {
    return err_set_field(e, ERR_INVALID, path, "unknown key %s", path);
}

/* A number (always so long), {"min", "max"} or {"p50", "p99"}. */
static bool read_span(const json_t *v, const char *path, double max, struct profile_span *out,
                      struct err *e) {
    struct profile_span s = {0};
    if (json_is_number(v)) {
        if (!read_number(v, path, 0, max, &s.min, e))
            return false;
        s.max = s.min;
        *out = s;
        return true;
    }
    if (!json_is_object(v))
        return err_set_field(e, ERR_INVALID, path,
                             "%s must be a number or an object of min and max, or p50 and p99", path);
    const char *name;
    json_t *x;
    json_object_foreach((json_t *)v, name, x) {
        char at[PATH_BYTES_MAX];
        path_join(at, path, name);
        double *to = strcmp(name, "min") == 0   ? &s.min
                     : strcmp(name, "max") == 0 ? &s.max
                     : strcmp(name, "p50") == 0 ? &s.p50
                     : strcmp(name, "p99") == 0 ? &s.p99
                                                : NULL;
        if (!to)
            return unknown_key(at, e);
        if (!read_number(x, at, 0, max, to, e))
            return false;
    }
    bool range =
        json_object_size(v) == 2 && json_object_get(v, "min") && json_object_get(v, "max") && s.min <= s.max;
    bool shape = json_object_size(v) == 2 && s.p50 > 0 && s.p99 >= s.p50;
    if (!range && !shape)
        return err_set_field(e, ERR_INVALID, path, "%s must have min <= max, or 0 < p50 <= p99", path);
    *out = s;
    return true;
}

static bool read_text(const json_t *v, const char *path, char *out, size_t max, struct err *e) {
    if (!json_is_string(v) || json_string_length(v) > max ||
        strlen(json_string_value(v)) != json_string_length(v))
        return err_set_field(e, ERR_INVALID, path, "%s must be a text of at most %zu bytes", path, max);
    memcpy(out, json_string_value(v), json_string_length(v) + 1);
    return true;
}

static bool read_error(const json_t *v, const char *path, struct profile_error *out, struct err *e) {
    struct profile_error x = {0};
    if (!json_is_object(v))
        return err_set_field(e, ERR_INVALID, path, "each entry of errors must be an object");
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)v, name, value) {
        char at[PATH_BYTES_MAX];
        path_join(at, path, name);
        bool ok;
        if (strcmp(name, "share") == 0)
            ok = read_number(value, at, 0, 1, &x.share, e);
        else if (strcmp(name, "status") == 0)
            ok = read_whole(value, at, 300, 599, &x.status, e);
        else if (strcmp(name, "code") == 0)
            ok = json_is_string(value) ? read_text(value, at, x.word, PROFILE_WORD_BYTES_MAX, e)
                                       : read_whole(value, at, 0, 99999, &x.code, e);
        else if (strcmp(name, "retry_after_s") == 0)
            ok = read_whole(value, at, 0, 86400, &x.retry_after_s, e);
        else if (strcmp(name, "recorded") == 0 && json_is_boolean(value))
            ok = true, x.recorded = json_is_true(value);
        else
            ok = unknown_key(at, e);
        if (!ok)
            return false;
    }
    if (!x.status)
        return err_set_field(e, ERR_INVALID, path, "an entry of errors needs status and share");
    *out = x;
    return true;
}

static bool read_errors(const json_t *v, const char *path, struct profile *p, struct err *e) {
    if (!json_is_array(v) || json_array_size(v) > PROFILE_ERRORS_MAX)
        return err_set_field(e, ERR_INVALID, path, "%s must be an array of at most %d entries", path,
                             PROFILE_ERRORS_MAX);
    p->n_errors = json_array_size(v);
    for (size_t i = 0; i < p->n_errors; i++)
        if (!read_error(json_array_get(v, i), path, &p->errors[i], e))
            return false;
    return true;
}

static bool read_senders(const json_t *v, const char *path, struct profile *p, struct err *e) {
    if (!json_is_array(v) || json_array_size(v) > PROFILE_SENDERS_MAX)
        return err_set_field(e, ERR_INVALID, path, "%s must be an array of at most %d senders", path,
                             PROFILE_SENDERS_MAX);
    p->n_senders = json_array_size(v);
    for (size_t i = 0; i < p->n_senders; i++)
        if (!read_text(json_array_get(v, i), path, p->senders[i], PROFILE_SENDER_BYTES_MAX, e))
            return false;
    return true;
}

/* One provider's keys, all texts. */
static bool read_provider(const json_t *v, const char *path, struct profile_provider *out, struct err *e) {
    if (!json_is_object(v))
        return err_set_field(e, ERR_INVALID, path, "%s must be a JSON object", path);
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)v, name, value) {
        char at[PATH_BYTES_MAX];
        path_join(at, path, name);
        const struct key *k = provider_keys;
        while (k->name && strcmp(k->name, name) != 0)
            k++;
        if (!k->name)
            return unknown_key(at, e);
        if (!read_text(value, at, (char *)out + k->at, (size_t)k->max, e))
            return false;
    }
    return true;
}

static bool read_providers(const json_t *v, const char *path, struct profile *p, struct err *e) {
    if (!json_is_object(v))
        return err_set_field(e, ERR_INVALID, path, "%s must be a JSON object", path);
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)v, name, value) {
        char at[PATH_BYTES_MAX];
        path_join(at, path, name);
        int place = sim_face_place(sv_of(name));
        if (place < 0 || !sim_faces[place]->account) /* one that takes its settings elsewhere */
            return unknown_key(at, e);
        if (!read_provider(value, at, &p->providers[place], e))
            return false;
    }
    return true;
}

static bool read_code(struct reading *r, const json_t *v, const char *path, const struct key *k) {
    char *word = (char *)r->p + k->word_at;
    if (json_is_string(v))
        return read_text(v, path, word, PROFILE_WORD_BYTES_MAX, r->e);
    word[0] = '\0';
    return read_number(v, path, k->min, k->max, (double *)(void *)((char *)r->p + k->at), r->e);
}

static bool read_object(struct reading *r, const json_t *object, const char *path, const struct key *keys);

static bool read_key(struct reading *r, const json_t *v, const char *path, const struct key *k) {
    char *at = (char *)r->p + k->at;
    switch (k->kind) {
    case KEY_NUMBER: return read_number(v, path, k->min, k->max, (double *)(void *)at, r->e);
    case KEY_BOOL:
        if (!json_is_boolean(v))
            return err_set_field(r->e, ERR_INVALID, path, "%s must be true or false", path);
        *(bool *)(void *)at = json_is_true(v);
        return true;
    case KEY_SPAN: return read_span(v, path, k->max, (struct profile_span *)(void *)at, r->e);
    case KEY_TEXT: return read_text(v, path, at, (size_t)k->max, r->e);
    case KEY_CODE: return read_code(r, v, path, k);
    case KEY_GROUP: return read_object(r, v, path, k->group);
    case KEY_ERRORS: return read_errors(v, path, r->p, r->e);
    case KEY_SENDERS: return read_senders(v, path, r->p, r->e);
    case KEY_PROVIDERS: return read_providers(v, path, r->p, r->e);
    }
    return false;
}

static bool read_object(struct reading *r, const json_t *object, const char *path, const struct key *keys) {
    if (!json_is_object(object))
        return err_set_field(r->e, ERR_INVALID, path, "%s must be a JSON object",
                             path[0] ? path : "the profile");
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)object, name, v) {
        char at[PATH_BYTES_MAX];
        path_join(at, path, name);
        const struct key *k = keys;
        while (k->name && strcmp(k->name, name) != 0)
            k++;
        if (!k->name)
            return unknown_key(at, r->e);
        r->seeded = r->seeded || strcmp(at, "seed") == 0;
        r->delivered_named = r->delivered_named || strcmp(at, "receipts.delivered") == 0;
        if (!read_key(r, v, at, k))
            return false;
    }
    return true;
}

/* Shares of things of which only one can happen must leave room for all going well. */
static bool check(struct reading *r) {
    struct profile *p = r->p;
    double sum = p->silence + p->lost_answers + p->lost_requests + p->half_answers;
    for (size_t i = 0; i < p->n_errors; i++)
        sum += p->errors[i].share;
    if (sum > 1 + 1e-9)
        return err_set(r->e, ERR_INVALID,
                       "the shares of errors, silence, lost_answers, lost_requests and half_answers are over "
                       "1 together");
    double others = p->receipts.undelivered + p->receipts.failed + p->receipts.none;
    if (others > 1 + 1e-9)
        return err_set_field(r->e, ERR_INVALID, "receipts",
                             "receipts: the shares undelivered, failed and none are over 1 together");
    if (r->delivered_named && fabs(others + p->receipts.delivered - 1) > 1e-6)
        return err_set_field(r->e, ERR_INVALID, "receipts.delivered",
                             "receipts: delivered, undelivered, failed and none must be 1 together");
    p->receipts.delivered = others < 1 ? 1 - others : 0;
    return true;
}

bool profile_merge(struct profile *p, struct sv json, bool *seeded, struct err *e) {
    json_error_t why;
    json_t *root = json_loadb(json.n ? json.p : "", json.n, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return err_set(e, ERR_INVALID, "the profile is not JSON: line %d: %.120s", why.line, why.text);
    struct profile merged = *p;
    struct reading r = {.p = &merged, .e = e};
    bool ok = read_object(&r, root, "", profile_keys) && check(&r);
    json_decref(root);
    if (!ok)
        return false;
    *p = merged;
    if (seeded)
        *seeded = r.seeded;
    return true;
}

/* ---- writing ---- */

static void write_number(struct buf *out, const char *name, double x) {
    json_key(out, name);
    buf_addf(out, "%.15g", x);
}

static void write_span(struct buf *out, const char *name, const struct profile_span *s) {
    json_key(out, name);
    buf_addc(out, '{');
    write_number(out, s->p50 > 0 ? "p50" : "min", s->p50 > 0 ? s->p50 : s->min);
    write_number(out, s->p50 > 0 ? "p99" : "max", s->p50 > 0 ? s->p99 : s->max);
    buf_addc(out, '}');
}

static void write_errors(struct buf *out, const struct profile *p) {
    buf_addc(out, '[');
    for (size_t i = 0; i < p->n_errors; i++) {
        const struct profile_error *x = &p->errors[i];
        buf_adds(out, i ? ",{" : "{");
        write_number(out, "share", x->share);
        json_pair_i64(out, "status", x->status);
        if (x->word[0])
            json_pair(out, "code", sv_of(x->word));
        else
            json_pair_i64(out, "code", x->code);
        json_pair_i64(out, "retry_after_s", x->retry_after_s);
        json_pair_bool(out, "recorded", x->recorded);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
}

static void write_senders(struct buf *out, const struct profile *p) {
    buf_addc(out, '[');
    for (size_t i = 0; i < p->n_senders; i++) {
        if (i)
            buf_addc(out, ',');
        json_add_string(out, sv_of(p->senders[i]));
    }
    buf_addc(out, ']');
}

static void write_providers(struct buf *out, const struct profile *p) {
    buf_addc(out, '{');
    for (size_t i = 0; sim_faces[i]; i++) {
        if (!sim_faces[i]->account)
            continue;
        json_key(out, sim_faces[i]->name);
        buf_addc(out, '{');
        for (const struct key *k = provider_keys; k->name; k++)
            json_pair(out, k->name, sv_of((const char *)&p->providers[i] + k->at));
        buf_addc(out, '}');
    }
    buf_addc(out, '}');
}

static void write_keys(const struct profile *p, const struct key *keys, struct buf *out) {
    buf_addc(out, '{');
    for (const struct key *k = keys; k->name; k++) {
        const char *at = (const char *)p + k->at;
        switch (k->kind) {
        case KEY_NUMBER: write_number(out, k->name, *(const double *)(const void *)at); break;
        case KEY_BOOL: json_pair_bool(out, k->name, *(const bool *)(const void *)at); break;
        case KEY_SPAN: write_span(out, k->name, (const struct profile_span *)(const void *)at); break;
        case KEY_TEXT: json_pair(out, k->name, sv_of(at)); break;
        case KEY_CODE:
            if (((const char *)p)[k->word_at])
                json_pair(out, k->name, sv_of((const char *)p + k->word_at));
            else
                write_number(out, k->name, *(const double *)(const void *)at);
            break;
        case KEY_GROUP:
            json_key(out, k->name);
            write_keys(p, k->group, out);
            break;
        case KEY_ERRORS:
            json_key(out, k->name);
            write_errors(out, p);
            break;
        case KEY_SENDERS:
            json_key(out, k->name);
            write_senders(out, p);
            break;
        case KEY_PROVIDERS:
            json_key(out, k->name);
            write_providers(out, p);
            break;
        }
    }
    buf_addc(out, '}');
}

void profile_write(const struct profile *p, struct buf *out) {
    write_keys(p, profile_keys, out);
}

/* ---- drawing ---- */

double profile_draw_ms(const struct profile_span *s, struct prng *dice) {
    if (s->p50 > 0) {
        static const double z99 = 2.3263478740408408; /* the normal distribution's 99th percentile */
        double radius = sqrt(-2 * log(1 - prng_unit(dice)));
        double normal = radius * cos(2 * 3.14159265358979323846 * prng_unit(dice)); /* Box-Muller */
        double ms = s->p50 * exp(normal * log(s->p99 / s->p50) / z99);
        return ms < MS_MAX ? ms : MS_MAX;
    }
    return s->max > s->min ? s->min + (s->max - s->min) * prng_unit(dice) : s->min;
}
