/* address: which network addresses are nobody else's: this machine, private networks, metadata services.
 *
 * What a customer may have posted to (webhooks) must not reach inside. Ranges: IANA's special-purpose address
 * registries for IPv4 and IPv6 (RFC 6890), by their most specific entries, and the metadata services that
 * live on public addresses. An IPv6 address that carries an IPv4 one (mapped, compatible, NAT64, 6to4) is
 * judged by that one.
 */
#ifndef HY_NET_ADDRESS_H
#define HY_NET_ADDRESS_H

#include "base/err.h"
#include "base/sv.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

/* True for anything but IPv4 and IPv6, too. */
bool address_is_private(const struct sockaddr *a);
/* The same of a numeric address in text; true when it is none. */
bool address_text_is_private(const char *text);
/* A numeric address in the one way in which the server tells its peers (an IPv4 one in IPv6 as IPv4), NUL-
 * terminated; false: it is none. */
MUST_USE bool address_normal(struct sv text, char out[INET6_ADDRSTRLEN]);

#endif
