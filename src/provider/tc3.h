/* tc3: Tencent Cloud's request signature TC3-HMAC-SHA256 for a JSON post. Source: "Signature v3" of Tencent
 * Cloud API 3.0 (cloud.tencent.com/document/api/382/52072); checked against the vendor's SDK, which signs
 * content-type and host alone and leaves the port out of host.
 */
#ifndef HY_PROVIDER_TC3_H
#define HY_PROVIDER_TC3_H

#include "base/buf.h"

#include <stdint.h>

struct tc3_request {
    struct sv secret_id, secret_key;
    struct sv service; /* "sms" */
    struct sv host;    /* lower case, without port */
    struct sv path;    /* "/" at least */
    struct sv content_type;
    struct sv body;
    int64_t at_s; /* X-TC-Timestamp: seconds since 1970 */
};

/* The value of the Authorization header. */
void tc3_authorization(const struct tc3_request *rq, struct buf *out);

#endif
