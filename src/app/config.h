/* config: one YAML file, the environment and `.env` become a struct settings; or every reason why not.
 *
 * The table in config_table.c names each key once: parsing, ranges, defaults, docs/config.md and `hongyan
 * config explain` are made from it, and the fields of a lane's provider come from the adapter's own table.
 * A scalar may hold ${NAME} or ${NAME:-default}; $${ is a literal ${. Substitution happens after the YAML is
 * parsed, so a variable's value is never read as YAML. Secrets are given as ${NAME}, or by NAME_file; a
 * literal one is an error. Variables come from the environment, then from `.env` beside the file, then from
 * `.env` in the current folder.
 *
 * It reads only what struct config_source hands it, holds no state, and never puts the value of a secret or
 * of a variable into a problem: problems quote the file as it was written. Paths are relative to the current
 * folder. It does not look whether paths in the settings exist.
 */
#ifndef HY_APP_CONFIG_H
#define HY_APP_CONFIG_H

#include "base/buf.h"
#include "base/err.h"
#include "model/settings.h"

#include <netinet/in.h>

enum {
    CONFIG_FILE_BYTES_MAX = 1024 * 1024, /* of the YAML file, and of a .env */
    CONFIG_SECRET_BYTES_MAX = 8 * 1024,  /* of a NAME_file */
    CONFIG_VALUE_BYTES_MAX = 8 * 1024,   /* of one value after substitution */
    CONFIG_PROBLEMS_MAX = 20,            /* reported; more are counted */
    CONFIG_PLACE_MAX = 128,
};

/* The outside world as configuration sees it. */
struct config_source {
    /* The variable's value, borrowed until the load ends; SV_NONE (p == NULL) when it is not set. */
    struct sv (*env)(void *ctx, struct sv name);
    /* The whole file into out, whose max bounds it. ERR_NOT_FOUND: there is none; ERR_TOO_LARGE: over out's
     * max; ERR_OUTSIDE: it cannot be read. The text says why, without the path. */
    bool (*read)(void *ctx, struct sv path, struct buf *out, struct err *e);
    void *ctx;
};
/* This process's environment and files. */
struct config_source config_source_real(void);

struct config_problem {
    char file[CONFIG_PLACE_MAX];
    unsigned line; /* 1..; 0: the file as a whole */
    char text[ERR_TEXT_MAX];
};

struct config_problems { /* init with {0} */
    struct config_problem at[CONFIG_PROBLEMS_MAX];
    size_t n;
    size_t left_out; /* found, but past the maximum */
    bool no_input;   /* the file itself is not there or cannot be read */
};

/* For loaders of parts. line 0: the file as a whole. */
void config_problem_add(struct config_problems *p, struct sv file, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* One line each: FILE:LINE: text. */
void config_problems_print(const struct config_problems *p, struct buf *out);

/* The settings, the caller's to free; NULL with at least one problem added otherwise. */
MUST_USE struct settings *config_load(struct sv path, const struct config_source *src,
                                      struct config_problems *problems);
/* Every setting at its default, and no lane: for what can do without a file. Likewise. */
MUST_USE struct settings *config_defaults(void);
/* Wipes the secrets. NULL is fine. */
void config_free(struct settings *s);

/* A variable that is not part of the settings (a master key, say), found as ${NAME} in the file at path would
 * be: environment, then the .env files. False when it is set nowhere; out is appended to. */
MUST_USE bool config_variable(struct sv path, const struct config_source *src, struct sv name,
                              struct buf *out);

/* Splits settings.listen (or text of that form: 127.0.0.1:8080, [::1]:8080) into a numeric address and a
 * port. */
MUST_USE bool config_split_listen(struct sv listen, char address[INET6_ADDRSTRLEN], uint16_t *port,
                                  struct err *e);

/* The settings in effect as YAML, every key, secrets as "***". */
void config_print(const struct settings *s, struct buf *out);
/* What a key means: `limits.idle_s`, `lanes.timeout_ms`, a section, or "" for the list of all.
 * ERR_NOT_FOUND with the nearest key otherwise. */
MUST_USE bool config_explain(struct sv key, bool chinese, struct buf *out, struct err *e);
/* docs/config.md, in English and Chinese. */
void config_doc(struct buf *out);
/* The end of docs/providers/NAME.md: the provider's settings and what its codes mean. */
struct adapter;
void config_provider_doc(const struct adapter *a, struct buf *out);

/* `hongyan config check|print|explain|doc`; argv[0] is "config". Returns an exit code of sysexits.h. */
int config_command(int argc, char **argv);

#endif
