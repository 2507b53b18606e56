/* content: what a message carries besides its text: the parts of other channels, the codes under which
 * providers know its template, and the plan of channels to try one after the other.
 *
 * Stored as one JSON object (TEXT_CONTENT), made once at admission and never changed; most messages have
 * none. Its members, all optional:
 *   time_zone "Asia/Shanghai": the recipient's
 *   max_price 20000: its ceiling, in micro-units (model/price)
 *   language  "zh-CN"
 *   title     an e-mail's subject, a push's title        html  an e-mail's other part
 *   codes     {"PROVIDER or LANE or *": {"code", "sign", "params": {name: text} or [text]}}
 *   data      what an app gets with a push: {name: text}      collapse  the push it takes the place of
 *   wait_s    go on to the plan's next channel when no receipt of delivery came within so many seconds
 *   sealed    the texts as they are sent, where those that stand here are masked (model/secret)
 *   plan      [{"channel", "to", "from", "body", "title", "html", "data", "collapse", "wait_s"}]: the
 * channels after the first
 */
#ifndef HY_MODEL_CONTENT_H
#define HY_MODEL_CONTENT_H

#include "base/arena.h"
#include "model/message.h"

enum { CONTENT_BYTES_MAX = 256 * 1024 };

/* One channel of a message, ready to be sent. Views into the message or the arena. */
struct content_step {
    enum channel channel;
    struct sv to, from, body, title, html, language;
    struct sv data, collapse; /* of a push; data is JSON */
    uint32_t wait_s;          /* 0: only a failure leads on */
};

struct content_code {
    struct sv code, sign;
    struct sv params; /* JSON */
};

/* The recipient's time zone, as the caller gave it; empty: not given. Stands first, so that it costs no
 * parsing. */
struct sv content_time_zone(const struct message *m);
/* Notes in m->plan which channels it has, whether its texts are sealed, and its ceiling; after its texts and
 * its channel are set. */
void content_note_plan(struct message *m);
/* The channel of a step of the plan: 0 is the first. */
enum channel content_channel(const struct message *m, unsigned step);
/* What is sent on a step of the plan; and, where `name` or `lane` is found among its codes (a
 * lane's own code goes before its provider's), the code. Copies only what does not stand in the message. */
void content_read(const struct message *m, unsigned step, const char *provider, const char *lane,
                  struct arena *mem, struct content_step *out, struct content_code *code);
/* How long that step waits for a receipt before the next one is tried, in seconds; 0: no such limit. */
uint32_t content_wait_s(const struct message *m, unsigned step);

#endif
