#include "app/config_env.h"

#include <ctype.h>

struct reading {
    const struct config_env *env;
    struct sv file;
    struct config_problems *problems;
};

static struct sv outer_env(void *ctx, struct sv name) {
    const struct reading *r = ctx;
    return config_env_get(r->env, name);
}

static void bad_line(void *ctx, unsigned line, const char *why) {
    const struct reading *r = ctx;
    config_problem_add(r->problems, r->file, line, "%s", why);
}

static void read_file(struct config_env *env, struct sv path, struct arena *mem,
                      struct config_problems *problems) {
    struct buf BUF_AUTO text = BUF_INIT(CONFIG_FILE_BYTES_MAX);
    struct err e = ERR_INIT;
    if (!env->src->read(env->src->ctx, path, &text, &e)) {
        if (e.kind != ERR_NOT_FOUND)
            config_problem_add(problems, path, 0, "%s", e.text);
        return;
    }
    struct reading r = {.env = env, .file = path, .problems = problems};
    struct dotenv_outside outside = {.env = outer_env, .bad = bad_line, .ctx = &r};
    struct dotenv d;
    if (!dotenv_parse(&d, buf_sv(&text), &outside, mem, &e))
        config_problem_add(problems, path, 0, "%s", e.text);
    env->files[env->n_files++] = d;
}

void config_env_init(struct config_env *env, const struct config_source *src, struct sv config_path,
                     struct arena *mem, struct config_problems *problems) {
    *env = (struct config_env){.src = src};
    size_t folder = config_path.n;
    while (folder && config_path.p[folder - 1] != '/')
        folder--;
    struct buf BUF_AUTO beside = BUF_INIT(4096);
    buf_add(&beside, sv_sub(config_path, 0, folder));
    buf_adds(&beside, ".env");
    if (folder && !sv_eq(buf_sv(&beside), SV("./.env")) && !beside.overflow)
        read_file(env, buf_sv(&beside), mem, problems);
    read_file(env, SV(".env"), mem, problems);
}

struct sv config_env_get(const struct config_env *env, struct sv name) {
    struct sv v = env->src->env(env->src->ctx, name);
    for (size_t i = 0; !v.p && i < env->n_files; i++)
        v = dotenv_get(&env->files[i], name);
    return v;
}

static bool is_name(struct sv v) {
    for (size_t i = 0; i < v.n; i++)
        if (!isalnum((unsigned char)v.p[i]) && v.p[i] != '_')
            return false;
    return v.n > 0 && !isdigit((unsigned char)v.p[0]);
}

/* inside: what stands between ${ and }. */
static bool cut_reference(struct sv inside, struct sv *name, struct sv *fallback) {
    size_t mark = sv_find(inside, SV(":-"));
    *name = mark == SIZE_MAX ? inside : sv_sub(inside, 0, mark);
    *fallback = mark == SIZE_MAX ? SV_NONE : sv_make(inside.p + mark + 2, inside.n - mark - 2);
    return is_name(*name);
}

bool config_env_expand(const struct config_env *env, struct sv raw, struct buf *out, struct err *e) {
    for (;;) {
        size_t start = sv_find(raw, SV("${"));
        if (start == SIZE_MAX) {
            buf_add(out, raw);
            break;
        }
        if (start && raw.p[start - 1] == '$') {
            buf_add(out, sv_sub(raw, 0, start - 1));
            buf_adds(out, "${");
            raw = sv_from(raw, start + 2);
            continue;
        }
        buf_add(out, sv_sub(raw, 0, start));
        raw = sv_from(raw, start + 2);
        size_t end = sv_find_char(raw, '}');
        struct sv name, fallback;
        if (end == SIZE_MAX)
            return err_set(e, ERR_INVALID, "a ${ without its } (write $${ for a literal one)");
        if (!cut_reference(sv_sub(raw, 0, end), &name, &fallback))
            return err_set(e, ERR_INVALID,
                           "${...} wants NAME or NAME:-default inside, NAME of letters, "
                           "digits and _ (write $${ for a literal ${)");
        struct sv v = config_env_get(env, name);
        if (!v.p && !fallback.p)
            return err_set(
                e, ERR_INVALID,
                "the variable %.*s is not set, in the environment or in .env (a default is written "
                "${%.*s:-default})",
                (int)(name.n < 64 ? name.n : 64), name.p, (int)(name.n < 64 ? name.n : 64), name.p);
        buf_add(out, v.n || !fallback.p ? v : fallback);
        raw = sv_from(raw, end + 1);
    }
    if (out->overflow)
        return err_set(e, ERR_TOO_LARGE, "longer than %d bytes", CONFIG_VALUE_BYTES_MAX);
    return true;
}

bool config_env_is_reference(struct sv raw) {
    struct sv name, fallback;
    return sv_starts(raw, SV("${")) && raw.n > 3 && sv_find_char(raw, '}') == raw.n - 1 &&
           cut_reference(sv_sub(raw, 2, raw.n - 3), &name, &fallback) && fallback.n == 0;
}
