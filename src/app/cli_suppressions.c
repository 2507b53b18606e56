#include "app/cli.h"
#include "app/cli_table.h"

#include "ingest/suppression_file.h"

#include <stdlib.h>
#include <sysexits.h>

static const char import_usage[] =
    "hongyan import suppressions FILE [-c FILE] [--account NAME | --everyone] [--kind KIND] "
    "[--format csv|ndjson] [--encoding gbk] [--refused FILE] [--dry-run] [--json]\n\n"
    "Puts the numbers of a file (- is standard input) on the list of those not written to (docs/consent.md). "
    "Columns are\n"
    "number, kind (opt_out, block or invalid; --kind where it is empty, else opt_out), topic, note and "
    "expires_at; a first\n"
    "line that names them may put them in another order. NDJSON has an object of them a line. Lines that are "
    "wrong are named and left out; "
    "--refused FILE gets\n"
    "all of them as NDJSON. "
    "--everyone: for every\n"
    "account. The gateway may run meanwhile, and heeds each row from then on.\n"
    "将文件中的号码列入不再发送的名单。列为 "
    "number、kind、topic、note、expires_at;错误的行会列出行号并跳过,其余照常导入。\n";

static const char export_usage[] =
    "hongyan export suppressions [-c FILE] [--account NAME | --everyone] [--format csv|ndjson]\n\n"
    "Writes an account's list of numbers not written to, or that for every account, to standard output, "
    "as\n"
    "`hongyan import suppressions` reads it.\n"
    "将名单写到标准输出。\n";

enum { PAGE_BYTES_MAX = 2 << 20, LINE_MEMORY_MAX = 64 * 1024 };

/* ---- import ---- */

struct import {
    struct table_import table; /* first: what it is taken by */
    struct suppression_file file;
    struct arena mem; /* of one line */
};

static bool write_row(struct import *im, const struct suppression *row, struct err *e) {
    struct suppression_write w = {.act = SUPPRESSION_ADD, .rows = row, .n = 1};
    if (!table_begin_row(&im->table, e))
        return false;
    bool written = suppression_write(im->table.job.db, &w, im->table.job.now, e);
    im->table.added += w.added;
    im->table.renewed += w.renewed;
    return table_end_row(&im->table, written, e);
}

static bool take_line(struct table_import *table, char *line, size_t n, struct err *e) {
    struct import *im = (struct import *)table;
    const struct table_job *job = &table->job;
    const struct suppression_ground ground = {.region = job->settings->defaults.region,
                                              .invalid_days = job->settings->consent.invalid_days,
                                              .now = job->now};
    struct suppression row;
    struct err why = ERR_INIT;
    arena_reset(&im->mem);
    switch (suppression_file_line(&im->file, line, n, &ground, &im->mem, &row, &why)) {
    case FILE_LINE_NOTHING: return true;
    case FILE_LINE_ROW: row.account_id = job->account_id; return write_row(im, &row, e);
    case FILE_LINE_WRONG: table_refuse(table, &why); return true;
    case FILE_LINE_HEAD_WRONG: break;
    }
    *e = why;
    return false;
}

int cli_import_suppressions(int argc, char **argv) {
    struct table_options o;
    struct import im = {.table = {.take = take_line}};
    enum suppression_kind kind = SUPPRESSION_OPT_OUT;
    struct err e = ERR_INIT;
    bool asked;
    if (!table_parse(argc, argv, true, &o, &asked) ||
        (o.kind && !suppression_kind_parse(sv_of(o.kind), &kind))) {
        fputs(import_usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    if (!table_is_json(&o, &im.table.json, &e))
        return cli_fail("import", &e);
    suppression_file_init(&im.file, im.table.json, kind);
    arena_init(&im.mem, LINE_MEMORY_MAX);
    int code = table_import(&im.table, &o);
    arena_done(&im.mem);
    return code;
}

/* ---- export ---- */

static bool export_all(struct table_job *l, bool json, struct err *e) {
    struct suppression_filter f = {.account_id = l->account_id, .limit = SUPPRESSION_PAGE_MAX};
    ARENA_AUTO struct arena one;
    ARENA_AUTO struct arena other;
    arena_init(&one, PAGE_BYTES_MAX);
    arena_init(&other, PAGE_BYTES_MAX);
    struct suppression *rows = calloc(f.limit, sizeof *rows);
    struct buf BUF_AUTO out = BUF_INIT(2 * PAGE_BYTES_MAX);
    ASSERT(rows);
    bool ok = true;
    if (!json)
        suppression_file_add_head(&out);
    for (bool more = true, odd = false; ok && more; odd = !odd) { /* the cursor lives in the page before */
        struct suppression last;
        size_t n = 0;
        struct arena *mem = odd ? &one : &other;
        arena_reset(mem);
        ok = suppression_list(l->db, &f, mem, rows, &n, &more, &last, e);
        for (size_t i = 0; ok && i < n; i++)
            suppression_file_add(json, &rows[i], &out);
        ok = ok && table_print(l, n, &out, e);
        if (ok && more)
            f.after = last;
    }
    free(rows);
    return ok;
}

int cli_export_suppressions(int argc, char **argv) {
    return table_export(argc, argv, TABLE_EVERYONE, export_usage, export_all);
}
