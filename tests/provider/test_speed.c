/* What a message costs each adapter: build and judge of every case of its folder in which one message is
 * taken at once. Printed as a table, and held to a limit that only a mistake of another order passes: the
 * figures of a quiet machine are in docs/speed.md. */
#include "fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { ROUNDS = 1000, US_MAX = 250, MEM_BYTES_MAX = 4 << 20, FOLDERS_MAX = 32 };

static double us_of(struct lane_config *lane, const struct attempt_view *a, const struct http_response *r,
                    int64_t now) {
    struct arena ARENA_AUTO scratch;
    arena_init(&scratch, MEM_BYTES_MAX);
    clock_t start = clock();
    for (int i = 0; i < ROUNDS; i++) {
        struct http_request rq;
        struct err e = ERR_INIT;
        assert_true(lane->adapter->build(lane, a, now, 1, &scratch, &rq, &e));
        assert_int_equal(lane->adapter->judge(lane, r).fate, FATE_SENT);
        arena_reset(&scratch);
    }
    return (double)(clock() - start) * 1e6 / CLOCKS_PER_SEC / ROUNDS;
}

/* -1: it is not a text that is sent alone and taken. */
static double run_case(const char *path) {
    struct arena ARENA_AUTO mem;
    arena_init(&mem, MEM_BYTES_MAX);
    struct fixture f;
    fixture_load(&f, path, &mem);
    if (!sv_eq(fixture_value(&f, "case", "call"), SV("send")) ||
        !sv_eq(fixture_value(&f, "verdict", "fate"), SV("sent")) || fixture_section(&f, "attempt2").p)
        return -1;
    struct lane_config lane = fixture_lane(&f);
    struct attempt_view a = fixture_attempt(&f, "attempt");
    struct http_response r = fixture_response(&f);
    struct err e = ERR_INIT;
    assert_true(lane_prepare(&lane, &e));
    double us = us_of(&lane, &a, &r, fixture_time(&f, "case", "now", 0));
    lane_release(&lane);
    return us;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_ok(const struct dirent *d) {
    struct sv name = sv_of(d->d_name);
    return sv_ends(name, SV(".case")) && (sv_starts(name, SV("ok")) || sv_ends(name, SV("_ok.case")));
}

static void run_folder(void **state) {
    const char *folder = *state, *name = strrchr(folder, '/');
    struct dirent **files;
    int n = scandir(folder, &files, is_ok, by_name), seen = 0;
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, files[i]->d_name);
        double us = run_case(path);
        if (us >= 0) {
            seen++;
            printf("# %-16s %-24.*s %6.1f us\n", name ? name + 1 : folder,
                   (int)(strlen(files[i]->d_name) - 5), files[i]->d_name, us);
            assert_true(us < US_MAX);
        }
        free(files[i]);
    }
    free(files);
    assert_true(seen > 0);
}

int main(int argc, char **argv) {
    struct CMUnitTest tests[FOLDERS_MAX];
    int n = argc - 1;
    if (n < 1 || n > FOLDERS_MAX)
        return 1;
    printf("# of CPU to build the request and judge the answer\n");
    for (int i = 0; i < n; i++)
        tests[i] =
            (struct CMUnitTest){.name = argv[i + 1], .test_func = run_folder, .initial_state = argv[i + 1]};
    return _cmocka_run_group_tests("speed", tests, (size_t)n, NULL, NULL);
}
