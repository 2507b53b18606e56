#include "app/cli.h"
#include "app/cli_table.h"

#include "ingest/consent_file.h"

#include <stdlib.h>
#include <sysexits.h>

static const char import_usage[] =
    "hongyan import consents FILE [-c FILE] [--account NAME] [--format csv|ndjson] [--encoding gbk] "
    "[--refused FILE] [--dry-run] [--json]\n\n"
    "Adds the words of a file (- is standard input) to the history of consents (docs/consent.md). Columns "
    "are number, act\n"
    "(granted or withdrawn), topic, at (a time), by, method, text, ip, url, note and source; a first line "
    "that names them may\n"
    "put them in another order. NDJSON has an object of them a line. What is there already is not added "
    "again: what was cut\n"
    "short may be run again. Lines that are wrong are named and left out. The gateway may run meanwhile.\n"
    "导入同意与撤回的历史(CSV 或 NDJSON);已有的记录不会重复,可重复执行。错误的行会列出行号并跳过。\n";

static const char export_usage[] =
    "hongyan export consents [-c FILE] [--account NAME] [--format csv|ndjson]\n\n"
    "Writes an account's history of consents to standard output, as `hongyan import consents` reads it.\n"
    "将同意与撤回的历史写到标准输出。\n";

enum { PAGE = 500, PAGE_BYTES_MAX = PAGE * CONSENT_BYTES_MAX, LINE_MEMORY_MAX = 128 * 1024 };

/* ---- import ---- */

struct import {
    struct table_import table; /* first: what it is taken by */
    struct consent_file file;
    struct arena mem; /* of one line */
};

static bool write_row(struct import *im, const struct consent *c, struct err *e) {
    struct table_job *job = &im->table.job;
    bool there;
    if (!table_begin_row(&im->table, e))
        return false;
    bool written = consents_bring(job->db, c, job->now, &there, e);
    im->table.added += written && !there;
    im->table.renewed += written && there;
    return table_end_row(&im->table, written, e);
}

static bool take_line(struct table_import *table, char *line, size_t n, struct err *e) {
    struct import *im = (struct import *)table;
    const struct table_job *job = &table->job;
    struct consent c;
    struct err why = ERR_INIT;
    arena_reset(&im->mem);
    switch (
        consent_file_line(&im->file, line, n, job->settings->defaults.region, job->now, &im->mem, &c, &why)) {
    case FILE_LINE_NOTHING: return true;
    case FILE_LINE_ROW: c.account_id = job->account_id; return write_row(im, &c, e);
    case FILE_LINE_WRONG: table_refuse(table, &why); return true;
    case FILE_LINE_HEAD_WRONG: break;
    }
    *e = why;
    return false;
}

int cli_import_consents(int argc, char **argv) {
    struct table_options o;
    struct import im = {.table = {.take = take_line}};
    struct err e = ERR_INIT;
    bool asked;
    if (!table_parse(argc, argv, true, &o, &asked) || o.kind || o.everyone) {
        fputs(import_usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    if (!table_is_json(&o, &im.table.json, &e))
        return cli_fail("import", &e);
    consent_file_init(&im.file, im.table.json);
    arena_init(&im.mem, LINE_MEMORY_MAX);
    int code = table_import(&im.table, &o);
    arena_done(&im.mem);
    return code;
}

/* ---- export ---- */

static bool export_all(struct table_job *job, bool json, struct err *e) {
    struct consents_place after = {.number = ""};
    ARENA_AUTO struct arena mem;
    arena_init(&mem, PAGE_BYTES_MAX);
    struct consent *rows = calloc(PAGE, sizeof *rows);
    struct buf BUF_AUTO out = BUF_INIT(4 * PAGE_BYTES_MAX);
    ASSERT(rows);
    bool ok = true;
    if (!json)
        consent_file_add_head(&out);
    for (size_t n = PAGE; ok && n == PAGE;) {
        arena_reset(&mem);
        ok = consents_list(job->db, job->account_id, &after, &mem, rows, PAGE, &n, e);
        for (size_t i = 0; ok && i < n; i++)
            consent_file_add(json, &rows[i], &out);
        ok = ok && table_print(job, n, &out, e);
    }
    free(rows);
    return ok;
}

int cli_export_consents(int argc, char **argv) {
    return table_export(argc, argv, TABLE_ONE_ACCOUNT, export_usage, export_all);
}
