#include "simulator/sim_push.h"

#include "base/codec.h"
#include "simulator/sim.h"
#include "simulator/sim_answer.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

enum { PART_BYTES_MAX = 4096, RSA_BITS = 2048, EC_HALF = 32 };

EVP_PKEY *push_key(struct sim *sim, const char *kind) {
    bool rsa = strcmp(kind, "RSA") == 0;
    EVP_PKEY **at = rsa ? &sim->push.rsa : &sim->push.ec;
    if (!*at)
        *at = rsa ? EVP_RSA_gen(RSA_BITS) : EVP_EC_gen("P-256");
    return *at;
}

bool push_pem(EVP_PKEY *key, struct buf *out) {
    BIO *bio = key ? BIO_new(BIO_s_mem()) : NULL;
    char *text = NULL;
    long n = bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)
                 ? BIO_get_mem_data(bio, &text)
                 : 0;
    bool ok = n > 0 && buf_add(out, sv_make(text, (size_t)n));
    BIO_free(bio);
    return ok;
}

static bool base64url(struct sv text, struct buf *out) {
    struct buf BUF_AUTO plain = BUF_INIT(PART_BYTES_MAX);
    for (size_t i = 0; i < text.n; i++)
        buf_addc(&plain, text.p[i] == '-' ? '+' : text.p[i] == '_' ? '/' : text.p[i]);
    while (plain.n % 4)
        buf_addc(&plain, '=');
    return !plain.overflow && base64_parse(buf_sv(&plain), out);
}

/* r and s to what OpenSSL reads. */
static bool ec_der(const struct buf *plain, uint8_t *out, size_t *n) {
    ECDSA_SIG *sig = plain->n == 2 * EC_HALF ? ECDSA_SIG_new() : NULL;
    const uint8_t *p = (const uint8_t *)plain->p;
    BIGNUM *r = sig ? BN_bin2bn(p, EC_HALF, NULL) : NULL,
           *s = sig ? BN_bin2bn(p + EC_HALF, EC_HALF, NULL) : NULL;
    bool ok = r && s && ECDSA_SIG_set0(sig, r, s) == 1;
    if (ok)
        *n = (size_t)i2d_ECDSA_SIG(sig, &out);
    ECDSA_SIG_free(sig);
    return ok;
}

static bool signature_fits(EVP_PKEY *key, struct sv text, const struct buf *given) {
    uint8_t der[PART_BYTES_MAX];
    const uint8_t *p = (const uint8_t *)given->p;
    size_t n = given->n;
    if (EVP_PKEY_is_a(key, "EC")) {
        if (!ec_der(given, der, &n))
            return false;
        p = der;
    }
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
              EVP_DigestVerify(ctx, p, n, (const uint8_t *)text.p, text.n) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static json_t *part(struct sv text) {
    struct buf BUF_AUTO plain = BUF_INIT(PART_BYTES_MAX);
    return base64url(text, &plain) && plain.n ? json_loadb(plain.p, plain.n, 0, NULL) : NULL;
}

bool push_verify(EVP_PKEY *key, struct sv token, json_t **header, json_t **claims) {
    struct buf BUF_AUTO given = BUF_INIT(PART_BYTES_MAX);
    struct sv rest = token, head = sv_cut(&rest, '.'), body = sv_cut(&rest, '.');
    *header = *claims = NULL;
    if (!key || !rest.n || !base64url(rest, &given) || !given.n ||
        !signature_fits(key, sv_sub(token, 0, head.n + 1 + body.n), &given))
        return false;
    *header = part(head);
    *claims = part(body);
    if (sv_eq(push_text(*header, "alg"), EVP_PKEY_is_a(key, "EC") ? SV("ES256") : SV("RS256")) &&
        json_is_object(*claims))
        return true;
    json_decref(*header);
    json_decref(*claims);
    *header = *claims = NULL;
    return false;
}

struct sv push_text(const json_t *o, const char *key) {
    const json_t *v = json_object_get(o, key);
    return json_is_string(v) ? sv_make(json_string_value(v), json_string_length(v)) : SV_NONE;
}

bool push_is_revoke(const struct exchange *x) {
    return x->method == HTTP_POST && sv_eq(x->path, SV("/push/revoke"));
}

void push_revoke(struct sim *sim, struct exchange *x) {
    sim->push.revoked_at = sim_now(sim);
    buf_reset(&sim->out);
    buf_addf(&sim->out, "{\"given\":%llu}", (unsigned long long)sim->push.given);
    answer_json(x, 200, &sim->out);
}

void push_done(struct sim *sim) {
    EVP_PKEY_free(sim->push.rsa);
    EVP_PKEY_free(sim->push.ec);
}

bool push_reports(enum sim_status status) {
    (void)status;
    return false;
}

void push_receipt(struct sim *sim, const struct sim_step *step, struct callback *c) {
    (void)sim;
    (void)step;
    (void)c;
}

bool push_reply(struct sim *sim, const struct sim_reply *said, struct callback *c, const char **why) {
    (void)sim;
    (void)said;
    (void)c;
    *why = "push services post no replies";
    return false;
}
