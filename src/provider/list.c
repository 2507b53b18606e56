#include "provider/adapter.h"
#include "provider/twilio.h"

const struct adapter *const adapters[] = {
    &twilio_adapter,
    NULL,
};

const struct adapter *adapter_find(struct sv name) {
    for (size_t i = 0; adapters[i]; i++)
        if (sv_eq(name, sv_of(adapters[i]->name)))
            return adapters[i];
    return NULL;
}

int adapter_field_index(const struct adapter *a, struct sv name) {
    for (size_t i = 0; i < a->n_fields; i++)
        if (sv_eq(name, sv_of(a->fields[i].name)))
            return (int)i;
    return -1;
}
