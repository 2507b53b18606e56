/* fixture: one text file that tells one exchange with a provider (README.md describes the format). Owned by
 * the caller's arena; views point into it. A file that breaks the format is a bug of the test: ASSERT.
 */
#ifndef HY_TESTS_PROVIDER_FIXTURE_H
#define HY_TESTS_PROVIDER_FIXTURE_H

#include "provider/adapter.h"

enum { FIXTURE_SECTIONS_MAX = 16 };

struct fixture {
    struct arena *mem; /* borrowed */
    struct sv folder;  /* of the file; empty: the current one */
    size_t n;
    struct {
        struct sv name, text;
    } sections[FIXTURE_SECTIONS_MAX];
};

void fixture_load(struct fixture *f, const char *path, struct arena *mem);
/* The text of a section without the blank lines at its end; p == NULL when there is none. */
struct sv fixture_section(const struct fixture *f, const char *name);
/* `key: value` of a section, unescaped and NUL-terminated; empty when absent. */
struct sv fixture_value(const struct fixture *f, const char *section, const char *key);
uint64_t fixture_number(const struct fixture *f, const char *section, const char *key, uint64_t fallback);
/* RFC 3339; fallback when absent. */
int64_t fixture_time(const struct fixture *f, const char *section, const char *key, int64_t fallback);

/* [case] adapter and [lane]: field names of the adapter, and from, timeout_ms. */
struct lane_config fixture_lane(const struct fixture *f);
/* [attempt], or another section of that form. */
struct attempt_view fixture_attempt(const struct fixture *f, const char *section);
/* [attempt], [attempt2], [attempt3] ... */
size_t fixture_attempts(const struct fixture *f, struct attempt_view *out, size_t max);
/* [response]; headers from the arena. */
struct http_response fixture_response(const struct fixture *f);
/* [hook] */
struct hook_request fixture_hook(const struct fixture *f);

#endif
