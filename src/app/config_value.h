/* config_value: one value from text to its place in the settings, and back to YAML. */
#ifndef HY_APP_CONFIG_VALUE_H
#define HY_APP_CONFIG_VALUE_H

#include "app/config_table.h"

/* Checks text against the row and stores it in base (a struct settings or struct lane_config); strings are
 * copied to mem. CONFIG_PATHS: adds one path. ERR_INVALID's text says what the value must be ("must be ...")
 * and never quotes it; ERR_TOO_LARGE when mem is full. */
MUST_USE bool config_value_put(const struct config_row *row, struct sv text, void *base, struct arena *mem,
                               struct err *e);
/* The value as a YAML flow value, such that reading it gives the same. Not for CONFIG_SECRET. */
void config_value_print(const struct config_row *row, const void *base, struct buf *out);
/* A text as a YAML scalar, ${ escaped. */
void config_text_print(struct sv text, struct buf *out);

/* Is it of the form that `database` has? With a password in it, it is not: that would be seen in every place
 * that tells which database it is. */
bool config_is_database(struct sv text);

/* Empties a list. */
void config_value_clear(const struct config_row *row, void *base);
uint32_t config_value_u32(const struct config_row *row, const void *base);

#endif
