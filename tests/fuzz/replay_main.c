/* replay_main: feeds every file of the folders named to a fuzz target, as libFuzzer would with -runs=0: the
 * corpora are kept for good. Each file is named before it is fed, so that the last name is the one that
 * failed.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t bytes[1 << 22];

static bool replay(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    size_t n = fread(bytes, 1, sizeof bytes, f);
    bool whole = feof(f) != 0;
    fclose(f);
    /* a copy of exactly this size, so that a sanitizer sees a read past its end */
    uint8_t *exact = malloc(n ? n : 1);
    if (!whole || !exact) {
        free(exact);
        return false;
    }
    memcpy(exact, bytes, n);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    return true;
}

int main(int argc, char **argv) {
    int fed = 0, unread = 0;
    printf("1..1\n");
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        DIR *d = opendir(argv[i]);
        if (!d) {
            printf("Bail out! %s: no such folder\n", argv[i]);
            return 1;
        }
        for (struct dirent *e; (e = readdir(d)) != NULL;) {
            char path[4096];
            if (e->d_name[0] == '.')
                continue;
            printf("# %s\n", e->d_name);
            fflush(stdout);
            if (snprintf(path, sizeof path, "%s/%s", argv[i], e->d_name) < (int)sizeof path && replay(path))
                fed++;
            else
                unread++;
        }
        closedir(d);
    }
    printf("%sok 1 - %d inputs replayed, %d could not be read\n", fed && !unread ? "" : "not ", fed, unread);
    return fed && !unread ? 0 : 1;
}
