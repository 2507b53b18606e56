/* config_env: the variables a configuration may name, from the environment and the .env files, and their
 * substitution in values.
 */
#ifndef HY_APP_CONFIG_ENV_H
#define HY_APP_CONFIG_ENV_H

#include "app/config.h"
#include "app/dotenv.h"

struct config_env {
    const struct config_source *src;
    struct dotenv files[2]; /* beside the configuration, then in the current folder */
    size_t n_files;
};

/* Reads the .env files; what is wrong with them becomes problems. Their values live in mem. */
void config_env_init(struct config_env *env, const struct config_source *src, struct sv config_path,
                     struct arena *mem, struct config_problems *problems);
/* SV_NONE (p == NULL) when set nowhere. */
struct sv config_env_get(const struct config_env *env, struct sv name);
/* raw with ${NAME} and ${NAME:-default} (used when NAME is unset or empty) replaced; $${ becomes ${. Nothing
 * in a variable's value is replaced again. ERR_INVALID names the variable that is not set, or what is
 * malformed; never a value. */
MUST_USE bool config_env_expand(const struct config_env *env, struct sv raw, struct buf *out, struct err *e);
/* Is raw nothing but one ${NAME} or ${NAME:-}? */
bool config_env_is_reference(struct sv raw);

#endif
