#include "ingest/texts.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX_BYTES = 64 << 20, TEMPLATE_FILE_MAX_BYTES = 1 << 20, TEMPLATES_MAX = 10000 };

static bool read_file(const char *path, size_t max, struct buf *out, struct err *e) {
    FILE *f = fopen(path, "rbe");
    if (!f)
        return err_set(e, ERR_INVALID, "%s: %s", path, strerror(errno));
    buf_init(out, max);
    char part[16384];
    size_t n;
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        buf_add(out, sv_make(part, n));
    bool broken = ferror(f) != 0;
    fclose(f);
    if (broken || out->overflow)
        return err_set(e, ERR_INVALID, "%s: %s", path, broken ? "cannot be read" : "is too large");
    return true;
}

/* ---- templates: NAME.txt, or NAME.LANG.txt for a language ---- */

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct text_template *)a)->name, ((const struct text_template *)b)->name);
}

static const struct text_template *exactly(const struct texts *t, const char *name) {
    struct text_template key = {.name = (char *)(uintptr_t)name};
    return bsearch(&key, t->templates, t->n_templates, sizeof key, by_name);
}

static const struct template *for_include(void *ctx, struct sv name) {
    return texts_template(ctx, name, SV_NONE);
}

const struct template *texts_template(const struct texts *t, struct sv name, struct sv language) {
    char key[256];
    struct sv lang = language;
    /* zh-CN, then zh, then no language at all */
    while (lang.n) {
        int n = snprintf(key, sizeof key, "%.*s.%.*s", SV_FMT(name), SV_FMT(lang));
        const struct text_template *found = n > 0 && (size_t)n < sizeof key ? exactly(t, key) : NULL;
        if (found)
            return found->compiled;
        size_t dash = lang.n;
        while (dash > 0 && lang.p[dash - 1] != '-')
            dash--;
        lang = sv_sub(lang, 0, dash ? dash - 1 : 0);
    }
    int n = snprintf(key, sizeof key, "%.*s", SV_FMT(name));
    const struct text_template *found = n > 0 && (size_t)n < sizeof key ? exactly(t, key) : NULL;
    return found ? found->compiled : NULL;
}

struct template_options texts_template_options(const struct settings *s, struct texts *t) {
    return (struct template_options){.strict_undefined = s->templates.strict,
                                     .trim_blocks = s->templates.trim_blocks,
                                     .lstrip_blocks = s->templates.lstrip_blocks,
                                     .load = t ? for_include : NULL,
                                     .load_ctx = t};
}

static bool add_template(struct texts *t, const char *dir, const char *file, const struct settings *s,
                         struct err *e) {
    struct sv name = sv_of(file);
    if (name.p[0] == '.' || !sv_ends(name, SV(".txt")))
        return true;
    name = sv_sub(name, 0, name.n - 4);
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", dir, file) >= (int)sizeof path)
        return err_set(e, ERR_INVALID, "%s: path too long", dir);
    if (t->n_templates == TEMPLATES_MAX)
        return err_set(e, ERR_INVALID, "%s: more than %d templates", dir, TEMPLATES_MAX);
    struct buf BUF_AUTO text = BUF_INIT(TEMPLATE_FILE_MAX_BYTES);
    if (!read_file(path, TEMPLATE_FILE_MAX_BYTES, &text, e))
        return false;
    if (!sv_is_utf8(buf_sv(&text)))
        return err_set(e, ERR_INVALID, "%s: not UTF-8", path);
    struct text_template *grown = realloc(t->templates, (t->n_templates + 1) * sizeof *grown);
    ASSERT(grown);
    t->templates = grown;
    struct template_options options = texts_template_options(s, t);
    struct template *compiled = template_compile(name, buf_sv(&text), &options, e);
    if (!compiled)
        return false;
    t->templates[t->n_templates++] =
        (struct text_template){.name = strndup(name.p, name.n), .compiled = compiled};
    return true;
}

static bool load_templates(struct texts *t, const struct settings *s, struct err *e) {
    if (!s->templates.dir.n)
        return true;
    DIR *d = opendir(s->templates.dir.p);
    if (!d)
        return err_set(e, ERR_INVALID, "templates.dir: %s: %s", s->templates.dir.p, strerror(errno));
    bool ok = true;
    for (struct dirent *entry; ok && (entry = readdir(d)) != NULL;)
        ok = add_template(t, s->templates.dir.p, entry->d_name, s, e);
    closedir(d);
    if (t->n_templates)
        qsort(t->templates, t->n_templates, sizeof *t->templates, by_name);
    return ok;
}

/* ---- word lists ---- */

static enum screen_action action_of(struct sv name) {
    if (sv_eq(name, SV("replace")))
        return SCREEN_REPLACE;
    return sv_eq(name, SV("flag")) ? SCREEN_FLAG : SCREEN_BLOCK;
}

static bool add_list(struct screen_builder *b, struct sv path, enum screen_action action, bool allow,
                     struct err *e) {
    struct buf BUF_AUTO text = BUF_INIT(FILE_MAX_BYTES);
    if (!read_file(path.p, FILE_MAX_BYTES, &text, e))
        return false;
    struct screen_list list = {.name = path, .file = path, .text = buf_sv(&text), .action = action};
    return allow ? screen_builder_allow(b, &list, e) : screen_builder_words(b, &list, e);
}

static bool load_words(struct texts *t, const struct settings *s, struct err *e) {
    if (s->screen.n_words == 0)
        return true;
    struct screen_builder *b = screen_builder_new();
    ASSERT(b);
    bool ok = true;
    for (uint32_t i = 0; ok && i < s->screen.n_words; i++)
        ok = add_list(b, s->screen.words[i], action_of(s->screen.action), false, e);
    if (ok && s->screen.allow.n)
        ok = add_list(b, s->screen.allow, SCREEN_BLOCK, true, e);
    if (ok)
        t->words = screen_compile(b, e);
    screen_builder_free(b);
    return ok && t->words;
}

struct texts *texts_load(const struct settings *s, struct err *e) {
    struct texts *t = calloc(1, sizeof *t);
    ASSERT(t);
    if (load_templates(t, s, e) && load_words(t, s, e))
        return t;
    texts_free(t);
    return NULL;
}

void texts_free(struct texts *t) {
    if (!t)
        return;
    for (size_t i = 0; i < t->n_templates; i++) {
        template_free(t->templates[i].compiled);
        free(t->templates[i].name);
    }
    free(t->templates);
    screen_set_free(t->words);
    free(t);
}
