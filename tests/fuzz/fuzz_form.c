/* Any bytes as a form: bounded, and what is read is written and read again as the same pairs. */
#include "model/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 20);
    struct sv text = sv_make((const char *)data, size), decoded;
    struct form f, again;
    struct err e = ERR_INIT;
    if (percent_decode(text, &mem, &decoded))
        ASSERT(decoded.n <= size);
    if (!form_parse(text, &mem, &f, &e)) {
        ASSERT(e.kind == ERR_INVALID || e.kind == ERR_TOO_LARGE);
        return 0;
    }
    ASSERT(e.kind == ERR_NONE && f.n <= FORM_PAIRS_MAX);
    struct buf BUF_AUTO out = BUF_INIT(1 << 20);
    for (size_t i = 0; i < f.n; i++) {
        ASSERT(form_has(&f, f.pairs[i].key));
        form_add(&out, f.pairs[i].key, f.pairs[i].value);
    }
    ASSERT(!out.overflow);
    if (!form_parse(buf_sv(&out), &mem, &again, &e))
        return 0; /* only for want of room: an escape takes three bytes for one */
    ASSERT(again.n == f.n);
    for (size_t i = 0; i < f.n; i++)
        ASSERT(sv_eq(f.pairs[i].key, again.pairs[i].key) && sv_eq(f.pairs[i].value, again.pairs[i].value));
    return 0;
}
