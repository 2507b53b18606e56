#include "simulator/sim_twiml.h"

enum { DEPTH_MAX = 4 };

/* &#24744; as UTF-8; cuts it off. */
static bool add_number(struct buf *out, struct sv *text) {
    struct sv rest = sv_from(*text, 2);
    size_t end = sv_find_char(rest, ';');
    uint64_t c;
    if (end == SIZE_MAX || !sv_to_u64(sv_sub(rest, 0, end), &c) || c < ' ' || c > 0x10FFFF ||
        (c >= 0xD800 && c < 0xE000))
        return false;
    unsigned more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char first[] = {0, 0xC0, 0xE0, 0xF0};
    buf_addc(out, (char)(first[more] | c >> (6 * more)));
    while (more-- > 0)
        buf_addc(out, (char)(0x80 | (c >> (6 * more) & 0x3F)));
    *text = sv_from(rest, end + 1);
    return true;
}

bool sim_twiml_text(struct buf *out, struct sv text) {
    static const struct {
        struct sv entity;
        char c;
    } known[] = {{{"&lt;", 4}, '<'},
                 {{"&gt;", 4}, '>'},
                 {{"&amp;", 5}, '&'},
                 {{"&quot;", 6}, '"'},
                 {{"&apos;", 6}, '\''}};
    while (text.n) {
        size_t i = 0, n = sizeof known / sizeof known[0];
        if (text.p[0] != '&') {
            buf_addc(out, text.p[0]);
            text = sv_from(text, 1);
            continue;
        }
        if (sv_starts(text, SV("&#"))) {
            if (!add_number(out, &text))
                return false;
            continue;
        }
        while (i < n && !sv_starts(text, known[i].entity))
            i++;
        if (i == n)
            return false;
        buf_addc(out, known[i].c);
        text = sv_from(text, known[i].entity.n);
    }
    return true;
}

/* The value of name="..." among a tag's attributes. */
static struct sv attribute(struct sv tag, struct sv name) {
    size_t at = sv_find(tag, name);
    struct sv rest = sv_from(tag, at == SIZE_MAX ? tag.n : at + name.n);
    return sv_starts(rest, SV("=\"")) ? (rest = sv_from(rest, 2), sv_cut(&rest, '"')) : SV_NONE;
}

static bool is_verb(struct sv name) {
    static const char *const verbs[] = {"Say", "Pause", "Play", "Gather", "Redirect", "Hangup"};
    return sv_place(name, verbs, sizeof verbs / sizeof verbs[0]) >= 0;
}

bool sim_twiml_read(struct sv document, struct sim_twiml *out) {
    struct sv rest = sv_trim(document), open[DEPTH_MAX];
    size_t depth = 0, says = 0;
    bool closed = false;
    if (sv_starts(rest, SV("<?xml"))) {
        sv_cut(&rest, '>');
        rest = sv_trim(rest);
    }
    while (rest.n && !closed) {
        struct sv text = sv_cut(&rest, '<');
        bool saying = depth == 0 ? false : sv_eq(open[depth - 1], SV("Say")), first = saying && says == 1;
        struct buf BUF_AUTO other = BUF_INIT(64 * 1024);
        if (!rest.p || sv_find_char(rest, '>') == SIZE_MAX || (!saying && sv_trim(text).n) ||
            !sim_twiml_text(first ? out->said : &other, text))
            return false;
        out->times += saying && (first || sv_eq(buf_sv(&other), buf_sv(out->said)));
        struct sv tag = sv_cut(&rest, '>');
        if (sv_starts(tag, SV("/"))) {
            if (depth == 0 || !sv_eq(sv_from(tag, 1), open[depth - 1]))
                return false;
            closed = --depth == 0;
            continue;
        }
        bool empty = sv_ends(tag, SV("/"));
        if (empty)
            tag.n--;
        struct sv attributes = tag;
        struct sv name = sv_cut(&attributes, ' ');
        bool root = depth == 0;
        if (root != sv_eq(name, SV("Response")) || (!root && !is_verb(name)) || saying || depth == DEPTH_MAX)
            return false;
        if (sv_eq(name, SV("Gather")) && !out->action.p)
            out->action = attribute(attributes, SV("action"));
        if (sv_eq(name, SV("Say")) && says++ == 0) {
            out->language = attribute(attributes, SV("language"));
            out->voice = attribute(attributes, SV("voice"));
        }
        if (!empty)
            open[depth++] = name;
        else
            closed = root;
    }
    return closed && sv_trim(rest).n == 0;
}
