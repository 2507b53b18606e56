/* http: one HTTP exchange as data, so that adapters, webhooks and tests can build and read exchanges without
 * a socket. Everything is borrowed: a request built in an arena lives as long as the arena.
 */
#ifndef HY_MODEL_HTTP_H
#define HY_MODEL_HTTP_H

#include "base/sv.h"

enum http_method {
    HTTP_GET,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_PATCH,
    HTTP_HEAD,
    HTTP_OPTIONS,
    HTTP_OTHER
};

enum { HTTP_HEADERS_MAX = 16 };

struct http_header {
    struct sv name, value;
};

/* A file that is part of the program. */
struct http_file {
    const char *name; /* without folders */
    const char *content_type;
    const char
        *tag; /* an ETag (RFC 9110, 8.8.3), quotes included: another one whenever the bytes are others */
    struct sv body;
};

/* An e-mail, handed to a server by SMTP (RFC 5321). Views are NUL-terminated. */
enum mail_tls {
    MAIL_TLS_NEVER,
    MAIL_TLS_TRY,    /* STARTTLS if it is offered: whoever is in between can take the offer away */
    MAIL_TLS_ALWAYS, /* no TLS, no word more: STARTTLS, or smtps */
};
struct mail_envelope {
    struct sv from;           /* where bounces go, without <>; empty: the null sender */
    struct sv to;             /* one recipient, without <>; empty: the server is only asked for NOOP */
    struct sv user, password; /* a user: AUTH, or the call fails; empty: no AUTH */
    struct sv ca_file;        /* whom to trust; empty: as for all calls */
    enum mail_tls tls;
};

/* A request to be made. url is absolute (http or https) and NUL-terminated, as is each header's name and
 * value.
 *
 * With `mail`, url is smtp://HOST:PORT/NAME or smtps://, NAME being what EHLO says; method is POST, there are
 * no headers, and body is the message in lines that end with CRLF. */
struct http_request {
    enum http_method method;
    struct sv url;
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t n_headers;
    struct sv body;                   /* bytes, may be empty */
    const struct mail_envelope *mail; /* NULL: HTTP */
    /* The url's host is an address of this machine or its link that the adapter knows by itself (an
     * instance's metadata service; one of a fixed list): it may be called although it is private. */
    bool near;
    bool multiplexes;  /* the provider speaks HTTP/2: all such calls to it share connections */
    struct sv ca_file; /* whom to trust; empty: as for all calls */
};

/* How far a call got. The difference between the last two is the difference between "send again" and "ask
 * first". */
enum http_transport {
    HTTP_ANSWERED, /* status, headers and body are valid */
    HTTP_NOT_SENT, /* failed before the first byte of the request left (resolve, connect, TLS): safe to
                    * repeat. Of an e-mail: before all of it had left, which the final dot ends */
    HTTP_CUT,      /* failed after: timed out, reset, body too long. The other side may have acted */
};

/* The answer to an e-mail: status is the code of the server's last reply, body its text without codes (lines
 * end with \n), and the one header, Command, says what it is the reply to: CONNECT (greeting, EHLO, STARTTLS,
 * AUTH), MAIL, RCPT, DATA, MESSAGE (the final dot) or NOOP. */
struct http_response {
    enum http_transport transport;
    int status; /* 100..599 when answered, else 0 */
    const struct http_header *headers;
    size_t n_headers;
    struct sv body;
    struct sv error;    /* transport failure in words, "" when answered */
    int64_t elapsed_us; /* from start to end of the call */
};

const char *http_method_name(enum http_method m);
enum http_method http_method_of(struct sv name); /* HTTP_OTHER when unknown */

/* Adds a header; false when the table is full. Views must be NUL-terminated. */
bool http_add_header(struct http_request *rq, struct sv name, struct sv value);
/* The first header of that name, ASCII case-insensitive; SV_NONE if absent. */
struct sv http_find_header(const struct http_header *headers, size_t n, struct sv name);

#endif
