/* template_bench: how many renders a second, on one core, of the kind of template a gateway sends. Not a
 * test. */
#include "base/clock.h"
#include "text/template/template.h"

#include <inttypes.h>

enum { RENDERS = 2000000 };

static const struct {
    const char *name, *source, *vars;
} samples[] = {
    {"order notice",
     "尊敬的{{ name }}，您的{{ order_type }}订单{{ order_no }}{{# if urgent }}，请尽快处理{{/if}}。",
     "{\"name\": \"王小明\", \"order_type\": \"外卖\", \"order_no\": \"A20260102\", \"urgent\": true}"},
    {"code", "Your code is {{ code }}. It is valid for {{ minutes }} minutes.",
     "{\"code\": \"482913\", \"minutes\": 5}"},
    {"filters", "{{ name|default('there')|upper|truncate(20) }}: {{ '%.2f'|format(amount) }}",
     "{\"name\": \"Alice\", \"amount\": 12.5}"},
    {"loop",
     "{% for i in items %}{{ loop.index }}. {{ i.name }} x{{ i.n }}{{ ', ' if not loop.last }}{% endfor %}",
     "{\"items\": [{\"name\": \"tea\", \"n\": 2}, {\"name\": \"rice\", \"n\": 1}, {\"name\": \"egg\", \"n\": "
     "6}]}"},
};

int main(void) {
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct err e = ERR_INIT;
        struct template *t = template_compile(sv_of(samples[i].name), sv_of(samples[i].source), NULL, &e);
        json_t *vars = json_loads(samples[i].vars, 0, NULL);
        if (!t || !vars) {
            fprintf(stderr, "%s\n", e.text);
            return 1;
        }
        BUF_AUTO struct buf out = BUF_INIT(1 << 16);
        size_t bytes = 0;
        int64_t start = clock_monotonic_us();
        for (size_t k = 0; k < RENDERS; k++) {
            buf_reset(&out);
            if (!template_render(t, vars, NULL, &out, &e)) {
                fprintf(stderr, "%s\n", e.text);
                return 1;
            }
            bytes += out.n;
        }
        int64_t us = clock_monotonic_us() - start;
        printf("%-14s %9" PRId64 " renders/s  %zu bytes each\n", samples[i].name,
               RENDERS * US_PER_S / (us ? us : 1), bytes / RENDERS);
        json_decref(vars);
        template_free(t);
    }
    return 0;
}
