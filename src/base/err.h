/* err: our own operation failed, and what the caller can do about it.
 *
 * Three words are never mixed: a bug (ASSERT, aborts), an error (this), a verdict (what a provider said:
 * model/verdict). A function that can fail returns bool and takes a struct err *, which it fills by one call
 * of err_set and leaves untouched on success. The kind says what the caller can do and maps to one HTTP
 * status (err_http_status); text says what, where and how to mend it, in English, without secrets, bodies or
 * unmasked numbers.
 */
#ifndef HY_BASE_ERR_H
#define HY_BASE_ERR_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum err_kind {
    ERR_NONE,
    ERR_INVALID,       /* the request or input is malformed: mend it (400) */
    ERR_AUTH,          /* who are you? (401) */
    ERR_FORBIDDEN,     /* you may not (403) */
    ERR_NOT_FOUND,     /* no such thing for this account (404) */
    ERR_CONFLICT,      /* clashes with what is there or in flight (409) */
    ERR_TOO_LARGE,     /* over a stated limit (413) */
    ERR_UNPROCESSABLE, /* well-formed, but cannot be done (422) */
    ERR_LIMITED,       /* over a rate: later (429) */
    ERR_BUSY,          /* a mailbox or the disk queue is full: try again soon (503) */
    ERR_OUTSIDE,       /* database, network or file failed: not the caller's fault (503) */
    ERR_INTERNAL,      /* should not happen, but is no reason to abort (500) */
};

#define ERR_TEXT_MAX 400
#define ERR_FIELD_MAX 64

struct err {
    enum err_kind kind;
    char field[ERR_FIELD_MAX]; /* the offending field or key, or "" */
    unsigned line, column;     /* in the text at fault, from 1; 0: it has no place */
    char text[ERR_TEXT_MAX];
};

#define ERR_INIT ((struct err){.kind = ERR_NONE})

/* Fills e (which may be NULL) and returns false, so that a failing function ends with `return err_set(...)`.
 */
bool err_set(struct err *e, enum err_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool err_set_field(struct err *e, enum err_kind kind, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#ifdef __clang_analyzer__ /* what it cannot see from a call: the answer is false, always */
#define err_set(...) ((void)err_set(__VA_ARGS__), false)
#define err_set_field(...) ((void)err_set_field(__VA_ARGS__), false)
#endif

/* Adds where in the text at fault it is; false, too. The text says it in words already. */
bool err_place(struct err *e, unsigned line, unsigned column);

int err_http_status(enum err_kind kind);
const char *err_kind_name(enum err_kind kind);

/* A bug, not an error: prints file, line and the expression, and aborts. Always on. */
#define ASSERT(x)                                                                                            \
    do {                                                                                                     \
        if (__builtin_expect(!(x), 0)) {                                                                     \
            fprintf(stderr, "%s:%d: bug: %s\n", __FILE__, __LINE__, #x);                                     \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* The same for a place that cannot be reached; text says what held until here. */
#define BUG(text)                                                                                            \
    do {                                                                                                     \
        fprintf(stderr, "%s:%d: bug: not so: %s\n", __FILE__, __LINE__, text);                               \
        abort();                                                                                             \
    } while (0)

#define MUST_USE __attribute__((warn_unused_result))

#endif
