/* Rules as files: each of rules.dir is YAML with a list `rules:` (and perhaps `account:`). */
#include "ingest/file.h"
#include "ingest/rule.h"
#include "ingest/yaml_json.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RULE_FILE_BYTES_MAX = 1 << 20, FILES_MAX = 1000 };

void rule_set_done(struct rule_set *set) {
    for (size_t i = 0; i < set->n; i++)
        rule_free(set->rules[i]);
    free(set->rules);
    *set = (struct rule_set){0};
}

/* Says the file and the place of what is wrong, in the words e has. */
static bool say_place(const char *path, const struct yaml_json *yaml, struct sv at, struct err *e) {
    struct err why = *e;
    if (yaml)
        yaml_json_place(yaml, at, &why);
    if (why.line)
        err_set(e, why.kind, "%s:%u:%u: %s", path, why.line, why.column, why.text);
    else
        err_set(e, why.kind, "%s: %s", path, why.text);
    return err_place(e, why.line, why.column);
}

static bool is_taken(const struct rule_set *set, struct sv name) {
    for (size_t i = 0; i < set->n; i++)
        if (sv_eq(name, sv_of(set->rules[i]->name)))
            return true;
    return false;
}

static bool add_rule(struct rule_set *set, const json_t *doc, const char *account, struct err *e) {
    const json_t *name = json_object_get(doc, "name");
    if (!json_is_object(doc) || !json_is_string(name))
        return err_set_field(e, ERR_INVALID, "name", "each rule begins with its name: `- name: order-paid`");
    struct sv text = sv_make(json_string_value(name), json_string_length(name));
    if (is_taken(set, text))
        return err_set_field(e, ERR_INVALID, "name", "another rule of rules.dir has this name: take another");
    if (set->n == RULES_PER_ACCOUNT_MAX)
        return err_set(e, ERR_TOO_LARGE, "more than %d rules", RULES_PER_ACCOUNT_MAX);
    struct rule *r = rule_compile(doc, text, 0, e);
    if (!r)
        return false;
    snprintf(r->account, sizeof r->account, "%s", account);
    struct rule **grown = realloc(set->rules, (set->n + 1) * sizeof(struct rule *));
    ASSERT(grown);
    set->rules = grown;
    set->rules[set->n++] = r;
    return true;
}

static bool check_top(const json_t *top, struct err *e) {
    static const char what[] = "a file of rules has `rules:`, a list of them, and perhaps `account: NAME`";
    const json_t *account = json_object_get(top, "account");
    if (!json_is_object(top) || !json_is_array(json_object_get(top, "rules")))
        return err_set(e, ERR_INVALID, "%s", what);
    if (account && (!json_is_string(account) || json_string_length(account) > 64))
        return err_set_field(e, ERR_INVALID, "account", "`account` is the name of an account");
    for (void *i = json_object_iter((json_t *)(uintptr_t)top); i;
         i = json_object_iter_next((json_t *)(uintptr_t)top, i)) {
        const char *key = json_object_iter_key(i);
        if (strcmp(key, "rules") != 0 && strcmp(key, "account") != 0)
            return err_set_field(e, ERR_INVALID, strlen(key) < ERR_FIELD_MAX ? key : "", "%s", what);
    }
    return true;
}

static bool read_rules(const char *path, const struct yaml_json *yaml, const json_t *top,
                       struct rule_set *set, struct err *e) {
    if (!check_top(top, e))
        return say_place(path, yaml, sv_of(e->field), e);
    const json_t *account = json_object_get(top, "account"), *rules = json_object_get(top, "rules");
    for (size_t i = 0; i < json_array_size(rules); i++) {
        if (add_rule(set, json_array_get(rules, i), account ? json_string_value(account) : "", e))
            continue;
        char at[ERR_FIELD_MAX + 32];
        snprintf(at, sizeof at, "rules.%zu%s%s", i, e->field[0] ? "." : "", e->field);
        return say_place(path, yaml, sv_of(at), e);
    }
    return true;
}

bool rule_file_read(const char *path, struct rule_set *set, struct err *e) {
    struct buf BUF_AUTO text = BUF_INIT(RULE_FILE_BYTES_MAX);
    struct yaml_json yaml;
    json_t *top;
    if (!ingest_read_file(path, &text, e))
        return false;
    if (!sv_is_utf8(buf_sv(&text)) || sv_find_char(buf_sv(&text), '\0') != SIZE_MAX)
        return err_set(e, ERR_INVALID, "%s: not UTF-8, or there is a NUL in it", path);
    if (!yaml_json_read(&yaml, buf_sv(&text), 0, &top, e))
        return say_place(path, NULL, SV_NONE, e);
    bool ok = !top || read_rules(path, &yaml, top, set, e);
    json_decref(top);
    yaml_json_done(&yaml);
    return ok;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_rules(const struct dirent *d) {
    struct sv name = sv_of(d->d_name);
    return name.p[0] != '.' && (sv_ends(name, SV(".yaml")) || sv_ends(name, SV(".yml")));
}

bool rule_folder_read(const char *dir, struct rule_set *set, struct err *e) {
    struct dirent **files = NULL;
    int n = scandir(dir, &files, is_rules, by_name);
    bool ok = n >= 0 || err_set(e, ERR_INVALID, "rules.dir: %s: %s", dir, strerror(errno));
    if (n > FILES_MAX)
        ok = err_set(e, ERR_TOO_LARGE, "%s: more than %d files", dir, FILES_MAX);
    for (int i = 0; i < n; i++) {
        char path[4096];
        if (ok && snprintf(path, sizeof path, "%s/%s", dir, files[i]->d_name) >= (int)sizeof path)
            ok = err_set(e, ERR_INVALID, "%s: path too long", dir);
        ok = ok && rule_file_read(path, set, e);
        free(files[i]);
    }
    free(files);
    return ok;
}
