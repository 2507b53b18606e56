/* push: what the adapters of push services have in common: whose devices an address names, and what the
 * caller gave along with title and body. Pure.
 */
#ifndef HY_PROVIDER_PUSH_H
#define HY_PROVIDER_PUSH_H

#include "provider/kit.h"

/* `fcm:TOKEN` is nothing to a lane for apns: SV_NONE for another kind than that, or no token. */
struct sv push_token(struct sv address, struct sv kind);
/* As adapter.refuses, by kind alone. */
enum reason push_refuses(const struct attempt_view *a, struct sv kind);

/* What shows as one on a device however often it arrives: the caller's collapse key, else a name of the
 * message itself, the same in each of its attempts, so that one sent twice is seen once. At most 64 bytes
 * (Apple's limit of apns-collapse-id). */
enum { PUSH_COLLAPSE_BYTES_MAX = 64 };
struct sv push_collapse(const struct attempt_view *a, char mem[PUSH_COLLAPSE_BYTES_MAX + 1]);
/* Whether people wait for it: all but marketing. */
bool push_is_urgent(const struct attempt_view *a);
/* Seconds a service may keep it for a device that is away: until the validity ends, at most `most`. */
int64_t push_ttl_s(const struct attempt_view *a, int64_t now, int64_t most);

#endif
