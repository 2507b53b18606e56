#include "provider/kit.h"

#include "base/codec.h"

#include <string.h>

enum {
    BASE_URL_BYTES_MAX = 512,
    RETRY_AFTER_S_MAX = 24 * 3600,
    CALLBACK_TOKEN_MIN = 16,
    CALLBACK_TOKEN_MAX = 128
};

struct sv kit_field(const struct lane_config *lane, size_t index) {
    ASSERT(index < lane->adapter->n_fields);
    return lane->fields[index].n ? lane->fields[index] : sv_of(lane->adapter->fields[index].fallback);
}

/* ---- checks ---- */

bool kit_is_word(struct sv v, const char *more, size_t bytes_max) {
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c && strchr(more, c))))
            return false;
    }
    return v.n > 0 && v.n <= bytes_max;
}

bool kit_is_plain(struct sv v) {
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] <= ' ' || v.p[i] > '~')
            return false;
    return true;
}

bool kit_check_secret(struct sv v, struct err *e) {
    return sv_trim(v).n == v.n || err_set(e, ERR_INVALID, "there is white space around the secret");
}

/* Names that no public server has, and addresses. */
static bool is_private_host(struct sv host) {
    static const char *const endings[] = {".internal", ".local", ".localhost", ".lan", ".test", ".home.arpa"};
    if (sv_find_char(host, '.') == SIZE_MAX)
        return true; /* a name of this machine or network, or [an IPv6 address */
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (sv_ends(host, sv_of(endings[i])))
            return true;
    for (size_t i = 0; i < host.n; i++)
        if (host.p[i] != '.' && (host.p[i] < '0' || host.p[i] > '9'))
            return false;
    return true;
}

bool kit_check_base_url(struct sv v, struct err *e) {
    static const char field[] = "base_url";
    bool https = sv_starts(v, SV("https://"));
    if (!https && !sv_starts(v, SV("http://")))
        return err_set_field(e, ERR_INVALID, field, "give an absolute address: https://HOST");
    struct sv rest = sv_from(v, https ? 8 : 7);
    if (!kit_is_plain(v))
        return err_set_field(e, ERR_INVALID, field, "an address has no spaces or bytes outside ASCII");
    if (rest.n == 0 || rest.p[0] == '/' || sv_ends(rest, SV("/")) || sv_find_char(rest, '?') != SIZE_MAX ||
        sv_find_char(rest, '#') != SIZE_MAX || sv_find_char(rest, '@') != SIZE_MAX ||
        v.n > BASE_URL_BYTES_MAX)
        return err_set_field(e, ERR_INVALID, field,
                             "give scheme, host and perhaps a port and path prefix: no slash at the end, no "
                             "user, query or fragment");
    struct sv path = rest;
    struct sv host = sv_cut(&path, '/');
    host = sv_cut(&host, ':');
    return https || is_private_host(host) ||
           err_set_field(e, ERR_INVALID, field, "http would send the credentials in the clear: use https");
}

bool kit_check_callback_token(struct sv v, struct err *e) {
    return v.n == 0 || (kit_is_word(v, "-_", CALLBACK_TOKEN_MAX) && v.n >= CALLBACK_TOKEN_MIN) ||
           err_set(e, ERR_INVALID,
                   "a callback token is %d to %d letters, digits, - and _: `openssl rand -hex 16` makes one",
                   CALLBACK_TOKEN_MIN, CALLBACK_TOKEN_MAX);
}

/* ---- callbacks ---- */

bool kit_hook_secret(struct sv secret, const char *field, const struct hook_request *rq, struct arena *mem,
                     struct err *e) {
    if (secret.n == 0)
        return err_set_field(e, ERR_AUTH, field,
                             "the lane takes no callbacks: set %s and put it into the address (?k=...)",
                             field);
    struct form query;
    if (!form_parse(rq->query, mem, &query, e))
        return false;
    struct sv given = form_get(&query, SV("k"));
    if (given.n == 0)
        return err_set(e, ERR_AUTH,
                       "the callback's address lacks its secret: it ends with ?k= and the lane's %s", field);
    return sv_eq_secret(given, secret) ||
           err_set(e, ERR_AUTH, "the secret in the callback's address (?k=) is not the lane's %s", field);
}

/* ---- answers ---- */

json_t *kit_parse(struct sv body, size_t bytes_max) {
    if (body.n == 0 || body.n > bytes_max)
        return NULL;
    return json_loadb(body.p, body.n, 0, NULL);
}

struct sv kit_string(const json_t *object, const char *key) {
    const json_t *v = json_object_get(object, key);
    return json_is_string(v) ? sv_make(json_string_value(v), json_string_length(v)) : SV_NONE;
}

int64_t kit_int(const json_t *object, const char *key, int64_t fallback) {
    const json_t *v = json_object_get(object, key);
    return json_is_integer(v) ? (int64_t)json_integer_value(v) : fallback;
}

bool kit_is_text(struct sv v) {
    return sv_is_utf8(v) && sv_find_char(v, '\0') == SIZE_MAX;
}

void kit_say(char out[VERDICT_TEXT_MAX], struct sv text) {
    struct sv cut = sv_sub(text, 0, VERDICT_TEXT_MAX - 1);
    /* Cutting may split the last character: at most three bytes have to go. */
    for (int i = 0; i < 3 && !sv_is_utf8(cut) && cut.n; i++)
        cut.n--;
    size_t n = sv_is_utf8(cut) ? cut.n : 0;
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)cut.p[i] < ' ' || cut.p[i] == 0x7f ? ' ' : cut.p[i];
    out[n] = '\0';
}

bool kit_provider_id(char out[PROVIDER_ID_MAX], struct sv id) {
    if (id.n == 0 || id.n >= PROVIDER_ID_MAX || !kit_is_plain(id))
        return false;
    memcpy(out, id.p, id.n);
    out[id.n] = '\0';
    return true;
}

/* ---- verdicts ---- */

void kit_judge_as(struct verdict *v, enum fate fate, enum lane_hint hint, enum reason reason) {
    v->fate = fate;
    v->hint = hint;
    v->reason = reason;
}

bool kit_judge_transport(const struct http_response *r, struct verdict *v) {
    *v = (struct verdict){.http_status = (int16_t)r->status};
    if (r->transport == HTTP_NOT_SENT) {
        kit_judge_as(v, FATE_RETRY, LANE_DOWN, REASON_PROVIDER_DOWN);
        kit_say(v->text, r->error);
        return true;
    }
    if (r->transport == HTTP_CUT) {
        /* Requests that are taken and not answered become unknown outcomes, each of them: stop early. */
        kit_judge_as(v, FATE_UNKNOWN, LANE_DOWN, REASON_OUTCOME_UNKNOWN);
        kit_say(v->text, r->error);
        return true;
    }
    uint64_t s;
    if (sv_to_u64(http_find_header(r->headers, r->n_headers, SV("Retry-After")), &s))
        v->retry_after_ms = (int32_t)(s < RETRY_AFTER_S_MAX ? s : RETRY_AFTER_S_MAX) * 1000;
    return false;
}

void kit_pause(struct verdict *v, int32_t pause_ms) {
    if (!v->retry_after_ms && v->fate == FATE_RETRY)
        v->retry_after_ms = pause_ms;
}

void kit_judge_class(struct verdict *v) {
    int status = v->http_status;
    if (status == 429)
        kit_judge_as(v, FATE_RETRY, LANE_SLOW_DOWN, REASON_THROTTLED);
    else if (status == 401 || status == 403 || status == 407)
        kit_judge_as(v, FATE_RETRY, LANE_BROKEN, REASON_CREDENTIALS);
    else if (status == 404 || status == 405)
        kit_judge_as(v, FATE_RETRY, LANE_BROKEN, REASON_SENDER_REJECTED);
    else if (status >= 400 && status < 500 && status != 408)
        kit_judge_as(v, FATE_REJECTED, LANE_FINE, v->code ? REASON_REJECTED : REASON_REQUEST_REJECTED);
    else if (status >= 500)
        kit_judge_as(v, FATE_UNKNOWN, LANE_DOWN, REASON_PROVIDER_DOWN);
    else /* what came of the request is anybody's guess */
        kit_judge_as(v, FATE_UNKNOWN, LANE_DOWN, REASON_OUTCOME_UNKNOWN);
}

void kit_unknown_code(struct verdict *v, struct sv code) {
    size_t n = code.n < UNKNOWN_CODE_MAX ? code.n : UNKNOWN_CODE_MAX;
    for (size_t i = 0; i < n; i++) {
        struct sv one = sv_sub(code, i, 1);
        v->unknown_code[i] = kit_is_word(one, ".-_", 1) ? code.p[i] : '_';
    }
    v->unknown_code[n] = '\0';
}

void kit_unknown_number(struct verdict *v) {
    if (v->code)
        snprintf(v->unknown_code, sizeof v->unknown_code, "%d", (int)v->code);
}

enum lane_hint kit_lookup_hint(const struct http_response *r) {
    if (r->transport != HTTP_ANSWERED || r->status >= 500)
        return LANE_DOWN;
    if (r->status == 401 || r->status == 403 || r->status == 404)
        return LANE_BROKEN;
    return r->status == 429 ? LANE_SLOW_DOWN : LANE_FINE;
}

struct lookup_answer kit_cannot_tell(enum lane_hint hint, const char *why) {
    struct lookup_answer a = {.found = FOUND_CANNOT_TELL, .hint = hint};
    kit_say(a.text, sv_of(why));
    return a;
}

bool kit_probe_answered(struct sv base_url, const struct http_response *r, struct err *e) {
    struct sv error = sv_sub(r->error, 0, 160);
    if (r->transport == HTTP_NOT_SENT)
        return err_set_field(e, ERR_OUTSIDE, "base_url", "cannot reach %.*s: %.*s", SV_FMT(base_url),
                             SV_FMT(error));
    if (r->transport == HTTP_CUT)
        return err_set_field(e, ERR_OUTSIDE, "base_url", "%.*s was reached but did not answer: %.*s",
                             SV_FMT(base_url), SV_FMT(error));
    return true;
}

struct sv kit_basic(struct sv user, struct sv password, struct arena *mem) {
    struct buf BUF_AUTO pair = BUF_INIT(1024), BUF_AUTO value = BUF_INIT(2048);
    buf_join(&pair, user, SV(":"), password);
    buf_adds(&value, "Basic ");
    base64_add(&value, pair.p, pair.n);
    struct sv kept = pair.overflow || value.overflow ? SV_NONE : arena_dup(mem, buf_sv(&value));
    explicit_bzero(pair.p, pair.n);
    explicit_bzero(value.p, value.n);
    return kept;
}
