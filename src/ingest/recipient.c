#include "ingest/recipient.h"

#include <string.h>

enum { APPLE_DIGITS_MIN = 32 };

static bool check_number(enum channel c, struct sv text, struct sv region, const char *field,
                         struct phone *number, struct err *e) {
    struct err why = ERR_INIT;
    if (c == CHANNEL_WHATSAPP && sv_starts(text, SV("whatsapp:")))
        text = sv_from(text, sizeof "whatsapp:" - 1);
    if (!phone_parse(text, region, number, &why))
        return err_set_field(e, ERR_UNPROCESSABLE, field, "%s", why.text);
    if (c != CHANNEL_VOICE && !phone_may_get_text(number->type))
        return err_set_field(e, ERR_UNPROCESSABLE, field, "this is a %s number, which cannot get texts",
                             phone_type_name(number->type));
    return true;
}

/* One of RFC 5322's atext, or a byte of UTF-8 (RFC 6531), or a dot. Quoted local parts exist on paper only.
 */
static bool is_local(unsigned char c) {
    return c >= 0x80 || (c > ' ' && c < 0x7f && !strchr("()<>[]:;@\\,\"", c));
}

static bool is_domain(unsigned char c) {
    return c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

static bool check_email(struct sv text, const char *field, char mem[RECIPIENT_EMAIL_BYTES_MAX + 1],
                        struct sv *out, struct err *e) {
    size_t at = SIZE_MAX;
    bool good = text.n <= RECIPIENT_EMAIL_BYTES_MAX && sv_is_utf8(text);
    for (size_t i = 0; good && i < text.n; i++)
        if (text.p[i] == '@') {
            good = at == SIZE_MAX;
            at = i;
        }
    good = good && at != SIZE_MAX && at > 0 && at <= 64 && at + 1 < text.n;
    for (size_t i = 0; good && i < text.n; i++) {
        char c = text.p[i];
        mem[i] = i > at && c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        bool dots = c == '.' && (i == 0 || i + 1 == text.n || text.p[i - 1] == '.' || text.p[i - 1] == '@' ||
                                 text.p[i + 1] == '@');
        bool right = i < at ? is_local((unsigned char)c) : i == at || is_domain((unsigned char)mem[i]);
        good = right && !dots;
    }
    if (!good)
        return err_set_field(e, ERR_INVALID, field, "`%s` is no e-mail address, such as li@example.com",
                             field);
    mem[text.n] = '\0';
    *out = sv_make(mem, text.n);
    return true;
}

static bool is_plain(struct sv v, size_t bytes_max) {
    for (size_t i = 0; i < v.n; i++)
        if ((unsigned char)v.p[i] <= ' ' || v.p[i] == 0x7f)
            return false;
    return v.n <= bytes_max && sv_is_utf8(v);
}

/* Apple's tokens are hexadecimal and kept in small letters, so that one device is one address. Those of other
 * services are theirs alone to know. */
static bool check_device(struct sv text, const char *field, char mem[RECIPIENT_EMAIL_BYTES_MAX + 1],
                         struct sv *out, struct err *e) {
    struct sv token = text, kind = sv_cut(&token, ':');
    if (!sv_eq(kind, SV("apns"))) {
        return !sv_eq(kind, SV("fcm")) || token.n ||
               err_set_field(e, ERR_INVALID, field, "`%s` lacks the device's token: fcm:TOKEN", field);
    }
    bool good = token.n >= APPLE_DIGITS_MIN && token.n % 2 == 0 && text.n <= RECIPIENT_EMAIL_BYTES_MAX;
    for (size_t i = 0; good && i < text.n; i++) {
        char c = text.p[i];
        mem[i] = c >= 'A' && c <= 'F' ? (char)(c | 0x20) : c;
        good = i <= kind.n || (mem[i] >= '0' && mem[i] <= '9') || (mem[i] >= 'a' && mem[i] <= 'f');
    }
    if (!good)
        return err_set_field(e, ERR_INVALID, field,
                             "`%s` is no device of Apple's: apns: and the token in hexadecimal digits",
                             field);
    mem[text.n] = '\0';
    *out = sv_make(mem, text.n);
    return true;
}

bool recipient_check(enum channel c, struct sv text, struct sv region, const char *field,
                     struct phone *number, char mem_email[RECIPIENT_EMAIL_BYTES_MAX + 1], struct sv *out,
                     struct err *e) {
    *out = text;
    if (!text.n && c != CHANNEL_CHAT)
        return err_set_field(e, ERR_INVALID, field, "`%s` is missing: the recipient's %s", field,
                             channel_has_numbers(c) ? "number, such as +8613800138000"
                             : c == CHANNEL_EMAIL   ? "e-mail address, such as li@example.com"
                                                    : "device, such as fcm:TOKEN");
    if (channel_has_numbers(c)) {
        if (!check_number(c, text, region, field, number, e))
            return false;
        *out = sv_of(number->e164);
        return true;
    }
    if (c == CHANNEL_EMAIL)
        return check_email(text, field, mem_email, out, e);
    if (!is_plain(text, c == CHANNEL_PUSH ? RECIPIENT_DEVICE_BYTES_MAX : RECIPIENT_CHAT_BYTES_MAX))
        return err_set_field(
            e, ERR_INVALID, field, "`%s` has at most %d bytes of UTF-8, without spaces or control characters",
            field, c == CHANNEL_PUSH ? RECIPIENT_DEVICE_BYTES_MAX : RECIPIENT_CHAT_BYTES_MAX);
    if (c == CHANNEL_PUSH)
        return check_device(text, field, mem_email, out, e);
    return true;
}
