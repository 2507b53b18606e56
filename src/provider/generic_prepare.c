/* From the settings of a lane of `http` to what its messages need: everything compiled, every mistake told
 * with its place. */
#include "provider/generic.h"

#include <string.h>

enum { MEMORY_BYTES_MAX = 256 * 1024 };

enum source {
    SETTING, /* plain text */
    REQUEST, /* a template over generic_variable_names */
    ANSWER,  /* an expression over an answer */
    FOUND,   /* the same, which may also compare with the attempt */
    SIGNED,  /* a template over a callback that nobody has vouched for yet */
    CALLED,  /* an expression over a callback */
    ITEM,    /* the same, and one of its items */
};

static const uint8_t sources[GENERIC_FIELDS] = {
    [GENERIC_URL] = REQUEST,         [GENERIC_BODY] = REQUEST,           [GENERIC_SUCCESS] = ANSWER,
    [GENERIC_ID] = ANSWER,           [GENERIC_ERROR_CODE] = ANSWER,      [GENERIC_ERROR_TEXT] = ANSWER,
    [GENERIC_RETRY_AFTER] = ANSWER,  [GENERIC_CALLBACK_SIGNED] = SIGNED, [GENERIC_RECEIPTS] = CALLED,
    [GENERIC_RECEIPT_STATUS] = ITEM, [GENERIC_RECEIPT_ID] = ITEM,        [GENERIC_RECEIPT_TOKEN] = ITEM,
    [GENERIC_RECEIPT_NUMBER] = ITEM, [GENERIC_RECEIPT_CODE] = ITEM,      [GENERIC_INBOUNDS] = CALLED,
    [GENERIC_INBOUND_FROM] = ITEM,   [GENERIC_INBOUND_TO] = ITEM,        [GENERIC_INBOUND_BODY] = ITEM,
    [GENERIC_INBOUND_ID] = ITEM,     [GENERIC_LOOKUP_URL] = REQUEST,     [GENERIC_LOOKUP_BODY] = REQUEST,
    [GENERIC_LOOKUP_FOUND] = FOUND,  [GENERIC_LOOKUP_ABSENT] = FOUND,    [GENERIC_LOOKUP_ID] = FOUND,
    [GENERIC_LOOKUP_STATUS] = FOUND, [GENERIC_PROBE_URL] = REQUEST,      [GENERIC_PROBE_SUCCESS] = ANSWER,
};

/* What each may name; REQUEST has the table generic_variable_names. */
static const char *const names_of[] = {
    [ANSWER] = "status headers json text lane",
    [FOUND] = "status headers json text lane to from body",
    [SIGNED] = "method url query headers text lane",
    [CALLED] = "method url query headers text json form lane",
    [ITEM] = "method url query headers text json form lane item",
};

const char *const generic_variable_names[VARIABLES] = {
    [VARIABLE_TO] = "to",
    [VARIABLE_TO_KIND] = "to_kind",
    [VARIABLE_ADDRESS] = "address",
    [VARIABLE_FROM] = "from",
    [VARIABLE_BODY] = "body",
    [VARIABLE_TITLE] = "title",
    [VARIABLE_HTML] = "html",
    [VARIABLE_LANGUAGE] = "language",
    [VARIABLE_CODE] = "code",
    [VARIABLE_TOKEN] = "token",
    [VARIABLE_STATUS_URL] = "status_url",
    [VARIABLE_CHANNEL] = "channel",
    [VARIABLE_ATTEMPT] = "attempt",
    [VARIABLE_NOW] = "now",
    [VARIABLE_NOW_MS] = "now_ms",
    [VARIABLE_TIME] = "time",
    [VARIABLE_NONCE] = "nonce",
    [VARIABLE_EXPIRES_S] = "expires_s",
    [VARIABLE_LANE] = "lane",
};

struct sv generic_value(const struct lane_config *lane, enum generic_field f) {
    const struct generic_preset *p = generic_preset_find(lane->fields[GENERIC_PRESET]);
    /* With a preset, `url` is the server's address, which the preset's own template begins with. */
    if (p && f == GENERIC_URL)
        return sv_of(p->values[f]);
    return lane->fields[f].n || !p ? lane->fields[f] : sv_of(p->values[f]);
}

static const char *name_of(enum generic_field f) {
    return generic_adapter.fields[f].name;
}

/* ---- compiling ---- */

/* The compiler's words, with the place as a person reading the file looks for it. */
static bool tell(struct err *e, enum generic_field f, const struct err *why) {
    const char *words = strstr(why->text, ": ");
    if (why->line > 1)
        err_set_field(e, ERR_INVALID, name_of(f), "line %u, column %u: %s", why->line, why->column,
                      words ? words + 2 : why->text);
    else
        err_set_field(e, ERR_INVALID, name_of(f), "column %u: %s", why->column,
                      words ? words + 2 : why->text);
    return err_place(e, why->line, why->column);
}

static bool is_listed(const char *names, struct sv name) {
    struct sv rest = sv_of(names);
    while (rest.n)
        if (sv_eq(sv_cut(&rest, ' '), name))
            return true;
    return false;
}

/* A name that is not there would be nothing, silently, in each message. */
static bool check_variables(struct generic *g, enum generic_field f, const struct template *t,
                            struct err *e) {
    const struct template_variable *list;
    for (size_t i = 0, n = template_variables(t, &list); i < n; i++) {
        bool known =
            sources[f] != REQUEST && f != GENERIC_HEADERS && is_listed(names_of[sources[f]], list[i].name);
        for (int v = 0; (sources[f] == REQUEST || f == GENERIC_HEADERS) && v < VARIABLES && !known; v++)
            if (sv_eq(list[i].name, sv_of(generic_variable_names[v]))) {
                g->wanted |= 1u << v;
                known = true;
            }
        if (!known)
            return err_set_field(e, ERR_INVALID, name_of(f),
                                 "there is no variable `%.*s` here: docs/providers/http.md lists them",
                                 SV_FMT(sv_sub(list[i].name, 0, 40)));
    }
    return true;
}

static struct template *compile(struct generic *g, enum generic_field f, struct sv text, unsigned line,
                                struct err *e) {
    enum source source = f == GENERIC_HEADERS ? REQUEST : (enum source)sources[f];
    struct template_options options = {.expression = source != REQUEST && source != SIGNED,
                                       .first_line = line,
                                       .strict_undefined = source == REQUEST};
    struct err why = ERR_INIT;
    struct template *t = template_compile(sv_of(name_of(f)), text, &options, &why);
    if (!t) {
        tell(e, f, &why);
        return NULL;
    }
    if (check_variables(g, f, t, e))
        return t;
    template_free(t);
    return NULL;
}

static bool compile_all(const struct lane_config *lane, struct generic *g, struct err *e) {
    for (int f = 0; f < GENERIC_FIELDS; f++) {
        struct sv text = generic_value(lane, (enum generic_field)f);
        if (sources[f] == SETTING || text.n == 0)
            continue;
        g->compiled[f] = compile(g, (enum generic_field)f, text, 1, e);
        if (!g->compiled[f])
            return false;
    }
    return true;
}

static bool is_header_name(struct sv v) {
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
              c == '_'))
            return false;
    }
    return v.n > 0;
}

static bool compile_headers(const struct lane_config *lane, struct generic *g, struct err *e) {
    struct sv rest = generic_value(lane, GENERIC_HEADERS);
    for (unsigned line = 1; rest.n; line++) {
        struct sv value = sv_cut(&rest, '\n');
        if (sv_trim(value).n == 0)
            continue;
        struct sv name = sv_trim(sv_cut(&value, ':'));
        if (!is_header_name(name) || g->n_headers == GENERIC_HEADERS_MAX) {
            err_set_field(e, ERR_INVALID, "headers",
                          "line %u: write one `Name: value` a line, at most %d of them", line,
                          GENERIC_HEADERS_MAX);
            return err_place(e, line, 1);
        }
        g->headers[g->n_headers].name = arena_dup(&g->mem, name);
        g->headers[g->n_headers].value = compile(g, GENERIC_HEADERS, sv_trim(value), line, e);
        if (!g->headers[g->n_headers].value)
            return false;
        g->n_headers++;
    }
    return true;
}

/* ---- what is not text ---- */

static bool put_string(json_t *o, const char *key, struct sv v) {
    return json_object_set_new(o, key, json_stringn(v.n ? v.p : "", v.n)) == 0;
}

static bool make_lane(const struct lane_config *lane, struct generic *g) {
    struct sv url = lane->fields[GENERIC_URL];
    if (url.n == 0 && g->preset)
        url = sv_of(g->preset->url);
    g->lane = json_object();
    return g->lane && put_string(g->lane, "name", sv_of(lane->name)) &&
           put_string(g->lane, "from", lane->from) && put_string(g->lane, "url", url) &&
           put_string(g->lane, "user", lane->fields[GENERIC_USER]) &&
           put_string(g->lane, "token", lane->fields[GENERIC_TOKEN]) &&
           put_string(g->lane, "secret", lane->fields[GENERIC_SECRET]);
}

/* `sha256 X-Signature`, and perhaps hex or base64, and what stands before it. */
static bool read_hmac(const struct lane_config *lane, struct generic *g, struct err *e) {
    struct sv rest = sv_trim(generic_value(lane, GENERIC_CALLBACK_HMAC));
    if (rest.n == 0)
        return lane->fields[GENERIC_CALLBACK_SECRET].n == 0 ||
               err_set_field(e, ERR_INVALID, "callback_hmac",
                             "missing beside callback_secret: say how callbacks are signed, `sha256 "
                             "X-Signature` for example");
    struct sv algorithm = sv_cut(&rest, ' '), header = sv_cut(&rest, ' '), form = sv_cut(&rest, ' ');
    g->hmac.base64 = sv_eq(form, SV("base64"));
    if (!hash_find(algorithm, &g->hmac.hash) || !is_header_name(header) ||
        (form.n && !g->hmac.base64 && !sv_eq(form, SV("hex"))))
        return err_set_field(e, ERR_INVALID, "callback_hmac",
                             "write md5, sha1, sha256 or sha512, the header's name, and perhaps hex or "
                             "base64 and what stands before the signature: `sha256 X-Signature hex sha256=`");
    if (lane->fields[GENERIC_CALLBACK_SECRET].n == 0)
        return err_set_field(e, ERR_INVALID, "callback_secret", "missing beside callback_hmac");
    g->hmac.header = arena_dup(&g->mem, header);
    g->hmac.prefix = arena_dup(&g->mem, rest);
    return true;
}

bool generic_origin(struct sv url, struct sv *origin) {
    bool https = sv_starts(url, SV("https://"));
    if (!https && !sv_starts(url, SV("http://")))
        return false;
    for (size_t i = 0; i < url.n; i++)
        if (url.p[i] <= ' ' || url.p[i] > '~' || url.p[i] == '\\')
            return false;
    struct sv rest = sv_from(url, https ? 8 : 7);
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' && rest.p[n] != '#')
        n++;
    struct sv host = sv_sub(rest, 0, n);
    *origin = sv_sub(url, 0, (https ? 8u : 7u) + n);
    return n > 0 && host.p[0] != ':' && sv_find_char(host, '@') == SIZE_MAX;
}

/* Where the address leads does not depend on the message: with the settings alone it is known. */
static bool find_origin(const struct lane_config *lane, struct generic *g, enum generic_field f,
                        struct sv *out, struct err *e) {
    struct attempt_view sample = {.to = SV("0"),
                                  .from = SV("0"),
                                  .body = SV("0"),
                                  .title = SV("0"),
                                  .token = SV("0"),
                                  .status_url = SV("0")};
    struct buf BUF_AUTO url = BUF_INIT(GENERIC_URL_BYTES_MAX);
    struct err why = ERR_INIT;
    struct sv origin;
    if (!g->compiled[f])
        return true;
    json_t *vars = generic_request_vars(lane, &sample, 0, 0);
    bool ok = template_render(g->compiled[f], vars, NULL, &url, &why) || tell(e, f, &why);
    json_decref(vars);
    if (!ok)
        return false;
    if (!generic_origin(buf_sv(&url), &origin))
        return err_set_field(e, ERR_INVALID, name_of(f),
                             "give an absolute address, https://HOST/..., without spaces, a user or bytes "
                             "outside ASCII (urlencode what may have them)");
    *out = arena_dup(&g->mem, origin);
    return true;
}

static bool check_settings(const struct lane_config *lane, struct generic *g, struct err *e) {
    static const struct {
        enum generic_field f, needs;
    } pairs[] = {
        {GENERIC_RECEIPT_ID, GENERIC_RECEIPT_STATUS}, {GENERIC_STATUSES, GENERIC_RECEIPT_STATUS},
        {GENERIC_RECEIPTS, GENERIC_RECEIPT_STATUS},   {GENERIC_INBOUND_FROM, GENERIC_INBOUND_BODY},
        {GENERIC_INBOUND_BODY, GENERIC_INBOUND_FROM}, {GENERIC_LOOKUP_URL, GENERIC_LOOKUP_FOUND},
        {GENERIC_LOOKUP_FOUND, GENERIC_LOOKUP_URL},   {GENERIC_LOOKUP_ABSENT, GENERIC_LOOKUP_FOUND},
        {GENERIC_LOOKUP_FOUND, GENERIC_LOOKUP_ID},    {GENERIC_PROBE_SUCCESS, GENERIC_PROBE_URL},
        {GENERIC_LOOKUP_BODY, GENERIC_LOOKUP_URL},    {GENERIC_CALLBACK_SIGNED, GENERIC_CALLBACK_HMAC},
    };
    bool statuses_serve = generic_value(lane, GENERIC_LOOKUP_STATUS).n > 0;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (pairs[i].f == GENERIC_STATUSES && statuses_serve)
            continue;
        if (generic_value(lane, pairs[i].f).n && !generic_value(lane, pairs[i].needs).n)
            return err_set_field(e, ERR_INVALID, name_of(pairs[i].needs), "missing beside %s",
                                 name_of(pairs[i].f));
    }
    if (!g->compiled[GENERIC_URL])
        return err_set_field(e, ERR_INVALID, "url",
                             "missing: the address that messages are sent to, or a "
                             "preset");
    bool calls = g->compiled[GENERIC_RECEIPT_STATUS] || g->compiled[GENERIC_INBOUND_FROM];
    return !calls || g->hmac.header.n || lane->fields[GENERIC_CALLBACK_TOKEN].n ||
           err_set_field(e, ERR_INVALID, "callback_token",
                         "missing: callbacks are believed only with a secret in their address "
                         "(callback_token) or a signature (callback_hmac and callback_secret)");
}

static bool check_preset(struct lane_config *lane, const struct generic *g, struct err *e) {
    struct sv base = lane->fields[GENERIC_URL];
    /* One description is of one kind of message: a lane for all would take what it cannot say. */
    if (lane->channel == 0)
        lane->channel = 1 + (uint32_t)(g->preset ? g->preset->channel : CHANNEL_SMS);
    if (!g->preset)
        return true;
    struct err why = ERR_INIT;
    return base.n == 0 || kit_check_base_url(base, &why) ||
           err_set_field(e, ERR_INVALID, "url", "%s", why.text);
}

static bool fill(struct lane_config *lane, struct generic *g, struct err *e) {
    g->preset = generic_preset_find(lane->fields[GENERIC_PRESET]);
    struct sv method = generic_value(lane, GENERIC_METHOD), kind = generic_value(lane, GENERIC_KIND);
    g->method = method.n ? http_method_of(method) : HTTP_POST;
    g->kind = kind.n || !g->preset ? kind : sv_of(g->preset->kind);
    return check_preset(lane, g, e) && compile_all(lane, g, e) && compile_headers(lane, g, e) &&
           generic_read_errors(generic_value(lane, GENERIC_ERRORS), g, e) &&
           generic_read_statuses(generic_value(lane, GENERIC_STATUSES), g, e) && read_hmac(lane, g, e) &&
           check_settings(lane, g, e) && (make_lane(lane, g) || err_set(e, ERR_TOO_LARGE, "too much text")) &&
           find_origin(lane, g, GENERIC_URL, &g->origin, e) &&
           find_origin(lane, g, GENERIC_LOOKUP_URL, &g->lookup_origin, e) &&
           (!g->mem.full || err_set(e, ERR_TOO_LARGE, "too much text"));
}

bool generic_prepare(struct lane_config *lane, struct err *e) {
    struct generic *g = calloc(1, sizeof *g);
    if (!g)
        return err_set(e, ERR_OUTSIDE, "out of memory");
    arena_init(&g->mem, MEMORY_BYTES_MAX);
    lane->prepared = g;
    if (fill(lane, g, e))
        return true;
    lane_release(lane);
    return false;
}

void generic_release(void *prepared) {
    struct generic *g = prepared;
    for (int f = 0; f < GENERIC_FIELDS; f++)
        template_free(g->compiled[f]);
    for (size_t i = 0; i < g->n_headers; i++)
        template_free(g->headers[i].value);
    const char *const secrets[] = {"token", "secret"};
    for (size_t i = 0; i < 2; i++) {
        const json_t *v = json_object_get(g->lane, secrets[i]);
        if (v) /* our own memory: not really const */
            explicit_bzero((char *)(uintptr_t)json_string_value(v), json_string_length(v));
    }
    json_decref(g->lane);
    arena_done(&g->mem);
    free(g);
}
