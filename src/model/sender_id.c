#include "model/sender_id.h"

static const char must_be[] =
    "must be a sender of up to 64 bytes, or `SENDER for CN,HK` with two-letter country codes";

static bool is_region(struct sv v) {
    return v.n == 2 && v.p[0] >= 'A' && v.p[0] <= 'Z' && v.p[1] >= 'A' && v.p[1] <= 'Z';
}

bool sender_id_parse(struct sv text, struct sender_id *out, struct err *e) {
    text = sv_trim(text);
    *out = (struct sender_id){.name = text, .text = text};
    size_t at = text.n;
    while (at && !sv_starts(sv_from(text, at), SV(" for ")))
        at--;
    if (at) {
        out->name = sv_trim(sv_sub(text, 0, at));
        out->countries = sv_trim(sv_from(text, at + 5));
    }
    for (struct sv rest = out->countries; rest.p;)
        if (!is_region(sv_cut(&rest, ',')))
            return err_set(e, ERR_INVALID, "%s", must_be);
    bool cut = sv_starts(out->name, SV("for ")) || sv_ends(out->name, SV(" for"));
    return (out->name.n && out->name.n <= SENDER_NAME_MAX && !cut) || err_set(e, ERR_INVALID, "%s", must_be);
}

bool sender_id_names(const struct sender_id *s, struct sv region) {
    for (struct sv rest = s->countries; region.n && rest.p && rest.n;)
        if (sv_eq(sv_cut(&rest, ','), region))
            return true;
    return false;
}
