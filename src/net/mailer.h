/* mailer: the client's calls by SMTP (struct mail_envelope). Part of the client; nothing else includes it.
 *
 * libcurl connects, with TLS, EHLO, STARTTLS and AUTH, and then hands the session over
 * (CURLOPT_CONNECT_ONLY): MAIL, RCPT, DATA and the message are said here. libcurl's own way of saying them
 * waits for the reply to the final dot, and to QUIT, with all other calls waiting along
 * (docs/decisions/0016).
 *
 * Always holds: one recipient a transaction, one transaction at a time on a session. Sessions are kept and
 * used again for the same server, user and rules, and for nothing else. Nothing of a message counts as sent
 * until the last piece of it, with the final dot, is given to libcurl. A kept session that turns out to have
 * ended before the server said anything is replaced by a new one, once.
 */
#ifndef HY_NET_MAILER_H
#define HY_NET_MAILER_H

#include "net/client.h"
#include "net/watch.h"

#include <curl/curl.h>

struct mailer;

/* watch, shared and ca_file are borrowed. NULL: memory is short. */
MUST_USE struct mailer *mailer_new(struct watch *watch, CURLSH *shared, const char *ca_file);
/* Ends what is in flight, by done. */
void mailer_free(struct mailer *m);

/* As client_start. ERR_BUSY when too many sessions are open. */
MUST_USE bool mailer_start(struct mailer *m, const struct client_call *call, struct err *e);
/* One of m's descriptors is ready: those whose owner is m. */
void mailer_event(struct mailer *m, const struct watch_event *event);
/* What is due: timers, time-outs, sessions that idled. */
void mailer_run(struct mailer *m, int64_t now_us);
/* When mailer_run has to be called at the latest; 0: no time yet. */
int64_t mailer_due(const struct mailer *m);

unsigned mailer_in_flight(const struct mailer *m);
void mailer_counts(const struct mailer *m, uint64_t *calls, uint64_t *connections);

#endif
