/* Tencent's calls to us, the same for both of its APIs: receipts (an array) and replies (an object). It signs
 * nothing, so a secret in the address is what it is known by. */
#include "provider/tencent.h"

#include "base/codec.h"
#include "base/json.h"
#include "model/id.h"

#include <string.h>

enum { HOOK_BYTES_MAX = 256 * 1024, MOBILE_DIGITS_MAX = 15, NATION_DIGITS_MAX = 4 };

enum reason tencent_report_reason(struct sv code) {
    static const struct {
        struct sv code;
        enum reason reason;
    } rows[] = {
        {{"002", 3}, REASON_UNREACHABLE},       /* switched off, out of service, no network */
        {{"-106", 4}, REASON_CONTENT_REJECTED}, /* a carrier's list of words */
        {{"UNDELIV", 7}, REASON_UNREACHABLE},   /* SMPP 3.4: undeliverable */
        {{"EXPIRED", 7}, REASON_UNREACHABLE},   /* SMPP 3.4: its time at the carrier ended */
        {{"REJECTD", 7}, REASON_REJECTED},      /* SMPP 3.4 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (sv_eq(code, rows[i].code))
            return rows[i].reason;
    return REASON_REJECTED;
}

bool tencent_report(struct sv status, struct sv code, struct receipt *out) {
    bool well = sv_eq(status, SV("SUCCESS"));
    if (!well && !sv_eq(status, SV("FAIL")))
        return false;
    int64_t number;
    out->state = well ? STATE_DELIVERED : STATE_UNDELIVERED;
    out->reason = well ? REASON_NONE : tencent_report_reason(code);
    out->code =
        !well && sv_to_i64(code, &number) && number >= INT32_MIN && number <= INT32_MAX ? (int32_t)number : 0;
    return true;
}

static bool are_digits(struct sv v, size_t max) {
    return v.n <= max && sv_is_digits(v);
}

struct sv tencent_number(struct sv nation, struct sv mobile, struct arena *mem) {
    struct buf BUF_AUTO number = BUF_INIT(64);
    if (sv_starts(mobile, SV("+"))) {
        if (!are_digits(sv_from(mobile, 1), MOBILE_DIGITS_MAX))
            return SV_NONE;
        return arena_dup(mem, mobile);
    }
    if (!are_digits(mobile, MOBILE_DIGITS_MAX) || !are_digits(nation, NATION_DIGITS_MAX))
        return SV_NONE;
    buf_addf(&number, "+%.*s%.*s", SV_FMT(nation), SV_FMT(mobile));
    return arena_dup(mem, buf_sv(&number));
}

/* A member that may come as a string or as a number. */
static struct sv loose(const json_t *object, const char *key, struct arena *mem) {
    const json_t *v = json_object_get(object, key);
    if (!json_is_integer(v))
        return arena_dup(mem, kit_string(object, key));
    struct buf BUF_AUTO digits = BUF_INIT(24);
    buf_add_i64(&digits, (int64_t)json_integer_value(v));
    return arena_dup(mem, buf_sv(&digits));
}

static json_t *read_body(struct sv secret, const struct hook_request *rq, struct arena *mem,
                         struct hook_reply *reply, struct err *e) {
    *reply = (struct hook_reply){.content_type = "application/json",
                                 .body = SV("{\"result\":0,\"errmsg\":\"OK\"}")};
    if (!kit_hook_secret(secret, "callback_token", rq, mem, e))
        return NULL;
    if (rq->body.n > HOOK_BYTES_MAX) {
        err_set(e, ERR_TOO_LARGE, "the callback is over %d bytes", HOOK_BYTES_MAX);
        return NULL;
    }
    json_t *root = kit_parse(rq->body, HOOK_BYTES_MAX);
    if (!root)
        err_set(e, ERR_INVALID, "the callback is no JSON");
    return root;
}

/* The token, where Tencent was asked to give it back with the receipts. */
static struct sv token_of_entry(const json_t *entry, struct arena *mem) {
    static const char *const names[] = {"ext", "SessionContext", "session_context"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct sv v = kit_string(entry, names[i]);
        if (v.n == TOKEN_BYTES)
            return arena_dup(mem, v);
    }
    return SV_NONE;
}

/* False: not a receipt. */
static bool read_receipt(const json_t *entry, struct arena *mem, struct receipt *out, bool *known) {
    *out = (struct receipt){.state = STATE_NONE};
    if (!kit_provider_id(out->provider_id, kit_string(entry, "sid")))
        return false;
    out->number = tencent_number(loose(entry, "nationcode", mem), loose(entry, "mobile", mem), mem);
    out->token = token_of_entry(entry, mem);
    struct sv status = kit_string(entry, "report_status");
    *known = tencent_report(status, kit_string(entry, "errmsg"), out);
    return out->number.n > 0 && status.n > 0;
}

bool tencent_read_receipts(struct sv secret, const struct hook_request *rq, struct arena *mem,
                           struct receipt *out, size_t max, size_t *n, struct hook_reply *reply,
                           struct err *e) {
    *n = 0;
    json_auto_t *root = read_body(secret, rq, mem, reply, e);
    if (!root)
        return false;
    if (!json_is_array(root))
        return err_set(e, ERR_INVALID,
                       json_object_get(root, "text") ? "this is a reply: its address is /hooks/LANE/inbound"
                                                     : "a status callback is an array of receipts");
    size_t size = json_array_size(root), good = 0;
    if (size > max)
        return err_set(e, ERR_TOO_LARGE, "more than %zu receipts in one callback", max);
    for (size_t i = 0; i < size; i++) {
        bool known;
        if (!read_receipt(json_array_get(root, i), mem, &out[*n], &known))
            continue; /* the others must not wait for it for ever */
        good++;
        *n += known; /* a status of the future: heard, and nothing to do */
    }
    if (!mem->full && (good || size == 0))
        return true;
    *n = 0;
    return err_set_field(e, ERR_INVALID, "sid", "no entry of the callback has sid, mobile and report_status");
}

static bool is_text(struct sv v, size_t max) {
    return v.n <= max && kit_is_text(v);
}

/* Replies have no id. Called again with the same one, Tencent says the same time and text. */
static struct sv reply_id(const struct inbound *in, struct sv time, struct arena *mem) {
    uint8_t hash[SHA256_BYTES];
    struct buf BUF_AUTO text = BUF_INIT(HOOK_BYTES_MAX * 2), BUF_AUTO id = BUF_INIT(PROVIDER_ID_MAX);
    buf_addf(&text, "%.*s\n%.*s\n%.*s\n", SV_FMT(in->from), SV_FMT(in->to), SV_FMT(time));
    buf_add(&text, in->body);
    sha256(buf_sv(&text), hash);
    buf_adds(&id, "mo-");
    hex_add(&id, hash, 16);
    return arena_dup(mem, buf_sv(&id));
}

bool tencent_read_reply(const struct tencent_reply_names *names, const json_t *entry, struct arena *mem,
                        struct inbound *out, struct err *e) {
    enum { TEXT_BYTES_MAX = 16 * 1024, SIGN_BYTES_MAX = 128 };
    *out = (struct inbound){.opt_out = SV_NONE};
    out->from = tencent_number(loose(entry, names->nation, mem), loose(entry, names->mobile, mem), mem);
    if (!out->from.n)
        return err_set_field(e, ERR_INVALID, names->mobile, "the reply names no sender");
    const json_t *text = json_object_get(entry, names->text);
    out->body = arena_dup(mem, kit_string(entry, names->text));
    if (!json_is_string(text) || !is_text(out->body, TEXT_BYTES_MAX))
        return err_set_field(e, ERR_INVALID, names->text,
                             "the text is missing, too long, or has a NUL in it");
    /* What the handset answered to: an extension number where there is one, else the sign it saw. */
    struct sv extend = loose(entry, names->extend, mem), sign = loose(entry, names->sign, mem);
    out->to = extend.n ? extend : sign;
    if (!is_text(out->to, SIGN_BYTES_MAX))
        out->to = SV_NONE;
    out->provider_id = reply_id(out, loose(entry, names->time, mem), mem);
    return !mem->full || err_set(e, ERR_TOO_LARGE, "no room to read the reply");
}

static bool read_reply(const json_t *entry, struct arena *mem, struct inbound *out, struct err *e) {
    static const struct tencent_reply_names names = {"nationcode", "mobile", "text",
                                                     "sign",       "extend", "time"};
    return tencent_read_reply(&names, entry, mem, out, e);
}

bool tencent_read_inbound(struct sv secret, const struct hook_request *rq, struct arena *mem,
                          struct inbound *out, size_t max, size_t *n, struct hook_reply *reply,
                          struct err *e) {
    *n = 0;
    json_auto_t *root = read_body(secret, rq, mem, reply, e);
    if (!root)
        return false;
    if (!json_is_array(root)) {
        if (max == 0)
            return true;
        *n = read_reply(root, mem, out, e);
        return *n == 1;
    }
    size_t size = json_array_size(root), good = 0;
    if (size > max)
        return err_set(e, ERR_TOO_LARGE, "more than %zu replies in one callback", max);
    for (size_t i = 0; i < size; i++)
        good += read_reply(json_array_get(root, i), mem, &out[good], e);
    if (good == 0 && size)
        return false;
    if (e)
        *e = ERR_INIT; /* the others must not wait for a broken one for ever */
    *n = good;
    return true;
}

bool tencent_params_add(struct buf *out, struct sv params, struct sv body) {
    if (!params.n) {
        buf_addc(out, '[');
        if (body.n)
            json_add_string(out, body);
        buf_addc(out, ']');
        return true;
    }
    enum { PARAMS_BYTES_MAX = 64 * 1024, NAME_BYTES = 24 };
    json_auto_t *root = kit_parse(params, PARAMS_BYTES_MAX);
    bool list = json_is_array(root);
    size_t n = list ? json_array_size(root) : json_object_size(root);
    if (!list && !json_is_object(root))
        return false;
    buf_addc(out, '[');
    for (size_t i = 0; i < n; i++) {
        char name[NAME_BYTES];
        snprintf(name, sizeof name, "%zu", i + 1);
        const json_t *v = list ? json_array_get(root, i) : json_object_get(root, name);
        if (!json_is_string(v))
            return false;
        if (i)
            buf_addc(out, ',');
        json_add_string(out, sv_make(json_string_value(v), json_string_length(v)));
    }
    buf_addc(out, ']');
    return true;
}
