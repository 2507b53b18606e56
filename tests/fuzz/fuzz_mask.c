/* Any bytes as a log text: the output is bounded, and a code in front of them is hidden whatever follows. */
#include "base/err.h"
#include "text/mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sv text = sv_make((const char *)data, size);
    BUF_AUTO struct buf out = BUF_INIT(1 << 20);
    mask_text(text, &out);
    ASSERT(out.overflow || out.n <= 3 * size + 3);
    BUF_AUTO struct buf number = BUF_INIT(1 << 20);
    mask_phone(text, &number);
    ASSERT(number.overflow || number.n <= size + 3);
    BUF_AUTO struct buf small = BUF_INIT(16);
    mask_text(text, &small);
    ASSERT(small.n <= 16);

    BUF_AUTO struct buf with_code = BUF_INIT(1 << 20), hidden = BUF_INIT(1 << 21);
    buf_adds(&with_code, "a 739182 ");
    buf_add(&with_code, text);
    mask_text(buf_sv(&with_code), &hidden);
    ASSERT(hidden.overflow || sv_find(sv_sub(buf_sv(&hidden), 0, 8), SV("739182")) == SIZE_MAX);
    return 0;
}
