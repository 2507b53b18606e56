#include "ingest/texts.h"

#include "ingest/doc_file.h"
#include "ingest/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TEMPLATE_FILE_MAX_BYTES = 1 << 20, TEMPLATES_MAX = 10000 };

/* ---- templates: NAME.txt, or NAME.LANG.txt for a language ---- */

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct text_template *)a)->name, ((const struct text_template *)b)->name);
}

static const struct text_template *exactly(const struct texts *t, const char *name) {
    struct text_template key = {.name = (char *)(uintptr_t)name};
    /* Where there are none there is no array either, which bsearch may not be given. */
    return t->n_templates ? bsearch(&key, t->templates, t->n_templates, sizeof key, by_name) : NULL;
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
    if (!ingest_read_file(path, &text, e))
        return false;
    if (!sv_is_utf8(buf_sv(&text)))
        return err_set(e, ERR_INVALID, "%s: not UTF-8", path);
    struct text_template *grown = realloc(t->templates, (t->n_templates + 1) * sizeof *grown);
    ASSERT(grown);
    t->templates = grown;
    struct template_options options = texts_template_options(s, t);
    struct doc_file_parts parts = doc_file_split(buf_sv(&text)); /* a head is for the import */
    options.first_line = parts.text_line;
    struct template *compiled = template_compile(name, parts.text, &options, e);
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

struct texts *texts_load(const struct settings *s, struct err *e) {
    struct texts *t = calloc(1, sizeof *t);
    ASSERT(t);
    if (load_templates(t, s, e) && screens_load(s, &t->screens, e) && replies_load(s, &t->replies, e) &&
        (!s->rules.dir.n || rule_folder_read(s->rules.dir.p, &t->rules, e)))
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
    screens_free(t->screens);
    replies_free(t->replies);
    rule_set_done(&t->rules);
    free(t);
}

const struct rule_set *texts_rules(const struct texts *t) {
    return &t->rules;
}

const struct replies *texts_replies(const struct texts *t) {
    return t->replies;
}

bool texts_screen_by_account(const struct texts *t) {
    return screens_by_account(t->screens);
}
