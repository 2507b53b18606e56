#include "provider/view.h"

#include "model/content.h"

struct attempt_view view_of_message(const struct message *m, unsigned step, const struct lane_config *lane,
                                    struct arena *mem) {
    struct content_step s;
    struct content_code code;
    content_read(m, step, lane->adapter->name, lane->name, mem, &s, &code);
    return (struct attempt_view){
        .message_id = m->id,
        .expires_at = m->expires_at,
        .channel = s.channel,
        .priority = m->priority,
        .to = s.to,
        .from = s.from,
        .body = s.body,
        .title = s.title,
        .html = s.html,
        .data = s.data,
        .collapse = s.collapse,
        .language = s.language,
        .code = {.code = code.code, .sign = code.sign, .params = code.params},
        .traceparent = m->text[TEXT_TRACEPARENT],
    };
}

enum reason view_refused(const struct message *m, const struct lane_config *lane) {
    if (!lane_has_channel(lane, content_channel(m, m->head.step)))
        return REASON_NO_LANE;
    if (!lane->adapter->refuses)
        return REASON_NONE;
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 2 * CONTENT_BYTES_MAX);
    struct attempt_view v = view_of_message(m, m->head.step, lane, &mem);
    return lane->adapter->refuses(lane, &v);
}
