#include "ingest/lookup.h"

#include "ingest/texts.h"

enum { STEPS_MAX = 100000, LANGUAGES_SHOWN_BYTES_MAX = 1000 };

static bool no_template(const struct settings *s, const struct render_want *w, struct err *e) {
    return err_set_field(
        e, ERR_UNPROCESSABLE, "template",
        s->templates.dir.n ? "there is no template `%.*s`: none is published, and no file has this name"
                           : "there is no template `%.*s`: none is published (and templates.dir is not set)",
        SV_FMT(w->name));
}

/* Files are named as their writer spelt the language, which may be as it was given, or as it should be. */
static const struct template *file_of(const struct texts *t, const struct render_want *w,
                                      const struct language *l) {
    if (!t)
        return NULL;
    const struct template *found = texts_template(t, w->name, w->language);
    return found || !w->language.n ? found : texts_template(t, w->name, sv_of(l->text));
}

bool lookup_text(struct stock *stock, const struct settings *s, const struct texts *t,
                 const struct render_want *w, struct stock_text *out, struct err *e) {
    struct stock_want want = {.account_id = w->account_id,
                              .name = w->name,
                              .version = w->version,
                              .channel = w->channel,
                              .part = w->part};
    *out = (struct stock_text){.version = 0};
    if (!language_parse(w->language, &want.language))
        return err_set_field(e, ERR_INVALID, "language", "not a language tag, such as zh or zh-CN");
    if (stock && !stock_find(stock, s, t, &want, out, e))
        return false;
    if (out->version)
        return true;
    bool text_message = w->channel == CHANNEL_SMS && w->part == TEMPLATE_TEXT; /* all that files have */
    out->compiled = text_message ? file_of(t, w, &want.language) : NULL;
    return out->compiled || no_template(s, w, e);
}

bool lookup_has_none(const struct render_want *w, const struct stock_text *found, struct err *e) {
    struct buf BUF_AUTO languages = BUF_INIT(LANGUAGES_SHOWN_BYTES_MAX);
    for (size_t i = 0; i < found->doc->n_bodies; i++) {
        const struct template_body *b = &found->doc->bodies[i];
        if (b->channel == w->channel && b->part == w->part)
            buf_addf(&languages, "%s%.*s", languages.n ? ", " : "", SV_FMT(b->language));
    }
    if (!languages.n || languages.overflow)
        return err_set_field(e, ERR_UNPROCESSABLE, "template",
                             "version %u of the template `%.*s` has no %s %s", found->version,
                             SV_FMT(w->name), channel_name(w->channel), template_part_name(w->part));
    return err_set_field(e, ERR_UNPROCESSABLE, "template",
                         "version %u of the template `%.*s` has its %s %s in %.*s: `language` %s",
                         found->version, SV_FMT(w->name), channel_name(w->channel),
                         template_part_name(w->part), SV_FMT(buf_sv(&languages)),
                         w->language.n ? "names none of these" : "must name one of these");
}

bool lookup_render(const struct stock *stock, const struct template *compiled, const json_t *vars,
                   struct shortener *links, uint64_t *steps, struct buf *out, struct err *e) {
    uint64_t spent = 0;
    struct template_limits limits = {.steps_max = steps && *steps < STEPS_MAX ? *steps : STEPS_MAX,
                                     .spent = &spent,
                                     .depth_max = 100,
                                     .memory_bytes_max = 1 << 20,
                                     .output_bytes_max = out->max - out->n};
    shortener_serve(links, &limits);
    struct err why = ERR_INIT;
    bool ok = template_render(compiled, vars, &limits, out, &why);
    if (steps)
        *steps -= spent;
    if (ok)
        return true;
    if (stock && stock_trouble(stock)->kind == ERR_OUTSIDE)
        why = *stock_trouble(stock);
    bool ours = why.kind == ERR_INTERNAL || why.kind == ERR_OUTSIDE;
    return err_set_field(e, ours ? why.kind : ERR_UNPROCESSABLE, ours ? "" : "vars", "%s", why.text);
}
