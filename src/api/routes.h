/* routes: every address of the native face, its checks, and what the OpenAPI document says of it: tables by
 * subject, read by the front and by openapi.c. A path's methods all stand in one table.
 */
#ifndef HY_API_ROUTES_H
#define HY_API_ROUTES_H

#include "api/native.h"
#include "api/native_webhooks.h"

/* What the answers of rows say. */
#define OK(schema_)                                                                                          \
    { 200, schema_, "Done." }
#define ACCEPTED                                                                                             \
    { 202, "MessageBrief", "Stored: it will be sent. Location names it." }
#define NO(status_, summary_)                                                                                \
    { status_, "Problem", summary_ }

extern const struct route_table routes_messages, routes_pages, routes_events, routes_people;

#endif
