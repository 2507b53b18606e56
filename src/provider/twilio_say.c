#include "provider/twilio_say.h"

#include "base/codec.h"
#include "base/vault.h"

#include <openssl/crypto.h>
#include <string.h>

enum {
    BYTES_MAX = 64 * 1024,
    CODE_DIGITS_MIN = 4, /* shorter runs are read as numbers: "5 minutes" */
    PRESSES_MAX = 9,     /* in one call: a key that is stuck ends, too */
    SEALED_CHARS_MAX = 1200,
};

/* What is said and how; views. */
struct said {
    struct sv language, voice, text;
    unsigned presses; /* how many more keys repeat it */
};

/* ---- language ---- */

/* Twilio's name of a language, a voice that surely speaks it where the default one does not, and how it says
 * that any key repeats. */
struct tongue {
    const char *tag, *say, *voice, *keys;
};

static const struct tongue tongues[] = {
    {"zh-HK", "yue-HK", NULL, "重聽請按任意鍵。"},
    {"yue", "yue-HK", NULL, "重聽請按任意鍵。"},
    {"zh-TW", "cmn-TW", NULL, "重聽請按任意鍵。"},
    {"zh-Hant", "cmn-TW", NULL, "重聽請按任意鍵。"},
    {"zh", "cmn-CN", "Polly.Zhiyu", "重听请按任意键。"},
    {"en", "en-US", NULL, "To hear it again, press any key."},
    {"de", "de-DE", NULL, "Zum Wiederholen drücken Sie eine beliebige Taste."},
    {"es", "es-ES", NULL, "Para volver a escuchar, pulse cualquier tecla."},
    {"fr", "fr-FR", NULL, "Pour réécouter, appuyez sur une touche."},
    {"it", "it-IT", NULL, "Per riascoltare, premere un tasto qualsiasi."},
    {"ja", "ja-JP", NULL, "もう一度聞くには、いずれかのキーを押してください。"},
    {"ko", "ko-KR", NULL, "다시 들으시려면 아무 번호나 누르세요."},
    {"pt", "pt-BR", NULL, "Para ouvir novamente, pressione qualquer tecla."},
    {"ru", "ru-RU", NULL, "Чтобы прослушать ещё раз, нажмите любую клавишу."},
};

static bool has_han(struct sv text) {
    for (size_t i = 0; i + 2 < text.n; i++) {
        unsigned char a = (unsigned char)text.p[i];
        if (a >= 0xe4 && a <= 0xe9) /* U+4000 to U+9FFF in UTF-8 */
            return true;
    }
    return false;
}

/* zh-Hans-CN: zh; en-GB is a name that Twilio has itself. */
static void choose(const struct lane_config *lane, const struct attempt_view *a, struct said *s) {
    struct sv tag = a->language.n ? a->language : has_han(a->body) ? SV("zh") : SV_NONE;
    s->voice = kit_field(lane, VOICE_VOICE);
    s->language = kit_field(lane, VOICE_LANGUAGE);
    if (!tag.n)
        return;
    for (size_t i = 0; i < sizeof tongues / sizeof tongues[0]; i++) {
        struct sv head = sv_sub(tag, 0, strlen(tongues[i].tag));
        bool whole = tag.n == head.n || tag.p[head.n] == '-';
        bool regional = tag.n > head.n && head.n == 2 && !sv_eq(head, SV("zh")) && tag.n == 5;
        if (whole && sv_eq_nocase(head, sv_of(tongues[i].tag)) && !regional) {
            s->language = sv_of(tongues[i].say);
            if (!s->voice.n && tongues[i].voice)
                s->voice = sv_of(tongues[i].voice);
            return;
        }
    }
    if (kit_is_word(tag, "-.", 64))
        s->language = tag;
}

static struct sv keys_in(struct sv say) {
    size_t n = sizeof tongues / sizeof tongues[0];
    for (size_t i = 0; i < n; i++)
        if (sv_eq(say, sv_of(tongues[i].say)))
            return sv_of(tongues[i].keys);
    for (size_t i = 0; i < n; i++)
        if (say.n > 2 && say.p[2] == '-' && sv_eq(sv_sub(say, 0, 2), sv_of(tongues[i].tag)))
            return sv_of(tongues[i].keys);
    return SV_NONE;
}

/* ---- the document ---- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* The text with each digit of a code set apart, so that it is read as digits whatever the voice thinks of
 * numbers. */
static void add_spoken(struct buf *out, struct sv text, bool chinese) {
    for (size_t i = 0; i < text.n;) {
        size_t n = 0;
        while (i + n < text.n && is_digit(text.p[i + n]))
            n++;
        for (size_t k = 0; k < n && n >= CODE_DIGITS_MIN; k++) {
            if (k)
                buf_adds(out, chinese ? "，" : ", ");
            buf_addc(out, text.p[i + k]);
        }
        for (size_t k = 0; k < n && n < CODE_DIGITS_MIN; k++)
            buf_addc(out, text.p[i + k]);
        i += n;
        for (n = 0; i + n < text.n && !is_digit(text.p[i + n]);)
            n++;
        twilio_add_xml(out, sv_sub(text, i, n));
        i += n;
    }
}

static size_t characters(struct sv v) {
    size_t n = 0;
    for (size_t i = 0; i < v.n; i++)
        n += ((unsigned char)v.p[i] & 0xc0) != 0x80;
    return n;
}

static const struct sv pause_s = {"<Pause length=\"1\"/>", 19};

static void add_say(struct buf *out, const struct said *s, struct sv text) {
    struct sv l = s->language;
    buf_join(out, SV("<Say language=\""), l, SV("\""));
    if (s->voice.n)
        buf_join(out, SV(" voice=\""), s->voice, SV("\""));
    buf_addc(out, '>');
    add_spoken(out, text, sv_starts(l, SV("cmn")) || sv_starts(l, SV("yue")) || sv_starts(l, SV("zh")));
    buf_join(out, SV("</Say>"), pause_s);
}

/* action: where a pressed key is told; empty: nowhere. False, and out is as it was, when once is too much. */
static bool add_twiml(const struct said *s, struct sv action, uint64_t times, struct buf *out) {
    struct buf BUF_AUTO once = BUF_INIT(BYTES_MAX), BUF_AUTO head = BUF_INIT(BYTES_MAX),
                        BUF_AUTO keys = BUF_INIT(BYTES_MAX);
    struct sv foot = action.n ? SV("</Gather></Response>") : SV("</Response>"), told = keys_in(s->language);
    add_say(&once, s, s->text);
    buf_join(&head, SV("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>"), pause_s);
    if (action.n) {
        buf_adds(&head, "<Gather action=\"");
        twilio_add_xml(&head, action);
        buf_adds(&head, "\" numDigits=\"1\" timeout=\"5\">");
        if (told.n)
            add_say(&keys, s, told);
    }
    size_t each = characters(buf_sv(&once)),
           used = characters(buf_sv(&head)) + characters(buf_sv(&keys)) + foot.n + each;
    if (once.overflow || head.overflow || used > TWIML_CHARS_MAX)
        return false;
    buf_join(out, buf_sv(&head), buf_sv(&once), buf_sv(&keys));
    for (uint64_t i = 1; i < times && used + each <= TWIML_CHARS_MAX; i++, used += each)
        buf_add(out, buf_sv(&once));
    buf_add(out, foot);
    return !out->overflow;
}

/* ---- keys ---- */

static void key_of(const struct lane_config *lane, uint8_t key[SHA256_BYTES]) {
    hmac_sha256(lane->fields[TWILIO_AUTH_TOKEN], SV("hongyan: what a call says"), key);
}

/* base&say=SEALED. The nonce is a hash, under the same key, of all that is sealed and of where it belongs: it
 * comes twice only where the whole address does. False: it would be too long. */
static bool add_action(const struct lane_config *lane, const struct said *s, struct sv base,
                       struct buf *out) {
    struct buf BUF_AUTO plain = BUF_INIT(SEALED_CHARS_MAX), BUF_AUTO whole = BUF_INIT(BYTES_MAX);
    uint8_t key[SHA256_BYTES], nonce[SHA256_BYTES], sealed[SEALED_CHARS_MAX + VAULT_HEAD_BYTES];
    buf_addf(&plain, "%u\n%.*s\n%.*s\n%.*s", s->presses, SV_FMT(s->language), SV_FMT(s->voice),
             SV_FMT(s->text));
    if (plain.overflow || (plain.n + VAULT_HEAD_BYTES) * 4 / 3 > SEALED_CHARS_MAX)
        return false;
    buf_join(&whole, buf_sv(&plain), SV("\n"), base);
    key_of(lane, key);
    hmac_sha256(sv_make((const char *)key, sizeof key), buf_sv(&whole), nonce);
    vault_seal_bytes(key, nonce, buf_sv(&plain), sealed);
    buf_join(out, base, SV("&say="));
    base64url_add(out, sealed, plain.n + VAULT_HEAD_BYTES);
    OPENSSL_cleanse(key, sizeof key);
    return !out->overflow;
}

static bool open_action(const struct lane_config *lane, struct sv sealed, struct arena *mem,
                        struct said *out) {
    struct buf BUF_AUTO bytes = BUF_INIT(SEALED_CHARS_MAX + VAULT_HEAD_BYTES);
    uint8_t key[SHA256_BYTES];
    if (sealed.n > SEALED_CHARS_MAX || !base64url_parse(sealed, &bytes) || bytes.n < VAULT_HEAD_BYTES)
        return false;
    size_t n = bytes.n - VAULT_HEAD_BYTES;
    char *plain = arena_alloc(mem, n + 1);
    key_of(lane, key);
    bool ok = plain && vault_open_bytes(key, buf_sv(&bytes), plain);
    OPENSSL_cleanse(key, sizeof key);
    if (!ok)
        return false;
    struct sv rest = sv_make(plain, n);
    uint64_t presses;
    ok = sv_to_u64(sv_cut(&rest, '\n'), &presses) && presses <= PRESSES_MAX;
    *out = (struct said){.presses = ok ? (unsigned)presses : 0};
    out->language = sv_cut(&rest, '\n');
    out->voice = sv_cut(&rest, '\n');
    out->text = rest;
    return ok;
}

/* ---- from outside ---- */

bool twilio_say(const struct lane_config *lane, const struct attempt_view *a, struct buf *out) {
    struct said s = {.text = a->body, .presses = PRESSES_MAX};
    struct buf BUF_AUTO action = BUF_INIT(BYTES_MAX);
    struct sv keys = kit_field(lane, VOICE_KEYS);
    uint64_t times = 1;
    (void)sv_to_u64(kit_field(lane, VOICE_REPEAT), &times);
    choose(lane, a, &s);
    bool on = a->status_url.n && (sv_eq(keys, SV("yes")) || sv_eq(keys, SV("true")));
    return (on && add_action(lane, &s, a->status_url, &action) &&
            add_twiml(&s, buf_sv(&action), times, out)) ||
           add_twiml(&s, SV_NONE, times, out);
}

bool twilio_say_asked(const struct form *query) {
    return form_has(query, SV("say"));
}

bool twilio_say_again(const struct lane_config *lane, const struct hook_request *rq, const struct form *query,
                      struct arena *mem, struct hook_reply *reply, struct err *e) {
    struct buf BUF_AUTO action = BUF_INIT(BYTES_MAX), BUF_AUTO twiml = BUF_INIT(BYTES_MAX);
    struct sv base = sv_sub(rq->url, 0, sv_find(rq->url, SV("&say=")));
    struct said s;
    if (!open_action(lane, twilio_only(query, SV("say")), mem, &s))
        return err_set_field(e, ERR_INVALID, "say", "nothing that this lane had said in a call");
    if (s.presses > 0) {
        s.presses--;
        (void)add_action(lane, &s, base, &action); /* without it: said this once more */
    }
    if (!add_twiml(&s, buf_sv(&action), 1, &twiml))
        return err_set_field(e, ERR_TOO_LARGE, "say", "too long to be said");
    *reply = (struct hook_reply){.content_type = "text/xml", .body = arena_dup(mem, buf_sv(&twiml))};
    return !mem->full || err_set(e, ERR_TOO_LARGE, "no room for the answer");
}
