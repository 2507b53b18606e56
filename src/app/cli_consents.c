#include "app/cli.h"
#include "app/cli_table.h"

#include "base/clock.h"
#include "base/json.h"
#include "ingest/address.h"
#include "ingest/csv.h"
#include "store/consents.h"

#include <jansson.h>
#include <string.h>
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

enum column { NUMBER, ACT, TOPIC, AT, BY, METHOD, TEXT, IP, URL, NOTE, SOURCE, COLUMNS_N };
static const struct {
    const char *name;
    size_t max;
} columns[COLUMNS_N] = {
    [NUMBER] = {"number", SUPPRESSION_NUMBER_BYTES_MAX},
    [ACT] = {"act", 16},
    [TOPIC] = {"topic", SUPPRESSION_TOPIC_BYTES_MAX},
    [AT] = {"at", 64},
    [BY] = {"by", 64},
    [METHOD] = {"method", CONSENT_METHOD_BYTES_MAX},
    [TEXT] = {"text", CONSENT_TEXT_BYTES_MAX},
    [IP] = {"ip", CONSENT_IP_BYTES_MAX},
    [URL] = {"url", CONSENT_URL_BYTES_MAX},
    [NOTE] = {"note", CONSENT_NOTE_BYTES_MAX},
    [SOURCE] = {"source", 16},
};

enum { LINE_BYTES_MAX = 16 * 1024, PAGE = 500, PAGE_BYTES_MAX = PAGE * CONSENT_BYTES_MAX };

static int column_of(struct sv name) {
    for (int i = 0; i < COLUMNS_N; i++)
        if (sv_eq_nocase(name, sv_of(columns[i].name)))
            return i;
    return -1;
}

/* ---- import ---- */

struct import {
    struct table_import table; /* first: what it is taken by */
    enum column order[COLUMNS_N];
    size_t n; /* columns */
};

static enum consent_act act_of(struct sv name) {
    for (int i = CONSENT_GRANTED; i < CONSENT_ACTS; i++)
        if (sv_eq_nocase(name, sv_of(consent_act_name((enum consent_act)i))))
            return (enum consent_act)i;
    return 0;
}

static bool check_texts(const struct sv v[COLUMNS_N], struct err *e) {
    for (int i = 0; i < COLUMNS_N; i++) {
        if (v[i].n > columns[i].max)
            return err_set_field(e, ERR_INVALID, columns[i].name, "%s has up to %zu bytes", columns[i].name,
                                 columns[i].max);
        if (!sv_is_utf8(v[i]) || sv_find_char(v[i], '\0') != SIZE_MAX)
            return err_set_field(e, ERR_INVALID, columns[i].name,
                                 "%s is not UTF-8 (of a file in GBK say --encoding gbk), or has a NUL in it",
                                 columns[i].name);
    }
    return true;
}

static bool read_row(const struct import *im, const struct sv v[COLUMNS_N],
                     char number[SUPPRESSION_NUMBER_BYTES_MAX], struct consent *out, struct err *e) {
    const struct table_job *job = &im->table.job;
    *out = (struct consent){.account_id = job->account_id,
                            .topic = v[TOPIC].n ? v[TOPIC] : SV(""),
                            .act = act_of(v[ACT]),
                            .source = SUPPRESSION_BY_IMPORT,
                            .by = v[BY].n ? v[BY] : SV("import"),
                            .method = v[METHOD],
                            .text = v[TEXT],
                            .ip = v[IP],
                            .url = v[URL],
                            .note = v[NOTE]};
    if (!check_texts(v, e) ||
        !address_read(v[NUMBER], job->settings->defaults.region, number, &out->number, e))
        return false;
    if (!out->act)
        return err_set_field(e, ERR_INVALID, "act", "act is granted or withdrawn");
    if (!clock_parse_rfc3339(v[AT], &out->at))
        return err_set_field(e, ERR_INVALID, "at",
                             "at, when it was said, is a time such as "
                             "2026-01-31T08:30:00Z");
    if (out->at > job->now)
        return err_set_field(e, ERR_INVALID, "at", "this time has not come");
    if (v[SOURCE].n && !suppression_source_parse(v[SOURCE], &out->source))
        return err_set_field(e, ERR_INVALID, "source", "source is api, reply, provider, import or console");
    if (out->act == CONSENT_REQUESTED)
        out->expires_at = out->at; /* nobody is waiting for it here */
    return true;
}

/* Words that are neither a consent nor a withdrawal change no list. */
static bool add(struct db *db, const struct consent *c, int64_t now, struct err *e) {
    struct consent_write w = {.consent = *c};
    bool says = c->act == CONSENT_GRANTED || c->act == CONSENT_WITHDRAWN;
    return says ? consent_write_run(db, &w.write, now, e) : consents_add(db, c, now, e);
}

static bool write_row(struct import *im, const struct consent *c, struct err *e) {
    struct table_job *job = &im->table.job;
    bool there;
    if (!table_begin_row(&im->table, e))
        return false;
    bool written = consents_has(job->db, c, &there, e) && (there || add(job->db, c, job->now, e));
    im->table.added += written && !there;
    im->table.renewed += written && there;
    return table_end_row(&im->table, written, e);
}

static bool read_csv(struct import *im, char *line, size_t n, struct sv v[COLUMNS_N], bool *head,
                     struct err *why) {
    struct sv fields[COLUMNS_N];
    size_t count, known = 0;
    if (n > LINE_BYTES_MAX || !csv_split(line, n, fields, COLUMNS_N, &count))
        return err_set(why, ERR_INVALID,
                       "not a record of up to %d columns and %d bytes, or a quote is not closed", COLUMNS_N,
                       LINE_BYTES_MAX);
    for (size_t i = 0; im->table.line == 1 && i < count; i++)
        known += column_of(fields[i]) >= 0;
    *head = known && known == count;
    if (*head)
        im->n = count;
    if (count > im->n)
        return err_set(why, ERR_INVALID, "%zu columns, where the first line names %zu", count, im->n);
    for (size_t i = 0; i < count; i++) {
        if (*head)
            im->order[i] = (enum column)column_of(fields[i]);
        else
            v[im->order[i]] = fields[i];
    }
    return true;
}

static bool read_json(const json_t *o, struct sv v[COLUMNS_N], struct err *why) {
    const char *key;
    json_t *value;
    if (!json_is_object(o))
        return err_set(why, ERR_INVALID, "not an object of JSON");
    json_object_foreach((json_t *)(uintptr_t)o, key, value) {
        int i = column_of(sv_of(key));
        if (i < 0 || !(json_is_string(value) || json_is_null(value)))
            return err_set(why, ERR_INVALID, "`%.40s` is no member of a consent, or no text", key);
        if (json_is_string(value))
            v[i] = sv_make(json_string_value(value), json_string_length(value));
    }
    return true;
}

static bool take_line(struct table_import *table, char *line, size_t n, struct err *e) {
    struct import *im = (struct import *)table;
    struct sv v[COLUMNS_N] = {{0}};
    struct consent c;
    struct err why = ERR_INIT;
    char number[SUPPRESSION_NUMBER_BYTES_MAX];
    json_t *o = table->json ? json_loadb(line, n, 0, NULL) : NULL;
    bool head = false;
    bool ok = table->json ? read_json(o, v, &why) : read_csv(im, line, n, v, &head, &why);
    bool written = true;
    if (!head && ok && read_row(im, v, number, &c, &why))
        written = write_row(im, &c, e);
    else if (!head)
        table_refuse(table, &why);
    json_decref(o);
    return written;
}

int cli_import_consents(int argc, char **argv) {
    struct table_options o;
    struct import im = {.table = {.take = take_line}, .n = COLUMNS_N};
    struct err e = ERR_INIT;
    bool asked;
    for (int i = 0; i < COLUMNS_N; i++)
        im.order[i] = (enum column)i;
    if (!table_parse(argc, argv, true, &o, &asked) || o.kind || o.everyone) {
        fputs(import_usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    if (!table_is_json(&o, &im.table.json, &e))
        return cli_fail("import", &e);
    return table_import(&im.table, &o);
}

/* ---- export ---- */

static void add_row(const struct consent *c, bool json, struct buf *out) {
    struct buf BUF_AUTO at = BUF_INIT(64);
    clock_add_rfc3339(&at, c->at);
    const struct sv v[COLUMNS_N] = {
        [NUMBER] = c->number,
        [ACT] = sv_of(consent_act_name(c->act)),
        [TOPIC] = c->topic,
        [AT] = buf_sv(&at),
        [BY] = c->by,
        [METHOD] = c->method,
        [TEXT] = c->text,
        [IP] = c->ip,
        [URL] = c->url,
        [NOTE] = c->note,
        [SOURCE] = c->source ? sv_of(suppression_source_name(c->source)) : SV(""),
    };
    if (json)
        buf_addc(out, '{');
    for (int i = 0; i < COLUMNS_N; i++) {
        if (!json)
            csv_add(out, v[i], i + 1 < COLUMNS_N ? ',' : '\n');
        else if (v[i].n)
            json_pair(out, columns[i].name, v[i]);
    }
    if (json)
        buf_adds(out, "}\n");
}

static bool export_all(const struct table_job *job, bool json, struct err *e) {
    struct consents_place after = {.number = ""};
    ARENA_AUTO struct arena mem;
    arena_init(&mem, PAGE_BYTES_MAX);
    struct consent *rows = calloc(PAGE, sizeof *rows);
    struct buf BUF_AUTO out = BUF_INIT(4 * PAGE_BYTES_MAX);
    ASSERT(rows);
    bool ok = true;
    for (int i = 0; !json && i < COLUMNS_N; i++)
        buf_addf(&out, "%s%c", columns[i].name, i + 1 < COLUMNS_N ? ',' : '\n');
    for (size_t n = PAGE; ok && n == PAGE;) {
        arena_reset(&mem);
        ok = consents_list(job->db, job->account_id, &after, &mem, rows, PAGE, &n, e);
        for (size_t i = 0; ok && i < n; i++)
            add_row(&rows[i], json, &out);
        ok = ok && table_print(&out, e);
    }
    free(rows);
    return ok;
}

int cli_export_consents(int argc, char **argv) {
    return table_export(argc, argv, export_usage, export_all);
}
