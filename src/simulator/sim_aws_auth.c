/* Signature Version 4, written from "Signature Version 4 signing process" of the vendor, for a request
 * without a query. */
#include "simulator/sim_aws.h"

#include "base/clock.h"
#include "base/codec.h"
#include "simulator/sim.h"

#include <string.h>

enum { CANONICAL_BYTES_MAX = 64 * 1024, NAME_BYTES_MAX = 64, SKEW_S_MAX = 15 * 60 };

struct said {
    struct sv id, scope, names, signature; /* scope: DAY/REGION/SERVICE/aws4_request */
    struct sv day, region, service, end;
};

static bool read_authorization(struct sv v, struct said *s) {
    static const struct sv scheme = {"AWS4-HMAC-SHA256 ", 17};
    *s = (struct said){.id = SV_NONE};
    if (!sv_starts(v, scheme))
        return false;
    struct sv rest = sv_from(v, scheme.n);
    while (rest.n) {
        struct sv value = sv_trim(sv_cut(&rest, ','));
        struct sv key = sv_cut(&value, '=');
        if (sv_eq(key, SV("Credential")))
            s->scope = value;
        else if (sv_eq(key, SV("SignedHeaders")))
            s->names = value;
        else if (sv_eq(key, SV("Signature")))
            s->signature = value;
    }
    s->id = sv_cut(&s->scope, '/');
    struct sv scope = s->scope;
    s->day = sv_cut(&scope, '/');
    s->region = sv_cut(&scope, '/');
    s->service = sv_cut(&scope, '/');
    s->end = scope;
    return s->id.n && s->day.n && s->region.n && s->names.n && s->signature.n &&
           sv_eq(s->end, SV("aws4_request"));
}

/* Without blanks at both ends, and one for each run of them within. */
static void add_value(struct buf *out, struct sv v) {
    bool blank = false;
    v = sv_trim(v);
    for (size_t i = 0; i < v.n; i++) {
        bool is_blank = v.p[i] == ' ' || v.p[i] == '\t';
        if (!is_blank || !blank)
            buf_addc(out, is_blank ? ' ' : v.p[i]);
        blank = is_blank;
    }
}

/* The signed headers, which are in order and hold those that matter. */
static bool add_headers(const struct exchange *x, struct sv names, struct buf *out) {
    bool host = false, date = false, target = !exchange_header(x, "X-Amz-Target").p,
         token = !exchange_header(x, "X-Amz-Security-Token").p;
    struct sv before = SV_NONE;
    while (names.n) {
        struct sv name = sv_cut(&names, ';');
        char text[NAME_BYTES_MAX + 1];
        if (!name.n || name.n > NAME_BYTES_MAX || (before.n && sv_cmp(before, name) >= 0))
            return false;
        memcpy(text, name.p, name.n);
        text[name.n] = '\0';
        host = host || sv_eq(name, SV("host"));
        date = date || sv_eq(name, SV("x-amz-date"));
        target = target || sv_eq(name, SV("x-amz-target"));
        token = token || sv_eq(name, SV("x-amz-security-token"));
        buf_addf(out, "%s:", text);
        add_value(out, exchange_header(x, text));
        buf_addc(out, '\n');
        before = name;
    }
    return host && date && target && token;
}

static void add_hash(struct buf *out, struct sv data) {
    uint8_t hash[SHA256_BYTES];
    sha256(data, hash);
    hex_add(out, hash, sizeof hash);
}

static bool signature_fits(const struct exchange *x, const struct said *s, struct sv secret, struct sv date) {
    struct buf BUF_AUTO canonical = BUF_INIT(CANONICAL_BYTES_MAX), BUF_AUTO text = BUF_INIT(4096),
                        BUF_AUTO first = BUF_INIT(512), BUF_AUTO hex = BUF_INIT(128);
    uint8_t key[SHA256_BYTES];
    buf_adds(&canonical, "POST\n/\n\n");
    bool whole = add_headers(x, s->names, &canonical);
    buf_addf(&canonical, "\n%.*s\n", SV_FMT(s->names));
    add_hash(&canonical, x->body);
    buf_addf(&text, "AWS4-HMAC-SHA256\n%.*s\n%.*s\n", SV_FMT(date), SV_FMT(s->scope));
    add_hash(&text, buf_sv(&canonical));
    buf_addf(&first, "AWS4%.*s", SV_FMT(secret));
    hmac_sha256(buf_sv(&first), s->day, key);
    const struct sv steps[] = {s->region, s->service, s->end, buf_sv(&text)};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        hmac_sha256(sv_make((const char *)key, sizeof key), steps[i], key);
    hex_add(&hex, key, sizeof key);
    return whole && !canonical.overflow && !text.overflow && sv_eq_secret(s->signature, buf_sv(&hex));
}

/* 20260102T030405Z */
static bool parse_date(struct sv v, int64_t *at) {
    struct buf BUF_AUTO t = BUF_INIT(32);
    if (v.n != 16)
        return false;
    buf_addf(&t, "%.*s-%.*s-%.*sT%.*s:%.*s:%.*sZ", SV_FMT(sv_sub(v, 0, 4)), SV_FMT(sv_sub(v, 4, 2)),
             SV_FMT(sv_sub(v, 6, 2)), SV_FMT(sv_sub(v, 9, 2)), SV_FMT(sv_sub(v, 11, 2)),
             SV_FMT(sv_sub(v, 13, 2)));
    return v.p[8] == 'T' && v.p[15] == 'Z' && clock_parse_rfc3339(buf_sv(&t), at);
}

const char *sim_aws_authenticate(struct sim *sim, struct exchange *x, const struct sim_face *face,
                                 struct sv service) {
    struct sim_access access = sim_access(sim, face);
    struct sv date = exchange_header(x, "X-Amz-Date");
    struct said s;
    int64_t at, now = sim_now(sim), skew = SKEW_S_MAX * US_PER_S;
    if (!exchange_header(x, "Authorization").p)
        return "MissingAuthenticationToken";
    if (!read_authorization(exchange_header(x, "Authorization"), &s) || !parse_date(date, &at))
        return "IncompleteSignature";
    struct buf BUF_AUTO lent = BUF_INIT(128);
    if (sim_aws_is_lent(s.id)) {
        const char *wrong = sim_aws_check_lent(sim, s.id, exchange_header(x, "X-Amz-Security-Token"), &lent);
        if (wrong)
            return wrong;
        access.secret = buf_sv(&lent);
    } else if (!sv_eq(s.id, access.account)) {
        return "InvalidClientTokenId";
    }
    if (!sv_eq(s.service, service) || !sv_eq(s.day, sv_sub(date, 0, 8)) ||
        !signature_fits(x, &s, access.secret, date))
        return "SignatureDoesNotMatch";
    return at < now - skew || at > now + skew ? "RequestExpired" : NULL;
}
