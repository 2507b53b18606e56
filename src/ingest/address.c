#include "ingest/address.h"

#include "text/phone.h"

#include <string.h>

enum { E164_DIGITS_MIN = 7, E164_DIGITS_MAX = 15 };

static bool is_e164(struct sv v) {
    struct sv digits = sv_from(v, 1);
    return sv_starts(v, SV("+")) && digits.n >= E164_DIGITS_MIN && digits.n <= E164_DIGITS_MAX &&
           digits.p[0] != '0' && sv_is_digits(digits);
}

/* One word of letters, digits and the signs of addresses and tokens, with a letter in it; or a short code. */
static bool is_word(struct sv v) {
    bool letter = false;
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if (c <= ' ' || c == 0x7f)
            return false;
        letter |= (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    }
    return letter || (sv_is_digits(v) && v.n < E164_DIGITS_MIN);
}

bool address_read(struct sv text, struct sv region, char out[SUPPRESSION_NUMBER_BYTES_MAX],
                  struct sv *address, struct err *e) {
    struct phone phone;
    struct err why = ERR_INIT;
    text = sv_trim(text);
    if (text.n == 0)
        return err_set_field(e, ERR_INVALID, "number", "`number` is missing");
    if (text.n > SUPPRESSION_NUMBER_BYTES_MAX || !sv_is_utf8(text))
        return err_set_field(e, ERR_INVALID, "number", "`number` has at most %d bytes of UTF-8",
                             SUPPRESSION_NUMBER_BYTES_MAX);
    if (phone_parse(text, region, &phone, &why)) {
        *address = sv_of(phone.e164);
    } else if (is_e164(text) || is_word(text)) {
        *address = text;
    } else {
        return err_set_field(e, ERR_INVALID, "number", "%s", why.text);
    }
    struct sv folded = suppression_address(*address, out);
    if (folded.p != out)
        memcpy(out, folded.p, folded.n);
    *address = sv_make(out, folded.n);
    return true;
}

bool address_check_listed(struct sv address, struct err *e) {
    enum { TOKEN_BYTES_MIN = 20 }; /* of devices; Bark's have 22 */
    size_t digits = 0, letters = 0;
    for (size_t i = 0; i < address.n; i++) {
        unsigned char c = (unsigned char)address.p[i], low = c | 0x20;
        digits += c >= '0' && c <= '9';
        letters += low >= 'a' && low <= 'z';
    }
    bool scheme = sv_find_char(address, '@') != SIZE_MAX || sv_find_char(address, ':') != SIZE_MAX;
    bool word = letters == address.n, number = letters && digits >= E164_DIGITS_MIN && letters <= 2;
    return scheme || address.n >= TOKEN_BYTES_MIN || (!word && !number) ||
           err_set_field(
               e, ERR_INVALID, "number",
               "`number` is %s: a telephone number, an e-mail address, whatsapp:+..., a short code or "
               "a device's token may stand there",
               word ? "a word" : "a telephone number with letters in it");
}
