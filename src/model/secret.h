/* secret: a message whose text says a secret, such as a one-time code. What the message holds in plain, in
 * memory, on disk, in every answer and every log, is the text with the secret masked; the text as it is sent
 * is sealed with the installation's key, one of the parts of its content, opened when a request to a
 * provider is built, and taken off when nothing is left to be done with the message.
 */
#ifndef HY_MODEL_SECRET_H
#define HY_MODEL_SECRET_H

#include "base/vault.h"
#include "model/content.h"

/* shown: the message with the secret masked; said: with it; alike in all else. A new message, to be stored
 * and sent; both stay the caller's. NULL when memory is short, or it is more than a message may be. */
MUST_USE struct message *secret_seal(const struct message *said, const struct message *shown,
                                     const struct vault_key *key, const uint8_t nonce[VAULT_NONCE_BYTES]);
/* The message as it is sent, for as long as mem lives; false: it is not sealed with this key. */
MUST_USE bool secret_open(const struct message *m, const struct vault_key *key, struct arena *mem,
                          struct message *out);

#endif
