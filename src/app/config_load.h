/* config_load: what the parts of the loader share while one file is read. */
#ifndef HY_APP_CONFIG_LOAD_H
#define HY_APP_CONFIG_LOAD_H

#include "app/config_env.h"
#include "app/config_table.h"
#include "app/config_tree.h"

enum { CONFIG_KEY_MAX = 128 }; /* a key as problems name it: "lanes[3].auth_token" */

struct config_loading {
    struct sv path;
    const struct config_source *src;
    struct config_problems *problems;
    struct config_env env;
    struct arena scratch; /* tree and variables; ends with the load */
    struct settings *settings;
};

struct config_key {
    char text[CONFIG_KEY_MAX];
};

/* The scalar's text after substitution, in out; false with a problem when it is none, or not usable. */
MUST_USE bool config_scalar(struct config_loading *l, const char *key, const struct config_node *n,
                            struct buf *out);
/* The same; lines: newlines and tabs are welcome. */
MUST_USE bool config_scalar_text(struct config_loading *l, const char *key, const struct config_node *n,
                                 bool lines, struct buf *out);
/* One row from its node. Problems are added; true when the value was set. */
bool config_read_row(struct config_loading *l, const struct config_row *row, const char *key,
                     const struct config_node *n, void *base);
/* Puts every fallback of the table in its place. */
void config_put_defaults(struct config_loading *l, const struct config_row *rows, void *base);
/* at_least of every row; lines[] by row, 0 where the file is silent. */
void config_check_order(struct config_loading *l, const struct config_row *rows, const void *base,
                        const char *prefix, const unsigned *lines);
/* settings.routes from the list at `routes:`; after the lanes. */
void config_read_routes(struct config_loading *l, const struct config_node *list);
/* The rules about time, from their texts: quiet.hours with their calendars, limits.caps, limits.duplicates,
 * retry.classes. top tells their lines. */
void config_read_times(struct config_loading *l, const struct config_node *top);
/* settings.sources from the list at `sources:`. */
void config_read_sources(struct config_loading *l, const struct config_node *list);
/* settings.doors from the list at `doors:`. */
void config_read_doors(struct config_loading *l, const struct config_node *list);
/* settings.lanes from the list at `lanes:`. */
void config_read_lanes(struct config_loading *l, const struct config_node *list);

#endif
