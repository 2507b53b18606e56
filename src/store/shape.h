/* shape: the tables of this program's schema, read from the schema itself: all that its migrations make, in
 * the order in which they make them (a table that refers to another stands behind it), with their columns and
 * primary keys. A migration that adds a table or column needs no line here.
 */
#ifndef HY_STORE_SHAPE_H
#define HY_STORE_SHAPE_H

#include "base/err.h"
#include "base/sv.h"

enum { SHAPE_TABLES_MAX = 128, SHAPE_COLUMNS_MAX = 64, SHAPE_NAME_MAX = 47 };

enum shape_kind { SHAPE_INTEGER, SHAPE_TEXT, SHAPE_BLOB };

struct shape_column {
    char name[SHAPE_NAME_MAX + 1];
    enum shape_kind kind;
};

struct shape_table {
    char name[SHAPE_NAME_MAX + 1];
    struct shape_column columns[SHAPE_COLUMNS_MAX];
    unsigned n_columns;
    unsigned keys[SHAPE_COLUMNS_MAX]; /* of columns: the primary key, in its order */
    unsigned n_keys;                  /* at least one */
};

struct shape {
    struct shape_table tables[SHAPE_TABLES_MAX];
    unsigned n_tables;
};

/* ERR_INTERNAL: a table has more columns than there is room for, a type of its own, or no primary key. */
MUST_USE bool shape_read(struct shape *out, struct err *e);
/* Is the primary key one integer, which the database may give by itself? */
bool shape_is_numbered(const struct shape_table *t);

#endif
