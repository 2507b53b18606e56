#include "api/routes.h"

#include "api/twilio.h"

/* In this order they are searched: what applications and providers call all day comes first. */
static const struct route_table *const tables[] = {
    &routes_messages,
    &routes_pages,
    &routes_events,
    &routes_people,
};

const struct api_face native_face = {
    .prefix = "/",
    .tables = tables,
    .n_tables = sizeof tables / sizeof tables[0],
    .refuse = native_refuse,
};

/* The native face is last: it takes what no other does. */
const struct api_face *const api_faces[] = {
    &twilio_face,
    &native_face,
};
const size_t api_faces_n = sizeof api_faces / sizeof api_faces[0];
