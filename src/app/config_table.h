/* config_table: every key of the configuration, one row each, in the order of the documentation:
 * config_table.c those of the top, config_items.c those of lists' items, config_row.c what may be asked of a
 * row. Read-only data; what a row means is done in config_value (text to place and back), config.c (the walk)
 * and config_doc.
 */
#ifndef HY_APP_CONFIG_TABLE_H
#define HY_APP_CONFIG_TABLE_H

#include "base/buf.h"
#include "provider/adapter.h"

#include <stddef.h>

enum config_kind {
    CONFIG_STRING,     /* struct sv */
    CONFIG_LISTEN,     /* struct sv: numeric address and port */
    CONFIG_URL,        /* struct sv: http or https, no slash at the end */
    CONFIG_PATH,       /* struct sv */
    CONFIG_PATHS,      /* struct sv[max], their number as uint32_t at `count_at` */
    CONFIG_RATES,      /* struct rate[max], likewise */
    CONFIG_LANE_RATES, /* the same, without scopes */
    CONFIG_COUNTS,     /* uint32_t[max], likewise, each at least min */
    CONFIG_SCREENS,    /* struct screen_list_rule[max], likewise */
    CONFIG_TEXTS,      /* struct sv_list, each one of names if there are any */
    CONFIG_KEYWORDS,   /* struct sv_list: rules of model/reply */
    CONFIG_ANSWERS,    /* struct sv_list: answers of model/reply */
    CONFIG_REGIONS,    /* struct sv_list of what CONFIG_REGION takes */
    CONFIG_PREFIXES,   /* struct sv_list: digits that numbers begin with, written with or without + */
    CONFIG_SENDERS,    /* struct sender_id_list */
    CONFIG_DATABASE,   /* struct sv: sqlite:PATH, postgres://... */
    CONFIG_REGION,     /* struct sv: ISO 3166-1 alpha-2, in capitals */
    CONFIG_DAY,        /* struct sv: YYYY-MM-DD */
    CONFIG_ZONE,       /* struct sv: a time zone by its IANA name */
    CONFIG_BOOL,       /* bool */
    CONFIG_U32,        /* uint32_t from min to max */
    CONFIG_ENUM,       /* an enum whose values count up from 0 in the order of names */
    CONFIG_WORD,       /* struct sv: one of names */
    CONFIG_NAME,       /* char[LANE_NAME_MAX + 1] */
    CONFIG_PROVIDER,   /* const struct adapter * */
    CONFIG_SECRET,     /* struct sv */
    CONFIG_RULES,      /* struct sv_list, each as `check` wants it */
};

enum config_unit {
    CONFIG_NO_UNIT,
    CONFIG_MS,
    CONFIG_SECONDS,
    CONFIG_BYTES,
    CONFIG_CHARACTERS,
};

struct config_row {
    const char *key; /* dotted, at most one dot; of a lane's or route's row: without "lanes[]." */
    enum config_kind kind;
    const char *fallback; /* as it would be written; "": empty; NULL: must be given */
    const char *fallback_is,
        *fallback_is_zh; /* in words, where the fallback alone says too little; or NULL */
    size_t at; /* offset in struct settings, of a lane's row in struct lane_config, of a route's in struct
                  route_rule */
    size_t count_at;
    uint32_t min, max;
    enum config_unit unit;
    const char *const *names;                     /* NULL-terminated */
    bool (*check)(struct sv text, struct err *e); /* of CONFIG_RULES; of CONFIG_STRING, or NULL */
    const char *at_least;     /* this number is not below that of this key of the same table; or NULL */
    const char *doc, *doc_zh; /* one line */
    const char *example;      /* NULL: the default serves */
};

extern const struct config_row config_rows[];        /* ends with key == NULL */
extern const struct config_row config_lane_rows[];   /* the same */
extern const struct config_row config_route_rows[];  /* the same */
extern const struct config_row config_source_rows[]; /* the same */
extern const struct config_row config_door_rows[];   /* the same */
enum { CONFIG_ROWS_MAX = 128 };                      /* neither table is longer */

/* Of a section, with its one-line explanation. */
struct config_section {
    const char *key, *doc, *doc_zh;
};
extern const struct config_section
    config_sections[]; /* ends with key == NULL; "lanes" and "routes" are two */

/* The row of that key, or NULL. */
const struct config_row *config_row_find(const struct config_row *rows, struct sv key);
/* The rows of the items of `lanes` or `routes`; NULL: that is no list of such items. */
const struct config_row *config_item_rows(struct sv section);
/* Is key the first part of some row's dotted key? */
bool config_is_section(const struct config_row *rows, struct sv key);
/* The row that an adapter's field stands for: a string or secret, without a place. */
struct config_row config_row_of_field(const struct adapter_field *f);

/* May its value be a list? */
bool config_row_is_list(const struct config_row *row);

/* What a value looks like: "a whole number from 1 to 3600 (seconds)". */
void config_row_type(const struct config_row *row, bool chinese, struct buf *out);

#endif
