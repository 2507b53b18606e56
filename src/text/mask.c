#include "text/mask.h"

#include <string.h>

/* --- numbers --- */

/* Digits of the country calling code that stands at the front (ITU-T E.164 assigned codes: 1 and 7 have one
 * digit, these two, all others three). */
static size_t calling_code_digits(char first, char second) {
    static const char *const second_digits[10] = {
        ['2' - '0'] = "07",      ['3' - '0'] = "0123469", ['4' - '0'] = "013456789", ['5' - '0'] = "12345678",
        ['6' - '0'] = "0123456", ['8' - '0'] = "1246",    ['9' - '0'] = "0123458",
    };
    if (first == '1' || first == '7')
        return 1;
    const char *two = first >= '0' && first <= '9' ? second_digits[first - '0'] : NULL;
    return two && second && strchr(two, second) ? 2 : 3;
}

static size_t tail_kept(size_t national_digits) {
    return national_digits >= 10 ? 4 : national_digits >= 8 ? 3 : national_digits >= 5 ? 2 : 0;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

/* Words are letters, digits and _; the local part of a mail address may hold . % + - as well, a key + / and
 * -. */
enum { WORD = 1, MAIL = 2, KEY = 4 };
static const uint8_t classes[256] = {
    ['0' ... '9'] = WORD | MAIL | KEY,
    ['A' ... 'Z'] = WORD | MAIL | KEY,
    ['a' ... 'z'] = WORD | MAIL | KEY,
    ['_'] = WORD | MAIL | KEY,
    ['+'] = MAIL | KEY,
    ['-'] = MAIL | KEY,
    ['.'] = MAIL,
    ['%'] = MAIL,
    ['/'] = KEY,
};

static bool is_word(char c) {
    return classes[(uint8_t)c] & WORD;
}

static bool is_mail_char(char c) {
    return classes[(uint8_t)c] & MAIL;
}

void mask_phone(struct sv e164, struct buf *out) {
    bool plus = e164.n > 0 && e164.p[0] == '+';
    size_t n = e164.n - plus;
    struct sv digits = sv_from(e164, plus);
    for (size_t i = 0; i < n; i++)
        if (!is_digit(digits.p[i])) {
            size_t kept = 2;
            while (kept < e164.n && ((uint8_t)e164.p[kept] & 0xC0) == 0x80)
                kept++; /* whole characters of an address */
            buf_add(out, sv_sub(e164, 0, kept));
            buf_adds(out, "***");
            return;
        }
    size_t head = plus && n > 1 ? calling_code_digits(digits.p[0], digits.p[1]) : 0;
    if (head > n)
        head = n;
    size_t tail = tail_kept(n - head);
    buf_add(out, sv_sub(e164, 0, head + plus));
    for (size_t i = head; i < n - tail; i++)
        buf_addc(out, '*');
    buf_add(out, sv_from(digits, n - tail));
}

/* --- free text --- */

/* Where the scanner stands: text before `from` is in out, from..i is to be copied as it is, i is looked at.
 */
struct scan {
    struct sv t;
    size_t from, i;
    size_t looked_for_mail; /* up to here it is known that no mail address starts, */
    size_t looked_for_long; /* and up to here that no long secret starts: so the pass stays linear */
    struct buf *out;
};

static char at(const struct scan *s, size_t i) {
    return i < s->t.n ? s->t.p[i] : '\0';
}

static void copy_to(struct scan *s, size_t end) {
    buf_add(s->out, sv_sub(s->t, s->from, end - s->from));
    s->from = s->i = end;
}

/* Copies up to start, writes stars for start..end. */
static void hide(struct scan *s, size_t start, size_t end) {
    copy_to(s, start);
    buf_adds(s->out, "***");
    s->from = s->i = end;
}

/* Bytes of the digit at i, ASCII or full-width (U+FF10-FF19); 0 when there is none. */
static size_t digit_bytes(const struct scan *s, size_t i) {
    if (is_digit(at(s, i)))
        return 1;
    bool wide = (uint8_t)at(s, i) == 0xEF && (uint8_t)at(s, i + 1) == 0xBC && (uint8_t)at(s, i + 2) >= 0x90 &&
                (uint8_t)at(s, i + 2) <= 0x99;
    return wide ? 3 : 0;
}

static size_t word_end(const struct scan *s, size_t i) {
    while (is_word(at(s, i)))
        i++;
    return i;
}

/* A number in a text: groups of digits with at most two separators between them. */
struct number {
    size_t end; /* behind its last digit */
    size_t digits, groups, longest, shortest;
    bool dots_only;
};

static size_t group_end(const struct scan *s, size_t i, size_t *digits) {
    size_t bytes;
    for (*digits = 0; (bytes = digit_bytes(s, i)) > 0; i += bytes)
        ++*digits;
    return i;
}

static struct number number_at(const struct scan *s, size_t start) {
    struct number n = {.end = start, .dots_only = true, .shortest = SIZE_MAX};
    for (size_t i = start;;) {
        size_t digits;
        size_t end = group_end(s, i, &digits);
        if (digits == 0 || (n.groups > 0 && is_word(at(s, end))))
            return n;
        n.digits += digits;
        n.groups++;
        n.longest = digits > n.longest ? digits : n.longest;
        n.shortest = digits < n.shortest ? digits : n.shortest;
        n.end = end;
        for (i = end; i < end + 2 && at(s, i) && strchr(" -().", at(s, i)); i++)
            if (at(s, i) != '.' && digit_bytes(s, i + 1))
                n.dots_only = false;
        if (i == end)
            return n;
    }
}

/* Writes the number with stars for its digits, but for the first `head` and the last `tail`. */
static void hide_digits(struct scan *s, size_t start, const struct number *n, size_t head, size_t tail) {
    size_t seen = 0;
    for (size_t i = start; i < n->end;) {
        size_t bytes = digit_bytes(s, i);
        bool shown = bytes == 0 || seen < head || seen >= n->digits - tail;
        seen += bytes > 0;
        if (!shown) {
            copy_to(s, i);
            buf_addc(s->out, '*');
            s->from = i + bytes;
        }
        i += bytes ? bytes : 1;
    }
    s->i = n->end;
}

/* The end of a date, with its time when there is one (RFC 3339 and the like), that starts at i; or i. */
static size_t date_end(const struct scan *s, size_t start) {
    static const char shape[] = "dddd-dd-ddTdd:dd:dd";
    size_t k = 0;
    while (shape[k] && (shape[k] == 'd'   ? is_digit(at(s, start + k))
                        : shape[k] == 'T' ? at(s, start + k) == 'T' || at(s, start + k) == ' '
                                          : at(s, start + k) == shape[k]))
        k++;
    if (k < 10 || (at(s, start + 5) > '1') || (k < 19 && is_digit(at(s, start + 10))))
        return start;
    if (k < 19)
        return start + 10;
    size_t end = start + 19;
    if (at(s, end) == '.')
        for (end++; is_digit(at(s, end)) && end < start + 29;)
            end++;
    return is_digit(at(s, end)) ? start + 19 : end;
}

/* Of a machine and not of a person: so many bytes or milliseconds, a failure of SQLite, the port of an
 * address. */
static bool is_figure(const struct scan *s, size_t start, const struct number *n) {
    static const struct sv units[] = {{" bytes", 6}, {" ms", 3}};
    struct sv before = sv_sub(s->t, 0, start), behind = sv_from(s->t, n->end);
    if (n->groups != 1 || n->end - start != n->digits)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (n->digits <= 9 && sv_starts(behind, units[i]) && !is_word(at(s, n->end + units[i].n)))
            return true;
    if (sv_ends(before, SV("(SQLite ")))
        return at(s, n->end) == ')';
    size_t host = start;
    if (n->digits > 5 || !sv_ends(before, SV(":")))
        return false;
    for (host--; host > 0 && (is_word(s->t.p[host - 1]) || strchr(".-", s->t.p[host - 1]));)
        host--;
    return host + 1 < start && sv_ends(sv_sub(s->t, 0, host), SV("://"));
}

static void scan_number(struct scan *s) {
    bool plus = at(s, s->i) == '+';
    size_t start = s->i + plus;
    size_t date = date_end(s, start);
    if (date > start && !plus) {
        s->i = date;
        return;
    }
    struct number n = number_at(s, start);
    bool address = !plus && n.dots_only && n.groups == 4 && n.longest <= 3; /* IPv4 */
    if (n.groups == 0 || address || (!plus && is_figure(s, start, &n))) {
        s->i = n.groups ? n.end : start + 1;
        return;
    }
    if (plus && n.digits >= 6) {
        size_t head = calling_code_digits(at(s, start), at(s, start + 1));
        size_t tail = tail_kept(n.digits - head);
        hide_digits(s, start, &n, head, tail);
    } else if (n.digits >= 9) {
        hide_digits(s, start, &n, 0, tail_kept(n.digits));
    } else if (n.longest >= 4 || (n.digits >= 6 && n.shortest >= 2) || n.digits >= 7) {
        hide_digits(s, start, &n, 0, 0);
    } else {
        s->i = n.end;
    }
}

/* --- credentials --- */

static bool all_hex(const struct scan *s, size_t start, size_t end) {
    for (size_t i = start; i < end; i++)
        if (!is_digit(at(s, i)) && !((at(s, i) | 0x20) >= 'a' && (at(s, i) | 0x20) <= 'f'))
            return false;
    return true;
}

/* Key ids by their fixed first letters: AWS (IAM identifiers), Aliyun and Tencent access keys, Twilio API
 * keys. */
static bool is_key_id(const struct scan *s, size_t start, size_t end) {
    static const struct {
        struct sv prefix;
        size_t min, max;
    } forms[] = {
        {{"AKIA", 4}, 16, 32}, {{"ASIA", 4}, 16, 32}, {{"LTAI", 4}, 16, 34},
        {{"AKID", 4}, 16, 64}, {{"SK", 2}, 34, 34},
    };
    struct sv word = sv_sub(s->t, start, end - start);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (sv_starts(word, forms[i].prefix) && word.n >= forms[i].min && word.n <= forms[i].max)
            return true;
    return false;
}

/* Tokens that say by their first letters what they are: SendGrid, Google OAuth, JSON Web Tokens, Stripe and
 * others of its style, OpenAI, Slack, GitHub, GitLab, Mailgun. The end of one that starts at i, with what of
 * it may be shown; or i. */
static size_t marked_token_end(const struct scan *s, size_t i, size_t *shown) {
    static const struct {
        struct sv prefix;
        size_t min; /* characters behind the prefix */
    } forms[] = {
        {{"SG.", 3}, 20},     {{"ya29.", 5}, 16},   {{"eyJ", 3}, 16},          {{"sk_live_", 8}, 8},
        {{"sk_test_", 8}, 8}, {{"rk_live_", 8}, 8}, {{"whsec_", 6}, 8},        {{"sk-", 3}, 20},
        {{"xoxb-", 5}, 10},   {{"xoxp-", 5}, 10},   {{"xapp-", 5}, 10},        {{"ghp_", 4}, 20},
        {{"gho_", 4}, 20},    {{"ghs_", 4}, 20},    {{"github_pat_", 11}, 20}, {{"glpat-", 6}, 16},
        {{"key-", 4}, 32},
    };
    struct sv rest = sv_from(s->t, i);
    for (size_t k = 0; k < sizeof forms / sizeof forms[0]; k++) {
        if (!sv_starts(rest, forms[k].prefix))
            continue;
        size_t end = i + forms[k].prefix.n;
        while (is_word(at(s, end)) || at(s, end) == '-' || (at(s, end) == '.' && is_word(at(s, end + 1))))
            end++;
        *shown = forms[k].prefix.n;
        return end - i - *shown >= forms[k].min ? end : i;
    }
    return i;
}

static bool is_uuid(const struct scan *s, size_t start) {
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? at(s, start + i) != '-' : !all_hex(s, start + i, start + i + 1) || !at(s, start + i))
            return false;
    }
    return !is_word(at(s, start + 36));
}

/* The end of a long run of letters and digits mixed, as keys, hashes and tokens are: 40 characters and more
 * of base64url, or exactly AWS's 40 of base64. Else start. */
static size_t long_secret_end(struct scan *s, size_t start) {
    size_t i = start, plain_end = 0;
    if (start < s->looked_for_long)
        return start;
    bool digit = false, upper = false, lower = false;
    for (; classes[(uint8_t)at(s, i)] & KEY; i++) {
        char c = at(s, i);
        if (!plain_end && (c == '+' || c == '/')) {
            if (i - start >= 40)
                break;
            plain_end = i;
        }
        if (plain_end && i - start > 40)
            return start;
        digit |= is_digit(c);
        upper |= is_upper(c);
        lower |= is_lower(c);
    }
    bool mixed = digit && (upper || lower);
    if (plain_end)
        return mixed && i - start == 40 && upper && lower ? i : start;
    if (mixed && i - start >= 40)
        return i;
    s->looked_for_long = i - start >= 40 ? i : start; /* no part of this run is longer or more mixed */
    return start;
}

/* The end of a value that starts at i, or limit when it is longer: behind a quote up to the same quote, else
 * up to what cannot stand in a value. */
static size_t value_end(const struct scan *s, size_t i, size_t limit) {
    char quote = i > 0 ? at(s, i - 1) : '\0';
    if (limit > s->t.n)
        limit = s->t.n;
    if (quote == '"' || quote == '\'') {
        while (i < limit && s->t.p[i] != quote)
            i += s->t.p[i] == '\\' && i + 1 < limit ? 2 : 1;
        return i;
    }
    while (i < limit && !(s->t.p[i] && strchr(" \t\r\n\"'`,;&<>()[]{}", s->t.p[i])))
        i++;
    return i;
}

static bool is_tokenish(const struct scan *s, size_t start, size_t end) {
    for (size_t i = start; i < end; i++)
        if (!is_lower(at(s, i)) && at(s, i) != '.' && at(s, i) != ':')
            return true;
    return end - start >= 20;
}

/* A word that starts at i: letters, digits and _, not digits alone. */
static void scan_word(struct scan *s) {
    size_t shown, marked = marked_token_end(s, s->i, &shown);
    if (marked > s->i) {
        hide(s, s->i + shown, marked);
        return;
    }
    size_t start = s->i, end = word_end(s, start), n = end - start;
    size_t secret = long_secret_end(s, start);
    if (secret > start || (n == 32 && all_hex(s, start, end))) {
        hide(s, start, secret > end ? secret : end);
        return;
    }
    if (is_key_id(s, start, end)) {
        hide(s, start + (at(s, start) == 'S' ? 2 : 4), end);
    } else if (n == 34 && is_upper(at(s, start)) && is_upper(at(s, start + 1)) &&
               all_hex(s, start + 2, end)) {
        s->i = end; /* a Twilio sid: a name, though what follows it behind a colon is not */
    } else {
        struct sv word = sv_sub(s->t, start, n);
        size_t token = end;
        while (at(s, token) == ' ')
            token++;
        if (token > end && (sv_eq_nocase(word, SV("bearer")) || sv_eq_nocase(word, SV("basic")))) {
            size_t token_end = value_end(s, token, SIZE_MAX);
            if (is_tokenish(s, token, token_end)) {
                hide(s, token, token_end);
                return;
            }
        }
        /* Digits inside: hidden behind small letters (code1234), left in names such as SMS_154950909 or
         * E30007. */
        for (size_t i = start; i < end;) {
            size_t digits;
            size_t stop = group_end(s, i, &digits);
            bool name = i > start && !is_lower(at(s, i - 1));
            if (digits >= (name ? 10u : 4u))
                hide(s, i, stop);
            i = stop > i ? stop : i + 1;
        }
        s->i = end;
        return;
    }
    size_t secret_end = at(s, end) == ':' ? value_end(s, end + 1, SIZE_MAX) : 0;
    if (secret_end > end + 1)
        hide(s, end + 1, secret_end);
}

/* Does the name in front of the = or : at i belong to a secret? */
static bool names_secret(const struct scan *s, size_t i, bool *header, bool *code) {
    static const char *const names[] = {
        "password",   "passwd",     "pwd",         "secret",      "token",           "signature",
        "apikey",     "secretkey",  "accesskey",   "accesskeyid", "accesskeysecret", "privatekey",
        "signingkey", "credential", "credentials", "cookie",      "authorization"};
    static const char *const whole[] = {"sign", "sig", "pass",
                                        "sk",   "mac", "hmac"}; /* too short to end others */
    static const char *const codes[] = {"code", "otp", "pin", "passcode"};
    char name[24];
    size_t n = 0;
    while (i > 0 && strchr(" \"'", s->t.p[i - 1]) && s->t.p[i - 1])
        i--;
    for (; i > 0 && n < sizeof name && (is_word(s->t.p[i - 1]) || s->t.p[i - 1] == '-'); i--)
        if (s->t.p[i - 1] != '-' && s->t.p[i - 1] != '_')
            name[sizeof name - ++n] = s->t.p[i - 1];
    struct sv key = sv_make(name + sizeof name - n, n);
    *header = *code = false;
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        struct sv tail = sv_of(names[k]);
        if (key.n >= tail.n && sv_eq_nocase(sv_from(key, key.n - tail.n), tail)) {
            *header = tail.p[0] == 'a' && tail.p[1] == 'u';
            return true;
        }
    }
    for (size_t k = 0; k < sizeof whole / sizeof whole[0]; k++)
        if (sv_eq_nocase(key, sv_of(whole[k])))
            return true;
    for (size_t k = 0; k < sizeof codes / sizeof codes[0]; k++)
        *code |= sv_eq_nocase(key, sv_of(codes[k]));
    return *code;
}

enum { CODE_MAX = 10 };

/* At a = or a colon: hides the value when the name in front of it is a secret's. */
static void scan_value(struct scan *s) {
    bool header, code;
    size_t start = s->i + 1;
    if (!names_secret(s, s->i, &header, &code)) {
        s->i = start;
        return;
    }
    while (at(s, start) == ' ')
        start++;
    bool quoted = at(s, start) == '"' || at(s, start) == '\'';
    start += quoted;
    size_t end = value_end(s, start, code ? start + CODE_MAX + 1 : SIZE_MAX);
    while (header && !quoted && end < s->t.n && !strchr("\r\n\"'", s->t.p[end]))
        end++;
    bool digits = false;
    for (size_t i = start; i < end; i++)
        digits |= is_digit(s->t.p[i]);
    if (end == start || (code && (!digits || end - start > CODE_MAX)))
        s->i = start;
    else
        hide(s, start, end);
}

/* A mail address (or user:password@) that starts at i: hides all but the first letter of what is before the
 * @. */
static bool scan_mail(struct scan *s) {
    size_t start = s->i, end = start;
    while (is_mail_char(at(s, end)))
        end++;
    s->looked_for_mail = end;
    if (end == start || at(s, end) != '@' || !is_word(at(s, end + 1)))
        return false;
    bool password = start > 0 && at(s, start - 1) == ':';
    hide(s, start + !password, end);
    return true;
}

void mask_text(struct sv text, struct buf *out) {
    struct scan s = {.t = text, .out = out};
    while (s.i < text.n) {
        char c = text.p[s.i];
        bool inside = s.i > 0 && is_word(text.p[s.i - 1]);
        if (s.i >= s.looked_for_mail && is_mail_char(c) && scan_mail(&s))
            continue;
        size_t digit = digit_bytes(&s, s.i + (c == '+'));
        if (inside && c != '+' && digit != 3) {
            if (c == ':' || c == '=')
                scan_value(&s);
            else
                s.i++;
            continue;
        }
        if (is_word(c) && is_uuid(&s, s.i)) {
            s.i += 36;
        } else if (digit && (c == '+' || digit == 3 || group_end(&s, s.i, &digit) == word_end(&s, s.i))) {
            size_t before = s.i, long_end = c == '+' ? before : long_secret_end(&s, before);
            if (long_end > before)
                hide(&s, before, long_end);
            else
                scan_number(&s);
        } else if (is_word(c)) {
            scan_word(&s);
        } else if (c == ':' || c == '=') {
            scan_value(&s);
        } else {
            s.i++;
        }
    }
    copy_to(&s, text.n);
}
