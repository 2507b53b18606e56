/* Who lends credentials on AWS: a container's endpoint, an instance's metadata service (version 2), and STS
 * for web identities. Sources: "Container credential provider" and "IMDS credential provider" of the AWS SDKs
 * reference guide, "Use IMDSv2" of the EC2 guide, AssumeRoleWithWebIdentity in STS' API reference.
 *
 * Nothing is remembered: a key id is drawn, when it ends stands in the session token, and secret and token
 * are made of both and the simulator's own secret; so whoever shows them again can be checked. */
#include "simulator/sim_aws.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/json.h"
#include "model/form.h"
#include "simulator/sim.h"

#include <string.h>

enum { LIFE_S = 3600, METADATA_TOKEN_S_MAX = 21600, MAC_CHARS = 40 };

#define ROLES SV("/latest/meta-data/iam/security-credentials")
#define ROLE SV("simulated-role")
#define CONTAINER SV("/v2/credentials")

/* ---- credentials ---- */

static void add_mac(struct sim *sim, struct sv what, struct sv of, struct buf *out) {
    uint8_t mac[SHA256_BYTES];
    struct buf BUF_AUTO text = BUF_INIT(1024);
    buf_join(&text, what, SV(" "), of);
    hmac_sha256(sim_access(sim, &sim_aws).secret, buf_sv(&text), mac);
    hex_add(out, mac, MAC_CHARS / 2);
}

/* END.MAC, of what it is good for until END (seconds since 1970). */
static void add_token(struct sim *sim, struct sv what, int64_t end_s, struct buf *out) {
    size_t from = out->n;
    buf_addf(out, "%lld", (long long)end_s);
    struct buf BUF_AUTO end = BUF_INIT(32);
    buf_add(&end, sv_from(buf_sv(out), from));
    buf_addc(out, '.');
    add_mac(sim, what, buf_sv(&end), out);
}

/* 0: not one of ours; else when it ends. */
static int64_t token_ends_s(struct sim *sim, struct sv what, struct sv token) {
    struct buf BUF_AUTO right = BUF_INIT(128);
    uint64_t end;
    if (!sv_to_u64(sv_sub(token, 0, sv_find_char(token, '.')), &end) || end > INT32_MAX)
        return 0;
    add_token(sim, what, (int64_t)end, &right);
    return sv_eq_secret(buf_sv(&right), token) ? (int64_t)end : 0;
}

bool sim_aws_is_lent(struct sv key_id) {
    return sv_starts(key_id, SV("ASIA"));
}

const char *sim_aws_check_lent(struct sim *sim, struct sv key_id, struct sv session_token,
                               struct buf *secret) {
    int64_t end_s = token_ends_s(sim, key_id, session_token);
    add_mac(sim, SV("secret"), key_id, secret);
    return !end_s ? "InvalidClientTokenId" : end_s * US_PER_S <= sim_now(sim) ? "ExpiredToken" : NULL;
}

struct lent {
    struct buf id, secret, token, end;
};

static struct lent lend(struct sim *sim) {
    struct lent l = {BUF_INIT(64), BUF_INIT(128), BUF_INIT(256), BUF_INIT(64)};
    char serial[16];
    int64_t end_s = sim_now(sim) / US_PER_S + LIFE_S;
    hex_u64(serial, prng_next(&sim->sids));
    buf_adds(&l.id, "ASIA");
    for (size_t i = 0; i < sizeof serial; i++)
        buf_addc(&l.id, serial[i] >= 'a' ? (char)(serial[i] - 32) : serial[i]);
    add_mac(sim, SV("secret"), buf_sv(&l.id), &l.secret);
    add_token(sim, buf_sv(&l.id), end_s, &l.token);
    clock_add_rfc3339(&l.end, end_s * US_PER_S);
    return l;
}

static void lent_done(struct lent *l) {
    buf_done(&l->id);
    buf_done(&l->secret);
    buf_done(&l->token);
    buf_done(&l->end);
}

/* ---- answers ---- */

static void say(struct exchange *x, int status, const char *type, struct sv body) {
    struct answer a = {.status = status, .content_type = type, .body = body};
    server_answer(x, &a);
}

static void say_credentials(struct sim *sim, struct exchange *x) {
    struct lent l = lend(sim);
    buf_reset(&sim->out);
    buf_addc(&sim->out, '{');
    json_pair(&sim->out, "Code", SV("Success"));
    json_pair(&sim->out, "Type", SV("AWS-HMAC"));
    json_pair(&sim->out, "AccessKeyId", buf_sv(&l.id));
    json_pair(&sim->out, "SecretAccessKey", buf_sv(&l.secret));
    json_pair(&sim->out, "Token", buf_sv(&l.token));
    json_pair(&sim->out, "Expiration", buf_sv(&l.end));
    json_pair(&sim->out, "LastUpdated", buf_sv(&l.end));
    buf_addc(&sim->out, '}');
    say(x, 200, "application/json", buf_sv(&sim->out));
    lent_done(&l);
}

static void refuse(struct sim *sim, struct exchange *x, int status, const char *text) {
    sim_count_status(sim, status);
    say(x, status, "text/plain", sv_of(text));
}

static void metadata_token(struct sim *sim, struct exchange *x) {
    uint64_t ttl;
    if (!sv_to_u64(exchange_header(x, "X-aws-ec2-metadata-token-ttl-seconds"), &ttl) || ttl == 0 ||
        ttl > METADATA_TOKEN_S_MAX) {
        refuse(sim, x, 400, "Bad Request");
        return;
    }
    buf_reset(&sim->out);
    add_token(sim, SV("metadata"), sim_now(sim) / US_PER_S + (int64_t)ttl, &sim->out);
    say(x, 200, "text/plain", buf_sv(&sim->out));
}

static void metadata(struct sim *sim, struct exchange *x) {
    struct sv token = exchange_header(x, "X-aws-ec2-metadata-token"), rest = sv_from(x->path, ROLES.n);
    if (token_ends_s(sim, SV("metadata"), token) * US_PER_S <= sim_now(sim))
        refuse(sim, x, 401, "Unauthorized");
    else if (rest.n <= 1)
        say(x, 200, "text/plain", ROLE);
    else if (sv_eq(sv_from(rest, 1), ROLE))
        say_credentials(sim, x);
    else
        refuse(sim, x, 404, "Not Found");
}

static void say_sts_error(struct sim *sim, struct exchange *x, const char *code, const char *text) {
    buf_reset(&sim->out);
    buf_addf(&sim->out,
             "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>"
             "<Code>%s</Code><Message>%s</Message></Error><RequestId>simulated</RequestId></ErrorResponse>",
             code, text);
    sim_count_status(sim, 401);
    say(x, 400, "text/xml", buf_sv(&sim->out));
}

/* Three parts: a signed token; nobody here knows who may have signed it. */
static bool is_jwt(struct sv v) {
    size_t parts = 0;
    while (v.p && v.n)
        parts += sv_cut(&v, '.').n > 0;
    return parts == 3;
}

static void assume_role(struct sim *sim, struct exchange *x) {
    struct form f;
    bool read = form_parse(x->body, &x->arena, &f, NULL);
    if (!read || !sv_starts(form_get(&f, SV("RoleArn")), SV("arn:aws")) ||
        !form_get(&f, SV("RoleSessionName")).n) {
        say_sts_error(sim, x, "ValidationError", "RoleArn and RoleSessionName are needed");
        return;
    }
    if (!is_jwt(form_get(&f, SV("WebIdentityToken")))) {
        say_sts_error(sim, x, "InvalidIdentityToken", "The ID Token provided is not a valid JWT.");
        return;
    }
    struct lent l = lend(sim);
    buf_reset(&sim->out);
    buf_addf(&sim->out,
             "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
             "<AssumeRoleWithWebIdentityResult><SubjectFromWebIdentityToken>simulated"
             "</SubjectFromWebIdentityToken><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s"
             "</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials>"
             "</AssumeRoleWithWebIdentityResult><ResponseMetadata><RequestId>simulated</RequestId>"
             "</ResponseMetadata></AssumeRoleWithWebIdentityResponse>",
             l.id.p, l.secret.p, l.token.p, l.end.p);
    say(x, 200, "text/xml", buf_sv(&sim->out));
    lent_done(&l);
}

bool sim_aws_lends(const struct exchange *x) {
    struct sv p = x->path;
    return (x->method == HTTP_GET && (sv_starts(p, ROLES) || sv_starts(p, CONTAINER))) ||
           (x->method == HTTP_PUT && sv_eq(p, SV("/latest/api/token"))) ||
           (x->method == HTTP_POST && sv_eq(p, SV("/")) &&
            sv_find(x->body, SV("Action=AssumeRoleWithWebIdentity")) != SIZE_MAX);
}

void sim_aws_lend(struct sim *sim, struct exchange *x) {
    sim->stats.requests++;
    if (x->method == HTTP_PUT)
        metadata_token(sim, x);
    else if (x->method == HTTP_POST)
        assume_role(sim, x);
    else if (sv_starts(x->path, ROLES))
        metadata(sim, x);
    else
        say_credentials(sim, x);
}
