#include "app/cli.h"

#include "app/config.h"
#include "base/clock.h"
#include "base/json.h"
#include "ingest/address.h"
#include "store/account.h"
#include "store/migrate.h"
#include "store/suppression.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char import_usage[] =
    "hongyan import suppressions FILE.csv [-c FILE] [--account NAME | --everyone] [--kind KIND] [--dry-run] "
    "[--json]\n\n"
    "Puts the numbers of a file (- is standard input) on the list of those not written to (docs/consent.md). "
    "Columns are\n"
    "number, kind (opt_out, block or invalid; --kind where it is empty, else opt_out), topic, note and "
    "expires_at; a first\n"
    "line that names them may put them in another order. Lines that are wrong are named and left out. "
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

enum {
    BATCH = 2000,
    COLUMNS_N = 5,
    LINE_BYTES_MAX = 8192,
    REFUSALS_SHOWN_MAX = 100,
    PAGE_BYTES_MAX = 2 << 20
};

enum column { NUMBER, KIND, TOPIC, NOTE, EXPIRES };
static const char *const column_names[COLUMNS_N] = {"number", "kind", "topic", "note", "expires_at"};

struct options {
    const char *config, *account, *file;
    bool everyone, dry_run, json;
    enum suppression_kind kind;
};

static bool parse(int argc, char **argv, bool import, struct options *o, bool *asked) {
    static const struct option longs[] = {{"account", required_argument, NULL, 'a'},
                                          {"everyone", no_argument, NULL, 'e'},
                                          {"kind", required_argument, NULL, 'k'},
                                          {"dry-run", no_argument, NULL, 'd'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    *o = (struct options){.account = "default", .kind = SUPPRESSION_OPT_OUT};
    *asked = false;
    for (int c; (c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1;) {
        switch (c) {
        case 'c': o->config = optarg; break;
        case 'a': o->account = optarg; break;
        case 'e': o->everyone = true; break;
        case 'k':
            if (!suppression_kind_parse(sv_of(optarg), &o->kind))
                return false;
            break;
        case 'd': o->dry_run = true; break;
        case 'j': o->json = true; break;
        default: *asked = c == 'h'; return false;
        }
    }
    if (optind + (import ? 1 : 0) != argc)
        return false;
    o->file = import ? argv[optind] : NULL;
    return true;
}

struct job_of_list {
    const struct options *o;
    struct settings *settings; /* owned */
    struct db *db;             /* owned */
    int64_t account_id;
    int64_t now;
};

/* The settings, the database and the account; *settings_wrong: it was said what is wrong with them. */
static bool open_list(struct job_of_list *l, enum db_mode mode, bool *settings_wrong, struct err *e) {
    int from, to;
    l->now = clock_system_us();
    l->settings = cli_load_settings(cli_config_path(l->o->config));
    *settings_wrong = !l->settings;
    if (!l->settings || (mode == DB_WRITER && !cli_make_folder(l->settings->data_dir.p, e)))
        return false;
    l->db = db_open(l->settings->database, mode, e);
    if (!l->db || (mode == DB_WRITER && !migrate(l->db, &from, &to, e)))
        return false;
    return l->o->everyone || account_find(l->db, sv_of(l->o->account), &l->account_id, e);
}

static void close_list(struct job_of_list *l) {
    db_close(l->db);
    config_free(l->settings);
}

/* ---- reading CSV: RFC 4180, one record a line ---- */

/* The next field, without its quotes, in place; *rest has p == NULL behind the last. */
static bool take_field(char *line, size_t *at, size_t n, struct sv *out) {
    size_t i = *at, to = *at;
    bool quoted = i < n && line[i] == '"';
    for (i += quoted; i < n; i++) {
        if (quoted && line[i] == '"') {
            if (i + 1 < n && line[i + 1] == '"') {
                i++;
            } else {
                quoted = false;
                continue;
            }
        } else if (!quoted && line[i] == ',') {
            break;
        }
        line[to++] = line[i];
    }
    *out = sv_trim(sv_make(line + *at, to - *at));
    *at = i + 1;
    return !quoted;
}

static bool split(char *line, size_t n, struct sv fields[COLUMNS_N], size_t *count) {
    size_t at = 0;
    for (*count = 0; at <= n && *count < COLUMNS_N; (*count)++)
        if (!take_field(line, &at, n, &fields[*count]))
            return false;
    return at > n;
}

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
    struct job_of_list list;
    FILE *in;
    enum column order[COLUMNS_N];
    uint64_t line, added, renewed, refused;
    struct buf refusals; /* JSON */
    unsigned in_batch;
};

static void refuse(struct import *im, const struct err *why) {
    if (im->refused++ < REFUSALS_SHOWN_MAX) {
        fprintf(stderr, "%s:%llu: %s\n", im->list.o->file, (unsigned long long)im->line, why->text);
        buf_adds(&im->refusals, im->refusals.n ? ",{" : "{");
        json_pair_i64(&im->refusals, "line", (int64_t)im->line);
        json_pair(&im->refusals, "error", sv_of(why->text));
        buf_addc(&im->refusals, '}');
    }
}

static bool read_row(const struct import *im, const struct sv v[COLUMNS_N],
                     char number[SUPPRESSION_NUMBER_BYTES_MAX], struct suppression *out, struct err *e) {
    const struct settings *s = im->list.settings;
    *out = (struct suppression){.account_id = im->list.account_id,
                                .topic = v[TOPIC],
                                .kind = im->list.o->kind,
                                .source = SUPPRESSION_BY_IMPORT,
                                .by = SV("import"),
                                .note = v[NOTE]};
    if (!address_read(v[NUMBER], s->defaults.region, number, &out->number, e))
        return false;
    if (v[KIND].n && !suppression_kind_parse(v[KIND], &out->kind))
        return err_set(e, ERR_INVALID, "kind is opt_out, block or invalid");
    if (v[TOPIC].n > SUPPRESSION_TOPIC_BYTES_MAX || v[NOTE].n > SUPPRESSION_NOTE_BYTES_MAX)
        return err_set(e, ERR_INVALID, "a topic has up to %d bytes, a note up to %d",
                       SUPPRESSION_TOPIC_BYTES_MAX, SUPPRESSION_NOTE_BYTES_MAX);
    for (int i = 0; i < COLUMNS_N; i++)
        if (!sv_is_utf8(v[i]) || sv_find_char(v[i], '\0') != SIZE_MAX)
            return err_set(e, ERR_INVALID, "%s is not UTF-8, or has a NUL in it", column_names[i]);
    if (v[EXPIRES].n && !clock_parse_rfc3339(v[EXPIRES], &out->expires_at))
        return err_set(e, ERR_INVALID, "expires_at is a time such as 2026-01-31T08:30:00Z");
    if (out->kind == SUPPRESSION_INVALID && !v[EXPIRES].n && s->consent.invalid_days)
        out->expires_at = im->list.now + (int64_t)s->consent.invalid_days * 86400 * US_PER_S;
    return true;
}

static bool end_batch(struct import *im, struct err *e) {
    if (!im->in_batch)
        return true;
    im->in_batch = 0;
    if (im->list.o->dry_run) {
        db_rollback(im->list.db);
        return true;
    }
    return db_commit(im->list.db, e) && db_checkpoint(im->list.db, false, e);
}

static bool write_row(struct import *im, const struct suppression *row, struct err *e) {
    struct suppression_write w = {.act = SUPPRESSION_ADD, .rows = row, .n = 1};
    if (!im->in_batch && !db_begin(im->list.db, e))
        return false;
    im->in_batch++;
    if (!suppression_write(im->list.db, &w, im->list.now, e)) {
        db_rollback(im->list.db);
        return false;
    }
    im->added += w.added;
    im->renewed += w.renewed;
    return im->in_batch < BATCH || end_batch(im, e);
}

static bool import_line(struct import *im, char *line, size_t n, struct err *e) {
    struct sv fields[COLUMNS_N], v[COLUMNS_N] = {{0}};
    struct suppression row;
    struct err why = ERR_INIT;
    char number[SUPPRESSION_NUMBER_BYTES_MAX];
    size_t count;
    while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
        n--;
    if (im->line == 1 && n >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0) {
        line += 3;
        n -= 3;
    }
    if (n == 0)
        return true;
    bool ok = n <= LINE_BYTES_MAX && split(line, n, fields, &count);
    if (!ok) {
        err_set(&why, ERR_INVALID, "not a line of up to %d columns and %d bytes, or a quote is not closed",
                COLUMNS_N, LINE_BYTES_MAX);
        refuse(im, &why);
        return true;
    }
    if (im->line == 1 && is_head(fields, count, im->order))
        return true;
    for (size_t i = 0; i < count; i++)
        v[im->order[i]] = fields[i];
    if (read_row(im, v, number, &row, &why))
        return write_row(im, &row, e);
    refuse(im, &why);
    return true;
}

static bool import_all(struct import *im, struct err *e) {
    enum { PROGRESS_EVERY = 100000 };
    bool shown = isatty(STDERR_FILENO) == 1, ok = true;
    char *line = NULL;
    size_t cap = 0;
    for (ssize_t n; ok && (n = getline(&line, &cap, im->in)) >= 0;) {
        im->line++;
        ok = import_line(im, line, (size_t)n, e);
        if (shown && im->line % PROGRESS_EVERY == 0)
            fprintf(stderr, "\r%llu ", (unsigned long long)im->line);
    }
    if (shown)
        fputs("\r", stderr);
    if (ok && ferror(im->in))
        ok = err_set(e, ERR_OUTSIDE, "%s: %s", im->list.o->file, strerror(errno));
    free(line);
    return ok && end_batch(im, e);
}

static void report(const struct import *im) {
    const struct options *o = im->list.o;
    if (o->json) {
        struct buf BUF_AUTO out = BUF_INIT(1 << 20);
        buf_addc(&out, '{');
        json_pair_i64(&out, "lines", (int64_t)im->line);
        json_pair_i64(&out, "added", (int64_t)im->added);
        json_pair_i64(&out, "renewed", (int64_t)im->renewed);
        json_pair_i64(&out, "refused", (int64_t)im->refused);
        buf_adds(&out, ",\"first_refused\":[");
        buf_add(&out, buf_sv(&im->refusals));
        buf_addc(&out, ']');
        json_pair_bool(&out, "dry_run", o->dry_run);
        buf_adds(&out, "}\n");
        fputs(out.p, stdout);
        return;
    }
    printf(cli_say("%llu lines: %llu added, %llu there before, %llu refused%s\n",
                   "%llu 行:新增 %llu,已有 %llu,拒绝 %llu%s\n"),
           (unsigned long long)im->line, (unsigned long long)im->added, (unsigned long long)im->renewed,
           (unsigned long long)im->refused,
           o->dry_run ? cli_say(" (dry run: nothing was written)", "(试运行,未写入)") : "");
}

int cli_import_suppressions(int argc, char **argv) {
    struct options o;
    bool asked, settings_wrong = false;
    if (!parse(argc, argv, true, &o, &asked)) {
        fputs(import_usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    struct import im = {
        .list = {.o = &o}, .order = {NUMBER, KIND, TOPIC, NOTE, EXPIRES}, .refusals = BUF_INIT(256 * 1024)};
    struct err e = ERR_INIT;
    im.in = strcmp(o.file, "-") == 0 ? stdin : fopen(o.file, "r");
    bool ok = im.in || err_set(&e, ERR_NOT_FOUND, "%s: %s", o.file, strerror(errno));
    ok = ok && open_list(&im.list, DB_WRITER, &settings_wrong, &e) && import_all(&im, &e);
    if (!settings_wrong && im.in)
        report(&im);
    if (im.in && im.in != stdin)
        fclose(im.in);
    close_list(&im.list);
    buf_done(&im.refusals);
    if (settings_wrong)
        return EX_CONFIG;
    if (!ok)
        return cli_fail("import", &e);
    return im.refused ? EX_DATAERR : EX_OK;
}

/* ---- export ---- */

static void add_field(struct buf *out, struct sv v, char behind) {
    bool quotes = sv_find_char(v, ',') != SIZE_MAX || sv_find_char(v, '"') != SIZE_MAX ||
                  sv_find_char(v, '\n') != SIZE_MAX || sv_find_char(v, '\r') != SIZE_MAX;
    if (quotes)
        buf_addc(out, '"');
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        buf_addc(out, c == '\n' || c == '\r' ? ' ' : c); /* one record a line */
        if (c == '"')
            buf_addc(out, c);
    }
    if (quotes)
        buf_addc(out, '"');
    buf_addc(out, behind);
}

static void add_row(struct buf *out, const struct suppression *r) {
    struct buf BUF_AUTO time = BUF_INIT(64);
    if (r->expires_at)
        clock_add_rfc3339(&time, r->expires_at);
    add_field(out, r->number, ',');
    add_field(out, sv_of(suppression_kind_name(r->kind)), ',');
    add_field(out, r->topic, ',');
    add_field(out, r->note, ',');
    add_field(out, buf_sv(&time), '\n');
}

static bool export_all(const struct job_of_list *l, struct err *e) {
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
        if (ok && fwrite(out.p, 1, out.n, stdout) != out.n)
            ok = err_set(e, ERR_OUTSIDE, "standard output: %s", strerror(errno));
        buf_reset(&out);
        if (ok && more)
            f.after = last;
    }
    free(rows);
    return ok && (fflush(stdout) == 0 || err_set(e, ERR_OUTSIDE, "standard output: %s", strerror(errno)));
}

int cli_export(int argc, char **argv) {
    struct options o;
    bool asked = argc > 1 && strcmp(argv[1], "--help") == 0, settings_wrong = false;
    if (asked || argc < 2 || strcmp(argv[1], "suppressions") != 0 ||
        !parse(argc - 1, argv + 1, false, &o, &asked)) {
        fputs(export_usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    struct job_of_list l = {.o = &o};
    struct err e = ERR_INIT;
    bool ok = open_list(&l, DB_READER, &settings_wrong, &e) && export_all(&l, &e);
    close_list(&l);
    if (settings_wrong)
        return EX_CONFIG;
    return ok ? EX_OK : cli_fail("export", &e);
}
