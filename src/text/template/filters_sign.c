/* Filters for signing requests, which Jinja2 has not: hash, hmac, b64encode. Text is hashed as its UTF-8
 * bytes. */
#include "text/template/builtin.h"

#include "base/codec.h"

#define FILTER(name)                                                                                         \
    static bool name(struct rt *rt, struct value in, const struct value *arg, const struct args *all,        \
                     struct value *out)

/* The algorithm and the spelling of its result, as the filters' last two arguments name them. */
static bool want_hash(struct rt *rt, const char *who, const struct value *arg, enum hash_kind *kind,
                      bool *base64) {
    struct sv name, form;
    if (!want_str(rt, who, arg[0], SV("sha256"), &name) || !want_str(rt, who, arg[1], SV("hex"), &form))
        return false;
    *base64 = sv_eq(form, SV("base64"));
    if (!*base64 && !sv_eq(form, SV("hex")))
        return rt_error(rt, "%s gives 'hex' or 'base64'", who);
    return hash_find(name, kind) || rt_error(rt, "%s knows 'md5', 'sha1', 'sha256' and 'sha512'", who);
}

static bool put_bytes(struct rt *rt, const uint8_t *bytes, size_t n, bool base64, struct value *out) {
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    if (base64)
        base64_add(&text, bytes, n);
    else
        hex_add(&text, bytes, n);
    return rt_str_of(rt, &text, out);
}

/* Undefined, most likely a slip, must not be signed as nothing. */
static bool want_bytes(struct rt *rt, struct value v, struct sv *out) {
    if (v.kind == VALUE_UNDEFINED)
        return rt_undefined(rt, v);
    return to_text(rt, v, out) && rt_charge(rt, 20 + out->n / 32);
}

FILTER(run_hash) {
    (void)all;
    struct sv data;
    enum hash_kind kind;
    bool base64;
    uint8_t bytes[HASH_BYTES_MAX];
    if (!want_bytes(rt, in, &data) || !want_hash(rt, "hash", arg, &kind, &base64))
        return false;
    return put_bytes(rt, bytes, hash_data(kind, data, bytes), base64, out);
}

FILTER(run_hmac) {
    (void)all;
    struct sv data, key;
    enum hash_kind kind;
    bool base64;
    uint8_t bytes[HASH_BYTES_MAX];
    if (!want_bytes(rt, in, &data) || !want_bytes(rt, arg[0], &key) ||
        !want_hash(rt, "hmac", arg + 1, &kind, &base64))
        return false;
    return put_bytes(rt, bytes, hmac_data(kind, key, data, bytes), base64, out);
}

FILTER(run_b64encode) {
    (void)arg, (void)all;
    struct sv data;
    if (!want_bytes(rt, in, &data))
        return false;
    return put_bytes(rt, (const uint8_t *)data.p, data.n, true, out);
}

const struct filter filters_sign[] = {
    {"hash", "algorithm=,form=", run_hash},
    {"hmac", "key,algorithm=,form=", run_hmac},
    {"b64encode", "", run_b64encode},
    {NULL, NULL, NULL},
};
