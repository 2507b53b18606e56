/* kit: what adapters have in common: checks of fields, secrets in callback addresses, the reading of answers,
 * and what is to be said of a call that brought none. Pure, without knowledge of any one provider.
 */
#ifndef HY_PROVIDER_KIT_H
#define HY_PROVIDER_KIT_H

#include "provider/adapter.h"

#include <jansson.h>

/* A field's value, or its fallback. */
struct sv kit_field(const struct lane_config *lane, size_t index);

/* Letters and digits of ASCII, and the bytes in more; not empty, and not over bytes_max. */
bool kit_is_word(struct sv v, const char *more, size_t bytes_max);
/* Printable ASCII without spaces; or empty. */
bool kit_is_plain(struct sv v);

/* ---- checks of fields: false and ERR_INVALID ---- */

/* A secret that becomes part of a signature or, encoded, of a header: any bytes, but no white space around.
 */
bool kit_check_secret(struct sv v, struct err *e);
/* scheme://host[:port][/prefix], no slash at the end; http only to an IP address or a name without a public
 * ending (localhost, sim, x.internal): elsewhere the credentials would go in the clear. */
bool kit_check_base_url(struct sv v, struct err *e);
/* A secret of a callback address: empty, or 16 to 128 letters, digits, - and _. */
bool kit_check_callback_token(struct sv v, struct err *e);

/* ---- callbacks ---- */

/* Providers that sign nothing are known by a secret in the address they were given:
 * /hooks/LANE/status?k=SECRET. False with ERR_AUTH when there is none, it is wrong, or the lane has none
 * configured (field names the setting). Constant time. */
MUST_USE bool kit_hook_secret(struct sv secret, const char *field, const struct hook_request *rq,
                              struct arena *mem, struct err *e);

/* ---- answers ---- */

/* The object or array in body; NULL when it is none, or longer than bytes_max. Nesting is bounded by jansson
 * (2048). Free with json_decref. */
json_t *kit_parse(struct sv body, size_t bytes_max);
/* A string member as a view into object; SV_NONE when absent or not a string. */
struct sv kit_string(const json_t *object, const char *key);
/* An integer member; fallback when absent or no integer. */
int64_t kit_int(const json_t *object, const char *key, int64_t fallback);
/* Text of people: UTF-8 without NUL. */
bool kit_is_text(struct sv v);
/* Copies text, cut at a character, control characters as spaces. */
void kit_say(char out[VERDICT_TEXT_MAX], struct sv text);
/* A provider's id for a message as a C string; false when it is empty, too long or has bytes outside of
 * printable ASCII. */
MUST_USE bool kit_provider_id(char out[PROVIDER_ID_MAX], struct sv id);

/* ---- verdicts ---- */

void kit_judge_as(struct verdict *v, enum fate fate, enum lane_hint hint, enum reason reason);
/* Begins a verdict: status and Retry-After (seconds). True when that is all there is to say: the call brought
 * no answer. */
bool kit_judge_transport(const struct http_response *r, struct verdict *v);
/* How long to wait with what may be tried again, where the answer named no time. 0: the caller's own
 * back-off.
 */
void kit_pause(struct verdict *v, int32_t pause_ms);
/* By HTTP class alone: 429 slow down, 401/403/407 credentials, 404/405 the address is wrong, other 4xx
 * refused, 5xx and all else unknown. */
void kit_judge_class(struct verdict *v);
/* The table has no row for that code: it is counted by itself. Characters that no label has become `_`. */
void kit_unknown_code(struct verdict *v, struct sv code);
/* The same of v->code, unless that is 0. */
void kit_unknown_number(struct verdict *v);
/* What the failure of a look-up's call says of the lane. */
enum lane_hint kit_lookup_hint(const struct http_response *r);
struct lookup_answer kit_cannot_tell(enum lane_hint hint, const char *why);
/* "Basic " and base64 of user:password (RFC 7617), in mem; empty: too long. */
struct sv kit_basic(struct sv user, struct sv password, struct arena *mem);
/* The first half of every judge_probe: false with a text when the call brought no answer at all. */
MUST_USE bool kit_probe_answered(struct sv base_url, const struct http_response *r, struct err *e);

#endif
