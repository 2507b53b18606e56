#include "provider/mime.h"

#include "base/codec.h"

#include <string.h>

enum {
    LINE_MAX = 76,
    LOCAL_BYTES_MAX = 64,
    WORD_BYTES = 45, /* of text in one encoded word: 60 characters of base64, 12 around them */
    PLAIN_WORD_MAX = 60,
};

/* ---- addresses ---- */

static bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* RFC 5322, 3.2.3: dot-atom. */
static bool is_dot_atom(struct sv v, const char *more) {
    bool after_dot = true;
    for (size_t i = 0; i < v.n; i++) {
        bool dot = v.p[i] == '.';
        bool beyond = (unsigned char)v.p[i] >= 0x80; /* RFC 6532, 3.2 */
        if (dot ? after_dot : !beyond && !is_alnum(v.p[i]) && !(v.p[i] && strchr(more, v.p[i])))
            return false;
        after_dot = dot;
    }
    return !after_dot;
}

struct sv mime_domain(struct sv address) {
    sv_cut(&address, '@');
    return address;
}

bool mime_is_address(struct sv v) {
    struct sv domain = v, local = sv_cut(&domain, '@');
    return v.n <= MIME_ADDRESS_BYTES_MAX && local.n <= LOCAL_BYTES_MAX && sv_is_utf8(v) &&
           is_dot_atom(local, "!#$%&'*+-/=?^_`{|}~") && is_dot_atom(domain, "-");
}

bool mime_is_ascii_address(struct sv v) {
    for (size_t i = 0; i < v.n; i++)
        if ((unsigned char)v.p[i] >= 0x80)
            return false;
    return mime_is_address(v);
}

bool mime_mailbox(struct sv v, struct sv *name, struct sv *address) {
    v = sv_trim(v);
    size_t at = sv_find_char(v, '<');
    *name = SV_NONE;
    *address = v;
    if (at != SIZE_MAX && sv_ends(v, SV(">"))) {
        *name = sv_trim(sv_sub(v, 0, at));
        *address = sv_sub(v, at + 1, v.n - at - 2);
    }
    if (name->n > 1 && name->p[0] == '"' && name->p[name->n - 1] == '"')
        *name = sv_sub(*name, 1, name->n - 2);
    return mime_is_ascii_address(*address) && sv_is_utf8(*name);
}

/* ---- headers ---- */

void mime_header(struct buf *out, const char *name, struct sv value) {
    buf_join(out, sv_of(name), SV(": "), value, SV("\r\n"));
}

static bool is_control(char c) {
    return (unsigned char)c < ' ' || c == 0x7f;
}

/* Whether the text can stand as it is: printable ASCII, words that a line holds, nothing that looks encoded.
 */
static bool is_plain(struct sv v) {
    size_t word = 0;
    if (v.n && (v.p[0] == ' ' || v.p[v.n - 1] == ' '))
        return false;
    for (size_t i = 0; i < v.n; i++) {
        if ((unsigned char)v.p[i] > '~' || is_control(v.p[i]) ||
            (v.p[i] == '=' && i + 1 < v.n && v.p[i + 1] == '?'))
            return false;
        word = v.p[i] == ' ' ? 0 : word + 1;
        if (word > PLAIN_WORD_MAX)
            return false;
    }
    return true;
}

/* Breaks the line at a space rather than let it grow over its length. at: where the line began. */
static void add_folded(struct buf *out, size_t at, struct sv v) {
    bool first = true;
    while (v.p) {
        struct sv word = sv_cut(&v, ' ');
        if (!first && out->n - at + 1 + word.n > LINE_MAX) {
            buf_adds(out, "\r\n");
            at = out->n;
        }
        if (!first)
            buf_addc(out, ' ');
        buf_add(out, word);
        first = false;
    }
}

/* How much of v one encoded word takes: whole characters. */
static size_t word_bytes(struct sv v) {
    size_t n = v.n < WORD_BYTES ? v.n : WORD_BYTES;
    while (n < v.n && n && ((unsigned char)v.p[n] & 0xc0) == 0x80)
        n--;
    return n;
}

/* RFC 2047, 2 and 5: base64, which no text makes longer than its line. */
static void add_encoded(struct buf *out, struct sv v) {
    for (bool first = true; v.n; first = false) {
        char clean[WORD_BYTES];
        size_t n = word_bytes(v);
        for (size_t i = 0; i < n; i++)
            clean[i] = is_control(v.p[i]) ? ' ' : v.p[i];
        buf_adds(out, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        base64_add(out, clean, n);
        buf_adds(out, "?=");
        v = sv_from(v, n);
    }
}

void mime_header_text(struct buf *out, const char *name, struct sv text) {
    size_t at = out->n;
    ASSERT(sv_is_utf8(text));
    buf_join(out, sv_of(name), SV(":"));
    /* The first encoded word stands alone on its line: so it has the room of all others. */
    buf_adds(out, is_plain(text) || out->n - at < 14 ? " " : "\r\n ");
    if (is_plain(text))
        add_folded(out, at, text);
    else
        add_encoded(out, text);
    buf_adds(out, "\r\n");
}

/* Words that need no quotes in a display name. */
static bool is_phrase(struct sv v) {
    for (size_t i = 0; i < v.n; i++)
        if (!is_alnum(v.p[i]) && v.p[i] != ' ' && v.p[i] != '-' && v.p[i] != '_')
            return false;
    return v.n > 0;
}

void mime_header_mailbox(struct buf *out, const char *name, struct sv display, struct sv address) {
    size_t at = out->n;
    ASSERT(sv_is_utf8(display));
    buf_join(out, sv_of(name), SV(": "));
    if (is_plain(display) && is_phrase(display))
        add_folded(out, at, display);
    else if (display.n) /* quotes have rules of their own: encoded words have none left to break */
        add_encoded(out, display);
    if (display.n) /* on a line of its own where both do not fit into one */
        buf_adds(out, out->n - at + 3 + address.n > LINE_MAX ? "\r\n <" : " <");
    buf_add(out, address);
    buf_adds(out, display.n ? ">\r\n" : "\r\n");
}

/* ---- bodies ---- */

/* The next line of *rest without its end: CRLF, LF or CR. *ended: there was one. */
static struct sv next_line(struct sv *rest, bool *ended) {
    size_t n = 0;
    while (n < rest->n && rest->p[n] != '\r' && rest->p[n] != '\n')
        n++;
    struct sv line = sv_sub(*rest, 0, n);
    *ended = n < rest->n;
    if (*ended)
        n += rest->p[n] == '\r' && n + 1 < rest->n && rest->p[n + 1] == '\n' ? 2 : 1;
    *rest = sv_from(*rest, n);
    return line;
}

static bool is_literal(char c) {
    return c == '\t' || (c >= ' ' && c <= '~' && c != '=');
}

static void add_quoted_line(struct buf *out, struct sv line) {
    static const char digits[] = "0123456789ABCDEF";
    char at[LINE_MAX + 3]; /* the line of output that is being made */
    size_t width = 0;
    for (size_t i = 0; i < line.n; i++) {
        unsigned char c = (unsigned char)line.p[i];
        bool last = i + 1 == line.n, space = c == ' ' || c == '\t';
        bool literal = is_literal(line.p[i]) && !(last && space);
        size_t n = literal ? 1 : 3;
        if (width + n > LINE_MAX - (last ? 0u : 1u)) {
            buf_join(out, sv_make(at, width), SV("=\r\n"));
            width = 0;
        }
        if (literal) {
            at[width++] = line.p[i];
        } else {
            at[width++] = '=';
            at[width++] = digits[c >> 4];
            at[width++] = digits[c & 15];
        }
    }
    buf_join(out, sv_make(at, width), SV("\r\n"));
}

static void add_base64(struct buf *out, struct sv text) {
    enum { LINE_BYTES = LINE_MAX / 4 * 3 };
    char piece[LINE_BYTES];
    size_t n = 0;
    bool ended = false;
    while (text.n) {
        struct sv line = next_line(&text, &ended);
        for (struct sv part = line, end = ended ? SV("\r\n") : SV_NONE; part.n || end.n;) {
            if (part.n == 0) {
                part = end;
                end = SV_NONE;
            }
            size_t k = part.n < LINE_BYTES - n ? part.n : LINE_BYTES - n;
            memcpy(piece + n, part.p, k);
            n += k;
            part = sv_from(part, k);
            if (n == LINE_BYTES) {
                base64_add(out, piece, n);
                buf_adds(out, "\r\n");
                n = 0;
            }
        }
    }
    if (n) {
        base64_add(out, piece, n);
        buf_adds(out, "\r\n");
    }
}

void mime_text(struct buf *out, const char *subtype, struct sv text) {
    size_t encoded = 0;
    for (size_t i = 0; i < text.n; i++)
        encoded += !is_literal(text.p[i]) && text.p[i] != '\n' && text.p[i] != '\r';
    /* n + 2 * encoded characters in one, 4/3 n in the other. */
    bool base64 = encoded * 6 > text.n;
    buf_join(out, SV("Content-Type: text/"), sv_of(subtype),
             SV("; charset=utf-8\r\nContent-Transfer-Encoding: "),
             base64 ? SV("base64\r\n\r\n") : SV("quoted-printable\r\n\r\n"));
    if (base64) {
        add_base64(out, text);
        return;
    }
    bool ended = true;
    while (text.n)
        add_quoted_line(out, next_line(&text, &ended));
}
