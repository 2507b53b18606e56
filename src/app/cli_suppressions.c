#include "app/cli.h"
#include "app/cli_table.h"

#include "base/clock.h"
#include "ingest/address.h"
#include "ingest/csv.h"
#include "store/suppression.h"

#include <string.h>
#include <sysexits.h>

static const char import_usage[] =
    "hongyan import suppressions FILE.csv [-c FILE] [--account NAME | --everyone] [--kind KIND] "
    "[--encoding gbk] [--refused FILE] [--dry-run] [--json]\n\n"
    "Puts the numbers of a file (- is standard input) on the list of those not written to (docs/consent.md). "
    "Columns are\n"
    "number, kind (opt_out, block or invalid; --kind where it is empty, else opt_out), topic, note and "
    "expires_at; a first\n"
    "line that names them may put them in another order. Lines that are wrong are named and left out; "
    "--refused FILE gets\n"
    "all of them as NDJSON. "
    "--everyone: for every\n"
    "account. The gateway may run meanwhile, and heeds each row from then on.\n"
    "将文件中的号码列入不再发送的名单。列为 "
    "number、kind、topic、note、expires_at;错误的行会列出行号并跳过,其余照常导入。\n";

static const char export_usage[] =
    "hongyan export suppressions [-c FILE] [--account NAME | --everyone]\n\n"
    "Writes an account's list of numbers not written to, or that for every account, to standard output as "
    "CSV, as\n"
    "`hongyan import suppressions` reads it.\n"
    "将名单以 CSV 写到标准输出。\n";

enum { COLUMNS_N = 5, LINE_BYTES_MAX = 8192, PAGE_BYTES_MAX = 2 << 20 };

enum column { NUMBER, KIND, TOPIC, NOTE, EXPIRES };
static const char *const column_names[COLUMNS_N] = {"number", "kind", "topic", "note", "expires_at"};

/* A first line that names the columns; order[i]: which column field i is. */
static bool is_head(const struct sv *fields, size_t n, enum column order[COLUMNS_N]) {
    enum column found[COLUMNS_N];
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < COLUMNS_N && !sv_eq_nocase(fields[i], sv_of(column_names[k])))
            k++;
        if (k == COLUMNS_N)
            return false;
        found[i] = (enum column)k;
    }
    memcpy(order, found, n * sizeof found[0]);
    return n > 0;
}

/* ---- import ---- */

struct import {
    struct table_import table; /* first: what it is taken by */
    enum suppression_kind kind;
    enum column order[COLUMNS_N];
};

static bool read_row(const struct import *im, const struct sv v[COLUMNS_N],
                     char number[SUPPRESSION_NUMBER_BYTES_MAX], struct suppression *out, struct err *e) {
    const struct settings *s = im->table.job.settings;
    *out = (struct suppression){.account_id = im->table.job.account_id,
                                .topic = v[TOPIC],
                                .kind = im->kind,
                                .source = SUPPRESSION_BY_IMPORT,
                                .by = SV("import"),
                                .note = v[NOTE]};
    if (!address_read(v[NUMBER], s->defaults.region, number, &out->number, e) ||
        !address_check_listed(out->number, e))
        return false;
    if (v[KIND].n && !suppression_kind_parse(v[KIND], &out->kind))
        return err_set_field(e, ERR_INVALID, "kind", "kind is opt_out, block or invalid");
    if (v[TOPIC].n > SUPPRESSION_TOPIC_BYTES_MAX || v[NOTE].n > SUPPRESSION_NOTE_BYTES_MAX)
        return err_set(e, ERR_INVALID, "a topic has up to %d bytes, a note up to %d",
                       SUPPRESSION_TOPIC_BYTES_MAX, SUPPRESSION_NOTE_BYTES_MAX);
    for (int i = 0; i < COLUMNS_N; i++)
        if (!sv_is_utf8(v[i]) || sv_find_char(v[i], '\0') != SIZE_MAX)
            return err_set(e, ERR_INVALID,
                           "%s is not UTF-8 (of a file in GBK say --encoding gbk), or has a NUL in it",
                           column_names[i]);
    if (v[EXPIRES].n && !clock_parse_rfc3339(v[EXPIRES], &out->expires_at))
        return err_set_field(e, ERR_INVALID, "expires_at",
                             "expires_at is a time such as 2026-01-31T08:30:00Z");
    if (out->kind == SUPPRESSION_INVALID && !v[EXPIRES].n && s->consent.invalid_days)
        out->expires_at = im->table.job.now + (int64_t)s->consent.invalid_days * 86400 * US_PER_S;
    return true;
}

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
    struct sv fields[COLUMNS_N], v[COLUMNS_N] = {{0}};
    struct suppression row;
    struct err why = ERR_INIT;
    char number[SUPPRESSION_NUMBER_BYTES_MAX];
    size_t count;
    if (n > LINE_BYTES_MAX || !csv_split(line, n, fields, COLUMNS_N, &count)) {
        err_set(&why, ERR_INVALID, "not a record of up to %d columns and %d bytes, or a quote is not closed",
                COLUMNS_N, LINE_BYTES_MAX);
        table_refuse(table, &why);
        return true;
    }
    if (table->line == 1 && is_head(fields, count, im->order))
        return true;
    for (size_t i = 0; i < count; i++)
        v[im->order[i]] = fields[i];
    if (read_row(im, v, number, &row, &why))
        return write_row(im, &row, e);
    table_refuse(table, &why);
    return true;
}

int cli_import_suppressions(int argc, char **argv) {
    struct table_options o;
    struct import im = {.table = {.take = take_line},
                        .kind = SUPPRESSION_OPT_OUT,
                        .order = {NUMBER, KIND, TOPIC, NOTE, EXPIRES}};
    bool asked;
    if (!table_parse(argc, argv, true, &o, &asked) || o.format ||
        (o.kind && !suppression_kind_parse(sv_of(o.kind), &im.kind))) {
        fputs(import_usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    return table_import(&im.table, &o);
}

/* ---- export ---- */

static void add_row(struct buf *out, const struct suppression *r) {
    struct buf BUF_AUTO time = BUF_INIT(64);
    if (r->expires_at)
        clock_add_rfc3339(&time, r->expires_at);
    csv_add(out, r->number, ',');
    csv_add(out, sv_of(suppression_kind_name(r->kind)), ',');
    csv_add(out, r->topic, ',');
    csv_add(out, r->note, ',');
    csv_add(out, buf_sv(&time), '\n');
}

static bool export_all(const struct table_job *l, struct err *e) {
    struct suppression_filter f = {.account_id = l->account_id, .limit = SUPPRESSION_PAGE_MAX};
    ARENA_AUTO struct arena one;
    ARENA_AUTO struct arena other;
    arena_init(&one, PAGE_BYTES_MAX);
    arena_init(&other, PAGE_BYTES_MAX);
    struct suppression *rows = calloc(f.limit, sizeof *rows);
    struct buf BUF_AUTO out = BUF_INIT(2 * PAGE_BYTES_MAX);
    ASSERT(rows);
    bool ok = true;
    buf_adds(&out, "number,kind,topic,note,expires_at\n");
    for (bool more = true, odd = false; ok && more; odd = !odd) { /* the cursor lives in the page before */
        struct suppression last;
        size_t n = 0;
        struct arena *mem = odd ? &one : &other;
        arena_reset(mem);
        ok = suppression_list(l->db, &f, mem, rows, &n, &more, &last, e);
        for (size_t i = 0; ok && i < n; i++)
            add_row(&out, &rows[i]);
        ok = ok && table_print(&out, e);
        if (ok && more)
            f.after = last;
    }
    free(rows);
    return ok;
}

int cli_export_suppressions(int argc, char **argv) {
    struct table_options o;
    bool asked, settings_wrong = false;
    if (!table_parse(argc, argv, false, &o, &asked) || o.format || o.encoding) {
        fputs(export_usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    struct table_job l = {.o = &o};
    struct err e = ERR_INIT;
    bool ok = table_open(&l, DB_READER, &settings_wrong, &e) && export_all(&l, &e);
    table_close(&l);
    if (settings_wrong)
        return EX_CONFIG;
    return ok ? EX_OK : cli_fail("export", &e);
}
