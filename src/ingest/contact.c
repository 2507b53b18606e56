#include "ingest/contact.h"

#include "base/json.h"
#include "ingest/recipient.h"
#include "model/language.h"
#include "text/zone.h"

#include <string.h>

enum { FIELD_BYTES_MAX = 32 };

/* ---- checking ---- */

static bool is_plain(struct sv v, bool spaces) {
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if (c < ' ' || c == 0x7f || (c == ' ' && !spaces))
            return false;
    }
    return sv_is_utf8(v);
}

static bool no_room(struct err *e) {
    return err_set(e, ERR_TOO_LARGE, "the contact is too large");
}

bool contact_check_id(struct sv id, struct err *e) {
    if (id.n && id.n <= CONTACT_ID_BYTES_MAX && is_plain(id, false))
        return true;
    return err_set_field(e, ERR_INVALID, "id",
                         "`id` has 1 to %d bytes of UTF-8 without spaces or control characters",
                         CONTACT_ID_BYTES_MAX);
}

static bool is_there(const struct sv *list, size_t n, struct sv v) {
    for (size_t i = 0; i < n; i++)
        if (sv_eq(list[i], v))
            return true;
    return false;
}

bool contact_add_number(struct contact *c, struct sv text, struct sv region, const char *field,
                        struct arena *mem, struct err *e) {
    struct phone number;
    struct sv to;
    /* Any kind: a landline can be called. */
    if (!recipient_check(CHANNEL_VOICE, sv_trim(text), region, field, &number, NULL, &to, e))
        return false;
    if (is_there(c->numbers, c->n_numbers, to))
        return true;
    if (c->n_numbers == CONTACT_NUMBERS_MAX)
        return err_set_field(e, ERR_INVALID, field, "a contact has at most %d numbers", CONTACT_NUMBERS_MAX);
    struct sv kept = arena_dup(mem, to);
    c->numbers[c->n_numbers++] = kept;
    return kept.p || no_room(e);
}

bool contact_add_email(struct contact *c, struct sv text, const char *field, struct arena *mem,
                       struct err *e) {
    char address[RECIPIENT_EMAIL_BYTES_MAX + 1];
    struct sv to;
    if (!recipient_check(CHANNEL_EMAIL, sv_trim(text), SV_NONE, field, NULL, address, &to, e))
        return false;
    for (size_t i = 0; i < to.n; i++) /* as the suppression list compares them */
        address[i] = address[i] >= 'A' && address[i] <= 'Z' ? (char)(address[i] | 0x20) : address[i];
    if (is_there(c->emails, c->n_emails, to))
        return true;
    if (c->n_emails == CONTACT_EMAILS_MAX)
        return err_set_field(e, ERR_INVALID, field, "a contact has at most %d e-mail addresses",
                             CONTACT_EMAILS_MAX);
    struct sv kept = arena_dup(mem, to);
    c->emails[c->n_emails++] = kept;
    return kept.p || no_room(e);
}

bool contact_set_language(struct contact *c, struct sv text, struct arena *mem, struct err *e) {
    struct language l;
    c->language = SV_NONE;
    if (!text.n)
        return true;
    if (!language_parse(text, &l) || sv_eq(sv_of(l.text), LANGUAGE_DEFAULT))
        return err_set_field(e, ERR_INVALID, "language", "not a language tag, such as zh or zh-CN");
    c->language = arena_dup(mem, sv_of(l.text));
    return c->language.p || no_room(e);
}

bool contact_set_zone(struct contact *c, struct sv text, struct err *e) {
    c->zone = text;
    if (!text.n || (text.n <= CONTACT_ZONE_BYTES_MAX && is_plain(text, false) && zone_is_known(text)))
        return true;
    return err_set_field(e, ERR_INVALID, "time_zone", "not a time zone of the IANA list, such as %s",
                         "Asia/Shanghai");
}

bool contact_set_attributes(struct contact *c, const json_t *object, struct arena *mem, struct err *e) {
    c->attributes = SV_NONE;
    if (!object || json_object_size(object) == 0)
        return true;
    size_t n = json_dumpb(object, NULL, 0, JSON_COMPACT);
    if (!n || n > CONTACT_ATTRIBUTES_BYTES_MAX)
        return err_set_field(e, ERR_INVALID, "attributes", "`attributes` has at most %d bytes as JSON",
                             CONTACT_ATTRIBUTES_BYTES_MAX);
    char *text = arena_alloc(mem, n);
    if (!text)
        return no_room(e);
    (void)json_dumpb(object, text, n, JSON_COMPACT);
    c->attributes = sv_make(text, n);
    return true;
}

bool contact_check_device(const struct contact_device *d, struct err *e) {
    bool good = d->platform.n && d->platform.n <= CONTACT_PLATFORM_BYTES_MAX;
    for (size_t i = 0; good && i < d->platform.n; i++) {
        char c = d->platform.p[i];
        good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    }
    if (!good)
        return err_set_field(e, ERR_INVALID, "platform",
                             "`platform` is a short word of small letters: fcm, apns");
    if (!d->token.n || d->token.n > CONTACT_TOKEN_BYTES_MAX || !is_plain(d->token, false))
        return err_set_field(e, ERR_INVALID, "token",
                             "`token` has 1 to %d bytes of UTF-8 without spaces or control characters",
                             CONTACT_TOKEN_BYTES_MAX);
    return true;
}

struct sv contact_token(struct sv platform, struct sv token, struct arena *mem) {
    char *p = arena_alloc(mem, token.n + 1);
    if (!p)
        return SV_NONE;
    bool hex = sv_eq(platform, SV("apns"));
    for (size_t i = 0; i < token.n; i++)
        p[i] = hex && token.p[i] >= 'A' && token.p[i] <= 'F' ? (char)(token.p[i] | 0x20) : token.p[i];
    p[token.n] = '\0';
    return sv_make(p, token.n);
}

/* ---- reading JSON ---- */

struct reading {
    struct sv region;
    struct arena *mem;
    struct contact *c;
    bool merge;
    struct err *e;
};

static bool read_text(const struct reading *r, const json_t *v, const char *name, size_t max,
                      struct sv *out) {
    *out = SV_NONE;
    if (json_is_null(v))
        return true;
    struct sv text = sv_make(json_string_value(v), json_string_length(v));
    if (!json_is_string(v) || text.n > max || !is_plain(text, true))
        return err_set_field(r->e, ERR_INVALID, name,
                             "`%s` is a text of at most %zu bytes without control characters", name, max);
    *out = text.n ? arena_dup(r->mem, text) : SV_NONE;
    return !text.n || out->p || no_room(r->e);
}

static bool read_list(const struct reading *r, const json_t *v, bool numbers) {
    const char *name = numbers ? "numbers" : "emails";
    char field[FIELD_BYTES_MAX];
    const json_t *item;
    size_t i;
    if (numbers)
        r->c->n_numbers = 0;
    else
        r->c->n_emails = 0;
    if (json_is_null(v))
        return true;
    if (!json_is_array(v))
        return err_set_field(r->e, ERR_INVALID, name, "`%s` is a list of texts", name);
    json_array_foreach(v, i, item) {
        struct sv text = sv_make(json_string_value(item), json_string_length(item));
        snprintf(field, sizeof field, "%s[%zu]", name, i);
        if (!json_is_string(item))
            return err_set_field(r->e, ERR_INVALID, field, "`%s` is a list of texts", name);
        if (!(numbers ? contact_add_number(r->c, text, r->region, field, r->mem, r->e)
                      : contact_add_email(r->c, text, field, r->mem, r->e)))
            return false;
    }
    return true;
}

/* RFC 7396, section 2. */
static void merge(json_t *into, const json_t *patch) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)patch, key, value) {
        json_t *there = json_object_get(into, key);
        if (json_is_null(value)) {
            json_object_del(into, key);
        } else if (json_is_object(value)) {
            json_t *inner = json_is_object(there) ? json_incref(there) : json_object();
            merge(inner, value);
            json_object_set_new(into, key, inner);
        } else {
            json_object_set(into, key, value);
        }
    }
}

static bool read_attributes(const struct reading *r, const json_t *v) {
    if (!json_is_null(v) && !json_is_object(v))
        return err_set_field(r->e, ERR_INVALID, "attributes", "`attributes` is an object");
    if (json_is_null(v) || !r->merge)
        return contact_set_attributes(r->c, json_is_null(v) ? NULL : v, r->mem, r->e);
    json_t *all = r->c->attributes.n ? json_loadb(r->c->attributes.p, r->c->attributes.n, 0, NULL) : NULL;
    if (!all)
        all = json_object();
    merge(all, v);
    bool ok = contact_set_attributes(r->c, all, r->mem, r->e);
    json_decref(all);
    return ok;
}

static bool read_member(const struct reading *r, const char *key, const json_t *v) {
    struct sv text;
    if (strcmp(key, "id") == 0)
        return read_text(r, v, key, CONTACT_ID_BYTES_MAX, &r->c->id);
    if (strcmp(key, "name") == 0)
        return read_text(r, v, key, CONTACT_NAME_BYTES_MAX, &r->c->name);
    if (strcmp(key, "numbers") == 0)
        return read_list(r, v, true);
    if (strcmp(key, "emails") == 0)
        return read_list(r, v, false);
    if (strcmp(key, "language") == 0)
        return read_text(r, v, key, LANGUAGE_BYTES_MAX, &text) &&
               contact_set_language(r->c, text, r->mem, r->e);
    if (strcmp(key, "time_zone") == 0)
        return read_text(r, v, key, CONTACT_ZONE_BYTES_MAX, &text) && contact_set_zone(r->c, text, r->e);
    if (strcmp(key, "attributes") == 0)
        return read_attributes(r, v);
    return err_set_field(
        r->e, ERR_INVALID, key,
        "not known: a contact has id, name, numbers, emails, language, time_zone, attributes");
}

bool contact_from_json(const json_t *object, bool merging, struct sv region, struct arena *mem,
                       struct contact *io, struct err *e) {
    const struct reading r = {.region = region, .mem = mem, .c = io, .merge = merging, .e = e};
    const char *key;
    json_t *v;
    if (!json_is_object(object))
        return err_set(e, ERR_INVALID, "a contact is a JSON object");
    json_object_foreach((json_t *)(uintptr_t)object, key, v) if (!read_member(&r, key, v)) return false;
    return true;
}

/* ---- showing ---- */

static void print_list(struct buf *out, const char *key, const struct sv *list, size_t n) {
    json_key(out, key);
    buf_addc(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_addc(out, ',');
        json_add_string(out, list[i]);
    }
    buf_addc(out, ']');
}

void contact_print(const struct contact *c, struct buf *out) {
    buf_addc(out, '{');
    json_pair(out, "id", c->id);
    json_pair_or_null(out, "name", c->name);
    print_list(out, "numbers", c->numbers, c->n_numbers);
    print_list(out, "emails", c->emails, c->n_emails);
    json_pair_or_null(out, "language", c->language);
    json_pair_or_null(out, "time_zone", c->zone);
    json_key(out, "attributes");
    buf_add(out, c->attributes.n ? c->attributes : SV("{}"));
    json_key(out, "devices");
    buf_addc(out, '[');
    for (size_t i = 0; i < c->n_devices; i++) {
        buf_adds(out, i ? ",{" : "{");
        json_pair(out, "platform", c->devices[i].platform);
        json_pair(out, "token", c->devices[i].token);
        json_pair_time(out, "added_at", c->devices[i].added_at);
        json_pair_time(out, "seen_at", c->devices[i].seen_at);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
    json_pair_time(out, "created_at", c->created_at);
    json_pair_time(out, "updated_at", c->updated_at);
    buf_addc(out, '}');
}

static void set_text(json_t *o, const char *key, struct sv v) {
    json_object_set_new(o, key, v.n ? json_stringn(v.p, v.n) : json_null());
}

static void set_list(json_t *o, const char *key, const struct sv *list, size_t n) {
    json_t *a = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(a, json_stringn(list[i].p, list[i].n));
    json_object_set_new(o, key, a);
}

json_t *contact_vars(const struct contact *c) {
    json_t *attributes = c->attributes.n ? json_loadb(c->attributes.p, c->attributes.n, 0, NULL) : NULL;
    json_t *o = json_object();
    if (!attributes)
        attributes = json_object();
    json_object_update(o, attributes);
    set_text(o, "id", c->id);
    set_text(o, "name", c->name);
    set_text(o, "number", c->n_numbers ? c->numbers[0] : SV_NONE);
    set_text(o, "email", c->n_emails ? c->emails[0] : SV_NONE);
    set_list(o, "numbers", c->numbers, c->n_numbers);
    set_list(o, "emails", c->emails, c->n_emails);
    set_text(o, "language", c->language);
    set_text(o, "time_zone", c->zone);
    json_object_set_new(o, "attributes", attributes);
    return o;
}

struct sv contact_address(const struct contact *c, enum channel channel, struct arena *mem) {
    if (channel_has_numbers(channel))
        return c->n_numbers ? c->numbers[0] : SV_NONE;
    if (channel == CHANNEL_EMAIL)
        return c->n_emails ? c->emails[0] : SV_NONE;
    return channel == CHANNEL_PUSH ? contact_device_address(c, 0, mem) : SV_NONE;
}

struct sv contact_device_address(const struct contact *c, size_t i, struct arena *mem) {
    if (i >= c->n_devices)
        return SV_NONE;
    const struct contact_device *d = &c->devices[i];
    size_t n = d->platform.n + 1 + d->token.n;
    char *both = arena_alloc(mem, n);
    if (!both)
        return SV_NONE;
    memcpy(both, d->platform.p, d->platform.n);
    both[d->platform.n] = ':';
    memcpy(both + d->platform.n + 1, d->token.p, d->token.n);
    return sv_make(both, n);
}
