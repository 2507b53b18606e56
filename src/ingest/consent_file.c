#include "ingest/consent_file.h"

#include "base/clock.h"
#include "base/json.h"
#include "ingest/address.h"
#include "ingest/csv.h"

#include <jansson.h>
#include <string.h>

enum { NUMBER, ACT, TOPIC, AT, BY, METHOD, TEXT, IP, URL, NOTE, SOURCE };
static const struct {
    const char *name;
    size_t max;
} columns[CONSENT_FILE_COLUMNS] = {
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

void consent_file_init(struct consent_file *f, bool json) {
    *f = (struct consent_file){.json = json, .n_columns = CONSENT_FILE_COLUMNS};
    for (unsigned char i = 0; i < CONSENT_FILE_COLUMNS; i++)
        f->columns[i] = i;
}

static int column_of(struct sv name) {
    for (int i = 0; i < CONSENT_FILE_COLUMNS; i++)
        if (sv_eq_nocase(name, sv_of(columns[i].name)))
            return i;
    return -1;
}

/* ---- what a row says ---- */

static enum consent_act act_of(struct sv name) {
    for (int i = CONSENT_GRANTED; i < CONSENT_ACTS; i++)
        if (sv_eq_nocase(name, sv_of(consent_act_name((enum consent_act)i))))
            return (enum consent_act)i;
    return 0;
}

static bool check_texts(const struct sv v[CONSENT_FILE_COLUMNS], struct err *e) {
    for (int i = 0; i < CONSENT_FILE_COLUMNS; i++) {
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

static bool read_row(const struct sv v[CONSENT_FILE_COLUMNS], struct sv region, int64_t now,
                     struct arena *mem, struct consent *out, struct err *e) {
    char number[SUPPRESSION_NUMBER_BYTES_MAX];
    *out = (struct consent){.topic = v[TOPIC].n ? v[TOPIC] : SV(""),
                            .act = act_of(v[ACT]),
                            .source = SUPPRESSION_BY_IMPORT,
                            .by = v[BY].n ? v[BY] : SV("import"),
                            .method = v[METHOD],
                            .text = v[TEXT],
                            .ip = v[IP],
                            .url = v[URL],
                            .note = v[NOTE]};
    if (!check_texts(v, e) || !address_read(v[NUMBER], region, number, &out->number, e) ||
        !address_check_listed(out->number, e))
        return false;
    out->number = arena_dup(mem, out->number);
    if (!out->number.p)
        return err_set(e, ERR_TOO_LARGE, "the file's part is too large");
    if (!out->act)
        return err_set_field(e, ERR_INVALID, "act", "act is granted or withdrawn");
    if (!clock_parse_rfc3339(v[AT], &out->at))
        return err_set_field(e, ERR_INVALID, "at",
                             "at, when it was said, is a time such as "
                             "2026-01-31T08:30:00Z");
    if (out->at > now)
        return err_set_field(e, ERR_INVALID, "at", "this time has not come");
    if (v[SOURCE].n && !suppression_source_parse(v[SOURCE], &out->source))
        return err_set_field(e, ERR_INVALID, "source", "source is api, reply, provider, import or console");
    if (out->act == CONSENT_REQUESTED)
        out->expires_at = out->at; /* nobody is waiting for it here */
    return true;
}

/* ---- CSV ---- */

static bool names_numbers(const struct sv *fields, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (column_of(fields[i]) == NUMBER)
            return true;
    return false;
}

static enum file_line read_head(struct consent_file *f, const struct sv *fields, size_t n, struct err *why) {
    f->n_columns = n;
    for (size_t i = 0; i < n; i++) {
        int column = column_of(fields[i]);
        if (column < 0) {
            err_set_field(why, ERR_INVALID, "columns",
                          "column %zu is not known: number, act, topic, at, by, method, text, ip, url, note, "
                          "source",
                          i + 1);
            err_place(why, 1, (unsigned)i + 1);
            return FILE_LINE_HEAD_WRONG;
        }
        f->columns[i] = (unsigned char)column;
    }
    return FILE_LINE_NOTHING;
}

enum file_line consent_file_head(struct consent_file *f, struct sv given, struct err *why) {
    struct sv fields[CONSENT_FILE_COLUMNS];
    size_t n = 0;
    while (given.p && n < CONSENT_FILE_COLUMNS)
        fields[n++] = sv_trim(sv_cut(&given, ','));
    f->begun = true;
    if (!given.p && names_numbers(fields, n))
        return read_head(f, fields, n, why);
    err_set_field(why, ERR_INVALID, "columns", "`columns` names up to %d columns, number among them",
                  CONSENT_FILE_COLUMNS);
    return FILE_LINE_HEAD_WRONG;
}

/* Which column of the file is wrong. */
static void place(const struct consent_file *f, struct err *why) {
    for (size_t i = 0; i < f->n_columns; i++)
        if (sv_eq(sv_of(why->field), sv_of(columns[f->columns[i]].name)))
            err_place(why, 0, (unsigned)i + 1);
}

static enum file_line read_csv(struct consent_file *f, char *line, size_t n,
                               struct sv v[CONSENT_FILE_COLUMNS], struct err *why) {
    struct sv fields[CONSENT_FILE_COLUMNS];
    size_t count;
    bool first = !f->begun;
    f->begun = true;
    if (!csv_split(line, n, fields, CONSENT_FILE_COLUMNS, &count)) {
        err_set(why, ERR_INVALID, "not a record of up to %d columns and %d bytes, or a quote is not closed",
                CONSENT_FILE_COLUMNS, CONSENT_LINE_BYTES_MAX);
        return FILE_LINE_WRONG;
    }
    if (first && names_numbers(fields, count))
        return read_head(f, fields, count, why);
    if (count > f->n_columns) {
        err_set(why, ERR_INVALID, "%zu columns, where the first line names %zu", count, f->n_columns);
        return FILE_LINE_WRONG;
    }
    for (size_t i = 0; i < count; i++)
        v[f->columns[i]] = fields[i];
    return FILE_LINE_ROW;
}

/* ---- NDJSON ---- */

static bool read_members(json_t *o, struct arena *mem, struct sv v[CONSENT_FILE_COLUMNS], struct err *why) {
    const char *key;
    json_t *value;
    json_object_foreach(o, key, value) {
        int i = column_of(sv_of(key));
        if (i < 0 || !(json_is_string(value) || json_is_null(value)))
            return err_set(why, ERR_INVALID, "`%.40s` is no member of a consent, or no text", key);
        if (!json_is_string(value))
            continue;
        v[i] = arena_dup(mem, sv_make(json_string_value(value), json_string_length(value)));
        if (json_string_length(value) && !v[i].p)
            return err_set(why, ERR_TOO_LARGE, "the file's part is too large");
    }
    return true;
}

static bool read_json(const char *line, size_t n, struct arena *mem, struct sv v[CONSENT_FILE_COLUMNS],
                      struct err *why) {
    json_t *o = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
    bool ok =
        json_is_object(o) ? read_members(o, mem, v, why) : err_set(why, ERR_INVALID, "not an object of JSON");
    json_decref(o);
    return ok;
}

enum file_line consent_file_line(struct consent_file *f, char *line, size_t n, struct sv region, int64_t now,
                                 struct arena *mem, struct consent *out, struct err *why) {
    struct sv v[CONSENT_FILE_COLUMNS] = {{0}};
    *out = (struct consent){0};
    if (!sv_trim(sv_make(line, n)).n)
        return FILE_LINE_NOTHING;
    if (n > CONSENT_LINE_BYTES_MAX) {
        err_set(why, ERR_INVALID, "a line has at most %d bytes", CONSENT_LINE_BYTES_MAX);
        return FILE_LINE_WRONG;
    }
    enum file_line got = f->json ? FILE_LINE_ROW : read_csv(f, line, n, v, why);
    if (got != FILE_LINE_ROW)
        return got;
    if ((!f->json || read_json(line, n, mem, v, why)) && read_row(v, region, now, mem, out, why))
        return FILE_LINE_ROW;
    if (!f->json)
        place(f, why);
    return FILE_LINE_WRONG;
}

/* ---- writing ---- */

void consent_file_add_head(struct buf *out) {
    for (int i = 0; i < CONSENT_FILE_COLUMNS; i++)
        buf_addf(out, "%s%c", columns[i].name, i + 1 < CONSENT_FILE_COLUMNS ? ',' : '\n');
}

void consent_file_add(bool json, const struct consent *c, struct buf *out) {
    struct buf BUF_AUTO at = BUF_INIT(64);
    clock_add_rfc3339(&at, c->at);
    const struct sv v[CONSENT_FILE_COLUMNS] = {
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
    for (int i = 0; i < CONSENT_FILE_COLUMNS; i++) {
        if (!json)
            csv_add(out, v[i], i + 1 < CONSENT_FILE_COLUMNS ? ',' : '\n');
        else if (v[i].n)
            json_pair(out, columns[i].name, v[i]);
    }
    if (json)
        buf_adds(out, "}\n");
}
