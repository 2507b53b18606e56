#include "model/hook_signature.h"

#include "base/codec.h"

enum { SECRET_BYTES_MAX = 256, HEAD_BYTES_MAX = 1024 };

static bool key_of(struct sv secret, struct buf *key) {
    if (sv_starts(secret, SV("whsec_")))
        secret = sv_from(secret, 6);
    return base64_parse(secret, key) && key->n;
}

static bool fits(struct sv secret, struct sv content, struct sv signatures) {
    struct buf BUF_AUTO key = BUF_INIT(SECRET_BYTES_MAX), right = BUF_INIT(64);
    uint8_t mac[SHA256_BYTES];
    bool found = false;
    if (!key_of(secret, &key))
        return false;
    hmac_sha256(buf_sv(&key), content, mac);
    base64_add(&right, mac, sizeof mac);
    while (signatures.n) {
        struct sv one = sv_word(&signatures);
        found |= sv_starts(one, SV("v1,")) && sv_eq_secret(sv_from(one, 3), buf_sv(&right));
    }
    return found;
}

bool hook_signature_fits(struct sv secrets, const struct hook_signed *s) {
    struct buf BUF_AUTO content = BUF_INIT(s->body.n + HEAD_BYTES_MAX);
    bool good = false;
    buf_join(&content, s->id, SV("."), s->time, SV("."), s->body);
    while (secrets.n)
        good |= fits(sv_word(&secrets), buf_sv(&content), s->signatures);
    return good && !content.overflow;
}
