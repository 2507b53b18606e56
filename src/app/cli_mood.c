#include "app/cli.h"

#include "base/buf.h"
#include "base/json.h"
#include "text/mood/mood.h"

#include <getopt.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] =
    "hongyan mood [--json] TEXT\n\n"
    "Says how a reply sounds, from -1 to 1 (- for standard input). English and Chinese.\n"
    "判断一条回复的情绪,从 -1 到 1(- 为标准输入)。支持中英文。\n";

enum { TEXT_BYTES_MAX = 1 << 20 };

static bool read_standard_input(struct buf *out) {
    char part[4096];
    for (size_t n; (n = fread(part, 1, sizeof part, stdin)) > 0;)
        if (!buf_add(out, sv_make(part, n)))
            return false;
    return !ferror(stdin);
}

static const char *say_label(enum mood_label label) {
    switch (label) {
    case MOOD_NEGATIVE: return cli_say("negative", "负面");
    case MOOD_NEUTRAL: return cli_say("neutral", "中性");
    case MOOD_POSITIVE: return cli_say("positive", "正面");
    }
    return "";
}

int cli_mood(int argc, char **argv) {
    static const struct option longs[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    bool json = false;
    for (int c; (c = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        if (c != 'j') {
            fputs(usage, c == 'h' ? stdout : stderr);
            return c == 'h' ? EX_OK : EX_USAGE;
        }
        json = true;
    }
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    if (!mood_has_words()) {
        fprintf(stderr, "hongyan mood: %s\n",
                cli_say("this program was built without word lists: run script/bootstrap and build it again",
                        "本程序构建时没有词表:请运行 script/bootstrap 后重新构建"));
        return EX_UNAVAILABLE;
    }
    struct buf BUF_AUTO input = BUF_INIT(TEXT_BYTES_MAX), out = BUF_INIT(1024);
    struct sv text = sv_of(argv[optind]);
    if (sv_eq(text, SV("-"))) {
        if (!read_standard_input(&input)) {
            fprintf(stderr, "hongyan mood: %s\n",
                    cli_say("standard input is longer than 1 MiB or cannot be read",
                            "标准输入超过 1 MiB 或无法读取"));
            return EX_DATAERR;
        }
        text = sv_trim(buf_sv(&input));
    }
    struct mood m = mood_of(text);
    if (!json) {
        printf("%s %+.2f\n", say_label(m.label), m.polarity);
        return EX_OK;
    }
    char polarity[32];
    snprintf(polarity, sizeof polarity, "%.4f", m.polarity);
    buf_adds(&out, "{\"polarity\":");
    buf_adds(&out, polarity);
    json_pair(&out, "label", sv_of(mood_label_name(m.label)));
    json_pair_i64(&out, "words", (int64_t)m.words);
    buf_adds(&out, "}\n");
    fputs(out.p, stdout);
    return EX_OK;
}
