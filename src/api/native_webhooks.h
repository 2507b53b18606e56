/* native_webhooks: the handlers and shapes of /v1/webhooks, for the route table and the OpenAPI document. */
#ifndef HY_API_NATIVE_WEBHOOKS_H
#define HY_API_NATIVE_WEBHOOKS_H

#include "api/native.h"
#include "store/deliveries.h"

/* hook_shapes.c: what is posted, and which schema the `data` of a type has. */
extern const struct api_field hook_message_shape[], hook_reply_shape[], hook_consent_shape[],
    hook_disabled_shape[], hook_test_shape[], rule_document_shape[];
const char *hook_schema_of(unsigned type);

/* native_webhook_shape.c */
extern const struct api_field webhook_create_fields[], webhook_update_fields[], webhook_rotate_fields[],
    webhook_replay_fields[], webhook_delivery_fields[];
extern const struct api_field webhook_shape[], webhook_list_shape[], webhook_delivery_shape[],
    webhook_delivery_page_shape[];

/* Each appends one JSON object. secret: as text, or empty. */
void webhook_print(const struct api_request *rq, const struct webhook *h, struct sv secret, struct buf *out);
void webhook_print_delivery(const struct api_request *rq, const struct delivery_row *r, struct buf *out);

/* native_webhooks.c */
void native_webhook_create(struct api_request *rq);
void native_webhook_list(struct api_request *rq);
void native_webhook_get(struct api_request *rq);
void native_webhook_update(struct api_request *rq);
void native_webhook_delete(struct api_request *rq);
void native_webhook_rotate(struct api_request *rq);
void native_webhook_enable(struct api_request *rq);
void native_webhook_disable(struct api_request *rq);
void native_webhook_test(struct api_request *rq);
void native_webhook_replay(struct api_request *rq);
void native_webhook_deliveries(struct api_request *rq);

#endif
