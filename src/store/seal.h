/* seal: secrets at rest that must be readable again, since they sign: kept as base/vault has it, under the
 * master key, with nonces from the system's generator. */
#ifndef HY_STORE_SEAL_H
#define HY_STORE_SEAL_H

#include "base/err.h"
#include "base/sv.h"
#include "base/vault.h"
#include "store/account.h"

enum { SEAL_BYTES = VAULT_HEAD_BYTES }; /* a sealed text is longer by this */

/* out has room for text.n + SEAL_BYTES; as many are written. ERR_OUTSIDE when the system gives no random
 * bytes. */
MUST_USE bool seal(const struct master_key *mk, struct sv text, uint8_t *out, struct err *e);
/* out has room for sealed.n - SEAL_BYTES. False: not sealed under this key, or damaged; out is void then. */
MUST_USE bool unseal(const struct master_key *mk, struct sv sealed, char *out);
/* From the system's generator. */
MUST_USE bool seal_random(void *out, size_t n, struct err *e);

/* Is it the key that this database's secrets, ids and tokens were made with? The first one that comes leaves
 * a mark of itself there. ERR_OUTSIDE when it is another: going on would make ids and secrets that the other
 * gateways cannot read. */
MUST_USE bool master_key_fits(struct db *db, const struct master_key *k, struct err *e);

#endif
