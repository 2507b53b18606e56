/* Any bytes as configuration, environment, .env and a secret's file: settings or problems, within bounds;
 * what is printed of settings loads again as the same. The input is cut at NUL bytes into the four. */
#include "../app/fake_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Secrets are printed as stars, which may not stand in a file: for reading again they become a variable. */
static void unstar(struct sv printed, struct buf *out) {
    struct sv stars = SV("\"***\"");
    for (size_t at; (at = sv_find(printed, stars)) != SIZE_MAX; printed = sv_from(printed, at + stars.n)) {
        buf_add(out, sv_sub(printed, 0, at));
        buf_adds(out, "${STARS}");
    }
    buf_add(out, printed);
}

static void check_print(const struct settings *s) {
    struct buf BUF_AUTO once = BUF_INIT(8 << 20), BUF_AUTO yaml = BUF_INIT(8 << 20),
                        BUF_AUTO twice = BUF_INIT(8 << 20);
    struct config_problems problems = {0};
    config_print(s, &once);
    ASSERT(!once.overflow && sv_is_utf8(buf_sv(&once)));
    unstar(buf_sv(&once), &yaml);
    if (yaml.n > CONFIG_FILE_BYTES_MAX)
        return;
    struct fake_source f = {.env = SV("STARS=0123456789abcdef0123456789abcdef\n")};
    fake_file(&f, SV("h.yaml"), buf_sv(&yaml));
    struct config_source src = fake_source_of(&f);
    struct settings *again = config_load(SV("h.yaml"), &src, &problems);
    ASSERT(again);
    config_print(again, &twice);
    ASSERT(sv_eq(buf_sv(&once), buf_sv(&twice)));
    config_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buf BUF_AUTO out = BUF_INIT(1 << 20);
    struct config_problems problems = {0};
    struct fake_source f = {0};
    struct err e = ERR_INIT;
    struct sv rest = sv_make((const char *)data, size);
    fake_file(&f, SV("conf/h.yaml"), sv_cut(&rest, '\0'));
    f.env = sv_cut(&rest, '\0');
    fake_file(&f, SV("conf/.env"), sv_cut(&rest, '\0'));
    fake_file(&f, SV("/secret"), rest);
    struct config_source src = fake_source_of(&f);
    struct settings *s = config_load(SV("conf/h.yaml"), &src, &problems);
    ASSERT((s == NULL) == (problems.n > 0) && problems.n <= CONFIG_PROBLEMS_MAX);
    if (s)
        check_print(s);
    config_problems_print(&problems, &out);
    ASSERT(!out.overflow);
    config_free(s);
    ASSERT(config_explain(f.env, size % 2, &out, &e) == (e.kind == ERR_NONE));
    return 0;
}
