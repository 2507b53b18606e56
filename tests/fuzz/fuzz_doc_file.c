/* Any bytes as a template file: read whole or refused with a reason, its place inside the file; what was read
 * prints as JSON that reads back to the same. */
#include "ingest/doc_file.h"
#include "ingest/doc_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* At most: templates and YAML take a carriage return alone for the end of a line, too, and YAML three
 * characters of Unicode. */
static unsigned lines(struct sv v) {
    unsigned n = 1;
    for (size_t i = 0; i < v.n; i++) {
        struct sv rest = sv_from(v, i);
        n += rest.p[0] == '\n' || rest.p[0] == '\r' || sv_starts(rest, SV("\xC2\x85")) ||
             sv_starts(rest, SV("\xE2\x80\xA8")) || sv_starts(rest, SV("\xE2\x80\xA9"));
    }
    return n;
}

/* As the API gives it, and takes it again. */
static void check_round(const struct template_doc *d, struct arena *a) {
    BUF_AUTO struct buf out = BUF_INIT(8 << 20);
    struct err e = ERR_INIT;
    json_error_t why;
    uint8_t before[SHA256_BYTES], after[SHA256_BYTES];
    struct template_doc again = {.n_bodies = 0};
    buf_addc(&out, '{');
    doc_print(d, &out);
    buf_addc(&out, '}');
    json_t *j = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES, &why);
    ASSERT(j && doc_read_languages(json_object_get(j, "languages"), a, &again, &e) && doc_finish(&again, &e));
    again.sample = d->sample;
    template_doc_digest(d, before);
    template_doc_digest(&again, after);
    ASSERT(sv_eq(sv_make((const char *)before, SHA256_BYTES), sv_make((const char *)after, SHA256_BYTES)));
    json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sv file = sv_make((const char *)data, size);
    struct template_doc doc = {.n_bodies = 0};
    struct language l;
    struct err e = ERR_INIT;
    json_t *head;
    if (size > 1 << 16)
        return 0;
    ASSERT(language_parse(SV("zh-CN"), &l));
    ARENA_AUTO struct arena a;
    arena_init(&a, 16 << 20);
    bool ok = doc_file_read(file, &l, &a, &doc, &head, &e);
    ASSERT(ok == (e.kind == ERR_NONE));
    ASSERT(ok || (e.text[0] && e.line <= lines(file) + 1));
    if (ok && doc_finish(&doc, &e))
        check_round(&doc, &a);
    json_decref(head);
    return 0;
}
