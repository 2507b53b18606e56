/* Every case of config_cases.txt (its head says how they are written), one TAP line each. */
#include "fake_source.h"
#include "provider/adapter.h"

static const char good_lane[] = "lanes:\n"
                                "  - name: good\n"
                                "    provider: twilio\n"
                                "    from: \"+15005550006\"\n"
                                "    account_sid: AC0123456789abcdef0123456789abcdef\n"
                                "    auth_token: ${GOOD_TOKEN:-}\n"
                                "    auth_token_file:\n";

struct parts {
    struct buf yaml, env;
    struct sv problems, print;
    struct fake_source source;
};

/* From text to the next line that begins with mark, which is left in *text. */
static struct sv section(struct sv *text, const char *mark) {
    struct sv all = *text;
    size_t at = 0;
    while (at < all.n && !sv_starts(sv_from(all, at), sv_of(mark))) {
        size_t line = sv_find_char(sv_from(all, at), '\n');
        at = line == SIZE_MAX ? all.n : at + line + 1;
    }
    *text = sv_from(all, at);
    return sv_sub(all, 0, at);
}

static struct sv without_last_line(struct sv v) {
    return sv_ends(v, SV("\n\n")) ? sv_sub(v, 0, v.n - 1) : v;
}

static void read_parts(struct sv text, struct parts *p) {
    bool lane = false;
    section(&text, "---");
    while (text.n) {
        struct sv title = sv_trim(sv_from(sv_cut(&text, '\n'), 4)), body = section(&text, "--- ");
        if (!text.n)
            body = without_last_line(body); /* between cases */
        if (sv_starts(title, SV("yaml"))) {
            lane = sv_ends(title, SV("a lane"));
            buf_add(&p->yaml, body);
        } else if (sv_eq(title, SV("env"))) {
            buf_add(&p->env, body);
        } else if (sv_starts(title, SV("file "))) {
            fake_file(&p->source, sv_from(title, 5), body);
        } else if (sv_eq(title, SV("problems"))) {
            p->problems = body;
        } else {
            ASSERT(sv_eq(title, SV("print")));
            p->print = body;
        }
    }
    if (lane) {
        buf_adds(&p->yaml, good_lane);
        buf_adds(&p->env, "GOOD_TOKEN=0123456789abcdef0123456789abcdef\n");
    }
    p->source.env = buf_sv(&p->env);
    fake_file(&p->source, SV("hongyan.yaml"), buf_sv(&p->yaml));
}

/* {providers} stands for the names of all adapters. */
static void with_providers(struct sv text, struct buf *out) {
    size_t at = sv_find(text, SV("{providers}"));
    buf_add(out, sv_sub(text, 0, at == SIZE_MAX ? text.n : at));
    if (at == SIZE_MAX)
        return;
    for (size_t i = 0; adapters[i]; i++)
        buf_addf(out, "%s%s", i ? ", " : "", adapters[i]->name);
    buf_add(out, sv_from(text, at + sizeof "{providers}" - 1));
}

/* Each line of wanted stands in got, in that order. */
static bool has_lines(struct sv got, struct sv wanted) {
    while (wanted.n) {
        struct sv line = sv_cut(&wanted, '\n');
        bool found = false;
        while (!found && got.n)
            found = sv_eq(sv_cut(&got, '\n'), line);
        if (!found) {
            printf("# missing: %.*s\n", SV_FMT(line));
            return false;
        }
    }
    return true;
}

static void comment(struct sv text) {
    while (text.n) {
        struct sv line = sv_cut(&text, '\n');
        printf("#   %.*s\n", SV_FMT(line));
    }
}

static bool run(struct sv text) {
    struct buf BUF_AUTO out = BUF_INIT(1 << 20);
    struct parts p = {.yaml = BUF_INIT(1 << 20), .env = BUF_INIT(1 << 20)};
    read_parts(text, &p);
    struct config_source src = fake_source_of(&p.source);
    struct config_problems problems = {0};
    struct settings *s = config_load(SV("hongyan.yaml"), &src, &problems);
    ASSERT((s == NULL) == (problems.n > 0));
    if (s)
        config_print(s, &out);
    else
        config_problems_print(&problems, &out);
    struct buf BUF_AUTO problems_wanted = BUF_INIT(64 * 1024);
    with_providers(p.problems, &problems_wanted);
    bool ok =
        s ? p.print.p && has_lines(buf_sv(&out), p.print) : sv_eq(buf_sv(&out), buf_sv(&problems_wanted));
    if (sv_find(buf_sv(&out), SV("topsecret")) != SIZE_MAX)
        ok = false;
    if (!ok)
        comment(buf_sv(&out));
    config_free(s);
    buf_done(&p.yaml);
    buf_done(&p.env);
    return ok;
}

int main(int argc, char **argv) {
    struct buf BUF_AUTO file = BUF_INIT(1 << 20);
    struct err e = ERR_INIT;
    struct config_source real = config_source_real();
    ASSERT(argc == 2);
    if (!real.read(real.ctx, sv_of(argv[1]), &file, &e)) {
        fprintf(stderr, "%s: %s\n", argv[1], e.text);
        return 1;
    }
    struct sv rest = buf_sv(&file);
    unsigned n = 0, failed = 0;
    section(&rest, "===");
    while (rest.n) {
        struct sv title = sv_from(sv_cut(&rest, '\n'), 4), body = section(&rest, "=== ");
        bool ok = run(body);
        failed += !ok;
        printf("%s %u - %.*s\n", ok ? "ok" : "not ok", ++n, SV_FMT(title));
    }
    printf("1..%u\n", n);
    return failed > 0;
}
