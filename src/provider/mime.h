/* mime: writes e-mail (RFC 5322, 2045, 2047) into a buf. Pure; what it writes is 7-bit, in lines of at most
 * 76 characters that end with CRLF, whatever the text is: nothing of a text can become a header, another part
 * or the end of the message.
 */
#ifndef HY_PROVIDER_MIME_H
#define HY_PROVIDER_MIME_H

#include "base/buf.h"
#include "base/err.h"

enum { MIME_ADDRESS_BYTES_MAX = 254 }; /* RFC 5321, 4.5.3.1.3, without < and > */

/* local@domain as nearly everybody has it: no quoted local part, no address in brackets; beyond ASCII, UTF-8
 * (RFC 6532). */
bool mime_is_address(struct sv v);
/* The same, of ASCII alone: whom a server answers to. */
bool mime_is_ascii_address(struct sv v);
/* "Name <local@domain>" or the address alone, as people write it; false when there is no address in it. */
MUST_USE bool mime_mailbox(struct sv v, struct sv *name, struct sv *address);
/* What stands behind the @. */
struct sv mime_domain(struct sv address);

/* `Name: value` of a header that is made of ASCII words of our own. */
void mime_header(struct buf *out, const char *name, struct sv value);
/* A header of people's text, as encoded words where needed, folded; control characters become spaces. */
void mime_header_text(struct buf *out, const char *name, struct sv text);
/* `Name: display <address>`; display may be empty. */
void mime_header_mailbox(struct buf *out, const char *name, struct sv display, struct sv address);
/* Content-Type, Content-Transfer-Encoding, an empty line and the text: quoted-printable, or base64 where that
 * is shorter. Line ends become CRLF. subtype: "plain", "html". */
void mime_text(struct buf *out, const char *subtype, struct sv text);

#endif
