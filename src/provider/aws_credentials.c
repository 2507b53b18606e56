/* Credentials that AWS lends: by a container's endpoint, an instance's metadata service (version 2), or for a
 * web identity token. Sources: "Container credential provider" and "Use instance metadata" in the AWS SDKs
 * reference guide, AssumeRoleWithWebIdentity in the API reference of STS (version 2011-06-15).
 *
 * The grant's text is key id, secret and session token, a line each. On the way to it, from an instance:
 * "T" and the metadata token; then "R", that token, and on the next line the role's name. */
#include "provider/aws.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

enum {
    URL_BYTES_MAX = 1024,
    ANSWER_BYTES_MAX = 16 * 1024,
    METADATA_TOKEN_S = 21600, /* as long as it can live */
    ROLE_BYTES_MAX = 64,
    KEY_ID_BYTES_MAX = 128,
    SECRET_BYTES_MAX = 256,
    TOKEN_BYTES_MAX = 3600,
};

#define ROLES SV("/latest/meta-data/iam/security-credentials/")

/* What the vendor's SDKs allow to be called without TLS: addresses that no router carries beyond this machine
 * or its host. Numbers alone, so that no name server has a say. */
static bool is_near(struct sv url) {
    static const char *const hosts[] = {
        "http://127.0.0.1",     "http://[::1]",          "http://169.254.169.254", "http://[fd00:ec2::254]",
        "http://169.254.170.2", "http://169.254.170.23", "http://[fd00:ec2::23]"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct sv host = sv_of(hosts[i]), rest = sv_from(url, host.n);
        if (sv_starts(url, host) && (rest.n == 0 || rest.p[0] == ':' || rest.p[0] == '/'))
            return sv_find_char(rest, '@') == SIZE_MAX;
    }
    return false;
}

enum aws_credentials aws_credentials_kind(const struct lane_config *lane) {
    static const char *const names[] = {"keys", "container", "instance", "web-identity"};
    int place = sv_place(kit_field(lane, AWS_CREDENTIALS), names, 4);
    return place < 0 ? AWS_KEYS : (enum aws_credentials)place;
}

/* ---- checks ---- */

static bool is_plain(struct sv v, size_t max) {
    return kit_is_plain(v) && v.n > 0 && v.n <= max;
}

static bool is_https(struct sv url) {
    struct sv rest = sv_from(url, 8);
    return sv_starts(url, SV("https://")) && rest.n && rest.p[0] != '/' &&
           sv_find_char(rest, '@') == SIZE_MAX;
}

bool aws_check_credentials_url(struct sv v, struct err *e) {
    bool fits = is_plain(v, URL_BYTES_MAX / 2) && (v.p[0] == '/' || is_near(v) || is_https(v)) &&
                sv_find_char(v, '#') == SIZE_MAX;
    return fits || err_set_field(e, ERR_INVALID, "credentials_url",
                                 "give a path (/v2/credentials/...), https://HOST, or http:// to 127.0.0.1, "
                                 "[::1], 169.254.169.254, 169.254.170.2, 169.254.170.23 or their IPv6 ones");
}

bool aws_check_role(struct sv v, struct err *e) {
    return is_plain(v, 512) || err_set_field(e, ERR_INVALID, "role", "a role is one word of ASCII");
}

bool aws_check_credentials(struct sv v, struct err *e) {
    static const char *const names[] = {"keys", "container", "instance", "web-identity"};
    return sv_place(v, names, 4) >= 0 ||
           err_set_field(e, ERR_INVALID, "credentials", "give keys, container, instance or web-identity");
}

static bool check_given(const struct lane_config *lane, enum aws_field field, bool wanted, bool allowed,
                        struct err *e) {
    const char *name = lane->adapter->fields[field].name;
    struct sv kind = kit_field(lane, AWS_CREDENTIALS);
    bool given = lane->fields[field].n > 0;
    if (wanted && !given)
        return err_set_field(e, ERR_INVALID, name, "`credentials: %.*s` needs %s", SV_FMT(kind), name);
    return allowed || !given ||
           err_set_field(e, ERR_INVALID, name, "`credentials: %.*s` goes without %s", SV_FMT(kind), name);
}

bool aws_check_credential_fields(const struct lane_config *lane, struct err *e) {
    enum aws_credentials kind = aws_credentials_kind(lane);
    bool keys = kind == AWS_KEYS, container = kind == AWS_CONTAINER, web = kind == AWS_WEB_IDENTITY;
    struct sv url = kit_field(lane, AWS_CREDENTIALS_URL);
    if (!check_given(lane, AWS_ACCESS_KEY_ID, keys, keys, e) ||
        !check_given(lane, AWS_SECRET_ACCESS_KEY, keys, keys, e) ||
        !check_given(lane, AWS_SESSION_TOKEN, false, keys, e) ||
        !check_given(lane, AWS_CREDENTIALS_URL, container, !keys, e) ||
        !check_given(lane, AWS_CREDENTIALS_TOKEN_FILE, web, container || web, e) ||
        !check_given(lane, AWS_ROLE, web, web || kind == AWS_INSTANCE, e))
        return false;
    if (kind == AWS_INSTANCE && url.n && !is_near(url))
        return err_set_field(e, ERR_INVALID, "credentials_url",
                             "the metadata service of an instance is at http://169.254.169.254 or "
                             "http://[fd00:ec2::254]");
    return container || !url.n || url.p[0] != '/' ||
           err_set_field(e, ERR_INVALID, "credentials_url", "a path alone is for `credentials: container`");
}

/* ---- requests ---- */

bool aws_needs_grant(const struct lane_config *lane) {
    return aws_credentials_kind(lane) != AWS_KEYS;
}

struct sv aws_grant_file(const struct lane_config *lane) {
    return kit_field(lane, AWS_CREDENTIALS_TOKEN_FILE);
}

static bool finish(struct buf *url, struct arena *mem, struct http_request *out, struct err *e) {
    if (url->overflow)
        return err_set_field(e, ERR_TOO_LARGE, "credentials_url", "the address is too long");
    out->url = arena_dup(mem, buf_sv(url));
    out->near = is_near(out->url);
    return !mem->full || err_set(e, ERR_TOO_LARGE, "no room to build the request");
}

static bool ask_container(const struct lane_config *lane, struct sv token, struct arena *mem,
                          struct http_request *out, struct err *e) {
    struct buf BUF_AUTO url = BUF_INIT(URL_BYTES_MAX);
    struct sv given = kit_field(lane, AWS_CREDENTIALS_URL);
    if (given.p[0] == '/')
        buf_adds(&url, "http://169.254.170.2");
    buf_add(&url, given);
    *out = (struct http_request){.method = HTTP_GET};
    token = sv_trim(token);
    for (size_t i = 0; i < token.n; i++)
        if (token.p[i] < ' ' || token.p[i] > '~')
            return err_set_field(e, ERR_INVALID, "credentials_token_file", "the file holds no token");
    if (token.n)
        http_add_header(out, SV("Authorization"), arena_dup(mem, token));
    return finish(&url, mem, out, e);
}

static bool ask_instance(const struct lane_config *lane, struct sv so_far, struct arena *mem,
                         struct http_request *out, struct err *e) {
    static const struct sv token_header = {"X-aws-ec2-metadata-token", 24};
    struct buf BUF_AUTO url = BUF_INIT(URL_BYTES_MAX);
    struct sv given = kit_field(lane, AWS_CREDENTIALS_URL);
    buf_add(&url, given.n ? given : SV("http://169.254.169.254"));
    if (so_far.n == 0) {
        *out = (struct http_request){.method = HTTP_PUT};
        buf_adds(&url, "/latest/api/token");
        http_add_header(out, SV("X-aws-ec2-metadata-token-ttl-seconds"), SV("21600"));
        _Static_assert(METADATA_TOKEN_S == 21600, "as it is asked for");
        return finish(&url, mem, out, e);
    }
    struct sv role = sv_from(so_far, 1);
    struct sv token = sv_cut(&role, '\n');
    *out = (struct http_request){.method = HTTP_GET};
    buf_add(&url, ROLES);
    buf_add(&url, role);
    http_add_header(out, token_header, arena_dup(mem, token));
    return finish(&url, mem, out, e);
}

static bool ask_sts(const struct lane_config *lane, struct sv token, int64_t now, struct arena *mem,
                    struct http_request *out, struct err *e) {
    struct buf BUF_AUTO url = BUF_INIT(URL_BYTES_MAX), BUF_AUTO body = BUF_INIT(16384);
    struct sv given = kit_field(lane, AWS_CREDENTIALS_URL), region = kit_field(lane, AWS_REGION);
    token = sv_trim(token);
    if (!is_plain(token, TOKEN_BYTES_MAX))
        return err_set_field(e, ERR_INVALID, "credentials_token_file",
                             "the file holds no web identity token, of one word");
    if (given.n)
        buf_add(&url, given);
    else
        buf_addf(&url, "https://sts.%.*s.amazonaws.com%s", SV_FMT(region),
                 sv_starts(region, SV("cn-")) ? ".cn" : "");
    buf_addc(&url, '/');
    buf_adds(&body, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=");
    percent_add(&body, kit_field(lane, AWS_ROLE));
    buf_addf(&body, "&RoleSessionName=hongyan-%lld&WebIdentityToken=", (long long)(now / US_PER_S));
    percent_add(&body, token);
    *out = (struct http_request){.method = HTTP_POST, .body = arena_dup(mem, buf_sv(&body))};
    http_add_header(out, SV("Content-Type"), SV("application/x-www-form-urlencoded"));
    return finish(&url, mem, out, e);
}

bool aws_grant(const struct lane_config *lane, struct sv so_far, int64_t now, uint64_t nonce,
               struct arena *mem, struct http_request *out, struct err *e) {
    (void)nonce;
    switch (aws_credentials_kind(lane)) {
    case AWS_CONTAINER: return ask_container(lane, so_far, mem, out, e);
    case AWS_INSTANCE: return ask_instance(lane, so_far, mem, out, e);
    case AWS_WEB_IDENTITY: return ask_sts(lane, so_far, now, mem, out, e);
    case AWS_KEYS: break;
    }
    BUG("keys are not asked for");
}

/* ---- answers ---- */

static bool keep(struct sv id, struct sv secret, struct sv token, struct sv until, int64_t now,
                 struct grant *out, struct err *e) {
    if (!is_plain(id, KEY_ID_BYTES_MAX) || !is_plain(secret, SECRET_BYTES_MAX) ||
        (token.n && !is_plain(token, TOKEN_BYTES_MAX)))
        return err_set(e, ERR_OUTSIDE, "the answer holds no credentials, or none of a form that can be sent");
    if (!clock_parse_rfc3339(until, &out->expires_at))
        return err_set(e, ERR_OUTSIDE, "the answer does not say when the credentials end");
    if (out->expires_at <= now)
        return err_set(e, ERR_OUTSIDE, "the credentials it gives have ended already: is the clock right?");
    int n =
        snprintf(out->text, sizeof out->text, "%.*s\n%.*s\n%.*s", SV_FMT(id), SV_FMT(secret), SV_FMT(token));
    return (n > 0 && (size_t)n < sizeof out->text) ||
           err_set(e, ERR_OUTSIDE, "the credentials are longer than can be kept");
}

static bool read_credentials(struct sv body, int64_t now, struct grant *out, struct err *e) {
    json_auto_t *o = kit_parse(body, ANSWER_BYTES_MAX);
    return keep(kit_string(o, "AccessKeyId"), kit_string(o, "SecretAccessKey"), kit_string(o, "Token"),
                kit_string(o, "Expiration"), now, out, e);
}

static bool read_instance(const struct lane_config *lane, struct sv so_far, struct sv body, int64_t now,
                          struct grant *out, struct err *e) {
    struct sv role = kit_field(lane, AWS_ROLE), said = sv_trim(body);
    if (so_far.n && so_far.p[0] == 'R')
        return read_credentials(body, now, out, e);
    out->more = true;
    if (so_far.n == 0) {
        if (!is_plain(said, 1024))
            return err_set(e, ERR_OUTSIDE, "the metadata service gave no token");
        snprintf(out->text, sizeof out->text, "%c%.*s%s%.*s", role.n ? 'R' : 'T', SV_FMT(said),
                 role.n ? "\n" : "", SV_FMT(role));
        return true;
    }
    role = sv_trim(sv_cut(&said, '\n'));
    if (!is_plain(role, ROLE_BYTES_MAX) || sv_find_char(role, '/') != SIZE_MAX ||
        sv_find_char(role, '?') != SIZE_MAX || sv_find_char(role, '#') != SIZE_MAX)
        return err_set(e, ERR_OUTSIDE, "the metadata service names no role");
    snprintf(out->text, sizeof out->text, "R%.*s\n%.*s", SV_FMT(sv_from(so_far, 1)), SV_FMT(role));
    return true;
}

static bool read_sts(struct sv body, int64_t now, struct grant *out, struct err *e) {
    struct sv xml = aws_element(sv_sub(body, 0, ANSWER_BYTES_MAX), "<Credentials>", "</Credentials>");
    return keep(aws_element(xml, "<AccessKeyId>", "</AccessKeyId>"),
                aws_element(xml, "<SecretAccessKey>", "</SecretAccessKey>"),
                aws_element(xml, "<SessionToken>", "</SessionToken>"),
                aws_element(xml, "<Expiration>", "</Expiration>"), now, out, e);
}

/* Whether asking again can help: 429, a 5xx, and what STS says of a token service it cannot reach. */
static bool refused(const struct lane_config *lane, struct sv so_far, const struct http_response *r,
                    struct err *e) {
    enum aws_credentials kind = aws_credentials_kind(lane);
    struct sv code = kind == AWS_WEB_IDENTITY
                         ? aws_element(sv_sub(r->body, 0, ANSWER_BYTES_MAX), "<Code>", "</Code>")
                         : SV_NONE;
    bool passing = r->status == 429 || r->status >= 500 || sv_eq(code, SV("IDPCommunicationError")) ||
                   sv_starts(code, SV("Throttl")) ||
                   (kind == AWS_INSTANCE && so_far.n && r->status == 401); /* its token has ended */
    if (passing)
        return err_set(e, ERR_OUTSIDE, "HTTP %d %.*s", r->status, SV_FMT(sv_sub(code, 0, 80)));
    if (kind == AWS_INSTANCE && r->status == 404 && so_far.n)
        return err_set_field(e, ERR_AUTH, "role",
                             "the instance has no such role: give it an instance profile");
    return err_set_field(e, ERR_AUTH, "credentials", "no credentials are given (HTTP %d %.*s)", r->status,
                         SV_FMT(sv_sub(code, 0, 80)));
}

bool aws_judge_grant(const struct lane_config *lane, struct sv so_far, int64_t now,
                     const struct http_response *r, struct grant *out, struct err *e) {
    if (r->transport != HTTP_ANSWERED)
        return err_set_field(e, ERR_OUTSIDE, "credentials", "no credentials: %.*s",
                             SV_FMT(sv_sub(r->error, 0, 200)));
    if (r->status != 200)
        return refused(lane, so_far, r, e);
    switch (aws_credentials_kind(lane)) {
    case AWS_CONTAINER: return read_credentials(r->body, now, out, e);
    case AWS_INSTANCE: return read_instance(lane, so_far, r->body, now, out, e);
    case AWS_WEB_IDENTITY: return read_sts(r->body, now, out, e);
    case AWS_KEYS: break;
    }
    BUG("keys are not asked for");
}

struct aws_keys aws_keys_of(const struct lane_config *lane, struct sv grant) {
    if (!aws_needs_grant(lane))
        return (struct aws_keys){kit_field(lane, AWS_ACCESS_KEY_ID), kit_field(lane, AWS_SECRET_ACCESS_KEY),
                                 kit_field(lane, AWS_SESSION_TOKEN)};
    struct aws_keys k = {.id = sv_cut(&grant, '\n')};
    k.secret = sv_cut(&grant, '\n');
    k.token = grant;
    return k;
}
