#include "ingest/extras.h"

#include "base/json.h"

#include <string.h>

static bool wrong(const char *field, struct err *e) {
    return err_set_field(e, ERR_INVALID, field,
                         "`%s` is {\"data\": {name: text}, \"collapse\": text}; either may be left out",
                         field);
}

/* FCM keeps some names for itself (Message.data of its reference), Apple one. */
static bool is_free(const char *name) {
    static const char *const begins[] = {"google", "gcm"}, *const taken[] = {"from", "message_type", "aps"};
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
        if (strncmp(name, begins[i], strlen(begins[i])) == 0)
            return false;
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (strcmp(name, taken[i]) == 0)
            return false;
    return name[0] && strlen(name) <= EXTRAS_NAME_BYTES_MAX;
}

static bool check_data(const json_t *data, const char *field, struct err *e) {
    const char *name;
    const json_t *value;
    json_object_foreach((json_t *)(uintptr_t)data, name, value) {
        if (!json_is_string(value))
            return err_set_field(e, ERR_INVALID, field, "the values in `%s.data` are texts", field);
        if (!is_free(name))
            return err_set_field(
                e, ERR_INVALID, field,
                "a name in `%s.data` has 1 to %d bytes, does not begin with google or gcm, and "
                "is not from, message_type or aps: push services keep those",
                field, EXTRAS_NAME_BYTES_MAX);
    }
    return true;
}

/* It becomes a header's value. */
static bool check_collapse(const json_t *collapse, const char *field, struct err *e) {
    struct sv v = sv_make(json_string_value(collapse), json_string_length(collapse));
    bool plain = v.n > 0 && v.n <= EXTRAS_COLLAPSE_BYTES_MAX;
    for (size_t i = 0; plain && i < v.n; i++)
        plain = v.p[i] > ' ' && v.p[i] <= '~';
    return plain ||
           err_set_field(e, ERR_INVALID, field, "`%s.collapse` has 1 to %d bytes of ASCII, without spaces",
                         field, EXTRAS_COLLAPSE_BYTES_MAX);
}

bool extras_check(const json_t *push, const char *field, struct err *e) {
    if (!push)
        return true;
    const json_t *data = json_object_get(push, "data"), *collapse = json_object_get(push, "collapse");
    size_t known = (data ? 1u : 0) + (collapse ? 1u : 0);
    if (!json_is_object(push) || known != json_object_size(push) || (data && !json_is_object(data)) ||
        (collapse && !json_is_string(collapse)))
        return wrong(field, e);
    return (!data || check_data(data, field, e)) && (!collapse || check_collapse(collapse, field, e));
}

bool extras_fit(const json_t *push, struct sv title, struct sv body, const char *field, struct err *e) {
    struct buf BUF_AUTO text = BUF_INIT(EXTRAS_PUSH_BYTES_MAX);
    const json_t *data = json_object_get(push, "data");
    size_t n = data ? json_dumpb(data, NULL, 0, JSON_COMPACT) : 0;
    json_add_string(&text, title);
    json_add_string(&text, body);
    return (!text.overflow && text.n + n <= EXTRAS_PUSH_BYTES_MAX) ||
           err_set_field(e, ERR_TOO_LARGE, field,
                         "a push has room for %d bytes of title, body and data, as JSON: push services take "
                         "no more",
                         EXTRAS_PUSH_BYTES_MAX);
}

void extras_add(const json_t *push, struct buf *out) {
    const json_t *data = json_object_get(push, "data"), *collapse = json_object_get(push, "collapse");
    char *dumped = json_object_size(data) ? json_dumps(data, JSON_COMPACT) : NULL;
    if (dumped) {
        json_key(out, "data");
        buf_adds(out, dumped);
    }
    free(dumped);
    if (collapse)
        json_pair(out, "collapse", sv_make(json_string_value(collapse), json_string_length(collapse)));
}
