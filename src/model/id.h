/* id: a message's number and its printed form.
 *
 * A message id is a positive 63-bit integer, ordered by time: milliseconds since 2024-01-01T00:00:00Z (41
 * bits), node (8 bits), sequence within the millisecond (14 bits). Printed it is Twilio's familiar SM + 32
 * hex digits: 16 of the id, then 16 of a keyed checksum, so that ids cannot be enumerated and a mistyped one
 * is refused without a look-up. An account's sid is AC + 32 hex digits, random, and an API key's is SK + 32
 * hex digits, random.
 */
#ifndef HY_MODEL_ID_H
#define HY_MODEL_ID_H

#include "base/codec.h"

enum { SID_BYTES = 34 };

struct sid {
    char text[SID_BYTES + 1]; /* NUL-terminated */
};

/* Makes ids that rise strictly even when the clock steps back. One owner, one thread. */
struct id_maker {
    int64_t last;
    unsigned node; /* 0..255 */
};

int64_t id_next(struct id_maker *m, int64_t now);
/* Where a maker of that node goes on so that its ids rise above last, which any node may have made. */
int64_t id_after(int64_t last, unsigned node);
/* The time an id was made, in clock microseconds (millisecond steps). */
int64_t id_time(int64_t id);
/* The smallest id that could have been made at or after `at`; for range queries by time. */
int64_t id_floor(int64_t at);

struct sid sid_message(struct sip_key key, int64_t id);
/* False unless text is SM + 32 lower-case hex digits with the right checksum. */
bool sid_parse_message(struct sip_key key, struct sv text, int64_t *id);
/* A business event's, which is of the same count: EV + the digits of a message's. */
struct sid sid_event(struct sip_key key, int64_t id);
/* A webhook's: WH + 32 hex digits, made the same way; no sid of the one kind is one of the other. */
struct sid sid_hook(struct sip_key key, int64_t id);
bool sid_parse_hook(struct sip_key key, struct sv text, int64_t *id);
/* The name of an event that is no message's: EV + 32 hex digits. */
struct sid sid_notice(struct sip_key key, int64_t id);
/* Of a verification, which has the number of its first message: VE and 32 digits, checked likewise. */
struct sid sid_verification(struct sip_key key, int64_t id);
bool sid_parse_verification(struct sip_key key, struct sv text, int64_t *id);
/* prefix: two letters. 128 random bits. */
struct sid sid_random(const char *prefix, uint64_t hi, uint64_t lo);
struct sv sid_sv(const struct sid *s);

/* The token of one attempt, carried in the callback addresses handed to a provider: 36 hex digits: message
 * id, attempt number, keyed checksum. A receipt that carries it names its message and attempt without any
 * look-up, and cannot be guessed. */
enum { TOKEN_BYTES = 36 };
struct attempt_token {
    char text[TOKEN_BYTES + 1];
};
struct attempt_token token_of(struct sip_key key, int64_t message_id, unsigned attempt);
bool token_parse(struct sip_key key, struct sv text, int64_t *message_id, unsigned *attempt);

#endif
