/* Counts texts from standard input, each ended by a NUL byte: "GSM-7 12 1" a line. For npm/compare.js. */
#include "text/segments.h"

#include <stdio.h>
#include <stdlib.h>

int main(void) {
    char *text = NULL;
    size_t cap = 0;
    ssize_t n;
    while ((n = getdelim(&text, &cap, '\0', stdin)) > 0) {
        struct sv v = sv_make(text, (size_t)n - (text[n - 1] == '\0'));
        if (!sv_is_utf8(v))
            return EXIT_FAILURE;
        struct segments s = segments_count(v, SEGMENTS_INTERNATIONAL);
        printf("%s %zu %zu\n", sms_encoding_name(s.encoding), s.units, s.segments);
    }
    free(text);
    return EXIT_SUCCESS;
}
