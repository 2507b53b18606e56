/* replay_main: feeds every file of the folders named to a fuzz target, as libFuzzer would with -runs=0: the
 * corpora are kept for good. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f)
        return 0;
    size_t cap = 1 << 22, n = 0;
    uint8_t *bytes = malloc(cap);
    if (bytes)
        n = fread(bytes, 1, cap, f);
    fclose(f);
    /* a copy of exactly this size, so that a sanitizer sees a read past its end */
    uint8_t *exact = malloc(n ? n : 1);
    if (bytes && exact) {
        memcpy(exact, bytes, n);
        LLVMFuzzerTestOneInput(exact, n);
    }
    free(exact);
    free(bytes);
    return 1;
}

int main(int argc, char **argv) {
    int count = 0;
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        DIR *d = opendir(argv[i]);
        if (!d) {
            fprintf(stderr, "%s: no such folder\n", argv[i]);
            return 1;
        }
        for (struct dirent *e; (e = readdir(d)) != NULL;) {
            char path[4096];
            if (e->d_name[0] == '.' ||
                snprintf(path, sizeof path, "%s/%s", argv[i], e->d_name) >= (int)sizeof path)
                continue;
            count += replay(path);
        }
        closedir(d);
    }
    printf("1..1\nok 1 - %d inputs replayed\n", count);
    return count ? 0 : 1;
}
