/* admit_bench: what the admission of one message costs a core: its JSON parsed, its key hashed, the number
 * read, the article's template rendered, the text screened against 1,000 words, segments counted, the message
 * made. CPU time. Not a test; one line, best of five rounds. */
#include "base/clock.h"
#include "base/codec.h"
#include "ingest/admit.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 5, TIMES = 100000, WORDS = 1000 };

static const char body[] =
    "{\"to\":\"+8613800138000\",\"template\":\"order\",\"vars\":{\"name\":\"王小明\",\"order_type\":\"外卖\","
    "\"order_no\":\"A20260102\",\"urgent\":true},\"topic\":\"order\"}";
static const char source[] =
    "尊敬的{{ name }}，您的{{ order_type }}订单{{ order_no }}{{# if urgent }}，请尽快处理{{/if}}。";

static void write_file(const char *dir, const char *name, struct sv text) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    ASSERT(f && fwrite(text.p, 1, text.n, f) == text.n && fclose(f) == 0);
}

static struct sv text_of(const json_t *root, const char *name) {
    const json_t *v = json_object_get(root, name);
    return sv_make(json_string_value(v), json_string_length(v));
}

static void one(struct admitter *a, const struct settings *s, const struct texts *t, struct err *e) {
    json_auto_t *root = json_loadb(body, sizeof body - 1, JSON_REJECT_DUPLICATES, NULL);
    uint8_t key[SHA256_BYTES];
    sha256(SV("0123456789abcdef0123456789abcdef"), key);
    struct submission in = {.account_id = 1,
                            .to = text_of(root, "to"),
                            .template = text_of(root, "template"),
                            .topic = text_of(root, "topic"),
                            .vars = json_object_get(root, "vars"),
                            .fingerprint_of = sv_make(body, sizeof body - 1)};
    struct admitted out;
    if (!admit(a, s, t, &in, 1767225600 * US_PER_S, &out, e)) {
        fprintf(stderr, "admit_bench: %s\n", e->text);
        exit(1);
    }
    message_free(out.message);
}

static double cpu_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void fill_words(struct buf *words) {
    uint64_t random = 1;
    for (int i = 0; i < WORDS; i++) {
        for (int k = 0; k < 8; k++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            buf_addc(words, (char)('a' + (random >> 33) % 26));
        }
        buf_addc(words, '\n');
    }
}

int main(void) {
    char dir[] = "/tmp/hongyan-admit-bench-XXXXXX", words_path[128], template_path[128];
    BUF_AUTO struct buf words = BUF_INIT(1 << 20);
    struct settings *s = calloc(1, sizeof *s);
    struct err e = ERR_INIT;
    ASSERT(s && mkdtemp(dir));
    fill_words(&words);
    write_file(dir, "words", buf_sv(&words));
    write_file(dir, "order.txt", sv_of(source));
    snprintf(words_path, sizeof words_path, "%s/words", dir);
    snprintf(template_path, sizeof template_path, "%s/order.txt", dir);
    s->limits.body_chars_max = 1600;
    s->defaults.validity_s = 3600;
    s->templates.dir = sv_of(dir);
    s->screen.words[s->screen.n_words++] = sv_of(words_path);
    s->screen.action = SV("block");
    struct texts *t = texts_load(s, &e);
    struct admitter *a = admitter_new(NULL, NULL, &e);
    unlink(words_path);
    unlink(template_path);
    rmdir(dir);
    if (!t || !a) {
        fprintf(stderr, "admit_bench: %s\n", e.text);
        return 1;
    }
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        double start = cpu_us();
        for (int i = 0; i < TIMES; i++)
            one(a, s, t, &e);
        double us = cpu_us() - start;
        best = us < best ? us : best;
    }
    printf("admission of one message %.3f us each\n", best / TIMES);
    admitter_free(a);
    texts_free(t);
    free(s);
    return 0;
}
