#include "text/screen/patterns.h"

struct patterns {
    hs_database_t *db;
};

struct patterns *patterns_compile(const char *const *expr, size_t n, size_t *bad, struct err *e) {
    ASSERT(n > 0 && n <= UINT32_MAX);
    *bad = n;
    struct patterns *p = calloc(1, sizeof *p);
    unsigned *flags = calloc(n, sizeof *flags);
    unsigned *ids = calloc(n, sizeof *ids);
    hs_compile_error_t *why = NULL;
    bool ok = p && flags && ids;
    if (!ok)
        err_set(e, ERR_INTERNAL, "out of memory for %zu patterns", n);
    else if (hs_valid_platform() != HS_SUCCESS)
        ok = err_set(e, ERR_INTERNAL, "this processor lacks what Hyperscan needs (SSE4.2 on x86)");
    for (size_t i = 0; ok && i < n; i++) {
        /* Not UCP: with it Hyperscan has no \b, and folding already made digits and case plain. */
        flags[i] = HS_FLAG_CASELESS | HS_FLAG_UTF8 | HS_FLAG_SOM_LEFTMOST;
        ids[i] = (unsigned)i;
    }
    if (ok &&
        hs_compile_multi(expr, flags, ids, (unsigned)n, HS_MODE_BLOCK, NULL, &p->db, &why) != HS_SUCCESS) {
        ok = false;
        if (why && why->expression >= 0)
            *bad = (size_t)why->expression;
        err_set(e, *bad < n ? ERR_INVALID : ERR_INTERNAL, "%s", why ? why->message : "out of memory");
    }
    hs_free_compile_error(why);
    free(flags);
    free(ids);
    if (ok)
        return p;
    patterns_free(p);
    return NULL;
}

void patterns_free(struct patterns *p) {
    if (!p)
        return;
    hs_free_database(p->db);
    free(p);
}

struct pass_on {
    patterns_hit_fn *hit;
    void *ctx;
};

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *ctx) {
    (void)flags;
    const struct pass_on *on = ctx;
    return from < to && !on->hit(on->ctx, id, (size_t)from, (size_t)to);
}

bool patterns_scan(const struct patterns *p, hs_scratch_t **scratch, struct sv folded, patterns_hit_fn *hit,
                   void *ctx, struct err *e) {
    if (folded.n == 0)
        return true;
    ASSERT(folded.n <= UINT32_MAX);
    /* Does nothing when the scratch is large enough, as it is but for a set's first text. */
    if (hs_alloc_scratch(p->db, scratch) != HS_SUCCESS)
        return err_set(e, ERR_INTERNAL, "out of memory for Hyperscan's scratch");
    struct pass_on on = {hit, ctx};
    hs_error_t r = hs_scan(p->db, folded.p, (unsigned)folded.n, 0, *scratch, on_match, &on);
    if (r != HS_SUCCESS && r != HS_SCAN_TERMINATED)
        return err_set(e, ERR_INTERNAL, "Hyperscan failed with code %d", r);
    return true;
}
