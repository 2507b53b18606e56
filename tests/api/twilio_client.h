/* client: requests to the Twilio-compatible API of a gate, as its first account, and what came back. A
 * failing helper fails the test.
 */
#ifndef HY_TESTS_API_TWILIO_CLIENT_H
#define HY_TESTS_API_TWILIO_CLIENT_H

#include "gate.h"

#include <jansson.h>

/* A path below the account, as a whole one: "/Messages.json". */
struct target {
    char text[512];
};
struct target client_path(const struct gate *g, const char *rest);

/* Each returns the status. form: the encoded body; head: further header lines, each ended by CRLF. */
int client_post(struct gate *g, const char *rest, const char *form);
int client_post_with(struct gate *g, const char *rest, const char *head, const char *form);
int client_get(struct gate *g, const char *rest);

/* The latest answer; the caller's. */
json_t *client_answer(const struct gate *g);
/* A text in it, "(none)" when there is none. */
const char *client_text(const json_t *j, const char *name);
bool client_is_null(const json_t *j, const char *name);

/* Where a message is, below the account: "/Messages/SM...". */
struct place {
    char text[MEMBER_BYTES + 16];
};
/* Of the latest answer. */
struct place client_place(struct gate *g);
/* Makes a message. */
struct place client_create(struct gate *g, const char *form);

#endif
