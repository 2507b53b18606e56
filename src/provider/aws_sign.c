/* Signature Version 4, of a POST to "/" without a query: all that both APIs need. */
#include "provider/aws.h"

#include "base/clock.h"
#include "base/codec.h"

#include <string.h>

enum { URL_BYTES_MAX = 1024, CANONICAL_BYTES_MAX = 16 * 1024 };

bool aws_is_sns(const struct lane_config *lane) {
    return sv_eq(kit_field(lane, AWS_API), SV("sns"));
}

static const char *service_of(const struct lane_config *lane) {
    return aws_is_sns(lane) ? "sns" : "sms-voice";
}

static void add_base(const struct lane_config *lane, struct buf *out) {
    struct sv base = kit_field(lane, AWS_BASE_URL), region = kit_field(lane, AWS_REGION);
    if (base.n)
        buf_add(out, base);
    else
        buf_addf(out, "https://%s.%.*s.amazonaws.com%s", service_of(lane), SV_FMT(region),
                 sv_starts(region, SV("cn-")) ? ".cn" : "");
}

static void add_hash(struct buf *out, struct sv data) {
    uint8_t hash[SHA256_BYTES];
    sha256(data, hash);
    hex_add(out, hash, sizeof hash);
}

/* 20260102T030405Z */
static void stamp(int64_t now, char out[17]) {
    struct buf BUF_AUTO t = BUF_INIT(64);
    clock_add_rfc3339(&t, now); /* 2026-01-02T03:04:05.678Z */
    static const uint8_t places[] = {0, 1, 2, 3, 5, 6, 8, 9, 10, 11, 12, 14, 15, 17, 18};
    for (size_t i = 0; i < sizeof places; i++)
        out[i] = t.p[places[i]];
    memcpy(out + sizeof places, "Z", 2);
}

static void signing_key(const struct lane_config *lane, struct sv secret, struct sv day,
                        uint8_t key[SHA256_BYTES]) {
    struct buf BUF_AUTO first = BUF_INIT(1024);
    buf_adds(&first, "AWS4");
    buf_add(&first, secret);
    hmac_sha256(buf_sv(&first), day, key);
    const struct sv steps[] = {kit_field(lane, AWS_REGION), sv_of(service_of(lane)), SV("aws4_request")};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        hmac_sha256(sv_make((const char *)key, SHA256_BYTES), steps[i], key);
    if (first.p)
        explicit_bzero(first.p, first.n);
}

bool aws_request(const struct lane_config *lane, struct sv grant, struct sv target, const struct buf *body,
                 int64_t now, struct arena *mem, struct http_request *out, struct err *e) {
    struct aws_keys keys = aws_keys_of(lane, grant);
    struct sv token = keys.token, region = kit_field(lane, AWS_REGION);
    struct sv type = target.n ? SV("application/x-amz-json-1.0") : SV("application/x-www-form-urlencoded");
    struct buf BUF_AUTO url = BUF_INIT(URL_BYTES_MAX), BUF_AUTO scope = BUF_INIT(256),
                        BUF_AUTO canonical = BUF_INIT(CANONICAL_BYTES_MAX), BUF_AUTO names = BUF_INIT(128),
                        BUF_AUTO said = BUF_INIT(1024), BUF_AUTO value = BUF_INIT(1024);
    char date[17];
    stamp(now, date);
    add_base(lane, &url);
    struct sv host = sv_from(buf_sv(&url), sv_find(buf_sv(&url), SV("://")) + 3);
    struct sv day = sv_make(date, 8);

    buf_adds(&names, "content-type;host;x-amz-date");
    buf_addf(&canonical, "POST\n/\n\ncontent-type:%.*s\nhost:%.*s\nx-amz-date:%s\n", SV_FMT(type),
             SV_FMT(host), date);
    if (token.n) {
        buf_addf(&canonical, "x-amz-security-token:%.*s\n", SV_FMT(token));
        buf_adds(&names, ";x-amz-security-token");
    }
    if (target.n) {
        buf_addf(&canonical, "x-amz-target:%.*s\n", SV_FMT(target));
        buf_adds(&names, ";x-amz-target");
    }
    buf_addf(&canonical, "\n%.*s\n", SV_FMT(buf_sv(&names)));
    add_hash(&canonical, buf_sv(body));

    buf_addf(&scope, "%.*s/%.*s/%s/aws4_request", SV_FMT(day), SV_FMT(region), service_of(lane));
    buf_addf(&said, "AWS4-HMAC-SHA256\n%s\n%.*s\n", date, SV_FMT(buf_sv(&scope)));
    add_hash(&said, buf_sv(&canonical));
    uint8_t key[SHA256_BYTES], mac[SHA256_BYTES];
    signing_key(lane, keys.secret, day, key);
    hmac_sha256(sv_make((const char *)key, sizeof key), buf_sv(&said), mac);
    explicit_bzero(key, sizeof key);
    buf_addf(&value, "AWS4-HMAC-SHA256 Credential=%.*s/%.*s, SignedHeaders=%.*s, Signature=", SV_FMT(keys.id),
             SV_FMT(buf_sv(&scope)), SV_FMT(buf_sv(&names)));
    hex_add(&value, mac, sizeof mac);
    buf_addc(&url, '/');
    if (url.overflow || scope.overflow || canonical.overflow || names.overflow || said.overflow ||
        value.overflow || body->overflow)
        return err_set(e, ERR_TOO_LARGE, "the message or the lane's settings are too long for one request");

    *out = (struct http_request){.method = HTTP_POST, .url = arena_dup(mem, buf_sv(&url))};
    http_add_header(out, SV("Content-Type"), type);
    http_add_header(out, SV("X-Amz-Date"), arena_dup(mem, sv_of(date)));
    if (token.n)
        http_add_header(out, SV("X-Amz-Security-Token"), arena_dup(mem, token));
    if (target.n)
        http_add_header(out, SV("X-Amz-Target"), arena_dup(mem, target));
    http_add_header(out, SV("Authorization"), arena_dup(mem, buf_sv(&value)));
    out->body = arena_dup(mem, buf_sv(body));
    return !mem->full || err_set(e, ERR_TOO_LARGE, "no room to build the request");
}
