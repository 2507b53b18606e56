/* Micro-benchmarks of the room: one line each, best of five rounds. Not a test; run it on a quiet machine. */
#include "base/clock.h"
#include "text/mask.h"
#include "text/mood/mood.h"
#include "text/phone.h"
#include "text/phone_lib.h"
#include "text/segments.h"
#include "text/smart.h"

#include <string.h>

enum { ROUNDS = 5, TEXT_BYTES = 1 << 20 };

static volatile size_t sink;

static void report(const char *what, double best_us, double times, double bytes) {
    printf("%-34s %10.3f us each", what, best_us / times);
    if (bytes > 0)
        printf(" %8.2f GB/s", bytes * times / best_us / 1e3);
    putchar('\n');
}

static void fill(struct buf *text, const char *piece, size_t bytes) {
    while (text->n + strlen(piece) <= bytes)
        buf_adds(text, piece);
}

static void bench_segments(const char *what, const char *piece, size_t bytes, int times) {
    BUF_AUTO struct buf text = BUF_INIT(TEXT_BYTES);
    fill(&text, piece, bytes);
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = clock_monotonic_us();
        for (int i = 0; i < times; i++)
            sink += segments_count(buf_sv(&text), SEGMENTS_INTERNATIONAL).segments;
        double us = (double)(clock_monotonic_us() - start);
        best = us < best ? us : best;
    }
    report(what, best, times, (double)text.n);
}

static void bench_phone(const char *what, const char *number, const char *home, int times) {
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = clock_monotonic_us();
        for (int i = 0; i < times; i++) {
            struct phone phone;
            sink += phone_parse(sv_of(number), sv_of(home), &phone, NULL);
        }
        double us = (double)(clock_monotonic_us() - start);
        best = us < best ? us : best;
    }
    report(what, best, times, 0);
}

static void bench_library(const char *what, const char *number, int times) {
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = clock_monotonic_us();
        for (int i = 0; i < times; i++) {
            struct phone_lib_number out;
            sink += phone_lib_parse(number, strlen(number), "ZZ", &out) == PHONE_LIB_VALID;
        }
        double us = (double)(clock_monotonic_us() - start);
        best = us < best ? us : best;
    }
    report(what, best, times, 0);
}

/* Numbers all over one plan, so that the table does not stay in the first cache. */
static void bench_phone_spread(int times) {
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t random = 1;
        size_t valid = 0;
        int64_t start = clock_monotonic_us();
        for (int i = 0; i < times; i++) {
            static const char *const fronts[] = {"+4915", "+447",  "+1415", "+3361",
                                                 "+9198", "+5511", "+8190", "+852"};
            char text[20];
            struct phone phone;
            random = random * 6364136223846793005u + 1442695040888963407u;
            const char *front = fronts[(random >> 60) % 8];
            size_t n = strlen(front), total = front[1] == '8' && front[3] == '2' ? 12 : 13;
            total = front[1] == '1' || front[1] == '3' ? 12 : total;
            memcpy(text, front, n);
            for (uint64_t digits = random >> 8; n < total; digits /= 10)
                text[n++] = (char)('0' + digits % 10);
            valid += phone_parse(sv_make(text, n), SV_NONE, &phone, NULL);
        }
        double us = (double)(clock_monotonic_us() - start);
        best = us < best ? us : best;
        sink += valid;
    }
    report("parse, random, valid or not", best, times, 0);
}

static void bench_text(const char *what, const char *text, bool masked, int times) {
    BUF_AUTO struct buf out = BUF_INIT(4096);
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = clock_monotonic_us();
        for (int i = 0; i < times; i++) {
            buf_reset(&out);
            if (masked)
                mask_text(sv_of(text), &out);
            else
                sink += smart_encode(sv_of(text), &out);
        }
        double us = (double)(clock_monotonic_us() - start);
        best = us < best ? us : best;
    }
    report(what, best, times, (double)strlen(text));
}

static void bench_mood(const char *what, const char *piece, size_t bytes, int times) {
    BUF_AUTO struct buf text = BUF_INIT(TEXT_BYTES);
    fill(&text, piece, bytes);
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = clock_monotonic_us();
        for (int i = 0; i < times; i++)
            sink += mood_of(buf_sv(&text)).words;
        double us = (double)(clock_monotonic_us() - start);
        best = us < best ? us : best;
    }
    report(what, best, times, (double)text.n);
}

int main(void) {
    bench_segments("segments, ASCII, 1 MiB", "Your order 4711 has been shipped today. ", TEXT_BYTES, 50);
    bench_segments("segments, ASCII, 160 bytes", "Your order 4711 has been shipped today. ", 160, 500000);
    bench_segments("segments, Chinese, 1 MiB", "您的订单已经发货，请注意查收。", TEXT_BYTES, 20);
    bench_segments("segments, Chinese, 210 bytes", "您的订单已经发货，请注意查收。", 210, 200000);
    bench_phone("parse +8613800138000", "+8613800138000", "", 500000);
    bench_phone("parse 13800138000 in CN", "13800138000", "CN", 500000);
    bench_phone("parse +1 (415) 555-2671", "+1 (415) 555-2671", "", 500000);
    bench_phone("parse +447400123456", "+447400123456", "", 500000);
    bench_phone("parse 07400 123456 in GB", "07400 123456", "GB", 500000);
    bench_phone("parse +5491123456789", "+5491123456789", "", 20000);
    bench_phone("refuse +1 155 555 2671", "+1 155 555 2671", "", 20000);
    bench_phone_spread(50000);
    bench_library("libphonenumber alone, +447400123456", "+447400123456", 20000);
    bench_text("smart_encode, 90 bytes", "It’s “quoted” — ok… It’s “quoted” — ok… It’s “quoted” — ok…", false,
               200000);
    bench_text(
        "mask_text, a log line",
        "provider answered 400: The 'To' number +8613800138000 is not valid, code 21211 (lane twilio-main)",
        true, 200000);
    bench_mood("mood, English, 80 bytes", "I am not happy, but the food was great! ", 80, 200000);
    bench_mood("mood, Chinese, 84 bytes", "服务不错，但是太慢了，一点都不好。", 84, 200000);
    bench_mood("mood, mixed, 1 MiB", "not happy 服务不错 :( ", TEXT_BYTES, 20);
    return 0;
}
