#include "ingest/contact_file.h"

#include "base/clock.h"
#include "ingest/csv.h"

#include <stdio.h>
#include <string.h>

enum { ID, NAME, NUMBERS, EMAILS, LANGUAGE, ZONE, ATTRIBUTES, WHOLE, ATTRIBUTE };

static const char *const names[WHOLE] = {"id",       "name",      "numbers",   "emails",
                                         "language", "time_zone", "attributes"};
static const struct {
    const char *name;
    int what;
} aliases[] = {{"number", NUMBERS}, {"phone", NUMBERS}, {"email", EMAILS}, {"timezone", ZONE}};

#define ATTRIBUTE_PREFIX "attributes."

void contact_file_init(struct contact_file *f, bool json) {
    *f = (struct contact_file){.json = json, .n_columns = WHOLE};
    for (int i = 0; i < WHOLE; i++)
        f->columns[i].what = i;
}

/* ---- CSV ---- */

static bool find_column(struct sv name, struct contact_column *out) {
    for (int i = 0; i < WHOLE; i++)
        if (sv_eq_nocase(name, sv_of(names[i]))) {
            out->what = i;
            return true;
        }
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (sv_eq_nocase(name, sv_of(aliases[i].name))) {
            out->what = aliases[i].what;
            return true;
        }
    struct sv attribute = sv_from(name, sizeof ATTRIBUTE_PREFIX - 1);
    if (!sv_starts(name, SV(ATTRIBUTE_PREFIX)) || !attribute.n || attribute.n > CONTACT_COLUMN_NAME_BYTES_MAX)
        return false;
    out->what = ATTRIBUTE;
    memcpy(out->attribute, attribute.p, attribute.n);
    out->attribute[attribute.n] = '\0';
    return true;
}

static bool is_head(const struct sv *fields, size_t n) {
    struct contact_column c;
    for (size_t i = 0; i < n; i++)
        if (find_column(fields[i], &c) && (c.what == ID || c.what == NUMBERS || c.what == EMAILS))
            return true;
    return false;
}

static enum file_line read_head(struct contact_file *f, const struct sv *fields, size_t n, struct err *why) {
    f->n_columns = n;
    for (size_t i = 0; i < n; i++) {
        f->columns[i] = (struct contact_column){0};
        if (find_column(fields[i], &f->columns[i]))
            continue;
        err_set_field(
            why, ERR_INVALID, "columns",
            "column %zu is not known: id, name, numbers, emails, language, time_zone, attributes, or "
            "attributes.NAME",
            i + 1);
        err_place(why, 1, (unsigned)i + 1);
        return FILE_LINE_HEAD_WRONG;
    }
    return FILE_LINE_NOTHING;
}

static bool add_each(struct contact *c, struct sv list, bool number, struct sv region, struct arena *mem,
                     struct err *e) {
    while (list.p) {
        struct sv one = sv_trim(sv_cut(&list, ';'));
        if (one.n && !(number ? contact_add_number(c, one, region, "numbers", mem, e)
                              : contact_add_email(c, one, "emails", mem, e)))
            return false;
    }
    return true;
}

/* Texts as a JSON object may have them: line breaks in attributes alone. */
static bool is_clean(int what, struct sv v) {
    for (size_t i = 0; i < v.n; i++)
        if (((unsigned char)v.p[i] < ' ' && (v.p[i] != '\n' || what < ATTRIBUTES)) || v.p[i] == 0x7f)
            return false;
    return true;
}

static bool read_attributes(struct sv text, json_t **attributes, struct err *e) {
    json_t *o = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(o)) {
        json_decref(o);
        return err_set_field(e, ERR_INVALID, "attributes",
                             "`attributes` is a JSON object, such as {\"tier\": \"gold\"}");
    }
    json_object_update(o, *attributes);
    json_decref(*attributes);
    *attributes = o;
    return true;
}

static bool read_cell(const struct contact_column *column, struct sv v, struct sv region, struct arena *mem,
                      struct contact *c, json_t **attributes, struct err *e) {
    if (!v.n)
        return true;
    if (!is_clean(column->what, v))
        return err_set(e, ERR_INVALID, "a control character");
    switch (column->what) {
    case ID: c->id = v; return true;
    case NAME:
        c->name = v;
        return v.n <= CONTACT_NAME_BYTES_MAX ||
               err_set_field(e, ERR_INVALID, "name", "`name` has at most %d bytes", CONTACT_NAME_BYTES_MAX);
    case NUMBERS: return add_each(c, v, true, region, mem, e);
    case EMAILS: return add_each(c, v, false, region, mem, e);
    case LANGUAGE: return contact_set_language(c, v, mem, e);
    case ZONE: return contact_set_zone(c, v, e);
    case ATTRIBUTES: return read_attributes(v, attributes, e);
    default: json_object_set_new(*attributes, column->attribute, json_stringn(v.p, v.n)); return true;
    }
}

static bool read_cells(const struct contact_file *f, const struct sv *fields, size_t n, struct sv region,
                       struct arena *mem, struct contact *out, struct err *why) {
    json_t *attributes = json_object();
    bool ok = true;
    for (size_t i = 0; ok && i < n && i < f->n_columns; i++) {
        ok = read_cell(&f->columns[i], fields[i], region, mem, out, &attributes, why);
        if (!ok)
            err_place(why, 0, (unsigned)i + 1);
    }
    ok = ok && contact_set_attributes(out, attributes, mem, why);
    json_decref(attributes);
    return ok;
}

static enum file_line read_csv(struct contact_file *f, char *line, size_t n, struct sv region,
                               struct arena *mem, struct contact *out, struct err *why) {
    struct sv fields[CONTACT_COLUMNS_MAX];
    size_t count;
    bool first = !f->begun;
    f->begun = true;
    if (!csv_split(line, n, fields, CONTACT_COLUMNS_MAX, &count)) {
        err_set(why, ERR_INVALID, "a quote is not closed in this line, or it has more than %d columns",
                CONTACT_COLUMNS_MAX);
        return FILE_LINE_WRONG;
    }
    if (first && is_head(fields, count))
        return read_head(f, fields, count, why);
    if (count > f->n_columns) {
        err_set(why, ERR_INVALID, "%zu columns, where there are %zu: a field with a comma needs quotes",
                count, f->n_columns);
        return FILE_LINE_WRONG;
    }
    return read_cells(f, fields, count, region, mem, out, why) ? FILE_LINE_ROW : FILE_LINE_WRONG;
}

enum file_line contact_file_head(struct contact_file *f, struct sv given, struct err *why) {
    struct sv fields[CONTACT_COLUMNS_MAX];
    size_t n = 0;
    while (given.p && n < CONTACT_COLUMNS_MAX)
        fields[n++] = sv_trim(sv_cut(&given, ','));
    f->begun = true;
    return read_head(f, fields, n, why);
}

/* ---- NDJSON ---- */

static bool read_time(const json_t *v, const char *field, int64_t *at, struct err *e) {
    if (!v || json_is_null(v))
        return true;
    struct sv text = sv_make(json_string_value(v), json_is_string(v) ? json_string_length(v) : 0);
    return (json_is_string(v) && clock_parse_rfc3339(text, at)) ||
           err_set_field(e, ERR_INVALID, field, "`%s` is a time such as 2026-01-31T08:30:00Z", field);
}

static bool read_device(const json_t *v, const char *place, struct arena *mem, struct contact_device *out,
                        struct err *e) {
    char field[64];
    const char *platform = json_string_value(json_object_get(v, "platform")),
               *token = json_string_value(json_object_get(v, "token"));
    *out = (struct contact_device){.platform = arena_dup(mem, sv_of(platform ? platform : "")),
                                   .token = SV_NONE};
    out->token = contact_token(out->platform, sv_of(token ? token : ""), mem);
    snprintf(field, sizeof field, "%s.added_at", place);
    if (!read_time(json_object_get(v, "added_at"), field, &out->added_at, e))
        return false;
    snprintf(field, sizeof field, "%s.seen_at", place);
    if (!read_time(json_object_get(v, "seen_at"), field, &out->seen_at, e))
        return false;
    struct err why = ERR_INIT;
    if (contact_check_device(out, &why))
        return true;
    snprintf(field, sizeof field, "%s.%.20s", place, why.field);
    return err_set_field(e, ERR_INVALID, field, "%s", why.text);
}

static bool read_devices(const json_t *list, struct arena *mem, struct contact *out, struct err *e) {
    size_t i;
    const json_t *v;
    char place[40];
    if (list && (!json_is_array(list) || json_array_size(list) > CONTACT_DEVICES_MAX))
        return err_set_field(e, ERR_INVALID, "devices", "`devices` is a list of up to %d devices",
                             CONTACT_DEVICES_MAX);
    json_array_foreach((json_t *)(uintptr_t)list, i, v) {
        snprintf(place, sizeof place, "devices[%zu]", i);
        if (!read_device(v, place, mem, &out->devices[i], e))
            return false;
        out->n_devices = i + 1;
    }
    return true;
}

static enum file_line read_json(const char *line, size_t n, struct sv region, struct arena *mem,
                                struct contact *out, struct err *why) {
    static const char *const exported[] = {"created_at", "updated_at"};
    json_error_t error;
    json_t *o = json_loadb(line, n, JSON_REJECT_DUPLICATES, &error);
    if (!o) {
        err_set(why, ERR_INVALID, "not a JSON object: %s", error.text);
        err_place(why, 0, (unsigned)(error.column > 0 ? error.column : 1));
        return FILE_LINE_WRONG;
    }
    for (size_t i = 0; json_is_object(o) && i < sizeof exported / sizeof exported[0]; i++)
        json_object_del(o, exported[i]);
    json_t *devices = json_incref(json_object_get(o, "devices"));
    if (devices)
        json_object_del(o, "devices");
    bool ok = contact_from_json(o, false, region, mem, out, why) && read_devices(devices, mem, out, why);
    json_decref(devices);
    json_decref(o);
    return ok ? FILE_LINE_ROW : FILE_LINE_WRONG;
}

enum file_line contact_file_line(struct contact_file *f, char *line, size_t n, struct sv region,
                                 struct arena *mem, struct contact *out, struct err *why) {
    *out = (struct contact){0};
    if (!sv_trim(sv_make(line, n)).n)
        return FILE_LINE_NOTHING;
    if (n > CONTACT_LINE_BYTES_MAX) {
        err_set(why, ERR_INVALID, "a line has at most %d bytes", CONTACT_LINE_BYTES_MAX);
        return FILE_LINE_WRONG;
    }
    if (!sv_is_utf8(sv_make(line, n))) {
        err_set(why, ERR_INVALID,
                "not UTF-8: if the file is in GBK, as Excel writes it in China, say `--encoding gbk`, or "
                "convert it first: iconv -f GB18030 -t UTF-8");
        return FILE_LINE_WRONG;
    }
    enum file_line got =
        f->json ? read_json(line, n, region, mem, out, why) : read_csv(f, line, n, region, mem, out, why);
    if (got != FILE_LINE_ROW)
        return got;
    if (!out->id.n)
        out->id = out->n_numbers ? out->numbers[0] : out->n_emails ? out->emails[0] : SV_NONE;
    if (!out->id.n)
        err_set_field(why, ERR_INVALID, "id", "`id` is missing, and there is no number or address instead");
    else if (contact_check_id(out->id, why))
        return FILE_LINE_ROW;
    return FILE_LINE_WRONG;
}

/* ---- writing ---- */

void contact_file_add_head(struct buf *out) {
    for (int i = 0; i < WHOLE; i++)
        csv_add(out, sv_of(names[i]), i + 1 == WHOLE ? '\n' : ',');
}

static void add_list(struct buf *out, const struct sv *list, size_t n) {
    struct buf BUF_AUTO all = BUF_INIT(CONTACT_LINE_BYTES_MAX);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_addc(&all, ';');
        buf_add(&all, list[i]);
    }
    csv_add(out, buf_sv(&all), ',');
}

void contact_file_add(bool json, const struct contact *c, struct buf *out) {
    if (json) {
        contact_print(c, out);
        buf_addc(out, '\n');
        return;
    }
    csv_add(out, c->id, ',');
    csv_add(out, c->name, ',');
    add_list(out, c->numbers, c->n_numbers);
    add_list(out, c->emails, c->n_emails);
    csv_add(out, c->language, ',');
    csv_add(out, c->zone, ',');
    csv_add(out, c->attributes, '\n');
}
