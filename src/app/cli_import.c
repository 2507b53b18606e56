#include "app/cli.h"

#include "app/config.h"
#include "base/clock.h"
#include "base/json.h"
#include "ingest/doc_file.h"
#include "ingest/doc_json.h"
#include "ingest/file.h"
#include "store/account.h"
#include "store/migrate.h"
#include "store/templates.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
    "hongyan import templates DIR [-c FILE] [--account NAME] [--publish] [--dry-run] [--json]\n"
    "hongyan import rules DIR ...                (hongyan import rules --help says more)\n"
    "hongyan import contacts|consents|suppressions FILE ...    (hongyan import contacts --help says more)\n\n"
    "Takes the files NAME.txt and NAME.LANG.txt of a folder into the account's store of templates "
    "(docs/templates.md). "
    "What is\n"
    "there already makes no new version. Files that are refused are named with line and column; the others "
    "are taken. "
    "The\n"
    "gateway may run meanwhile, and uses what is published within a second.\n"
    "将目录中的模板文件导入账户的模板库。内容未变的不产生新版本;有错误的文件会列出行号和列号,其余照常导入。\n"
    "导入时网关可以继续运行,发布的内容一秒内生效。\n";

enum { FILES_MAX = 100000, ARENA_BYTES_MAX = 8 << 20, REPORT_BYTES_MAX = 64 << 20, PROGRESS_EVERY = 50 };

struct import_options {
    const char *config, *account, *dir;
    bool publish, dry_run, json;
};

struct import_file {
    char *file; /* owned */
    struct sv name;
    struct language language;
};

struct import {
    const struct import_options *o;
    struct db *db;
    int64_t account_id;
    struct import_file *files; /* owned, by name and language */
    size_t n_files;
    size_t created, published, unchanged, refused; /* templates; published: of those, newly */
    struct buf taken, refusals;                    /* JSON rows */
};

static bool parse(int argc, char **argv, struct import_options *o, bool *asked) {
    static const struct option longs[] = {
        {"account", required_argument, NULL, 'a'}, {"publish", no_argument, NULL, 'p'},
        {"dry-run", no_argument, NULL, 'd'},       {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    *o = (struct import_options){.account = "default"};
    *asked = false;
    for (int c; (c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1;) {
        switch (c) {
        case 'c': o->config = optarg; break;
        case 'a': o->account = optarg; break;
        case 'p': o->publish = true; break;
        case 'd': o->dry_run = true; break;
        case 'j': o->json = true; break;
        default: *asked = c == 'h'; return false;
        }
    }
    if (optind + 2 != argc || strcmp(argv[optind], "templates") != 0)
        return false;
    o->dir = argv[optind + 1];
    return true;
}

/* ---- the folder ---- */

static int by_name(const void *a, const void *b) {
    const struct import_file *x = a, *y = b;
    int order = sv_cmp(x->name, y->name);
    return order ? order : strcmp(x->language.text, y->language.text);
}

static bool add_file(struct import *im, const char *file, struct err *e) {
    struct import_file f = {.file = strdup(file)};
    ASSERT(f.file);
    if (!doc_file_name(sv_of(f.file), &f.name, &f.language)) {
        free(f.file);
        return true;
    }
    struct import_file *grown = realloc(im->files, (im->n_files + 1) * sizeof *grown);
    ASSERT(grown);
    im->files = grown;
    im->files[im->n_files++] = f;
    return im->n_files <= FILES_MAX || err_set(e, ERR_TOO_LARGE, "more than %d files", FILES_MAX);
}

static bool list_files(struct import *im, struct err *e) {
    DIR *d = opendir(im->o->dir);
    if (!d)
        return err_set(e, ERR_NOT_FOUND, "%s: %s", im->o->dir, strerror(errno));
    bool ok = true;
    for (struct dirent *entry; ok && (entry = readdir(d)) != NULL;)
        ok = add_file(im, entry->d_name, e);
    closedir(d);
    if (im->n_files)
        qsort(im->files, im->n_files, sizeof *im->files, by_name);
    return ok;
}

/* ---- one template ---- */

static void refuse(struct import *im, const struct import_file *f, const struct err *e) {
    char place[32] = "";
    if (e->line)
        snprintf(place, sizeof place, ":%u:%u", e->line, e->column);
    fprintf(stderr, "%s/%s%s: %s\n", im->o->dir, f->file, place, e->text);
    buf_adds(&im->refusals, im->refusals.n ? ",{" : "{");
    json_pair(&im->refusals, "file", sv_of(f->file));
    if (e->line) {
        json_pair_i64(&im->refusals, "line", e->line);
        json_pair_i64(&im->refusals, "column", e->column);
    }
    json_pair(&im->refusals, "error", sv_of(e->text));
    buf_addc(&im->refusals, '}');
}

/* The template's own words from one head; samples of several files make one. */
static bool take_head(const json_t *head, json_t *sample, struct arena *a, struct template_doc *doc,
                      struct err *e) {
    const json_t *note = json_object_get(head, "note"), *mine = json_object_get(head, "sample");
    const char *key;
    json_t *value;
    if (note && !json_is_string(note))
        return err_set(e, ERR_INVALID, "`note` must be a text");
    if (note && json_string_length(note) > TEMPLATE_NOTE_BYTES_MAX)
        return err_set(e, ERR_INVALID, "`note` has at most %d bytes", TEMPLATE_NOTE_BYTES_MAX);
    if (note && !doc->note.n)
        doc->note = arena_dup(a, sv_of(json_string_value(note)));
    if (mine && !json_is_object(mine))
        return err_set(e, ERR_INVALID, "`sample` must be a mapping of example variables");
    json_object_foreach((json_t *)(uintptr_t)mine, key, value) {
        const json_t *other = json_object_get(sample, key);
        if (other && !json_equal(other, value))
            return err_set(e, ERR_INVALID, "`sample.%.60s` is another in another language's file", key);
        json_object_set(sample, key, value);
    }
    return true;
}

static bool read_one(const struct import *im, const struct import_file *f, json_t *sample, struct arena *a,
                     struct template_doc *doc, struct err *e) {
    struct buf BUF_AUTO path = BUF_INIT(8192), text = BUF_INIT(DOC_FILE_BYTES_MAX);
    json_t *head = NULL;
    buf_addf(&path, "%s/%s", im->o->dir, f->file);
    if (path.overflow)
        return err_set(e, ERR_INVALID, "the path is too long");
    if (!ingest_read_file(path.p, &text, e))
        return false;
    bool ok =
        doc_file_read(buf_sv(&text), &f->language, a, doc, &head, e) && take_head(head, sample, a, doc, e);
    json_decref(head);
    return ok;
}

/* Files [first, end) are one template. Those that are wrong are named; then nothing of it is taken. */
static bool read_template(struct import *im, size_t first, size_t end, struct arena *a,
                          struct template_doc *doc) {
    json_auto_t *sample = json_object();
    bool ok = true;
    for (size_t i = first; i < end; i++) {
        struct err e = ERR_INIT;
        if (read_one(im, &im->files[i], sample, a, doc, &e))
            continue;
        refuse(im, &im->files[i], &e);
        ok = false;
    }
    struct err e = ERR_INIT;
    if (ok && template_name_check(im->files[first].name, &e) && doc_read_sample(sample, a, doc, &e) &&
        doc_finish(doc, &e))
        return true;
    if (ok)
        refuse(im, &im->files[first], &e);
    im->refused++;
    return false;
}

static bool write_template(struct import *im, struct template_write *w, struct err *e) {
    if (!db_begin(im->db, e))
        return false;
    bool ok = templates_write(im->db, w, clock_system_us(), e);
    if (ok && !im->o->dry_run && db_commit(im->db, e))
        return true;
    db_rollback(im->db);
    return ok && im->o->dry_run;
}

static void tell(struct import *im, const struct template_write *w) {
    bool news = w->outcome == TEMPLATE_DONE;
    const char *word = !news ? "unchanged" : w->published ? "published" : "created";
    im->unchanged += !news;
    im->created += news;
    im->published += w->published;
    if (!im->o->json) {
        if (news)
            printf("%.*s  %u  %s\n", SV_FMT(w->name), w->number, template_state_name(w->state));
        return;
    }
    buf_adds(&im->taken, im->taken.n ? ",{" : "{");
    json_pair(&im->taken, "name", w->name);
    json_pair_i64(&im->taken, "version", w->number);
    json_pair(&im->taken, "state", sv_of(template_state_name(w->state)));
    json_pair(&im->taken, "outcome", sv_of(word));
    buf_addc(&im->taken, '}');
}

static bool import_one(struct import *im, size_t first, size_t end, struct err *e) {
    struct template_doc doc = {.n_bodies = 0};
    ARENA_AUTO struct arena a;
    arena_init(&a, ARENA_BYTES_MAX);
    if (!read_template(im, first, end, &a, &doc))
        return true;
    struct template_write w = {.act = TEMPLATE_ADD,
                               .publish = im->o->publish,
                               .account_id = im->account_id,
                               .name = im->files[first].name,
                               .doc = &doc};
    if (!write_template(im, &w, e))
        return false;
    if (w.outcome == TEMPLATE_FULL)
        return err_set(e, ERR_CONFLICT, "the account has %d templates: no more fit",
                       TEMPLATES_PER_ACCOUNT_MAX);
    tell(im, &w);
    return true;
}

static bool import_all(struct import *im, struct err *e) {
    bool shown = isatty(STDERR_FILENO) == 1;
    for (size_t i = 0, end, done = 0; i < im->n_files; i = end, done++) {
        for (end = i + 1; end < im->n_files && sv_eq(im->files[end].name, im->files[i].name);)
            end++;
        if (!import_one(im, i, end, e))
            return false;
        if (shown && done % PROGRESS_EVERY == 0)
            fprintf(stderr, "\r%zu/%zu ", end, im->n_files);
    }
    if (shown)
        fputs("\r", stderr);
    return true;
}

/* ---- the command ---- */

static bool open_store(struct import *im, bool *no_settings, struct err *e) {
    int from, to;
    struct settings *s = cli_load_settings(cli_config_path(im->o->config));
    if (!s) {
        *no_settings = true;
        return err_set(e, ERR_INVALID, "the settings have errors");
    }
    bool there = cli_make_folder(s->data_dir.p, e);
    im->db = there ? db_open(s->database, DB_WRITER, e) : NULL;
    config_free(s);
    return im->db && migrate(im->db, &from, &to, e) &&
           account_find(im->db, sv_of(im->o->account), &im->account_id, e);
}

static void report(const struct import *im) {
    if (im->o->json) {
        struct buf BUF_AUTO out = BUF_INIT(2 * REPORT_BYTES_MAX + 1024);
        buf_adds(&out, "{\"templates\":[");
        buf_add(&out, buf_sv(&im->taken));
        buf_adds(&out, "],\"refused\":[");
        buf_add(&out, buf_sv(&im->refusals));
        buf_addc(&out, ']');
        json_pair_i64(&out, "created", (int64_t)im->created);
        json_pair_i64(&out, "unchanged", (int64_t)im->unchanged);
        json_pair_bool(&out, "dry_run", im->o->dry_run);
        buf_adds(&out, "}\n");
        fputs(out.p, stdout);
        return;
    }
    printf(cli_say("%zu new versions, %zu of them published, %zu templates unchanged, %zu refused%s\n",
                   "新版本 %zu 个(已发布 %zu 个),未变 %zu 个,拒绝 %zu 个%s\n"),
           im->created, im->published, im->unchanged, im->refused,
           im->o->dry_run ? cli_say(" (dry run: nothing was written)", "(试运行,未写入)") : "");
}

int cli_import(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "rules") == 0)
        return cli_import_rules(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "suppressions") == 0)
        return cli_import_suppressions(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "contacts") == 0)
        return cli_import_contacts(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "consents") == 0)
        return cli_import_consents(argc - 1, argv + 1);
    struct import_options o;
    bool asked, no_settings = false;
    if (!parse(argc, argv, &o, &asked)) {
        fputs(usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    struct import im = {.o = &o, .taken = BUF_INIT(REPORT_BYTES_MAX), .refusals = BUF_INIT(REPORT_BYTES_MAX)};
    struct err e = ERR_INIT;
    bool ok = open_store(&im, &no_settings, &e) && list_files(&im, &e) && import_all(&im, &e);
    if (!no_settings)
        report(&im);
    db_close(im.db);
    for (size_t i = 0; i < im.n_files; i++)
        free(im.files[i].file);
    free(im.files);
    buf_done(&im.taken);
    buf_done(&im.refusals);
    if (no_settings)
        return EX_CONFIG; /* what is wrong with them was said */
    if (!ok)
        return cli_fail("import", &e);
    return im.refused ? EX_DATAERR : EX_OK;
}
