/* push: Firebase Cloud Messaging and Apple's push service as the simulator plays them, with the keys it makes
 * for whoever tests: a service account and an Apple key, had by GET /fcm/service-account.json and GET
 * /apns/key.json. What is signed with them is verified here, by OpenSSL, not by the adapters' code.
 *
 * APNs is played over HTTP/1.1, which the real one does not speak; what HTTP/2 does is judged by
 * tests/blackbox/harness/apns_server.mjs (decision 0038).
 */
#ifndef HY_SIMULATOR_SIM_PUSH_H
#define HY_SIMULATOR_SIM_PUSH_H

#include "base/arena.h"
#include "simulator/sim_face.h"

#include <jansson.h>
#include <openssl/evp.h>

extern const struct sim_face sim_fcm, sim_apns;

struct sim_push {
    EVP_PKEY *rsa, *ec; /* made when first asked for */
    int64_t revoked_at; /* access tokens and provider tokens made before are refused */
    uint64_t given;     /* access tokens */
};

/* The key of that kind ("RSA" or "EC"); NULL when OpenSSL fails. */
EVP_PKEY *push_key(struct sim *sim, const char *kind);
/* Adds its PKCS #8 form. */
bool push_pem(EVP_PKEY *key, struct buf *out);
/* Header and claims of a token that the key has signed (RS256 or ES256, by its kind); false: it has not. */
bool push_verify(EVP_PKEY *key, struct sv token, json_t **header, json_t **claims);
struct sv push_text(const json_t *o, const char *key);
/* POST /push/revoke: every token given out or shown so far is refused from now on. */
bool push_is_revoke(const struct exchange *x);
void push_revoke(struct sim *sim, struct exchange *x);
/* When the simulator ends. */
void push_done(struct sim *sim);
/* The face has no posts to make. */
bool push_reports(enum sim_status status);
void push_receipt(struct sim *sim, const struct sim_step *step, struct callback *c);
bool push_reply(struct sim *sim, const struct sim_reply *said, struct callback *c, const char **why);

#endif
