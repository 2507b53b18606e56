#include "provider/tc3.h"

#include "base/clock.h"
#include "base/codec.h"

enum { CANONICAL_BYTES_MAX = 4096, DATE_BYTES = 10 };

static void add_sha256(struct buf *out, struct sv data) {
    uint8_t hash[SHA256_BYTES];
    sha256(data, hash);
    hex_add(out, hash, sizeof hash);
}

static struct sv bytes(const uint8_t key[SHA256_BYTES]) {
    return sv_make((const char *)key, SHA256_BYTES);
}

void tc3_authorization(const struct tc3_request *rq, struct buf *out) {
    struct buf BUF_AUTO canonical = BUF_INIT(CANONICAL_BYTES_MAX),
                        BUF_AUTO text = BUF_INIT(CANONICAL_BYTES_MAX), BUF_AUTO date = BUF_INIT(64);
    clock_add_rfc3339(&date, rq->at_s * US_PER_S);
    struct sv day = sv_sub(buf_sv(&date), 0, DATE_BYTES);

    buf_addf(&canonical, "POST\n%.*s\n\ncontent-type:%.*s\nhost:%.*s\n\ncontent-type;host\n",
             SV_FMT(rq->path), SV_FMT(rq->content_type), SV_FMT(rq->host));
    add_sha256(&canonical, rq->body);
    buf_addf(&text, "TC3-HMAC-SHA256\n%lld\n%.*s/%.*s/tc3_request\n", (long long)rq->at_s, SV_FMT(day),
             SV_FMT(rq->service));
    add_sha256(&text, buf_sv(&canonical));

    uint8_t key[SHA256_BYTES], next[SHA256_BYTES];
    struct buf BUF_AUTO first = BUF_INIT(CANONICAL_BYTES_MAX);
    buf_adds(&first, "TC3");
    buf_add(&first, rq->secret_key);
    hmac_sha256(buf_sv(&first), day, key);
    hmac_sha256(bytes(key), rq->service, next);
    hmac_sha256(bytes(next), SV("tc3_request"), key);
    hmac_sha256(bytes(key), buf_sv(&text), next);
    buf_addf(out,
             "TC3-HMAC-SHA256 Credential=%.*s/%.*s/%.*s/tc3_request, SignedHeaders=content-type;host, "
             "Signature=",
             SV_FMT(rq->secret_id), SV_FMT(day), SV_FMT(rq->service));
    hex_add(out, next, sizeof next);
    if (canonical.overflow || text.overflow || first.overflow)
        out->overflow = true;
}
