/* How calls are written and signed: signature V3 (ACS3-HMAC-SHA256), where parameters are the address' query
 * and bulky ones the form; and the older one of RPC (HMAC-SHA1), where all of them are the form. Source: "V3
 * request structure and signature" and "V2 RPC request structure and signature" of Alibaba Cloud's OpenAPI
 * documentation. */
#include "provider/aliyun.h"

#include "base/clock.h"
#include "base/codec.h"
#include "model/form.h"
#include "provider/kit.h"

#include <stdlib.h>
#include <string.h>

enum {
    QUERY_BYTES_MAX = 64 * 1024,
    FORM_BYTES_MAX = 800 * 1024,
    NONCE_BYTES = 32,
    HEX_BYTES = 2 * SHA256_BYTES,
};

void aliyun_param(struct aliyun_call *call, const char *key, struct sv value, bool in_body) {
    ASSERT(call->n < ALIYUN_PARAMS_MAX);
    call->params[call->n++] = (struct aliyun_param){key, value, in_body};
}

static int by_key(const void *a, const void *b) {
    return strcmp(((const struct aliyun_param *)a)->key, ((const struct aliyun_param *)b)->key);
}

static void add_pair(struct buf *out, const char *key, struct sv value) {
    if (out->n)
        buf_addc(out, '&');
    buf_adds(out, key); /* plain ASCII letters, all of them */
    buf_addc(out, '=');
    percent_add(out, value);
}

/* 2026-01-02T03:04:05Z */
static void add_seconds(struct buf *out, int64_t at) {
    struct buf BUF_AUTO text = BUF_INIT(40);
    clock_add_rfc3339(&text, at);
    buf_add(out, sv_sub(buf_sv(&text), 0, 19));
    buf_addc(out, 'Z');
}

static void add_nonce(struct buf *out, int64_t now, uint64_t nonce) {
    char digits[NONCE_BYTES];
    hex_u64(digits, nonce);
    hex_u64(digits + 16, (uint64_t)now);
    buf_add(out, sv_make(digits, sizeof digits));
}

static void add_sha256(struct buf *out, struct sv data) {
    uint8_t hash[SHA256_BYTES];
    sha256(data, hash);
    hex_add(out, hash, sizeof hash);
}

/* host[:port] of the address, without the path behind it. */
static struct sv host_of(struct sv base_url) {
    struct sv rest = sv_from(base_url, sv_find(base_url, SV("://")) + 3);
    return sv_cut(&rest, '/');
}

/* What is signed and sent beside Content-Type, in the order of the signature. */
struct v3_head {
    struct sv host, action, key_id, hash, date, token, nonce, version;
};

static void sign_line(struct buf *canonical, struct buf *names, const char *name, struct sv value) {
    buf_adds(canonical, name);
    buf_addc(canonical, ':');
    buf_add(canonical, value);
    buf_addc(canonical, '\n');
    if (names->n)
        buf_addc(names, ';');
    buf_adds(names, name);
}

static void add_authorization(const struct lane_config *lane, const struct v3_head *h, struct sv query,
                              bool form, struct buf *out) {
    struct buf BUF_AUTO canonical = BUF_INIT(QUERY_BYTES_MAX + 8192), BUF_AUTO names = BUF_INIT(256),
                        BUF_AUTO to_sign = BUF_INIT(256);
    uint8_t mac[SHA256_BYTES];
    buf_adds(&canonical, "POST\n/\n");
    buf_add(&canonical, query);
    buf_addc(&canonical, '\n');
    if (form)
        sign_line(&canonical, &names, "content-type", SV("application/x-www-form-urlencoded"));
    sign_line(&canonical, &names, "host", h->host);
    if (h->token.n)
        sign_line(&canonical, &names, "x-acs-accesskey-id", h->key_id);
    sign_line(&canonical, &names, "x-acs-action", h->action);
    sign_line(&canonical, &names, "x-acs-content-sha256", h->hash);
    sign_line(&canonical, &names, "x-acs-date", h->date);
    if (h->token.n)
        sign_line(&canonical, &names, "x-acs-security-token", h->token);
    sign_line(&canonical, &names, "x-acs-signature-nonce", h->nonce);
    sign_line(&canonical, &names, "x-acs-version", h->version);
    buf_addc(&canonical, '\n');
    buf_add(&canonical, buf_sv(&names));
    buf_addc(&canonical, '\n');
    buf_add(&canonical, h->hash);
    buf_adds(&to_sign, "ACS3-HMAC-SHA256\n");
    add_sha256(&to_sign, buf_sv(&canonical));
    hmac_sha256(kit_field(lane, ALIYUN_KEY_SECRET), buf_sv(&to_sign), mac);
    buf_adds(out, "ACS3-HMAC-SHA256 Credential=");
    buf_add(out, h->key_id);
    buf_adds(out, ",SignedHeaders=");
    buf_add(out, buf_sv(&names));
    buf_adds(out, ",Signature=");
    hex_add(out, mac, sizeof mac);
    out->overflow = out->overflow || canonical.overflow;
}

static bool write_v3(const struct lane_config *lane, struct aliyun_call *call, int64_t now, uint64_t nonce,
                     struct arena *mem, struct http_request *out, struct err *e) {
    struct buf BUF_AUTO query = BUF_INIT(QUERY_BYTES_MAX), BUF_AUTO form = BUF_INIT(FORM_BYTES_MAX),
                        BUF_AUTO url = BUF_INIT(QUERY_BYTES_MAX + 1024), BUF_AUTO hash = BUF_INIT(HEX_BYTES),
                        BUF_AUTO date = BUF_INIT(32), BUF_AUTO once = BUF_INIT(NONCE_BYTES),
                        BUF_AUTO authorization = BUF_INIT(2048);
    for (size_t i = 0; i < call->n; i++)
        add_pair(call->params[i].in_body ? &form : &query, call->params[i].key, call->params[i].value);
    buf_add(&url, call->base_url);
    buf_adds(&url, "/?");
    buf_add(&url, buf_sv(&query));
    add_sha256(&hash, buf_sv(&form));
    add_seconds(&date, now);
    add_nonce(&once, now, nonce);
    struct v3_head h = {.host = arena_dup(mem, host_of(call->base_url)),
                        .action = sv_of(call->action),
                        .key_id = kit_field(lane, ALIYUN_KEY_ID),
                        .hash = arena_dup(mem, buf_sv(&hash)),
                        .date = arena_dup(mem, buf_sv(&date)),
                        .token = kit_field(lane, ALIYUN_SECURITY_TOKEN),
                        .nonce = arena_dup(mem, buf_sv(&once)),
                        .version = sv_of(call->version)};
    add_authorization(lane, &h, buf_sv(&query), form.n > 0, &authorization);
    if (query.overflow || form.overflow || url.overflow || authorization.overflow)
        return err_set(e, ERR_TOO_LARGE, "the message is too long for one request");
    *out = (struct http_request){.method = HTTP_POST,
                                 .url = arena_dup(mem, buf_sv(&url)),
                                 .body = form.n ? arena_dup(mem, buf_sv(&form)) : SV_NONE};
    http_add_header(out, SV("Host"), h.host);
    http_add_header(out, SV("x-acs-version"), h.version);
    http_add_header(out, SV("x-acs-action"), h.action);
    http_add_header(out, SV("x-acs-date"), h.date);
    http_add_header(out, SV("x-acs-signature-nonce"), h.nonce);
    http_add_header(out, SV("Accept"), SV("application/json"));
    if (form.n)
        http_add_header(out, SV("Content-Type"), SV("application/x-www-form-urlencoded"));
    http_add_header(out, SV("x-acs-content-sha256"), h.hash);
    if (h.token.n) {
        http_add_header(out, SV("x-acs-accesskey-id"), arena_dup(mem, h.key_id));
        http_add_header(out, SV("x-acs-security-token"), arena_dup(mem, h.token));
    }
    http_add_header(out, SV("Authorization"), arena_dup(mem, buf_sv(&authorization)));
    return true;
}

static bool write_rpc(const struct lane_config *lane, struct aliyun_call *call, int64_t now, uint64_t nonce,
                      struct arena *mem, struct http_request *out, struct err *e) {
    struct buf BUF_AUTO form = BUF_INIT(FORM_BYTES_MAX), BUF_AUTO to_sign = BUF_INIT(3 * FORM_BYTES_MAX),
                        BUF_AUTO key = BUF_INIT(512), BUF_AUTO url = BUF_INIT(1024),
                        BUF_AUTO date = BUF_INIT(32), BUF_AUTO once = BUF_INIT(NONCE_BYTES),
                        BUF_AUTO signature = BUF_INIT(64);
    uint8_t mac[SHA1_BYTES];
    add_seconds(&date, now);
    add_nonce(&once, now, nonce);
    struct aliyun_param all[ALIYUN_PARAMS_MAX + 9];
    size_t n = 0;
    all[n++] = (struct aliyun_param){.key = "AccessKeyId", .value = kit_field(lane, ALIYUN_KEY_ID)};
    all[n++] = (struct aliyun_param){.key = "Action", .value = sv_of(call->action)};
    all[n++] = (struct aliyun_param){.key = "Format", .value = SV("JSON")};
    all[n++] = (struct aliyun_param){.key = "SignatureMethod", .value = SV("HMAC-SHA1")};
    all[n++] = (struct aliyun_param){.key = "SignatureNonce", .value = buf_sv(&once)};
    all[n++] = (struct aliyun_param){.key = "SignatureVersion", .value = SV("1.0")};
    all[n++] = (struct aliyun_param){.key = "Timestamp", .value = buf_sv(&date)};
    all[n++] = (struct aliyun_param){.key = "Version", .value = sv_of(call->version)};
    if (kit_field(lane, ALIYUN_SECURITY_TOKEN).n)
        all[n++] =
            (struct aliyun_param){.key = "SecurityToken", .value = kit_field(lane, ALIYUN_SECURITY_TOKEN)};
    for (size_t i = 0; i < call->n; i++)
        all[n++] = call->params[i];
    qsort(all, n, sizeof all[0], by_key);
    for (size_t i = 0; i < n; i++)
        add_pair(&form, all[i].key, all[i].value);
    buf_adds(&to_sign, "POST&%2F&");
    percent_add(&to_sign, buf_sv(&form));
    buf_add(&key, kit_field(lane, ALIYUN_KEY_SECRET));
    buf_addc(&key, '&');
    hmac_sha1(buf_sv(&key), buf_sv(&to_sign), mac);
    base64_add(&signature, mac, sizeof mac);
    add_pair(&form, "Signature", buf_sv(&signature));
    buf_add(&url, call->base_url);
    buf_addc(&url, '/');
    if (form.overflow || to_sign.overflow || key.overflow || url.overflow)
        return err_set(e, ERR_TOO_LARGE, "the message is too long for one request");
    *out = (struct http_request){
        .method = HTTP_POST, .url = arena_dup(mem, buf_sv(&url)), .body = arena_dup(mem, buf_sv(&form))};
    http_add_header(out, SV("Content-Type"), SV("application/x-www-form-urlencoded"));
    return true;
}

bool aliyun_request(const struct lane_config *lane, struct aliyun_call *call, int64_t now, uint64_t nonce,
                    struct arena *mem, struct http_request *out, struct err *e) {
    qsort(call->params, call->n, sizeof call->params[0], by_key);
    bool rpc = sv_eq(kit_field(lane, ALIYUN_SIGNATURE), SV("v1"));
    if (!(rpc ? write_rpc : write_v3)(lane, call, now, nonce, mem, out, e))
        return false;
    return !mem->full || err_set(e, ERR_TOO_LARGE, "no room to build the request");
}
