/* mailer_parts: the mailer's inside: sessions (mailer.c: their life) and the conversation on them
 * (mailer_talk.c).
 */
#ifndef HY_NET_MAILER_PARTS_H
#define HY_NET_MAILER_PARTS_H

#include "base/buf.h"
#include "net/mailer.h"
#include "net/multi.h"

enum { REPLY_BYTES_MAX = 4096 }; /* of a reply that is longer, the first lines */

/* Which reply is waited for. */
enum step { STEP_CONNECT, STEP_MAIL, STEP_RCPT, STEP_DATA, STEP_MESSAGE, STEP_NOOP, STEP_RESET, STEP_IDLE };

/* One connection to a server, and the call on it. */
struct session {
    struct session *next;
    struct mailer *mailer;
    CURL *easy;
    int fd; /* -1 while libcurl connects */
    enum step step;
    bool dead;       /* freed at the end of the turn */
    bool busy;       /* has a call */
    bool kept;       /* the call came to a session that others had used */
    bool takes_utf8; /* the server offers SMTPUTF8 (RFC 6531) */
    bool heard;      /* the server replied to something of this call */
    bool all_left;   /* the final dot may have left */
    bool refused;    /* the address is private */
    struct client_call call;
    int64_t started_us, until_us; /* of the call, or of being idle */
    struct buf key;               /* server, user and rules */
    struct buf out, in, text;     /* to be written; a part of a line; the last reply's words */
    size_t written;
    int code; /* of the last reply */
    bool more;
    char error[CURL_ERROR_SIZE];
};

struct mailer {
    struct multi multi;
    CURLSH *shared;
    const char *ca_file;
    struct session *sessions;
    unsigned n_sessions, n_busy;
    uint64_t calls, connections;
};

/* ---- its conversation: net/mailer_talk.c ---- */

/* Takes one line of a reply; true when the reply is whole. False with code 0: that is no reply. */
bool session_take_line(struct session *s, struct sv line);
/* Whether one of its addresses is beyond ASCII. */
bool mail_needs_utf8(const struct mail_envelope *mail);
/* Begins the call on a session that is connected and idle. */
void session_begin(struct session *s);
/* Says one command, with an address behind it unless NULL; the reply belongs to `step`. */
void session_say(struct session *s, enum step step, const char *command, const struct sv *address);
/* The descriptor takes more, or has something. Either may end the call and leave the session dead. */
void session_flush(struct session *s);
void session_receive(struct session *s);

/* Ends the call: by the last reply, or without one. */
void session_end_answered(struct session *s);
void session_end_failed(struct session *s, const char *why);
/* The connection is of no use any more: its call fails, or goes to a new session where this one was kept and
 * the server never heard of it (net/mailer.c). */
void session_broken(struct session *s, const char *why);

#endif
