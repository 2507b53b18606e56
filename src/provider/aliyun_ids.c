/* Numbers in the API's forms, and the OutId by which a message is known again. */
#include "provider/aliyun.h"

#include "base/codec.h"

enum {
    TAG_BYTES = 5,
    MARK_BYTES = 3, /* "bc." or "bw.": a batch to China, or to the world */
    NUMBER_DIGITS_MIN = 7,
    NUMBER_DIGITS_MAX = 15,
};

bool aliyun_is_china(struct sv e164) {
    return sv_starts(e164, SV("+86"));
}

struct sv aliyun_number(struct sv e164) {
    if (aliyun_is_china(e164))
        return sv_from(e164, 3);
    return sv_from(e164, sv_starts(e164, SV("+")) ? 1 : 0);
}

static bool is_chinese_mobile(struct sv digits) {
    return digits.n == 11 && digits.p[0] == '1' && digits.p[1] >= '3';
}

struct sv aliyun_e164(struct sv number, bool foreign, struct arena *mem) {
    struct sv digits = sv_starts(number, SV("+"))    ? sv_from(number, 1)
                       : sv_starts(number, SV("00")) ? sv_from(number, 2)
                                                     : number;
    uint64_t x;
    if (digits.n < NUMBER_DIGITS_MIN || digits.n > NUMBER_DIGITS_MAX || !sv_to_u64(digits, &x))
        return SV_NONE;
    bool bare = digits.n == number.n && !foreign && is_chinese_mobile(digits);
    struct buf BUF_AUTO out = BUF_INIT(32);
    buf_adds(&out, bare ? "+86" : "+");
    buf_add(&out, digits);
    return arena_dup(mem, buf_sv(&out));
}

/* Thirty of the bits of the token's keyed checksum, which ends it. */
static bool tag_of(struct sv token, char out[TAG_BYTES]) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t bytes[4];
    if (token.n < 8 || !hex_parse(sv_from(token, token.n - 8), bytes, sizeof bytes))
        return false;
    uint32_t x = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    for (size_t i = 0; i < TAG_BYTES; i++, x >>= 6)
        out[i] = digits[x & 63];
    return true;
}

void aliyun_batch_out_id(const struct attempt_view *a, size_t n, struct buf *out) {
    char tag[TAG_BYTES];
    buf_adds(out, aliyun_is_china(a[0].to) ? "bc." : "bw.");
    for (size_t i = 0; i < n; i++)
        if (tag_of(a[i].token, tag))
            buf_add(out, sv_make(tag, sizeof tag));
}

bool aliyun_is_batch_out_id(struct sv out_id, bool *foreign) {
    *foreign = sv_starts(out_id, SV("bw."));
    return *foreign || sv_starts(out_id, SV("bc."));
}

bool aliyun_is_out_id_of(struct sv out_id, const struct attempt_view *a) {
    char tag[TAG_BYTES];
    bool foreign;
    if (a->token.n && sv_eq(out_id, a->token))
        return true;
    if (!aliyun_is_batch_out_id(out_id, &foreign) || !tag_of(a->token, tag))
        return false;
    for (size_t at = MARK_BYTES; at + TAG_BYTES <= out_id.n; at += TAG_BYTES)
        if (sv_eq(sv_sub(out_id, at, TAG_BYTES), sv_make(tag, sizeof tag)))
            return true;
    return false;
}
