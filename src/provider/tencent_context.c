/* SessionContext: Tencent takes up to 511 bytes with a call and gives them back in its list of reports, to
 * accounts for which that was opened. One number's is the attempt's token. 200 tokens have no room there, so
 * that of several is a Bloom filter of them: 3048 bits, of which each token sets ten. */
#include "provider/tencent.h"

#include "base/codec.h"

enum { FILTER_BYTES = 381, FILTER_TEXT_BYTES = 508, BITS_A_TOKEN = 10 };

static void bits_of(struct sv token, unsigned out[BITS_A_TOKEN]) {
    uint8_t hash[SHA256_BYTES];
    sha256(token, hash);
    for (size_t i = 0; i < BITS_A_TOKEN; i++)
        out[i] = (unsigned)(hash[2 * i] << 8 | hash[2 * i + 1]) % (FILTER_BYTES * 8);
}

void tencent_context_add(struct buf *out, const struct attempt_view *a, size_t n) {
    if (n == 1) {
        buf_add(out, a->token);
        return;
    }
    uint8_t filter[FILTER_BYTES] = {0};
    for (size_t i = 0; i < n; i++) {
        unsigned bits[BITS_A_TOKEN];
        bits_of(a[i].token, bits);
        for (size_t k = 0; k < BITS_A_TOKEN; k++)
            filter[bits[k] / 8] |= (uint8_t)(1u << bits[k] % 8);
    }
    base64_add(out, filter, sizeof filter);
}

bool tencent_context_has(struct sv context, struct sv token) {
    if (context.n != FILTER_TEXT_BYTES)
        return context.n && sv_eq(context, token);
    struct buf BUF_AUTO filter = BUF_INIT(FILTER_BYTES + 3);
    if (!base64_parse(context, &filter) || filter.n != FILTER_BYTES || !token.n)
        return false;
    unsigned bits[BITS_A_TOKEN];
    bits_of(token, bits);
    for (size_t k = 0; k < BITS_A_TOKEN; k++)
        if (!((uint8_t)filter.p[bits[k] / 8] >> bits[k] % 8 & 1u))
            return false;
    return true;
}
