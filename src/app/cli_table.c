#include "app/cli_table.h"

#include "app/cli.h"
#include "app/config.h"
#include "app/table_lines.h"
#include "base/clock.h"
#include "base/json.h"
#include "store/account.h"
#include "store/migrate.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    BATCH = 1000,
    BATCH_US = 200 * 1000,
    PROGRESS_EVERY_US = 300 * 1000,
    PATIENCE_MS = 30000, /* the gateway and other imports take turns */
    REFUSALS_SHOWN_MAX = 100,
    CONVERTED_BYTES_MAX = 2 * TABLE_LINE_BYTES_MAX,
};

bool table_parse(int argc, char **argv, bool import, struct table_options *o, bool *asked) {
    static const struct option longs[] = {
        {"account", required_argument, NULL, 'a'},  {"everyone", no_argument, NULL, 'e'},
        {"kind", required_argument, NULL, 'k'},     {"format", required_argument, NULL, 'f'},
        {"encoding", required_argument, NULL, 'g'}, {"refused", required_argument, NULL, 'r'},
        {"dry-run", no_argument, NULL, 'd'},        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};
    *o = (struct table_options){.account = "default"};
    *asked = false;
    for (int c; (c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1;) {
        switch (c) {
        case 'c': o->config = optarg; break;
        case 'a': o->account = optarg; break;
        case 'e': o->everyone = true; break;
        case 'k': o->kind = optarg; break;
        case 'f': o->format = optarg; break;
        case 'g': o->encoding = optarg; break;
        case 'r': o->refused = optarg; break;
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

bool table_is_json(const struct table_options *o, bool *json, struct err *e) {
    struct sv file = sv_of(o->file), format = sv_of(o->format);
    *json =
        format.n ? sv_eq(format, SV("ndjson")) : sv_ends(file, SV(".ndjson")) || sv_ends(file, SV(".jsonl"));
    return !format.n || *json || sv_eq(format, SV("csv")) ||
           err_set(e, ERR_INVALID, "--format is csv or ndjson");
}

bool table_open(struct table_job *t, enum db_mode mode, bool *settings_wrong, struct err *e) {
    int from, to;
    t->now = clock_system_us();
    t->settings = cli_load_settings(cli_config_path(t->o->config));
    *settings_wrong = !t->settings;
    if (!t->settings || (mode == DB_WRITER && !cli_make_folder(t->settings->data_dir.p, e)))
        return false;
    t->db = db_open(t->settings->database, mode, e);
    if (!t->db)
        return false;
    db_set_patience(t->db, PATIENCE_MS);
    if (mode == DB_WRITER && !migrate(t->db, &from, &to, e))
        return false;
    return t->o->everyone || account_find(t->db, sv_of(t->o->account), &t->account_id, e);
}

void table_close(struct table_job *t) {
    db_close(t->db);
    config_free(t->settings);
}

/* ---- import ---- */

/* The members of a refusal, after its brace. */
static void add_refusal(struct table_import *im, const struct err *why, struct buf *out) {
    json_pair_i64(out, "line", (int64_t)im->line);
    if (why->column)
        json_pair_i64(out, "column", why->column);
    if (why->field[0])
        json_pair(out, "field", sv_of(why->field));
    json_pair(out, "error", sv_of(why->text));
}

static void report_refusal(struct table_import *im, const struct err *why) {
    struct buf BUF_AUTO out = BUF_INIT(8 * TABLE_LINE_BYTES_MAX);
    if (!im->refused_to)
        return;
    buf_addc(&out, '{');
    add_refusal(im, why, &out);
    json_pair(&out, "text", im->raw);
    buf_adds(&out, "}\n");
    fwrite(out.p, 1, out.n, im->refused_to);
}

void table_refuse(struct table_import *im, const struct err *why) {
    report_refusal(im, why);
    if (im->refused++ >= REFUSALS_SHOWN_MAX)
        return;
    char place[32] = "";
    if (why->column)
        snprintf(place, sizeof place, ":%u", why->column);
    fprintf(stderr, "%s:%llu%s: %s\n", im->job.o->file, (unsigned long long)im->line, place, why->text);
    buf_adds(&im->refusals, im->refusals.n ? ",{" : "{");
    add_refusal(im, why, &im->refusals);
    buf_addc(&im->refusals, '}');
}

static bool end_batch(struct table_import *im, struct err *e) {
    if (!im->in_batch)
        return true;
    im->in_batch = 0;
    if (im->job.o->dry_run) {
        db_rollback(im->job.db);
        return true;
    }
    return db_commit(im->job.db, e) && db_checkpoint(im->job.db, false, e);
}

bool table_begin_row(struct table_import *im, struct err *e) {
    if (!im->in_batch) {
        if (!db_begin(im->job.db, e))
            return false;
        im->batch_until = clock_monotonic_us() + BATCH_US;
    }
    im->in_batch++;
    return true;
}

bool table_end_row(struct table_import *im, bool written, struct err *e) {
    if (!written) {
        db_rollback(im->job.db);
        im->in_batch = 0;
        return false;
    }
    return im->in_batch < BATCH || end_batch(im, e);
}

/* Into UTF-8, at out; what is no text of that encoding is refused. */
static bool convert(struct table_import *im, char *line, size_t n, char *out, size_t *out_n) {
    struct err why = ERR_INIT;
    char *from = line, *to = out;
    size_t room = CONVERTED_BYTES_MAX;
    (void)iconv(im->converter, NULL, NULL, NULL, NULL);
    if (iconv(im->converter, &from, &n, &to, &room) != (size_t)-1) {
        *out_n = (size_t)(to - out);
        return true;
    }
    err_set(&why, ERR_INVALID, "not a line in %s, or it is too long", im->job.o->encoding);
    table_refuse(im, &why);
    return false;
}

static bool take_line(struct table_import *im, char *line, size_t n, struct err *e) {
    char converted[CONVERTED_BYTES_MAX];
    while (n && line[n - 1] == '\r')
        n--;
    if (im->job.o->encoding) {
        if (!convert(im, line, n, converted, &n))
            return true;
        line = converted;
    }
    if (im->line == 1 && n >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0) {
        line += 3;
        n -= 3;
    }
    return n == 0 || im->take(im, line, n, e);
}

/* How far it is, for people; of a pipe only the lines. */
static void show_progress(const struct table_import *im) {
    if (im->bytes_all)
        fprintf(stderr, cli_say("\r%3llu %%, %llu lines, %llu refused ", "\r%3llu %%,%llu 行,拒绝 %llu "),
                (unsigned long long)(im->bytes * 100 / im->bytes_all), (unsigned long long)im->line,
                (unsigned long long)im->refused);
    else
        fprintf(stderr, cli_say("\r%llu lines, %llu refused ", "\r%llu 行,拒绝 %llu "),
                (unsigned long long)im->line, (unsigned long long)im->refused);
}

/* On SQLite the gateway waits while a batch is open: not for a pipe that says nothing, nor for lines that are
 * refused. */
static bool let_others_write(struct table_import *im, const struct table_lines *lines, struct err *e) {
    bool long_open = im->in_batch && clock_monotonic_us() > im->batch_until;
    return !im->in_batch || (!long_open && table_lines_held(lines)) || end_batch(im, e);
}

static bool read_all(struct table_import *im, FILE *in, struct err *e) {
    bool shown = isatty(STDERR_FILENO) == 1, ok = true;
    char *text = malloc(TABLE_LINE_BYTES_MAX); /* a record is changed as it is read */
    struct table_lines lines;
    ASSERT(text);
    table_lines_init(&lines, in, !im->json);
    uint64_t next = 1;
    int64_t shown_at = clock_monotonic_us();
    for (struct table_record r; ok;) {
        struct err why = ERR_INIT;
        ok = let_others_write(im, &lines, e);
        if (!ok || !table_lines_next(&lines, &r))
            break;
        im->line = next;
        next += r.lines;
        im->raw = r.text;
        memcpy(text, r.text.p, r.text.n);
        if (r.whole) {
            ok = take_line(im, text, r.text.n, e);
        } else {
            err_set(&why, ERR_INVALID, "a line has at most %d bytes", TABLE_LINE_BYTES_MAX);
            table_refuse(im, &why);
        }
        im->bytes = lines.bytes;
        im->named |= im->line == 1 && r.text.n && !im->json && !im->added && !im->renewed && !im->refused;
        if (shown && clock_monotonic_us() >= shown_at + PROGRESS_EVERY_US) {
            shown_at = clock_monotonic_us();
            show_progress(im);
        }
    }
    im->lines = next - 1;
    if (shown)
        fputs("\r", stderr);
    if (ok && lines.failed)
        ok = err_set(e, ERR_OUTSIDE, "%s: %s", im->job.o->file, strerror(lines.failed));
    table_lines_done(&lines);
    free(text);
    return ok && end_batch(im, e);
}

static void report(const struct table_import *im) {
    const struct table_options *o = im->job.o;
    if (o->json) {
        struct buf BUF_AUTO out = BUF_INIT(1 << 20);
        buf_addc(&out, '{');
        json_pair_i64(&out, "lines", (int64_t)im->lines);
        json_pair_i64(&out, "records", (int64_t)(im->added + im->renewed + im->refused));
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
    printf(cli_say("%llu lines%s: %llu added, %llu there before, %llu refused%s\n",
                   "%llu 行%s:新增 %llu,已有 %llu,拒绝 %llu%s\n"),
           (unsigned long long)im->lines,
           im->named ? cli_say(" (the first names the columns)", "(首行为列名)") : "",
           (unsigned long long)im->added, (unsigned long long)im->renewed, (unsigned long long)im->refused,
           o->dry_run ? cli_say(" (dry run: nothing was written)", "(试运行,未写入)") : "");
}

static bool open_converter(struct table_import *im, struct err *e) {
    struct sv name = sv_of(im->job.o->encoding);
    if (!name.n)
        return true;
    /* GB18030 has all of GBK, and what Windows calls GBK besides. */
    bool gbk = sv_eq_nocase(name, SV("gbk")) || sv_eq_nocase(name, SV("gb2312"));
    im->converter = iconv_open("UTF-8", gbk ? "GB18030" : im->job.o->encoding);
    return im->converter != (iconv_t)-1 ||
           err_set(e, ERR_INVALID, "--encoding: `%s` is not known; gbk is, and other supersets of ASCII",
                   im->job.o->encoding);
}

static bool open_report(struct table_import *im, struct err *e) {
    const char *path = im->job.o->refused;
    if (!path)
        return true;
    im->refused_to = fopen(path, "we");
    return im->refused_to || err_set(e, ERR_OUTSIDE, "%s: %s", path, strerror(errno));
}

/* What could not be written must not look complete. */
static bool close_report(struct table_import *im, struct err *e) {
    if (!im->refused_to)
        return true;
    bool whole = !ferror(im->refused_to);
    whole = fclose(im->refused_to) == 0 && whole;
    return whole || err_set(e, ERR_OUTSIDE, "%s could not be written", im->job.o->refused);
}

int table_import(struct table_import *im, const struct table_options *o) {
    struct err e = ERR_INIT;
    bool settings_wrong = false;
    im->job.o = o;
    im->refusals = BUF_INIT(256 * 1024);
    im->converter = (iconv_t)-1;
    FILE *in = strcmp(o->file, "-") == 0 ? stdin : fopen(o->file, "r");
    bool ok = in || err_set(&e, ERR_NOT_FOUND, "%s: %s", o->file, strerror(errno));
    struct stat of;
    if (in && fstat(fileno(in), &of) == 0 && S_ISREG(of.st_mode))
        im->bytes_all = (uint64_t)of.st_size;
    ok = ok && open_report(im, &e) && open_converter(im, &e) &&
         table_open(&im->job, DB_WRITER, &settings_wrong, &e) && read_all(im, in, &e);
    struct err unwritten = ERR_INIT;
    bool reported = close_report(im, &unwritten);
    if (!settings_wrong && in)
        report(im);
    if (in && in != stdin)
        fclose(in);
    if (im->converter != (iconv_t)-1)
        iconv_close(im->converter);
    table_close(&im->job);
    buf_done(&im->refusals);
    if (settings_wrong)
        return EX_CONFIG;
    if (!ok)
        return cli_fail("import", &e);
    if (!reported)
        return cli_fail("import", &unwritten);
    return im->refused ? EX_DATAERR : EX_OK;
}

/* ---- export ---- */

static bool is_watched(void) {
    return isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) != 1;
}

static void show_rows(struct table_job *job) {
    job->shown_at = clock_monotonic_us();
    fprintf(stderr, cli_say("\r%llu rows ", "\r%llu 行 "), (unsigned long long)job->rows);
}

int table_export(int argc, char **argv, enum table_whose whose, const char *usage,
                 bool (*all)(struct table_job *job, bool json, struct err *e)) {
    struct table_options o;
    bool asked, json, settings_wrong = false;
    if (!table_parse(argc, argv, false, &o, &asked) || o.kind || (o.everyone && whose != TABLE_EVERYONE) ||
        o.encoding || o.refused) {
        fputs(usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    struct table_job job = {.o = &o};
    struct err e = ERR_INIT;
    bool ok = table_is_json(&o, &json, &e) && table_open(&job, DB_READER, &settings_wrong, &e) &&
              all(&job, json, &e);
    if (ok && is_watched()) {
        show_rows(&job);
        fputs("\n", stderr);
    }
    table_close(&job);
    if (settings_wrong)
        return EX_CONFIG;
    return ok ? EX_OK : cli_fail("export", &e);
}

bool table_print(struct table_job *job, size_t rows, struct buf *out, struct err *e) {
    bool ok = fwrite(out->p, 1, out->n, stdout) == out->n && fflush(stdout) == 0;
    buf_reset(out);
    job->rows += rows;
    if (ok && is_watched() && clock_monotonic_us() >= job->shown_at + PROGRESS_EVERY_US)
        show_rows(job);
    return ok || err_set(e, ERR_OUTSIDE, "standard output: %s", strerror(errno));
}
