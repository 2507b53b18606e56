#include "ingest/confirm_text.h"

#include "ingest/code_texts.h"

#include <string.h>

static const struct {
    const char *language, *branded, *bare;
} texts[] = {
    {"zh", "【{brand}】您是否同意接收 {topic} 短信？回复 Y 确认，{hours} 小时内有效；不回复即不订阅。",
     "您是否同意接收 {topic} 短信？回复 Y 确认，{hours} 小时内有效；不回复即不订阅。"},
    {"zh-TW", "【{brand}】您是否同意接收 {topic} 簡訊？回覆 Y 確認，{hours} 小時內有效；不回覆即不訂閱。",
     "您是否同意接收 {topic} 簡訊？回覆 Y 確認，{hours} 小時內有效；不回覆即不訂閱。"},
    {"en",
     "{brand}: reply Y within {hours} h to confirm that you want texts about {topic}. Without an answer you "
     "get none. STOP ends all.",
     "Reply Y within {hours} h to confirm that you want texts about {topic}. Without an answer you get none. "
     "STOP ends all."},
};
enum { TEXTS = sizeof texts / sizeof texts[0] };

static size_t place_of(const struct confirm_asking *a) {
    struct sv language = code_language(a->language, a->number);
    for (size_t i = 0; i + 1 < TEXTS; i++)
        if (sv_eq(language, sv_of(texts[i].language)))
            return i;
    return TEXTS - 1;
}

struct sv confirm_language(const struct confirm_asking *a) {
    return sv_of(texts[place_of(a)].language);
}

void confirm_say(const struct confirm_asking *a, struct buf *out) {
    size_t at = place_of(a);
    struct sv rest = sv_of(a->brand.n ? texts[at].branded : texts[at].bare);
    for (size_t open; (open = sv_find_char(rest, '{')) != SIZE_MAX;) {
        buf_add(out, sv_sub(rest, 0, open));
        rest = sv_from(rest, open + 1);
        struct sv name = sv_cut(&rest, '}');
        if (sv_eq(name, SV("hours")))
            buf_addf(out, "%u", a->hours);
        else
            buf_add(out, sv_eq(name, SV("brand")) ? a->brand : a->topic);
    }
    buf_add(out, rest);
}
