#include "text/smart.h"

#include "text/gsm7.h"
#include "text/utf8.h"

/* Sorted by code point. The pairs of Twilio's smart encoding (the 271 of its sms-segments-calculator 1.3.0; a
 * test holds this table against them), with one change: where that library writes two spaces and Twilio's
 * page shows one, one is written. An empty replacement removes the character. */
static const struct {
    uint16_t from;
    char to[8];
} look_alikes[] = {
    /* clang-format off */
    {0x0000, ""}, {0x0003, ""}, {0x0004, ""}, {0x0009, "       "}, {0x0010, ""}, {0x0011, ""}, {0x0012, ""},
    {0x0013, ""}, {0x0014, ""}, {0x0017, ""}, {0x0019, ""}, {0x0060, "'"}, {0x0080, " "}, {0x008D, " "},
    {0x0090, " "}, {0x009B, " "}, {0x009F, " "}, {0x00A0, " "}, {0x00AB, "\""}, {0x00B4, "'"},
    {0x00BB, "\""}, {0x00BC, "1/4"}, {0x00BD, "1/2"}, {0x00BE, "3/4"}, {0x00F7, "/"}, {0x01C3, "!"},
    {0x0262, "G"}, {0x026A, "I"}, {0x0274, "N"}, {0x0280, "R"}, {0x028F, "Y"}, {0x0299, "B"}, {0x029C, "H"},
    {0x029F, "L"}, {0x02B9, "'"}, {0x02BA, "\""}, {0x02BB, "'"}, {0x02BC, "'"}, {0x02BD, "'"},
    {0x02C6, "^"}, {0x02C8, "'"}, {0x02CA, "'"}, {0x02CB, "'"}, {0x02D0, ":"}, {0x02D6, "+"}, {0x02DC, "~"},
    {0x02EE, "\""}, {0x02F7, "~"}, {0x02F8, ":"}, {0x0302, "^"}, {0x0303, "~"}, {0x0313, "'"},
    {0x0314, "'"}, {0x0326, ","}, {0x0330, "~"}, {0x0332, "_"}, {0x0334, "~"}, {0x0337, "/"}, {0x0338, "/"},
    {0x0347, "="}, {0x1D00, "A"}, {0x1D04, "C"}, {0x1D05, "D"}, {0x1D07, "E"}, {0x1D0A, "J"}, {0x1D0B, "K"},
    {0x1D0D, "M"}, {0x1D0F, "O"}, {0x1D18, "P"}, {0x1D1B, "T"}, {0x1D1C, "U"}, {0x1D20, "V"}, {0x1D21, "W"},
    {0x1D22, "Z"}, {0x1DCD, "^"}, {0x2000, " "}, {0x2001, " "}, {0x2002, " "}, {0x2003, " "}, {0x2004, " "},
    {0x2005, " "}, {0x2006, " "}, {0x2007, " "}, {0x2008, " "}, {0x2009, " "}, {0x200A, " "}, {0x200B, ""},
    {0x200C, ""}, {0x2010, "-"}, {0x2013, "-"}, {0x2014, "-"}, {0x2015, "-"}, {0x2017, "_"}, {0x2018, "'"},
    {0x2019, "'"}, {0x201A, ","}, {0x201B, "'"}, {0x201C, "\""}, {0x201D, "\""}, {0x201E, "\""},
    {0x201F, "\""}, {0x2022, "-"}, {0x2026, "..."}, {0x2028, " "}, {0x2029, " "}, {0x202F, " "},
    {0x2039, "<"}, {0x203A, ">"}, {0x203C, "!!"}, {0x2043, "-"}, {0x2044, "/"}, {0x204E, "*"},
    {0x204F, ";"}, {0x205F, " "}, {0x2060, ""}, {0x20D2, "|"}, {0x20D3, "|"}, {0x20E5, "\\"}, {0x2215, "/"},
    {0x2217, "*"}, {0x2223, "|"}, {0x223C, "~"}, {0x229B, "*"}, {0x239C, "|"}, {0x239F, "|"}, {0x23B8, "|"},
    {0x23B9, "|"}, {0x23BC, "-"}, {0x23BD, "-"}, {0x23D0, "|"}, {0x2722, "*"}, {0x2723, "*"}, {0x2724, "*"},
    {0x2725, "*"}, {0x2731, "*"}, {0x2732, "*"}, {0x2733, "*"}, {0x273A, "*"}, {0x273B, "*"}, {0x273C, "*"},
    {0x273D, "*"}, {0x2743, "*"}, {0x2749, "*"}, {0x274A, "*"}, {0x274B, "*"}, {0x275B, "'"}, {0x275C, "'"},
    {0x275D, "\""}, {0x275E, "\""}, {0x2768, "("}, {0x2769, ")"}, {0x276A, "("}, {0x276B, ")"},
    {0x2774, "{"}, {0x2775, "}"}, {0x27EE, "("}, {0x27EF, ")"}, {0x2982, ":"}, {0x2985, "("}, {0x2986, ")"},
    {0x29C6, "*"}, {0x29F5, "\\"}, {0x29F8, "/"}, {0x29F9, "\\"}, {0x3000, " "}, {0x3001, ","},
    {0x3002, "."}, {0x301D, "\""}, {0x301E, "\""}, {0xA730, "F"}, {0xA731, "S"}, {0xA789, ":"},
    {0xA78A, "="}, {0xFE10, "'"}, {0xFE11, "'"}, {0xFE13, ":"}, {0xFE14, ";"}, {0xFE15, "!"}, {0xFE16, "?"},
    {0xFE50, ","}, {0xFE51, ","}, {0xFE52, "."}, {0xFE54, ";"}, {0xFE56, "?"}, {0xFE57, "!"}, {0xFE59, "("},
    {0xFE5A, ")"}, {0xFE5B, "{"}, {0xFE5C, "}"}, {0xFE5F, "#"}, {0xFE60, "&"}, {0xFE61, "*"}, {0xFE62, "+"},
    {0xFE63, "-"}, {0xFE64, "<"}, {0xFE65, ">"}, {0xFE66, "="}, {0xFE68, "\\"}, {0xFE69, "$"},
    {0xFE6A, "%"}, {0xFE6B, "@"}, {0xFEFF, ""}, {0xFF01, "!"}, {0xFF02, "\""}, {0xFF03, "#"}, {0xFF04, "$"},
    {0xFF05, "%"}, {0xFF06, "&"}, {0xFF07, "'"}, {0xFF08, "("}, {0xFF09, ")"}, {0xFF0A, "*"}, {0xFF0B, "+"},
    {0xFF0C, ","}, {0xFF0D, "-"}, {0xFF0E, "."}, {0xFF0F, "/"}, {0xFF10, "0"}, {0xFF11, "1"}, {0xFF12, "2"},
    {0xFF13, "3"}, {0xFF14, "4"}, {0xFF15, "5"}, {0xFF16, "6"}, {0xFF17, "7"}, {0xFF18, "8"}, {0xFF19, "9"},
    {0xFF1A, ":"}, {0xFF1B, ";"}, {0xFF1C, "<"}, {0xFF1D, "="}, {0xFF1E, ">"}, {0xFF1F, "?"}, {0xFF20, "@"},
    {0xFF21, "A"}, {0xFF22, "B"}, {0xFF23, "C"}, {0xFF24, "D"}, {0xFF25, "E"}, {0xFF26, "F"}, {0xFF27, "G"},
    {0xFF28, "H"}, {0xFF29, "I"}, {0xFF2A, "J"}, {0xFF2B, "K"}, {0xFF2C, "L"}, {0xFF2D, "M"}, {0xFF2E, "N"},
    {0xFF2F, "O"}, {0xFF30, "P"}, {0xFF31, "Q"}, {0xFF32, "R"}, {0xFF33, "S"}, {0xFF34, "T"}, {0xFF35, "U"},
    {0xFF36, "V"}, {0xFF37, "W"}, {0xFF38, "X"}, {0xFF39, "Y"}, {0xFF3A, "Z"}, {0xFF3B, "["},
    {0xFF3C, "\\"}, {0xFF3D, "]"}, {0xFF3E, "^"}, {0xFF3F, "_"}, {0xFF5B, "{"}, {0xFF5C, "|"},
    {0xFF5D, "}"}, {0xFF5E, "~"}, {0xFF61, "."}, {0xFF64, ","},
    /* clang-format on */
};

/* The replacement, or NULL when the character has none. */
static const char *replacement(uint32_t cp) {
    size_t low = 0, high = sizeof look_alikes / sizeof look_alikes[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (look_alikes[middle].from == cp)
            return look_alikes[middle].to;
        if (look_alikes[middle].from < cp)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool smart_encode(struct sv utf8, struct buf *out) {
    size_t n_before = out->n;
    const unsigned char *p = (const unsigned char *)(utf8.n ? utf8.p : ""), *end = p + utf8.n;
    const unsigned char *kept = p; /* from here on nothing is copied yet */
    bool changed = false, ok = true;
    while (ok && p < end) {
        const unsigned char *from = p;
        uint32_t cp = utf8_next(&p, end);
        if (gsm7_of(cp, NULL))
            continue;
        const char *to = replacement(cp);
        changed = true;
        ok = to && buf_add(out, sv_make((const char *)kept, (size_t)(from - kept))) && buf_adds(out, to);
        kept = p;
    }
    if (ok && changed && buf_add(out, sv_make((const char *)kept, (size_t)(end - kept))))
        return true;
    if (out->p) { /* leave out as it was */
        out->n = n_before;
        out->p[n_before] = '\0';
    }
    return false;
}
