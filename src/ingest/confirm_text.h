/* confirm_text: what a text says that asks a recipient to confirm a consent (double opt-in), where no
 * template does. Pure.
 */
#ifndef HY_INGEST_CONFIRM_TEXT_H
#define HY_INGEST_CONFIRM_TEXT_H

#include "base/buf.h"

struct confirm_asking {
    struct sv brand, topic; /* brand: may be empty */
    uint32_t hours;         /* that the answer counts */
    struct sv language;     /* BCP 47; empty: that of the number's country */
    struct sv number;
};

/* The language of what confirm_say says: "zh", "zh-TW" or "en". */
struct sv confirm_language(const struct confirm_asking *a);
void confirm_say(const struct confirm_asking *a, struct buf *out);

#endif
