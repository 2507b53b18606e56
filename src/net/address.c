#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct range {
    uint8_t bytes[16];
    unsigned bits;
};

static const struct range v4_private[] = {
    {{0}, 8},                 /* this network */
    {{10}, 8},                /* RFC 1918 */
    {{100, 64}, 10},          /* RFC 6598, carrier-grade NAT; Alibaba Cloud's metadata is in it */
    {{127}, 8},               /* loopback */
    {{169, 254}, 16},         /* RFC 3927 link-local; most metadata services */
    {{172, 16}, 12},          /* RFC 1918 */
    {{192, 0, 0}, 24},        /* IETF protocol assignments */
    {{192, 168}, 16},         /* RFC 1918 */
    {{198, 18}, 15},          /* RFC 2544 benchmarks */
    {{168, 63, 129, 16}, 32}, /* Azure's platform address */
    {{224}, 4},               /* multicast */
    {{240}, 4},               /* reserved and broadcast */
};

static const struct range v6_private[] = {
    {{0}, 96},                                  /* unspecified, loopback, IPv4-compatible */
    {{0x01, 0x00}, 64},                         /* RFC 6666 discard */
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48}, /* RFC 8215 local NAT64 */
    {{0x20, 0x01, 0x00, 0x00}, 32},             /* Teredo: the IPv4 address in it is obscured */
    {{0xfc}, 7},                                /* RFC 4193 unique local; AWS's metadata over IPv6 is in it */
    {{0xfe, 0x80}, 10},                         /* link-local */
    {{0xfe, 0xc0}, 10},                         /* site-local, deprecated */
    {{0xff}, 8},                                /* multicast */
};

/* Prefixes behind which an IPv4 address stands, at that byte. */
static const struct {
    struct range range;
    unsigned at;
} v6_carriers[] = {
    {{{[10] = 0xff, [11] = 0xff}, 96}, 12}, /* mapped */
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12},   /* RFC 6052 NAT64 */
    {{{0x20, 0x02}, 16}, 2},                /* 6to4 */
};

static bool in_range(const uint8_t *a, const struct range *r) {
    unsigned whole = r->bits / 8, rest = r->bits % 8;
    if (memcmp(a, r->bytes, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ r->bytes[whole]) >> (8 - rest)) == 0;
}

static bool v4_is_private(const uint8_t *a) {
    for (size_t i = 0; i < sizeof v4_private / sizeof v4_private[0]; i++)
        if (in_range(a, &v4_private[i]))
            return true;
    return false;
}

static bool v6_is_private(const uint8_t *a) {
    for (size_t i = 0; i < sizeof v6_carriers / sizeof v6_carriers[0]; i++)
        if (in_range(a, &v6_carriers[i].range))
            return v4_is_private(a + v6_carriers[i].at);
    for (size_t i = 0; i < sizeof v6_private / sizeof v6_private[0]; i++)
        if (in_range(a, &v6_private[i]))
            return true;
    return false;
}

bool address_is_private(const struct sockaddr *a) {
    if (a->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, a, sizeof v4);
        return v4_is_private((const uint8_t *)&v4.sin_addr);
    }
    if (a->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, a, sizeof v6);
        return v6_is_private(v6.sin6_addr.s6_addr);
    }
    return true;
}

bool address_text_is_private(const char *text) {
    uint8_t a[16];
    if (inet_pton(AF_INET, text, a) == 1)
        return v4_is_private(a);
    if (inet_pton(AF_INET6, text, a) == 1)
        return v6_is_private(a);
    return true;
}

bool address_normal(struct sv text, char out[INET6_ADDRSTRLEN]) {
    char z[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;
    if (text.n == 0 || text.n >= sizeof z)
        return false;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    if (inet_pton(AF_INET, z, &v4) == 1)
        return inet_ntop(AF_INET, &v4, out, INET6_ADDRSTRLEN) != NULL;
    if (inet_pton(AF_INET6, z, &v6) != 1)
        return false;
    if (IN6_IS_ADDR_V4MAPPED(&v6))
        return inet_ntop(AF_INET, &v6.s6_addr[12], out, INET6_ADDRSTRLEN) != NULL;
    return inet_ntop(AF_INET6, &v6, out, INET6_ADDRSTRLEN) != NULL;
}
