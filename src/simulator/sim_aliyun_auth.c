/* Who asks: the V3 signature in Authorization, or the older one among the parameters. Written from the
 * vendor's description, not from the adapter. */
#include "simulator/sim_aliyun.h"

#include "base/clock.h"
#include "base/codec.h"
#include "simulator/sim.h"

#include <stdlib.h>

enum { CANONICAL_BYTES_MAX = 8 * 1024 * 1024, NAME_BYTES_MAX = 64, NONCES_MAX = 100000 };

bool sim_aliyun_takes(const struct exchange *x) {
    if (!sv_eq(x->path, SV("/")) || (x->method != HTTP_POST && x->method != HTTP_GET))
        return false;
    return exchange_header(x, "x-acs-action").p || sv_find(x->query, SV("SignatureMethod=")) != SIZE_MAX ||
           sv_find(x->body, SV("SignatureMethod=")) != SIZE_MAX;
}

static int by_key(const void *a, const void *b) {
    return sv_cmp(((const struct form_pair *)a)->key, ((const struct form_pair *)b)->key);
}

/* Sorted, encoded, joined; without the signature itself. */
static void add_canonical(struct buf *out, const struct form *f) {
    struct form sorted = *f;
    size_t written = 0;
    qsort(sorted.pairs, sorted.n, sizeof sorted.pairs[0], by_key);
    for (size_t i = 0; i < sorted.n; i++) {
        if (sv_eq(sorted.pairs[i].key, SV("Signature")))
            continue;
        if (written++)
            buf_addc(out, '&');
        percent_add(out, sorted.pairs[i].key);
        buf_addc(out, '=');
        percent_add(out, sorted.pairs[i].value);
    }
}

static bool read_params(struct exchange *x, struct form *query, struct form *all) {
    struct form body;
    struct sv type = exchange_header(x, "Content-Type");
    if (!form_parse(x->query, &x->arena, query, NULL))
        return false;
    *all = *query;
    if (!x->body.n || !sv_starts(type, SV("application/x-www-form-urlencoded")))
        return true;
    if (!form_parse(x->body, &x->arena, &body, NULL))
        return false;
    for (size_t i = 0; i < body.n && all->n < FORM_PAIRS_MAX; i++)
        all->pairs[all->n++] = body.pairs[i];
    return true;
}

/* True the first time. */
static bool first_use(struct sim *sim, struct sv nonce) {
    uint64_t hash = siphash(sim->store.key, nonce);
    if (map_get(&sim->nonces, hash))
        return false;
    if (sim->nonces.n >= NONCES_MAX) {
        map_done(&sim->nonces);
        map_init(&sim->nonces);
    }
    map_put(&sim->nonces, hash, sim);
    return true;
}

static const char *check_rest(struct sim *sim, struct sv key_id, struct sv time, struct sv nonce,
                              bool signed_well) {
    int64_t at, now = sim_now(sim);
    if (!sv_eq(key_id, sim_access(sim, &sim_aliyun).account))
        return "InvalidAccessKeyId.NotFound";
    if (!clock_parse_rfc3339(time, &at) || time.n != 20)
        return "InvalidTimeStamp.Format";
    if (at > now + ALIYUN_RETRY_WINDOW_S * US_PER_S || at < now - ALIYUN_RETRY_WINDOW_S * US_PER_S)
        return "InvalidTimeStamp.Expired";
    if (!signed_well)
        return "SignatureDoesNotMatch";
    if (!nonce.n)
        return "MissingParameter";
    return first_use(sim, nonce) ? NULL : "SignatureNonceUsed";
}

/* ---- HMAC-SHA1 ---- */

static const char *check_v1(struct sim *sim, const struct exchange *x, const struct form *all) {
    struct buf BUF_AUTO canonical = BUF_INIT(CANONICAL_BYTES_MAX),
                        BUF_AUTO text = BUF_INIT(2 * CANONICAL_BYTES_MAX), BUF_AUTO key = BUF_INIT(1024),
                        BUF_AUTO right = BUF_INIT(64);
    uint8_t mac[SHA1_BYTES];
    struct sv given = form_get(all, SV("Signature")), key_id = form_get(all, SV("AccessKeyId"));
    if (!key_id.n)
        return "MissingAccessKeyId";
    if (!given.n || !sv_eq(form_get(all, SV("SignatureMethod")), SV("HMAC-SHA1")) ||
        !sv_eq(form_get(all, SV("SignatureVersion")), SV("1.0")))
        return "IncompleteSignature";
    add_canonical(&canonical, all);
    buf_adds(&text, http_method_name(x->method));
    buf_adds(&text, "&%2F&");
    percent_add(&text, buf_sv(&canonical));
    buf_add(&key, sim_access(sim, &sim_aliyun).secret);
    buf_addc(&key, '&');
    hmac_sha1(buf_sv(&key), buf_sv(&text), mac);
    base64_add(&right, mac, sizeof mac);
    return check_rest(sim, key_id, form_get(all, SV("Timestamp")), form_get(all, SV("SignatureNonce")),
                      sv_eq_secret(given, buf_sv(&right)));
}

/* ---- ACS3-HMAC-SHA256 ---- */

/* The value of NAME=... in "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=b,Signature=c". */
static struct sv part_of(struct sv authorization, struct sv name) {
    struct sv rest = authorization;
    sv_cut(&rest, ' ');
    while (rest.p) {
        struct sv value = sv_cut(&rest, ',');
        if (sv_eq(sv_cut(&value, '='), name))
            return value;
    }
    return SV_NONE;
}

/* name:value lines of the signed headers, which must be in order and have those that matter. */
static bool add_headers(struct buf *out, const struct exchange *x, struct sv names) {
    static const char *const needed[] = {"host",       "x-acs-action",          "x-acs-content-sha256",
                                         "x-acs-date", "x-acs-signature-nonce", "x-acs-version"};
    size_t found = 0;
    struct sv before = SV_NONE;
    while (names.p) {
        struct sv name = sv_cut(&names, ';');
        char text[NAME_BYTES_MAX + 1];
        if (!name.n || name.n > NAME_BYTES_MAX || sv_cmp(before, name) >= 0)
            return false;
        snprintf(text, sizeof text, "%.*s", SV_FMT(name));
        for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
            found += sv_eq(name, sv_of(needed[i]));
        buf_add(out, name);
        buf_addc(out, ':');
        buf_add(out, sv_trim(exchange_header(x, text)));
        buf_addc(out, '\n');
        before = name;
    }
    return found == sizeof needed / sizeof needed[0];
}

static void add_hash(struct buf *out, struct sv data) {
    uint8_t hash[SHA256_BYTES];
    sha256(data, hash);
    hex_add(out, hash, sizeof hash);
}

static const char *check_v3(struct sim *sim, const struct exchange *x, const struct form *query) {
    struct buf BUF_AUTO canonical = BUF_INIT(CANONICAL_BYTES_MAX),
                        BUF_AUTO queried = BUF_INIT(CANONICAL_BYTES_MAX), BUF_AUTO body_hash = BUF_INIT(64),
                        BUF_AUTO text = BUF_INIT(128), BUF_AUTO right = BUF_INIT(64);
    uint8_t mac[SHA256_BYTES];
    struct sv authorization = exchange_header(x, "Authorization"),
              names = part_of(authorization, SV("SignedHeaders")),
              given = part_of(authorization, SV("Signature")),
              key_id = part_of(authorization, SV("Credential"));
    if (!sv_starts(authorization, SV("ACS3-HMAC-SHA256 ")) || !names.n || !given.n)
        return "IncompleteSignature";
    if (!key_id.n)
        return "MissingAccessKeyId";
    add_hash(&body_hash, x->body);
    add_canonical(&queried, query);
    buf_adds(&canonical, http_method_name(x->method));
    buf_adds(&canonical, "\n/\n");
    buf_add(&canonical, buf_sv(&queried));
    buf_addc(&canonical, '\n');
    bool whole = add_headers(&canonical, x, names);
    buf_addc(&canonical, '\n');
    buf_add(&canonical, names);
    buf_addc(&canonical, '\n');
    buf_add(&canonical, buf_sv(&body_hash));
    buf_adds(&text, "ACS3-HMAC-SHA256\n");
    add_hash(&text, buf_sv(&canonical));
    hmac_sha256(sim_access(sim, &sim_aliyun).secret, buf_sv(&text), mac);
    hex_add(&right, mac, sizeof mac);
    bool well = whole && sv_eq(exchange_header(x, "x-acs-content-sha256"), buf_sv(&body_hash)) &&
                sv_eq_secret(given, buf_sv(&right));
    return check_rest(sim, key_id, exchange_header(x, "x-acs-date"),
                      exchange_header(x, "x-acs-signature-nonce"), well);
}

const char *sim_aliyun_authenticate(struct sim *sim, struct exchange *x, struct sim_aliyun_request *rq) {
    struct form query;
    *rq = (struct sim_aliyun_request){.x = x};
    if (!read_params(x, &query, &rq->params))
        return "MissingParameter";
    if (form_has(&rq->params, SV("SignatureMethod"))) {
        rq->action = form_get(&rq->params, SV("Action"));
        rq->version = form_get(&rq->params, SV("Version"));
        return check_v1(sim, x, &rq->params);
    }
    rq->action = exchange_header(x, "x-acs-action");
    rq->version = exchange_header(x, "x-acs-version");
    return check_v3(sim, x, &query);
}
