#include "text/screen/leet.h"

#include <endian.h>
#include <string.h>

#define HIGH_BITS 0x8080808080808080u

/* What turns a byte into that of its class, 0 for most; letters that share a look-alike (i and l by 1) share
 * a class. */
#define FLIP(byte, as) [byte] = (byte) ^ (as)
static const char flip[256] = {
    FLIP('0', 'o'), FLIP('1', 'i'), FLIP('!', 'i'), FLIP('|', 'i'), FLIP('l', 'i'),
    FLIP('3', 'e'), FLIP('4', 'a'), FLIP('@', 'a'), FLIP('5', 's'), FLIP('$', 's'),
    FLIP('7', 't'), FLIP('+', 't'), FLIP('8', 'b'), FLIP('9', 'g'),
};

static char class_of(char c) {
    return (char)(c ^ flip[(unsigned char)c]);
}

void leet_skeleton(const char *folded, size_t n, char *out) {
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t w;
        memcpy(&w, folded + i, 8);
        uint64_t ascii = ~le64toh(w) & HIGH_BITS;
        if (ascii == HIGH_BITS) {
            for (size_t k = i; k < i + 8; k++)
                out[k] = class_of(folded[k]);
            continue;
        }
        memcpy(out + i, &w, 8);
        for (; ascii; ascii &= ascii - 1) { /* few stand among Chinese characters */
            size_t k = i + (size_t)__builtin_ctzll(ascii) / 8;
            out[k] = class_of(folded[k]);
        }
    }
    for (; i < n; i++)
        out[i] = class_of(folded[i]);
}

bool leet_stands(char seen, char meant) {
    if (meant < 'a' || meant > 'z' || (seen >= 'a' && seen <= 'z'))
        return false;
    return class_of(seen) == class_of(meant);
}
