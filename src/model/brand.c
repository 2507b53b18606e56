#include "model/brand.h"

#include "model/language.h"

static bool read(struct sv line, struct language *l, struct sv *brand) {
    struct sv rest = line, tag = sv_trim(sv_cut(&rest, ':'));
    *brand = sv_trim(rest);
    return tag.n && language_parse(tag, l) && brand->n && brand->n <= BRAND_BYTES_MAX;
}

bool brand_check(struct sv line, struct err *e) {
    struct language l;
    struct sv brand;
    return read(line, &l, &brand) ||
           err_set(e, ERR_INVALID, "must be a language and a name of up to %d bytes, such as `zh: 鸿雁`",
                   BRAND_BYTES_MAX);
}

struct sv brand_of(const struct sv_list *lines, struct sv language, struct sv otherwise) {
    struct language want, has;
    struct sv brand;
    if (!language_parse(language, &want))
        return otherwise;
    do {
        for (uint32_t i = 0; i < lines->n; i++)
            if (read(lines->at[i], &has, &brand) && sv_eq(sv_of(has.text), sv_of(want.text)))
                return brand;
    } while (language_wider(&want));
    return otherwise;
}
