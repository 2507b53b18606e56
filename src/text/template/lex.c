#include "text/template/lex.h"

#include "text/template/unicode.h"

#include <string.h>

void lex_init(struct lexer *l, struct sv src, const struct template_options *options, struct arena *arena) {
    *l = (struct lexer){.src = src, .options = options, .arena = arena, .line_start = true};
}

static struct token fail(struct lexer *l, size_t at, const char *what) {
    if (!l->error) {
        l->error = what;
        l->error_at = (uint32_t)at;
    }
    return (struct token){.kind = TOK_ERROR, .at = (uint32_t)at};
}

static char peek(const struct lexer *l, size_t ahead) {
    return l->pos + ahead < l->src.n ? l->src.p[l->pos + ahead] : '\0';
}

static bool at_text(const struct lexer *l, size_t at, const char *text) {
    size_t n = strlen(text);
    return at <= l->src.n && l->src.n - at >= n && memcmp(l->src.p + at, text, n) == 0;
}

static size_t skip_space(const struct lexer *l, size_t at) {
    struct sv rest = sv_from(l->src, at);
    return at + (rest.n - u8_strip_left(rest).n);
}

/* Steps over the end of a tag, `mark` being its last bytes (past any sign), as Jinja2's end patterns do: '-'
 * eats all white space behind, and a newline goes where trim_blocks says so and '+' does not forbid it. */
static void close_tag(struct lexer *l, size_t mark_n, char sign, bool trims) {
    size_t from = l->pos;
    l->pos += mark_n;
    if (sign == '-')
        l->pos = skip_space(l, l->pos);
    else if (sign != '+' && trims && l->options->trim_blocks && peek(l, 0) == '\n')
        l->pos++;
    l->line_start = l->pos > from && l->src.p[l->pos - 1] == '\n';
    l->mode = LEX_DATA;
}

/* The text before a tag, as the tag's sign and lstrip_blocks leave it. */
static struct sv trim_before(const struct lexer *l, struct sv text, char sign, bool variable) {
    if (sign == '-')
        return u8_strip_right(text);
    if (sign == '+' || variable || !l->options->lstrip_blocks)
        return text;
    size_t line = text.n;
    while (line > 0 && text.p[line - 1] != '\n')
        line--;
    if ((line > 0 || l->line_start) && u8_strip_left(sv_from(text, line)).n == 0)
        text.n = line;
    return text;
}

static char sign_at(const struct lexer *l, size_t at) {
    char c = at < l->src.n ? l->src.p[at] : '\0';
    return c == '-' || c == '+' ? c : '\0';
}

/* Past `{%` and its sign at `at`: the offset behind `word` and the tag's end, or 0. */
static size_t word_tag(const struct lexer *l, size_t at, const char *word, size_t *end_at, char *end_sign) {
    at = skip_space(l, at);
    if (!at_text(l, at, word))
        return 0;
    at = skip_space(l, at + strlen(word));
    *end_sign = sign_at(l, at);
    *end_at = at;
    if (*end_sign)
        at++;
    return at_text(l, at, "%}") ? at + 2 : 0;
}

static bool skip_comment(struct lexer *l) {
    size_t start = l->pos;
    for (size_t at = l->pos + 2; at + 1 < l->src.n; at++)
        if (l->src.p[at] == '#' && l->src.p[at + 1] == '}') {
            char sign = at > start + 2 ? sign_at(l, at - 1) : '\0';
            l->pos = at;
            close_tag(l, 2, sign, true);
            return true;
        }
    fail(l, start, "the comment is not closed: expected '#}'");
    return false;
}

/* At `{%`: reads a raw block as one piece of data. */
static bool raw_block(struct lexer *l, size_t behind, char sign, struct token *t) {
    size_t start = l->pos;
    l->pos = behind;
    if (sign == '-')
        l->pos = skip_space(l, l->pos);
    l->line_start = l->src.p[l->pos - 1] == '\n';
    size_t from = l->pos;
    for (size_t at = from; at + 1 < l->src.n; at++) {
        if (l->src.p[at] != '{' || l->src.p[at + 1] != '%')
            continue;
        char open = sign_at(l, at + 2), end_sign;
        size_t end_at;
        size_t end = word_tag(l, at + 2 + (open ? 1 : 0), "endraw", &end_at, &end_sign);
        if (!end)
            continue;
        *t = (struct token){.kind = TOK_DATA, .at = (uint32_t)from};
        t->text = trim_before(l, sv_sub(l->src, from, at - from), open, false);
        l->pos = end_at;
        close_tag(l, end - end_at, end_sign, true);
        return true;
    }
    fail(l, start, "the raw block is not closed: expected 'endraw'");
    return false;
}

/* The next tag or end of source at or after `at`. */
static size_t find_tag(const struct lexer *l, size_t at) {
    while (at + 1 < l->src.n) {
        const char *p = memchr(l->src.p + at, '{', l->src.n - at - 1);
        if (!p)
            break;
        at = (size_t)(p - l->src.p);
        if (p[1] == '{' || p[1] == '%' || p[1] == '#')
            return at;
        at++;
    }
    return l->src.n;
}

static struct token lex_data(struct lexer *l) {
    for (;;) {
        size_t from = l->pos, tag = find_tag(l, from);
        struct token t = {.kind = TOK_DATA, .at = (uint32_t)from, .text = sv_sub(l->src, from, tag - from)};
        l->pos = tag;
        if (tag == l->src.n) {
            if (t.text.n == 0)
                t.kind = TOK_EOF;
            return t;
        }
        char what = l->src.p[tag + 1];
        /* A comment of one sign, {#-#}, opens with it. */
        char sign = sign_at(l, tag + 2);
        t.text = trim_before(l, t.text, sign, what == '{');
        if (what == '#') {
            if (!skip_comment(l))
                return fail(l, tag, "");
            if (t.text.n)
                return t;
            continue;
        }
        size_t end_at, raw;
        char end_sign;
        if (what == '%' && (raw = word_tag(l, tag + 2 + (sign ? 1 : 0), "raw", &end_at, &end_sign)) &&
            end_sign != '+') {
            /* The text before comes first; the raw block is read when we come here again. */
            if (t.text.n && from != tag) {
                l->line_start = false;
                return t;
            }
            if (!raw_block(l, raw, end_sign, &t))
                return fail(l, tag, "");
            if (t.text.n)
                return t;
            continue;
        }
        l->mode = LEX_OPEN;
        l->line_start = false;
        if (t.text.n)
            return t;
        return lex_next(l);
    }
}

static struct token lex_open(struct lexer *l) {
    struct token t = {.at = (uint32_t)l->pos};
    bool variable = l->src.p[l->pos + 1] == '{';
    t.kind = variable ? TOK_VAR_BEGIN : TOK_BLOCK_BEGIN;
    l->mode = variable ? LEX_VAR : LEX_BLOCK;
    l->pos += 2;
    if (sign_at(l, l->pos))
        l->pos++;
    l->brackets = 0;
    return t;
}

static unsigned hex_digit(char c) {
    return c >= '0' && c <= '9'   ? (unsigned)(c - '0')
           : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
           : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                  : 16;
}

/* One escape of a string at v.p[*i], behind the backslash; appends what it stands for. */
static bool add_escape(struct buf *b, struct sv v, size_t *i) {
    static const char plain[] = "a\ab\bf\fn\nr\rt\tv\v\\\\''\"\"";
    char c = v.p[(*i)++];
    if (c == '\n')
        return true;
    for (size_t k = 0; k + 1 < sizeof plain; k += 2)
        if (plain[k] == c)
            return buf_addc(b, plain[k + 1]);
    size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    uint32_t cp = 0;
    if (digits) {
        for (size_t k = 0; k < digits; k++) {
            unsigned d = *i < v.n ? hex_digit(v.p[*i]) : 16;
            if (d == 16)
                return false;
            cp = cp << 4 | d;
            ++*i;
        }
    } else if (c >= '0' && c <= '7') {
        cp = (uint32_t)(c - '0');
        for (size_t k = 0; k < 2 && *i < v.n && v.p[*i] >= '0' && v.p[*i] <= '7'; k++)
            cp = cp * 8 + (uint32_t)(v.p[(*i)++] - '0');
    } else
        return buf_addc(b, '\\') && buf_addc(b, c);
    if (cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000))
        return false;
    u8_add(b, cp);
    return !b->overflow;
}

static struct token lex_string(struct lexer *l) {
    size_t start = l->pos;
    char quote = l->src.p[start];
    bool escapes = false;
    size_t at = start + 1;
    for (; at < l->src.n && l->src.p[at] != quote; at++)
        if (l->src.p[at] == '\\') {
            escapes = true;
            at++;
        }
    if (at >= l->src.n)
        return fail(l, start, "the string is not closed");
    struct sv raw = sv_sub(l->src, start + 1, at - start - 1);
    l->pos = at + 1;
    struct token t = {.kind = TOK_STRING, .at = (uint32_t)start, .text = raw};
    if (!escapes)
        return t;
    BUF_AUTO struct buf b = BUF_INIT(raw.n * 4 + 4);
    for (size_t i = 0; i < raw.n;) {
        if (raw.p[i] != '\\')
            buf_addc(&b, raw.p[i++]);
        else {
            i++;
            if (!add_escape(&b, raw, &i))
                return fail(l, start, "the string has a malformed escape");
        }
    }
    t.text = arena_dup(l->arena, buf_sv(&b));
    return t.text.p ? t : fail(l, start, "out of memory");
}

static struct token lex_based(struct lexer *l, unsigned base) {
    struct token t = {.kind = TOK_INT, .at = (uint32_t)l->pos};
    uint64_t x = 0;
    l->pos += 2;
    size_t digits = 0;
    for (;; l->pos++) {
        if (peek(l, 0) == '_' && hex_digit(peek(l, 1)) < base)
            continue;
        unsigned d = hex_digit(peek(l, 0));
        if (d >= base)
            break;
        digits++;
        if (__builtin_mul_overflow(x, base, &x) || __builtin_add_overflow(x, d, &x) || x > INT64_MAX)
            return fail(l, t.at, "the integer does not fit in 64 bits");
    }
    t.i = (int64_t)x;
    return digits ? t : fail(l, t.at, "the number has no digits");
}

static bool digit_at(const struct lexer *l, size_t ahead) {
    char c = peek(l, ahead);
    return c >= '0' && c <= '9';
}

/* Appends digits (with single underscores between them) to text. */
static void take_digits(struct lexer *l, struct buf *text) {
    for (; digit_at(l, 0) || (peek(l, 0) == '_' && digit_at(l, 1)); l->pos++)
        if (peek(l, 0) != '_')
            buf_addc(text, peek(l, 0));
}

static struct token lex_number(struct lexer *l) {
    struct token t = {.kind = TOK_INT, .at = (uint32_t)l->pos};
    char c = peek(l, 0), x = (char)(peek(l, 1) | 0x20);
    if (c == '0' && (x == 'x' || x == 'o' || x == 'b') && hex_digit(peek(l, 2)) < 16)
        return lex_based(l, x == 'x' ? 16 : x == 'o' ? 8 : 2);
    BUF_AUTO struct buf text = BUF_INIT(4096);
    take_digits(l, &text);
    /* "1.5" is a float unless a dot stands before it: a.1.5 is two items. */
    bool after_dot = t.at > 0 && l->src.p[t.at - 1] == '.';
    if (!after_dot && peek(l, 0) == '.' && digit_at(l, 1)) {
        t.kind = TOK_FLOAT;
        buf_addc(&text, '.');
        l->pos++;
        take_digits(l, &text);
    }
    bool signed_exp = peek(l, 1) == '+' || peek(l, 1) == '-';
    if (!after_dot && (peek(l, 0) | 0x20) == 'e' && digit_at(l, signed_exp ? 2 : 1)) {
        t.kind = TOK_FLOAT;
        buf_addc(&text, 'e');
        if (signed_exp)
            buf_addc(&text, peek(l, 1));
        l->pos += signed_exp ? 2 : 1;
        take_digits(l, &text);
    }
    if (text.overflow)
        return fail(l, t.at, "the number is too long");
    if (t.kind == TOK_FLOAT)
        t.f = strtod(text.p, NULL);
    else if (!sv_to_i64(buf_sv(&text), &t.i))
        return fail(l, t.at, "the integer does not fit in 64 bits");
    else if (text.n > 1 && text.p[0] == '0' && t.i != 0)
        return fail(l, t.at, "a number must not begin with 0");
    return t;
}

static const struct operator_text {
    const char *text;
    enum tok kind;
    const char *name;
} operators[] = {
    {"//", TOK_FLOORDIV, "'//'"}, {"**", TOK_POW, "'**'"},
    {"==", TOK_EQ, "'=='"},       {"!=", TOK_NE, "'!='"},
    {"<=", TOK_LE, "'<='"},       {">=", TOK_GE, "'>='"},
    {"+", TOK_ADD, "'+'"},        {"-", TOK_SUB, "'-'"},
    {"*", TOK_MUL, "'*'"},        {"/", TOK_DIV, "'/'"},
    {"%", TOK_MOD, "'%'"},        {"~", TOK_TILDE, "'~'"},
    {"<", TOK_LT, "'<'"},         {">", TOK_GT, "'>'"},
    {"=", TOK_ASSIGN, "'='"},     {".", TOK_DOT, "'.'"},
    {",", TOK_COMMA, "','"},      {":", TOK_COLON, "':'"},
    {"|", TOK_PIPE, "'|'"},       {"(", TOK_LPAREN, "'('"},
    {")", TOK_RPAREN, "')'"},     {"[", TOK_LBRACKET, "'['"},
    {"]", TOK_RBRACKET, "']'"},   {"{", TOK_LBRACE, "'{'"},
    {"}", TOK_RBRACE, "'}'"},     {"#", TOK_HASH, "'#'"},
    {"@", TOK_AT, "'@'"},         {"", TOK_EOF, "end of template"},
    {"", TOK_DATA, "text"},       {"", TOK_NAME, "a name"},
    {"", TOK_STRING, "a string"}, {"", TOK_INT, "a number"},
    {"", TOK_FLOAT, "a number"},  {"", TOK_VAR_BEGIN, "'{{'"},
    {"", TOK_VAR_END, "'}}'"},    {"", TOK_BLOCK_BEGIN, "'{%'"},
    {"", TOK_BLOCK_END, "'%}'"},  {"", TOK_ERROR, "an error"},
};

const char *tok_name(enum tok kind) {
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (operators[i].kind == kind)
            return operators[i].name;
    return "?";
}

static struct token lex_operator(struct lexer *l) {
    struct token t = {.at = (uint32_t)l->pos};
    for (size_t i = 0; operators[i].text[0]; i++) {
        if (!at_text(l, l->pos, operators[i].text))
            continue;
        t.kind = operators[i].kind;
        l->pos += strlen(operators[i].text);
        if (t.kind == TOK_LPAREN || t.kind == TOK_LBRACKET || t.kind == TOK_LBRACE)
            l->brackets++;
        else if ((t.kind == TOK_RPAREN || t.kind == TOK_RBRACKET || t.kind == TOK_RBRACE) &&
                 l->brackets-- == 0)
            return fail(l, t.at, "a closing bracket without its opening one");
        return t;
    }
    return fail(l, l->pos, "a character that has no meaning here");
}

static bool tag_end(struct lexer *l, struct token *t) {
    bool variable = l->mode == LEX_VAR;
    char sign = sign_at(l, l->pos);
    if (variable && sign == '+')
        sign = '\0';
    if (!at_text(l, l->pos + (sign ? 1 : 0), variable ? "}}" : "%}"))
        return false;
    *t = (struct token){.kind = variable ? TOK_VAR_END : TOK_BLOCK_END, .at = (uint32_t)l->pos};
    close_tag(l, sign ? 3 : 2, sign, !variable);
    return true;
}

struct token lex_next(struct lexer *l) {
    if (l->error)
        return fail(l, l->error_at, l->error);
    if (l->mode == LEX_DATA)
        return lex_data(l);
    if (l->mode == LEX_OPEN)
        return lex_open(l);
    l->pos = skip_space(l, l->pos);
    struct token t = {.at = (uint32_t)l->pos};
    if (l->pos >= l->src.n)
        return fail(l, l->pos,
                    l->mode == LEX_VAR ? "expected '}}', found the end" : "expected '%}', found the end");
    if (l->brackets == 0 && tag_end(l, &t))
        return t;
    uint32_t cp;
    size_t n = u8_decode(sv_from(l->src, l->pos), &cp);
    if (uc_is_name_start(cp)) {
        t.kind = TOK_NAME;
        do {
            l->pos += n;
            n = l->pos < l->src.n ? u8_decode(sv_from(l->src, l->pos), &cp) : 0;
        } while (n && uc_is_name(cp));
        t.text = sv_sub(l->src, t.at, l->pos - t.at);
        return t;
    }
    if (cp == '"' || cp == '\'')
        return lex_string(l);
    if (cp >= '0' && cp <= '9')
        return lex_number(l);
    return lex_operator(l);
}
