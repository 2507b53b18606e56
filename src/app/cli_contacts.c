#include "app/cli.h"
#include "app/cli_table.h"

#include "ingest/contact_file.h"

#include <string.h>
#include <sysexits.h>

static const char import_usage[] =
    "hongyan import contacts FILE [-c FILE] [--account NAME] [--format csv|ndjson] [--encoding gbk] "
    "[--refused FILE] [--dry-run] [--json]\n\n"
    "Makes the contacts of a file (- is standard input), or writes those anew that are there "
    "(docs/contacts.md). CSV has the\n"
    "columns id, name, numbers, emails, language, time_zone, attributes, in the order that a first line "
    "gives "
    "them, and\n"
    "attributes.NAME; several numbers stand with semicolons between. NDJSON has one contact a line, as the "
    "API "
    "has them. A\n"
    "line without id has its first number for one. Lines that are wrong are named with their column and left "
    "out; --refused FILE gets all of them as NDJSON, with what is wrong. What was\n"
    "cut short may be run again. The gateway may run meanwhile.\n"
    "导入联系人文件(CSV 或 NDJSON);同一 "
    "id 的联系人会被更新,可重复执行。错误的行会列出行号和列号并跳过,其余照常导入。\n";

static const char export_usage[] =
    "hongyan export contacts [-c FILE] [--account NAME] [--format csv|ndjson]\n\n"
    "Writes an account's contacts to standard output, as `hongyan import contacts` reads them.\n"
    "将联系人写到标准输出。\n";

enum { ROW_BYTES_MAX = 128 * 1024, PAGE_BYTES_MAX = 1 << 20, PAGE = 500 };

/* ---- import ---- */

struct import {
    struct table_import table; /* first: what it is taken by */
    struct contact_file file;
    struct arena mem; /* of one line */
};

static bool write_row(struct import *im, struct contact *c, struct err *e) {
    struct contact_write w = {.act = CONTACT_PUT, .contact = c, .with_devices = true};
    c->account_id = im->table.job.account_id;
    if (!table_begin_row(&im->table, e))
        return false;
    bool written = contacts_write(im->table.job.db, &w, im->table.job.now, e);
    im->table.added += written && w.outcome == CONTACT_MADE;
    im->table.renewed += written && w.outcome == CONTACT_CHANGED;
    return table_end_row(&im->table, written, e);
}

static bool take_line(struct table_import *table, char *line, size_t n, struct err *e) {
    struct import *im = (struct import *)table;
    struct err why = ERR_INIT;
    struct contact c;
    arena_reset(&im->mem);
    switch (contact_file_line(&im->file, line, n, table->job.settings->defaults.region, &im->mem, &c, &why)) {
    case FILE_LINE_NOTHING: return true;
    case FILE_LINE_ROW: return write_row(im, &c, e);
    case FILE_LINE_WRONG: table_refuse(table, &why); return true;
    case FILE_LINE_HEAD_WRONG: break;
    }
    *e = why;
    return false;
}

int cli_import_contacts(int argc, char **argv) {
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
    contact_file_init(&im.file, im.table.json);
    arena_init(&im.mem, ROW_BYTES_MAX);
    int code = table_import(&im.table, &o);
    arena_done(&im.mem);
    return code;
}

/* ---- export ---- */

static bool export_all(struct table_job *job, bool json, struct err *e) {
    struct contact_filter f = {.account_id = job->account_id, .limit = PAGE};
    ARENA_AUTO struct arena mem;
    arena_init(&mem, PAGE_BYTES_MAX + CONTACT_BYTES_MAX);
    struct contact *rows = calloc(f.limit, sizeof *rows);
    struct buf BUF_AUTO out = BUF_INIT(8 * PAGE_BYTES_MAX);
    ASSERT(rows);
    bool ok = true;
    if (!json)
        contact_file_add_head(&out);
    for (bool more = true; ok && more;) {
        size_t n = 0;
        arena_reset(&mem);
        ok = contacts_list(job->db, &f, &mem, rows, &n, &more, &f.after_row, e);
        for (size_t i = 0; ok && i < n; i++)
            contact_file_add(json, &rows[i], &out);
        ok = ok && table_print(job, n, &out, e);
    }
    free(rows);
    return ok;
}

int cli_export_contacts(int argc, char **argv) {
    return table_export(argc, argv, TABLE_ONE_ACCOUNT, export_usage, export_all);
}

int cli_export(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "suppressions") == 0)
        return cli_export_suppressions(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "contacts") == 0)
        return cli_export_contacts(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "consents") == 0)
        return cli_export_consents(argc - 1, argv + 1);
    bool asked = argc > 1 && strcmp(argv[1], "--help") == 0;
    fputs("hongyan export contacts|consents|suppressions ...    (hongyan export contacts --help says more)\n",
          asked ? stdout : stderr);
    return asked ? EX_OK : EX_USAGE;
}
