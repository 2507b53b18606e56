/* head: whether a request's line and headers say one thing only, to us and to every proxy in front of us.
 *
 * The HTTP library reads them generously: it takes bare line feeds, joins folded lines to the *name* of the
 * header above, ends values at a NUL, keeps a space before the colon as part of the name, and asks only the
 * first of several equal headers. What a proxy reads otherwise than we do can carry a second request past it
 * (request smuggling), so whatever has two readings is refused here (RFC 9112 sections 2.2, 3.2, 5 and 6.3).
 *
 * How: the library (0.9.75) parses in place. A head lies in memory as it came, with NULs where its separators
 * stood, and names and values point into it. So each piece must begin just where the one before it ended; a
 * gap is something the library skipped, joined or cut. A library that lays out its memory otherwise would
 * have every request refused, which the first test of the server shows.
 */
#ifndef HY_NET_HEAD_H
#define HY_NET_HEAD_H

#include "base/sv.h"

struct MHD_Connection;

/* As the library's callbacks tell them; pointers into its memory. */
struct http_head {
    const char *method;
    const char *target;
    struct sv target_copy; /* the target before the library cut it up, up to its first NUL */
    const char *version;
    size_t n; /* bytes from the method to the empty line, both included */
};

struct http_head_body {
    uint64_t n; /* as Content-Length says, 0 without */
    bool chunked;
};

/* Before the handler, once the headers are there. False: to be refused with 400. */
bool head_is_sound(struct MHD_Connection *mhd, const struct http_head *h, struct http_head_body *body);
/* The path of what a request line names, query cut off: proxies send http://host/path, which a server must
 * understand (RFC 9112, section 3.2.2). */
struct sv head_path(struct sv target);

#endif
