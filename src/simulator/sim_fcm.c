/* Firebase Cloud Messaging: Google's token endpoint (/token), which verifies the assertion of the service
 * account that it gives out itself, and /v1/projects/P/messages:send. */
#include "base/clock.h"
#include "base/codec.h"
#include "base/json.h"
#include "model/form.h"
#include "simulator/sim.h"
#include "simulator/sim_answer.h"
#include "simulator/sim_call.h"
#include "simulator/sim_push.h"

#include <string.h>

enum { TOKEN_S = 3600, SKEW_S = 300, ADDRESS_BYTES_MAX = 255, TOKEN_CHARS_MIN = 16 };

static const char key_id[] = "5100ce0000000000000000000000000000000001";

static bool is_send(const struct exchange *x) {
    return x->method == HTTP_POST && sv_starts(x->path, SV("/v1/projects/")) &&
           sv_ends(x->path, SV("/messages:send"));
}

static bool takes(const struct exchange *x) {
    return is_send(x) || push_is_revoke(x) || (x->method == HTTP_POST && sv_eq(x->path, SV("/token"))) ||
           (x->method == HTTP_GET && sv_eq(x->path, SV("/fcm/service-account.json")));
}

/* The project is what stands before the address's @ and after it up to the dot. */
static struct sv project_of(struct sv email) {
    struct sv rest = email;
    sv_cut(&rest, '@');
    return sv_cut(&rest, '.');
}

/* ---- the service account ---- */

static void own_url(const struct exchange *x, const char *path, struct buf *out) {
    buf_addf(out, "http://%.*s%s", SV_FMT(exchange_header(x, "Host")), path);
}

static void give_account(struct sim *sim, struct exchange *x) {
    struct sv email = sim_access(sim, &sim_fcm).account;
    struct buf BUF_AUTO pem = BUF_INIT(8192), url = BUF_INIT(512);
    if (!push_pem(push_key(sim, "RSA"), &pem)) {
        answer_nothing(x);
        return;
    }
    own_url(x, "/token", &url);
    buf_reset(&sim->out);
    buf_addc(&sim->out, '{');
    json_pair(&sim->out, "type", SV("service_account"));
    json_pair(&sim->out, "project_id", project_of(email));
    json_pair(&sim->out, "private_key_id", sv_of(key_id));
    json_pair(&sim->out, "private_key", buf_sv(&pem));
    json_pair(&sim->out, "client_email", email);
    json_pair(&sim->out, "token_uri", buf_sv(&url));
    buf_addc(&sim->out, '}');
    answer_json(x, 200, &sim->out);
}

/* ---- access tokens: the time of making, and a hash that only this run knows ---- */

static void write_token(struct sim *sim, int64_t made_at, struct buf *out) {
    char mac[16];
    struct buf BUF_AUTO text = BUF_INIT(64);
    buf_addf(&text, "ya29.%lld", (long long)made_at);
    hex_u64(mac, siphash(sim->store.key, buf_sv(&text)));
    buf_join(out, buf_sv(&text), SV("."), sv_make(mac, sizeof mac));
}

static bool token_is_good(struct sim *sim, struct sv token) {
    struct buf BUF_AUTO right = BUF_INIT(128);
    struct sv rest = sv_from(token, sv_starts(token, SV("ya29.")) ? 5 : token.n);
    int64_t made_at, now = sim_now(sim);
    if (!sv_to_i64(sv_cut(&rest, '.'), &made_at))
        return false;
    write_token(sim, made_at, &right);
    return sv_eq_secret(buf_sv(&right), token) && made_at > sim->push.revoked_at &&
           now - made_at < TOKEN_S * US_PER_S;
}

static const char *why_no_token(struct sim *sim, struct exchange *x, const json_t *header,
                                const json_t *claims) {
    struct sim_access access = sim_access(sim, &sim_fcm);
    struct buf BUF_AUTO url = BUF_INIT(512);
    int64_t now_s = sim_now(sim) / US_PER_S;
    int64_t iat = json_integer_value(json_object_get(claims, "iat"));
    int64_t exp = json_integer_value(json_object_get(claims, "exp"));
    own_url(x, "/token", &url);
    if (!claims)
        return "Invalid JWT Signature.";
    struct sv kid = push_text(header, "kid"), aud = push_text(claims, "aud"); /* kid may be left out */
    if (!sv_eq(push_text(claims, "iss"), access.account) || (kid.n && !sv_eq(kid, sv_of(key_id))))
        return "Invalid grant: account not found";
    if (!sv_eq(aud, buf_sv(&url)) && !sv_eq(aud, SV("https://oauth2.googleapis.com/token")))
        return "Invalid JWT: Failed audience check.";
    if (iat > now_s + SKEW_S || exp < now_s || exp - iat > TOKEN_S)
        return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.";
    return NULL;
}

/* One of several, spaces between. */
static bool has_scope(struct sv scopes) {
    while (scopes.n)
        if (sv_eq(sv_cut(&scopes, ' '), SV("https://www.googleapis.com/auth/firebase.messaging")))
            return true;
    return false;
}

static void give_token(struct sim *sim, struct exchange *x) {
    struct form f;
    struct buf *out = &sim->out;
    json_auto_t *header = NULL, *claims = NULL;
    bool read = form_parse(x->body, &x->arena, &f, NULL) &&
                sv_eq(form_get(&f, SV("grant_type")), SV("urn:ietf:params:oauth:grant-type:jwt-bearer"));
    if (read)
        (void)push_verify(push_key(sim, "RSA"), form_get(&f, SV("assertion")), &header, &claims);
    const char *why = read ? why_no_token(sim, x, header, claims) : "Invalid grant_type";
    if (!why && !has_scope(push_text(claims, "scope")))
        why = "Invalid scope";
    buf_reset(out);
    if (why) {
        sim_count_status(sim, 401);
        buf_adds(out, "{\"error\":\"invalid_grant\"");
        json_pair(out, "error_description", sv_of(why));
        buf_addc(out, '}');
        answer_json(x, 400, out);
        return;
    }
    sim->push.given++;
    buf_adds(out, "{\"access_token\":\"");
    write_token(sim, sim_now(sim), out);
    buf_addf(out, "\",\"expires_in\":%d,\"token_type\":\"Bearer\"}", TOKEN_S - 1);
    answer_json(x, 200, out);
}

/* ---- errors ---- */

static const struct fault {
    int status;
    const char *code, *canonical, *text;
} faults[] = {
    {400, "INVALID_ARGUMENT", "INVALID_ARGUMENT",
     "The registration token is not a valid FCM registration token"},
    {404, "UNREGISTERED", "NOT_FOUND", "Requested entity was not found."},
    {403, "SENDER_ID_MISMATCH", "PERMISSION_DENIED", "SenderId mismatch"},
    {429, "QUOTA_EXCEEDED", "RESOURCE_EXHAUSTED", "Sending limit exceeded for the message target."},
    {503, "UNAVAILABLE", "UNAVAILABLE", "The service is currently unavailable."},
    {500, "INTERNAL", "INTERNAL", "Internal error encountered."},
    {401, "THIRD_PARTY_AUTH_ERROR", "UNAUTHENTICATED", "Auth error from APNS or Web Push Service"},
};

static void say_fault(struct sim *sim, struct exchange *x, const struct fault *f, int retry_after_s) {
    struct buf *out = &sim->out;
    char after[16];
    buf_reset(out);
    buf_addf(out, "{\"error\":{\"code\":%d", f->status);
    json_pair(out, "message", sv_of(f->text));
    json_pair(out, "status", sv_of(f->canonical));
    if (f->code)
        buf_addf(out,
                 ",\"details\":[{\"@type\":\"type.googleapis.com/google.firebase.fcm.v1.FcmError\","
                 "\"errorCode\":\"%s\"}]",
                 f->code);
    buf_adds(out, "}}");
    struct answer a = {
        .status = f->status, .content_type = "application/json; charset=UTF-8", .body = buf_sv(out)};
    if (retry_after_s) {
        int n = snprintf(after, sizeof after, "%d", retry_after_s);
        a.headers[a.n_headers++] = (struct http_header){SV("Retry-After"), sv_make(after, (size_t)n)};
    }
    server_answer(x, &a);
}

/* By its own word, else by the status. */
static const struct fault *fault_of(struct sv word, int status) {
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (word.n ? sv_eq(word, sv_of(faults[i].code)) : faults[i].status == status)
            return &faults[i];
    return status >= 500 ? &faults[5] : &faults[0];
}

static void refuse(struct sim *sim, struct exchange *x, const struct sim_refusal *r) {
    const struct fault *f = fault_of(r->word, r->status);
    sim_count_status(sim, f->status);
    say_fault(sim, x, f, r->retry_after_s);
}

static void reject(struct sim *sim, struct exchange *x, const char *code) {
    sim->stats.rejected++;
    say_fault(sim, x, fault_of(sv_of(code), 0), 0);
}

/* ---- messages ---- */

/* Tokens that begin with one of these words always end so. */
static const char *magic_of(struct sv token) {
    static const struct {
        const char *word, *code;
    } magics[] = {{"unregistered", "UNREGISTERED"}, {"other-sender", "SENDER_ID_MISMATCH"}};
    if (token.n < TOKEN_CHARS_MIN)
        return "INVALID_ARGUMENT";
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++)
        if (sv_starts(token, sv_of(magics[i].word)))
            return magics[i].code;
    return NULL;
}

static void say_unauthenticated(struct sim *sim, struct exchange *x) {
    static const struct fault f = {401, NULL, "UNAUTHENTICATED",
                                   "Request had invalid authentication credentials."};
    sim_count_status(sim, 401);
    say_fault(sim, x, &f, 0);
}

static bool is_own_project(struct sim *sim, struct sv path) {
    struct buf BUF_AUTO right = BUF_INIT(512);
    buf_join(&right, SV("/v1/projects/"), project_of(sim_access(sim, &sim_fcm).account),
             SV("/messages:send"));
    return sv_eq(path, buf_sv(&right));
}

static void take(struct sim *sim, struct exchange *x, struct sv token, struct sv body) {
    struct sim_call *call = call_new(sim, &sim_fcm, x, 1);
    if (!call)
        return;
    call->items[0].draft.number = sim_address_number(token);
    call->items[0].draft.address = token;
    call->items[0].draft.body = body;
    call->items[0].draft.extra = x->body;
    call_take(sim, call);
}

static void send(struct sim *sim, struct exchange *x) {
    struct sv bearer = exchange_header(x, "Authorization");
    json_auto_t *rq = json_loadb(x->body.n ? x->body.p : "", x->body.n, 0, NULL);
    const json_t *message = json_object_get(rq, "message");
    struct sv token = push_text(message, "token");
    struct sv body = push_text(json_object_get(message, "notification"), "body");
    if (!sv_starts(bearer, SV("Bearer ")) || !token_is_good(sim, sv_from(bearer, 7))) {
        say_unauthenticated(sim, x);
    } else if (!is_own_project(sim, x->path)) {
        sim_count_status(sim, 401);
        say_fault(sim, x, &(struct fault){403, NULL, "PERMISSION_DENIED", "Permission denied on the project"},
                  0);
    } else if (!token.n || !body.n || token.n > ADDRESS_BYTES_MAX || x->body.n > UINT16_MAX ||
               magic_of(token)) {
        reject(sim, x, token.n && magic_of(token) ? magic_of(token) : "INVALID_ARGUMENT");
    } else if (json_is_true(json_object_get(rq, "validate_only"))) {
        buf_reset(&sim->out);
        buf_adds(&sim->out, "{\"name\":\"projects/simulator/messages/fake_message_id\"}");
        answer_json(x, 200, &sim->out);
    } else if (call_admit(sim, &sim_fcm, x)) {
        take(sim, x, arena_dup(&x->arena, token), arena_dup(&x->arena, body));
    }
}

static void handle(struct sim *sim, struct exchange *x) {
    if (push_is_revoke(x)) {
        push_revoke(sim, x);
    } else if (x->method == HTTP_GET) {
        give_account(sim, x);
    } else if (is_send(x)) {
        sim->stats.requests++;
        send(sim, x);
    } else {
        give_token(sim, x);
    }
}

static int answer(struct sim *sim, const struct sim_call *call, struct buf *out) {
    struct sid sid = store_sid(&sim->store, call->items[0].seq);
    struct sv project = project_of(sim_access(sim, &sim_fcm).account);
    buf_addf(out, "{\"name\":\"projects/%.*s/messages/0:%.*s\"}", SV_FMT(project), SV_FMT(sid_sv(&sid)));
    return 200;
}

const struct sim_face sim_fcm = {
    .name = "fcm",
    .title = "Firebase Cloud Messaging",
    .account = "gateway@simulator.iam.gserviceaccount.com",
    .takes = takes,
    .handle = handle,
    .answer = answer,
    .content_type = "application/json; charset=UTF-8",
    .refuse = refuse,
    .reports = push_reports,
    .receipt = push_receipt,
    .reply = push_reply,
};
