/* dotenv: NAME=value files, read as python-dotenv (0.21, 1.0) reads them.
 *
 * A line is [export] NAME=value, with white space around both parts. Values: 'single quoted' (\\ and \'
 * escape), "double quoted" (\\ \' \" \a \b \f \n \r \t \v escape), both over several lines; or unquoted, up
 * to the end of the line or to white space and #. NAME alone sets nothing (and takes back an earlier line's).
 * Then ${NAME} and ${NAME:-default} in any value, single quoted ones too, become the variable (from outside,
 * then from earlier lines), else the default, else nothing. The last line of a name wins.
 *
 * Differences: white space is ASCII's, a byte order mark is skipped, ${NAME:-default} of a name alone is the
 * default, and a line that makes no sense is reported, where python-dotenv logs and goes on. Source:
 * python-dotenv's parser.py and variables.py.
 */
#ifndef HY_APP_DOTENV_H
#define HY_APP_DOTENV_H

#include "base/arena.h"
#include "base/err.h"

enum { DOTENV_PAIRS_MAX = 1024, DOTENV_VALUE_MAX = 64 * 1024 };

struct dotenv_pair {
    struct sv name, value; /* value.p NULL: not set */
};

struct dotenv {
    struct dotenv_pair *pairs; /* in the arena given to dotenv_parse, as are the views */
    size_t n;
};

struct dotenv_outside {
    /* A variable that wins over the file's; SV_NONE (p == NULL) when not set. */
    struct sv (*env)(void *ctx, struct sv name);
    /* A statement that was left out; line is where it starts, 1... why has no value in it. */
    void (*bad)(void *ctx, unsigned line, const char *why);
    void *ctx;
};

/* ERR_TOO_LARGE when a maximum is passed (d holds what came before). */
MUST_USE bool dotenv_parse(struct dotenv *d, struct sv text, const struct dotenv_outside *outside,
                           struct arena *mem, struct err *e);
/* The value, p != NULL even when empty; SV_NONE when the file does not set it. */
struct sv dotenv_get(const struct dotenv *d, struct sv name);

#endif
