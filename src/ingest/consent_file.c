#include "ingest/consent_file.h"

#include "base/clock.h"
#include "ingest/address.h"

enum { NUMBER, ACT, TOPIC, AT, BY, METHOD, TEXT, IP, URL, NOTE, SOURCE, COLUMNS };
static const struct file_column columns[COLUMNS] = {
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
static const struct file_columns_kind words = {
    .a_row = "a consent", .all = columns, .n = COLUMNS, .line_bytes_max = CONSENT_LINE_BYTES_MAX};

void consent_file_init(struct consent_file *f, bool json) {
    file_columns_init(&f->columns, &words, json);
}

enum file_line consent_file_head(struct consent_file *f, struct sv names, struct err *why) {
    return file_columns_head(&f->columns, names, why);
}

/* ---- what a row says ---- */

static enum consent_act act_of(struct sv name) {
    for (int i = CONSENT_GRANTED; i < CONSENT_ACTS; i++)
        if (sv_eq_nocase(name, sv_of(consent_act_name((enum consent_act)i))))
            return (enum consent_act)i;
    return 0;
}

static bool read_row(const struct sv v[COLUMNS], struct sv region, int64_t now, struct arena *mem,
                     struct consent *out, struct err *e) {
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
    if (!address_read(v[NUMBER], region, number, &out->number, e) || !address_check_listed(out->number, e))
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

enum file_line consent_file_line(struct consent_file *f, char *line, size_t n, struct sv region, int64_t now,
                                 struct arena *mem, struct consent *out, struct err *why) {
    struct sv v[COLUMNS];
    *out = (struct consent){0};
    enum file_line got = file_columns_line(&f->columns, line, n, mem, v, why);
    if (got != FILE_LINE_ROW || read_row(v, region, now, mem, out, why))
        return got;
    file_columns_place(&f->columns, why);
    return FILE_LINE_WRONG;
}

/* ---- writing ---- */

void consent_file_add_head(struct buf *out) {
    file_columns_add_head(&words, out);
}

void consent_file_add(bool json, const struct consent *c, struct buf *out) {
    struct buf BUF_AUTO at = BUF_INIT(64);
    clock_add_rfc3339(&at, c->at);
    const struct sv v[COLUMNS] = {
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
    file_columns_add(&words, json, v, out);
}
