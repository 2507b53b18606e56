/* smtp_errors: what a mail server's refusals mean. Source: RFC 5321 (reply codes, 4.2) and RFC 3463 with the
 * IANA registry of enhanced status codes that it made; which of our reasons a status is, is our own reading.
 *
 * The status's class (4 for now, 5 for good) is told apart from its rest: a row has a reading for each.
 */
#ifndef HY_PROVIDER_SMTP_ERRORS_H
#define HY_PROVIDER_SMTP_ERRORS_H

#include "model/verdict.h"

/* What was refused. */
enum smtp_command { SMTP_CONNECT, SMTP_MAIL, SMTP_RCPT, SMTP_DATA, SMTP_MESSAGE };

/* 5.1.1, or {0} where the reply has none. */
struct smtp_status {
    int class, subject, detail;
};

/* At the head of a reply's text, or of a delivery report's Status. */
struct smtp_status smtp_status_of(struct sv text);

/* Of a refusal: code is 400..599. Sets fate, hint, reason and how long to wait. */
void smtp_refusal(enum smtp_command command, int code, struct smtp_status status, struct verdict *out);
/* Why a message that had been taken did not arrive. */
enum reason smtp_bounce_reason(struct smtp_status status);

struct smtp_error {
    int subject, detail; /* detail -1: all others of the subject */
    enum reason reason;
    int32_t pause_ms; /* of a 4.x.x: how long to wait */
    const char *meaning;
};

#endif
