/* cli_table: what the commands that import and export rows of a table share: the options, the settings and
 * the database, reading a file record by record at bounded memory, batches of rows in one transaction, what
 * was refused, progress and the report.
 *
 * The gateway may run meanwhile. Rows are written over what is there: an import that was cut short, or is run
 * twice, or two at once, ends with the same rows.
 */
#ifndef HY_APP_CLI_TABLE_H
#define HY_APP_CLI_TABLE_H

#include "base/buf.h"
#include "base/err.h"
#include "model/settings.h"
#include "store/db.h"

#include <iconv.h>
#include <stdio.h>

struct table_options {
    const char *config, *account, *file;
    const char *format;   /* "csv", "ndjson"; NULL: by the file's name, else csv */
    const char *encoding; /* NULL: UTF-8 */
    const char *refused;  /* import: where refused lines are written; NULL: nowhere */
    bool everyone, dry_run, json;
    const char *kind; /* as given; NULL: not */
};
/* import: takes a file, too. False: wrong; *asked: help was asked for. */
MUST_USE bool table_parse(int argc, char **argv, bool import, struct table_options *o, bool *asked);
/* By option and name; ERR_INVALID when it is neither. */
MUST_USE bool table_is_json(const struct table_options *o, bool *json, struct err *e);

struct table_job {
    const struct table_options *o;
    struct settings *settings; /* owned */
    struct db *db;             /* owned */
    int64_t account_id;        /* 0: everyone */
    int64_t now;
    uint64_t rows;    /* exported */
    int64_t shown_at; /* when a terminal was told so, by the monotonic clock */
};
/* The settings, the database and the account; *settings_wrong: it was said what is wrong with them. */
MUST_USE bool table_open(struct table_job *t, enum db_mode mode, bool *settings_wrong, struct err *e);
void table_close(struct table_job *t);

struct table_import {
    struct table_job job;
    bool json; /* records are lines; else they are those of CSV, which may run over several */
    /* One record, without its end and a byte order mark; it may be changed. False: the database fails. */
    bool (*take)(struct table_import *im, char *line, size_t n, struct err *e);
    uint64_t line, lines; /* the record's first, from 1; of the whole file */
    uint64_t added, renewed, refused;
    bool named;                /* the first line names the columns */
    struct buf refusals;       /* JSON of the first; owned */
    FILE *refused_to;          /* owned; NULL: not asked for */
    struct sv raw;             /* the record as it stands in the file, or what of it fits */
    uint64_t bytes, bytes_all; /* read; of the file, 0: not known */
    unsigned in_batch;
    int64_t batch_until; /* a batch that is open is ended soon after, by the monotonic clock */
    iconv_t converter;   /* owned where o->encoding is given */
};
/* The exit code, after the report. */
int table_import(struct table_import *im, const struct table_options *o);
/* For take: the line is refused. */
void table_refuse(struct table_import *im, const struct err *why);
/* For take: around the writes of one row; what they wrote is committed with others. */
MUST_USE bool table_begin_row(struct table_import *im, struct err *e);
MUST_USE bool table_end_row(struct table_import *im, bool written, struct err *e);

enum table_whose { TABLE_ONE_ACCOUNT, TABLE_EVERYONE /* or one account */ };
/* export: the exit code. On a terminal that does not show the rows themselves it shows how many there are.
 * all writes every row of the table, as JSON or CSV; usage is shown for what is no option of such a command.
 */
int table_export(int argc, char **argv, enum table_whose whose, const char *usage,
                 bool (*all)(struct table_job *job, bool json, struct err *e));

/* Writes out, which has so many rows, to standard output, and empties it. */
MUST_USE bool table_print(struct table_job *job, size_t rows, struct buf *out, struct err *e);

#endif
