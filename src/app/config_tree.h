/* config_tree: a YAML document as a tree of maps, lists and scalars with their lines, so that errors can name
 * a place. Bounded in depth and number; without anchors, aliases and tags, which a configuration does not
 * need and which can make a small file grow without end. Everything lives in the arena given.
 */
#ifndef HY_APP_CONFIG_TREE_H
#define HY_APP_CONFIG_TREE_H

#include "app/config.h"

enum { CONFIG_DEPTH_MAX = 12, CONFIG_NODES_MAX = 50000, CONFIG_KEYS_MAX = 500 }; /* the last: in one map */

enum config_node_kind { CONFIG_NODE_SCALAR, CONFIG_NODE_MAP, CONFIG_NODE_LIST };

struct config_node {
    enum config_node_kind kind;
    unsigned line;      /* 1..: of the key in a map, else of the value */
    unsigned text_line; /* of a scalar written as it is (|): where its first line stands; else 0 */
    struct sv key;      /* in a map */
    struct sv text;     /* of a scalar */
    bool plain;         /* written without quotes */
    unsigned n_keys;    /* of a map */
    struct config_node *first, *last, *next;
};

/* The top-level map (empty for an empty file). NULL with a problem added when the text is not YAML of this
 * kind; duplicate keys add a problem each, and the tree still comes. */
MUST_USE struct config_node *config_tree_parse(struct sv text, struct sv file, struct arena *mem,
                                               struct config_problems *problems);
/* Written as nothing, ~ or null. */
bool config_node_is_null(const struct config_node *n);
/* The value of key in a map, or NULL. */
const struct config_node *config_node_get(const struct config_node *map, struct sv key);

#endif
