/* Ceilings in requests. */
#include "api/api.h"

#include "model/price.h"

bool api_has_prices(const struct settings *s) {
    for (uint32_t i = 0; i < s->n_lanes; i++)
        if (s->lanes[i].price_table)
            return true;
    return false;
}

bool api_read_max_price(const struct api_request *rq, const char *field, struct sv text, int64_t *micro,
                        struct err *e) {
    struct err why = ERR_INIT;
    if (!price_parse(text, micro, &why) || *micro == 0)
        return err_set_field(e, ERR_INVALID, field, "a ceiling is a decimal such as 0.05, above nought");
    if (!api_has_prices(api_settings(rq)))
        return err_set_field(e, ERR_UNPROCESSABLE, field,
                             "no lane has prices: give them in the settings (`prices`), or leave this out");
    return true;
}
