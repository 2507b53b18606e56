#include "text/screen/leet.h"

/* The byte's class; letters that share a look-alike (i and l by 1) share a class. 0: the byte itself. */
static const char class_of[256] = {
    ['0'] = 'o', ['1'] = 'i', ['!'] = 'i', ['|'] = 'i', ['l'] = 'i', ['3'] = 'e', ['4'] = 'a',
    ['@'] = 'a', ['5'] = 's', ['$'] = 's', ['7'] = 't', ['+'] = 't', ['8'] = 'b', ['9'] = 'g',
};

void leet_skeleton(const char *folded, size_t n, char *out) {
    for (size_t i = 0; i < n; i++) {
        char c = class_of[(unsigned char)folded[i]];
        out[i] = c ? c : folded[i];
    }
}

bool leet_stands(char seen, char meant) {
    if (meant < 'a' || meant > 'z' || (seen >= 'a' && seen <= 'z'))
        return false;
    char c = class_of[(unsigned char)seen];
    return c && (c == meant || class_of[(unsigned char)meant] == c);
}
