/* Any bytes as a reply: the answer is in range, the same each time, and a clear stop in front changes no sign
 * of what follows. */
#include "base/buf.h"
#include "base/err.h"
#include "text/mood/mood.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sv text = sv_make((const char *)data, size);
    struct mood m = mood_of(text), again = mood_of(text);
    ASSERT(m.polarity >= -1 && m.polarity <= 1);
    ASSERT(m.words <= size);
    ASSERT(m.polarity == 0 || m.words > 0);
    ASSERT((m.label == MOOD_NEGATIVE) == (m.polarity < MOOD_NEGATIVE_BELOW));
    ASSERT((m.label == MOOD_POSITIVE) == (m.polarity > MOOD_POSITIVE_ABOVE));
    ASSERT(m.words == again.words && m.label == again.label);

    BUF_AUTO struct buf spaced = BUF_INIT(1 << 23);
    buf_adds(&spaced, "not.\n");
    buf_add(&spaced, text);
    if (spaced.overflow)
        return 0;
    ASSERT(mood_of(buf_sv(&spaced)).words == m.words);
    return 0;
}
