#include "ingest/code_texts.h"

#include "model/language.h"

#include <string.h>

static const struct {
    const char *language;
    const char *text, *bare; /* with a brand, and without */
    const char *spoken;
} texts[] = {
    {"en", "{code} is your {brand} code. It is good for {minutes} min. Do not share it.",
     "{code} is your code. It is good for {minutes} min. Do not share it.", "Your code is {code}."},
    {"zh", "【{brand}】您的验证码是 {code}，{minutes} 分钟内有效，请勿告诉他人。",
     "您的验证码是 {code}，{minutes} 分钟内有效，请勿告诉他人。", "您的验证码是 {code}。"},
    {"zh-TW", "【{brand}】您的驗證碼是 {code}，{minutes} 分鐘內有效，請勿告訴他人。",
     "您的驗證碼是 {code}，{minutes} 分鐘內有效，請勿告訴他人。", "您的驗證碼是 {code}。"},
    {"ja", "{brand} の認証コードは {code} です。有効期限は {minutes} 分です。他人に教えないでください。",
     "認証コードは {code} です。有効期限は {minutes} 分です。他人に教えないでください。",
     "認証コードは {code} です。"},
    {"ko", "[{brand}] 인증번호는 {code} 입니다. {minutes}분 안에 입력하고 다른 사람에게 알려주지 마세요.",
     "인증번호는 {code} 입니다. {minutes}분 안에 입력하고 다른 사람에게 알려주지 마세요.",
     "인증번호는 {code} 입니다."},
    {"es", "{code} es su código de {brand}. Vale {minutes} min. No lo comparta.",
     "{code} es su código. Vale {minutes} min. No lo comparta.", "Su código es {code}."},
    {"fr", "{code} est votre code {brand}. Il est valable {minutes} min. Ne le communiquez à personne.",
     "{code} est votre code. Il est valable {minutes} min. Ne le communiquez à personne.",
     "Votre code est {code}."},
    {"de", "{code} ist Ihr {brand}-Code. Er gilt {minutes} Min. Geben Sie ihn nicht weiter.",
     "{code} ist Ihr Code. Er gilt {minutes} Min. Geben Sie ihn nicht weiter.", "Ihr Code lautet {code}."},
    {"pt", "{code} é o seu código {brand}. Vale por {minutes} min. Não o compartilhe.",
     "{code} é o seu código. Vale por {minutes} min. Não o compartilhe.", "O seu código é {code}."},
    {"ru", "{code} — ваш код {brand}. Действует {minutes} мин. Никому его не сообщайте.",
     "{code} — ваш код. Действует {minutes} мин. Никому его не сообщайте.", "Ваш код: {code}."},
    {"id", "{code} adalah kode {brand} Anda. Berlaku {minutes} menit. Jangan berikan kepada siapa pun.",
     "{code} adalah kode Anda. Berlaku {minutes} menit. Jangan berikan kepada siapa pun.",
     "Kode Anda adalah {code}."},
    {"vi", "{code} là mã {brand} của bạn. Mã có hiệu lực trong {minutes} phút. Đừng cho ai biết.",
     "{code} là mã của bạn. Mã có hiệu lực trong {minutes} phút. Đừng cho ai biết.", "Mã của bạn là {code}."},
};
enum { TEXTS = sizeof texts / sizeof texts[0] };

/* Where most people read that language; all others get English. */
static const struct {
    const char *prefix, *language;
} countries[] = {
    {"+86", "zh"},  {"+886", "zh-TW"}, {"+852", "zh-TW"}, {"+853", "zh-TW"}, {"+81", "ja"}, {"+82", "ko"},
    {"+34", "es"},  {"+52", "es"},     {"+54", "es"},     {"+56", "es"},     {"+57", "es"}, {"+51", "es"},
    {"+33", "fr"},  {"+49", "de"},     {"+43", "de"},     {"+351", "pt"},    {"+55", "pt"}, {"+7", "ru"},
    {"+375", "ru"}, {"+62", "id"},     {"+84", "vi"},
};

static int find(struct sv language) {
    for (int i = 0; i < TEXTS; i++)
        if (sv_eq(language, sv_of(texts[i].language)))
            return i;
    return -1;
}

struct sv code_language(struct sv wish, struct sv number) {
    struct language l;
    if (wish.n && language_parse(wish, &l)) {
        bool traditional = sv_starts(sv_of(l.text), SV("zh-Hant")) || sv_eq(sv_of(l.text), SV("zh-HK")) ||
                           sv_eq(sv_of(l.text), SV("zh-MO"));
        if (traditional)
            return SV("zh-TW");
        do {
            int i = find(sv_of(l.text));
            if (i >= 0)
                return sv_of(texts[i].language);
        } while (language_wider(&l));
        return SV("en");
    }
    for (size_t i = 0; i < sizeof countries / sizeof countries[0]; i++)
        if (sv_starts(number, sv_of(countries[i].prefix)))
            return sv_of(countries[i].language);
    return SV("en");
}

struct sv code_spoken(struct sv wish, struct sv number) {
    return wish.n ? wish : code_language(SV_NONE, number);
}

/* "A, 7, K": a voice reads it one by one. */
static void add_spelt(struct sv code, struct buf *out) {
    for (size_t i = 0; i < code.n; i++) {
        if (i)
            buf_adds(out, ", ");
        buf_addc(out, code.p[i]);
    }
}

static void add_part(const struct code_saying *s, struct sv name, bool spell, struct buf *out) {
    if (sv_eq(name, SV("brand")))
        buf_add(out, s->brand);
    else if (sv_eq(name, SV("minutes")))
        buf_add_u64(out, s->minutes);
    else if (spell)
        add_spelt(s->code, out);
    else
        buf_add(out, s->code);
}

void code_say(const struct code_saying *s, enum channel channel, bool spell, struct buf *out) {
    int i = find(s->language);
    if (i < 0)
        i = 0;
    const char *text = channel == CHANNEL_VOICE ? texts[i].spoken
                       : s->brand.n             ? texts[i].text
                                                : texts[i].bare;
    struct sv rest = sv_of(text);
    while (rest.p) {
        buf_add(out, sv_cut(&rest, '{'));
        if (rest.p)
            add_part(s, sv_cut(&rest, '}'), spell && channel == CHANNEL_VOICE, out);
    }
}

/* ---- texts that handsets read ---- */

static bool is_alnum(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool code_reader_check(const struct code_reader *r, struct err *e) {
    bool hash = !r->app_hash.n || r->app_hash.n == APP_HASH_CHARS, domain = r->web_domain.n <= 253;
    for (size_t i = 0; i < r->app_hash.n; i++)
        hash &= is_alnum(r->app_hash.p[i]) || r->app_hash.p[i] == '+' || r->app_hash.p[i] == '/';
    for (size_t i = 0; i < r->web_domain.n; i++)
        domain &= is_alnum(r->web_domain.p[i]) ||
                  ((r->web_domain.p[i] == '.' || r->web_domain.p[i] == '-') && i && i + 1 < r->web_domain.n);
    if (!hash)
        return err_set_field(e, ERR_INVALID, "app_hash", "the hash of an app is %d characters of base64",
                             APP_HASH_CHARS);
    if (!domain)
        return err_set_field(e, ERR_INVALID, "web_domain", "the name of a host, such as example.com");
    if (r->app_hash.n && r->web_domain.n)
        return err_set_field(e, ERR_INVALID, "web_domain",
                             "either `app_hash` or `web_domain`: each wants to be the text's last line");
    return true;
}

bool code_fit(const struct code_reader *r, struct sv text, struct sv code, struct buf *out, struct err *e) {
    if (r->app_hash.n)
        buf_join(out, SV("<#> "), text, SV("\n"), r->app_hash);
    else if (r->web_domain.n)
        buf_join(out, text, SV("\n\n@"), r->web_domain, SV(" #"), code);
    else
        buf_add(out, text);
    if (r->app_hash.n && out->n > RETRIEVER_BYTES_MAX)
        return err_set_field(
            e, ERR_UNPROCESSABLE, "app_hash",
            "with it the text is %zu bytes long; Android reads up to %d: give a shorter brand "
            "or template",
            out->n, RETRIEVER_BYTES_MAX);
    return true;
}
