#include "text/blank.h"

#include "text/utf8.h"

struct range {
    uint32_t first, last;
};

/* PropList.txt (White_Space), DerivedCoreProperties.txt (Default_Ignorable_Code_Point) and UnicodeData.txt
 * (Cc, Cf without the visible signs of Arabic, Syriac, Kaithi and Egyptian) of the Unicode Character
 * Database, 15.0. U+2800 is an empty Braille cell. */
static const struct range blanks[] = {
    {0x0000, 0x0020},   {0x007F, 0x00A0},   {0x00AD, 0x00AD}, {0x034F, 0x034F}, {0x061C, 0x061C},
    {0x115F, 0x1160},   {0x1680, 0x1680},   {0x17B4, 0x17B5}, {0x180B, 0x180F}, {0x2000, 0x200F},
    {0x2028, 0x202F},   {0x205F, 0x206F},   {0x2800, 0x2800}, {0x3000, 0x3000}, {0x3164, 0x3164},
    {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB}, {0x1BCA0, 0x1BCA3},
    {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
};

static bool is_blank(uint32_t cp) {
    for (size_t i = 0; i < sizeof blanks / sizeof blanks[0] && blanks[i].first <= cp; i++)
        if (cp <= blanks[i].last)
            return true;
    return false;
}

bool text_is_blank(struct sv utf8) {
    const unsigned char *p = (const unsigned char *)utf8.p, *end = p + utf8.n;
    while (p < end)
        if (!is_blank(utf8_next(&p, end)))
            return false;
    return true;
}
