/* smtp: e-mail by way of a mail server (RFC 5321 and 6409), one message and recipient a transaction. The
 * server is the operator's own or one that a mail service offers: it signs (DKIM), queues and tries again.
 *
 * The message is multipart/alternative where it has an HTML part, plain text otherwise. The attempt's token
 * is its Message-ID and, with a bounce address, part of the envelope's sender (VERP), so that a delivery
 * report (RFC 3464) that is posted to us finds its message.
 *
 * This header is shared by the adapter's parts; the rest of the program sees only smtp_adapter.
 */
#ifndef HY_PROVIDER_SMTP_H
#define HY_PROVIDER_SMTP_H

#include "provider/adapter.h"

extern const struct adapter smtp_adapter;

/* Indexes into lane->fields, in the order of the adapter's table. */
enum smtp_field {
    SMTP_HOST,
    SMTP_PORT,
    SMTP_TLS,
    SMTP_USER,
    SMTP_PASSWORD,
    SMTP_CA_FILE,
    SMTP_EHLO,
    SMTP_SUBJECT,
    SMTP_REPLY_TO,
    SMTP_BOUNCE,
    SMTP_UNSUBSCRIBE,
    SMTP_UNSUBSCRIBE_MAILTO,
    SMTP_CALLBACK_TOKEN,
    SMTP_FIELDS
};

/* The one-click address of this attempt (RFC 8058): status_url's neighbour /inbound, with the recipient and a
 * keyed hash of it. False when there is no public address. */
MUST_USE bool smtp_unsubscribe_url(const struct lane_config *lane, const struct attempt_view *a,
                                   struct buf *out);

bool smtp_receipt(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                  struct receipt *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e);
bool smtp_inbound(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                  struct inbound *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e);

#endif
