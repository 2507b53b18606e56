#include "model/link.h"

#include <string.h>

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const uint64_t CODES = UINT64_C(839299365868340224); /* 62^10 */

bool link_code_of(uint64_t random, int64_t *code) {
    *code = (int64_t)(random % CODES);
    return random < UINT64_MAX / CODES * CODES;
}

void link_print_code(int64_t code, struct buf *out) {
    char text[LINK_CODE_CHARS];
    for (size_t i = LINK_CODE_CHARS; i-- > 0; code /= 62)
        text[i] = digits[code % 62];
    buf_add(out, sv_make(text, sizeof text));
}

void link_print(struct sv base, int64_t code, struct buf *out) {
    buf_add(out, base);
    buf_adds(out, "/l/");
    link_print_code(code, out);
}

bool link_parse_code(struct sv text, int64_t *code) {
    int64_t n = 0;
    if (text.n != LINK_CODE_CHARS)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        const char *at = text.p[i] ? strchr(digits, text.p[i]) : NULL;
        if (!at)
            return false;
        n = n * 62 + (at - digits);
    }
    *code = n;
    return true;
}
