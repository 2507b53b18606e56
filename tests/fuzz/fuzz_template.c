/* Any bytes as a template, rendered with a few variables and tight limits: no crash, no stall, and nothing
 * left in out by a render that failed. The first byte picks the options. */
#include "base/buf.h"
#include "text/template/extent.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct template *load_self(void *ctx, struct sv name) {
    return sv_eq(name, SV("self")) ? *(struct template **)ctx : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static json_t *vars;
    if (!vars)
        vars = json_loads(
            "{\"name\": \"\\u738b\", \"n\": 42, \"f\": -2.5, \"xs\": [1, \"a\", null, [2]],"
            " \"user\": {\"name\": \"Bob\", \"tags\": [\"x\", \"y\"], \"at\": \"2026-01-02T03:04:05Z\"}}",
            0, NULL);
    if (size < 1 || size > 1 << 16)
        return 0;
    struct template *t = NULL;
    struct template_options options = {
        .strict_undefined = data[0] & 1,
        .trim_blocks = data[0] & 2,
        .lstrip_blocks = data[0] & 4,
        .load = load_self,
        .load_ctx = (void *)&t,
    };
    struct template_limits limits = {
        .steps_max = 20000, .depth_max = 100, .memory_bytes_max = 1 << 20, .output_bytes_max = 1 << 16};
    struct err e = ERR_INIT;
    t = template_compile(SV("fuzz"), sv_make((const char *)data + 1, size - 1), &options, &e);
    ASSERT((t != NULL) == (e.kind == ERR_NONE));
    if (!t)
        return 0;
    const struct template_variable *list;
    size_t n = template_variables(t, &list);
    for (size_t i = 0; i < n; i++)
        ASSERT(list[i].name.n > 0);
    const struct value_lengths lengths = {.others = {.least = 0, .most = 20}};
    struct template_extent extent = template_extent(t, &lengths, SEGMENTS_INTERNATIONAL);
    ASSERT(extent.segments_least >= 1 && (!extent.bounded || extent.segments_most >= extent.segments_least));
    BUF_AUTO struct buf out = BUF_INIT(1 << 20);
    buf_adds(&out, "before");
    bool ok = template_render(t, vars, &limits, &out, &e);
    ASSERT(ok == (e.kind == ERR_NONE));
    ASSERT(out.n >= 6 && memcmp(out.p, "before", 6) == 0 && (ok || out.n == 6) && out.n <= 6 + (1 << 16));
    template_free(t);
    return 0;
}
