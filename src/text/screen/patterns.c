#include "text/screen/patterns.h"

#include <openssl/evp.h>
#include <string.h>

struct patterns {
    unsigned char digest[PATTERNS_DIGEST]; /* SHA-256 of the expressions, each with its NUL */
    hs_database_t *any;                    /* says only that there is a match: several times faster */
    hs_database_t *all;                    /* says where each begins and ends */
};

/* Not HS_FLAG_UCP: with it Hyperscan has no \b, and folding already made digits and case plain. */
#define COMMON_FLAGS (HS_FLAG_CASELESS | HS_FLAG_UTF8)

static bool compile(const char *const *expr, size_t n, unsigned with, hs_database_t **db, size_t *bad,
                    struct err *e) {
    *bad = n;
    unsigned *flags = calloc(n, sizeof *flags);
    unsigned *ids = calloc(n, sizeof *ids);
    hs_compile_error_t *why = NULL;
    bool ok = flags && ids;
    for (size_t i = 0; ok && i < n; i++) {
        flags[i] = COMMON_FLAGS | with;
        ids[i] = (unsigned)i;
    }
    ok = ok && hs_compile_multi(expr, flags, ids, (unsigned)n, HS_MODE_BLOCK, NULL, db, &why) == HS_SUCCESS;
    if (!ok) {
        if (why && why->expression >= 0)
            *bad = (size_t)why->expression;
        err_set(e, *bad < n ? ERR_INVALID : ERR_INTERNAL, "%s", why ? why->message : "out of memory");
    }
    hs_free_compile_error(why);
    free(flags);
    free(ids);
    return ok;
}

static bool digest(const char *const *expr, size_t n, unsigned char *out) {
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL);
    for (size_t i = 0; ok && i < n; i++)
        ok = EVP_DigestUpdate(md, expr[i], strlen(expr[i]) + 1);
    ok = ok && EVP_DigestFinal_ex(md, out, NULL);
    EVP_MD_CTX_free(md);
    return ok;
}

struct patterns *patterns_compile(const char *const *expr, size_t n, size_t *bad, struct err *e) {
    ASSERT(n > 0 && n <= UINT32_MAX);
    *bad = n;
    struct patterns *p = calloc(1, sizeof *p);
    bool ok = p && digest(expr, n, p->digest);
    if (!ok)
        err_set(e, ERR_INTERNAL, "out of memory for %zu patterns", n);
    else if (hs_valid_platform() != HS_SUCCESS)
        ok = err_set(e, ERR_INTERNAL, "this processor lacks what Hyperscan needs (SSE4.2 on x86)");
    if (ok && compile(expr, n, HS_FLAG_SOM_LEFTMOST, &p->all, bad, e) &&
        compile(expr, n, HS_FLAG_SINGLEMATCH, &p->any, bad, e))
        return p;
    patterns_free(p);
    return NULL;
}

void patterns_free(struct patterns *p) {
    if (!p)
        return;
    hs_free_database(p->any);
    hs_free_database(p->all);
    free(p);
}

void patterns_scratch_done(struct patterns_scratch *s) {
    hs_free_scratch(s->hs);
    *s = (struct patterns_scratch){0};
}

static bool make_fit(const struct patterns *p, struct patterns_scratch *s, struct err *e) {
    for (size_t i = 0; i < PATTERNS_SEEN && i < s->n_seen; i++)
        if (memcmp(s->seen[i], p->digest, PATTERNS_DIGEST) == 0)
            return true;
    if (hs_alloc_scratch(p->any, &s->hs) != HS_SUCCESS || hs_alloc_scratch(p->all, &s->hs) != HS_SUCCESS) {
        patterns_scratch_done(s);
        return err_set(e, ERR_INTERNAL, "out of memory for Hyperscan's scratch");
    }
    memcpy(s->seen[s->n_seen++ % PATTERNS_SEEN], p->digest, PATTERNS_DIGEST);
    return true;
}

static bool scan(const hs_database_t *db, const struct patterns_scratch *s, struct sv folded,
                 match_event_handler on_match, void *ctx, struct err *e) {
    if (folded.n == 0)
        return true;
    ASSERT(folded.n <= UINT32_MAX);
    hs_error_t r = hs_scan(db, folded.p, (unsigned)folded.n, 0, s->hs, on_match, ctx);
    if (r != HS_SUCCESS && r != HS_SCAN_TERMINATED)
        return err_set(e, ERR_INTERNAL, "Hyperscan failed with code %d", r);
    return true;
}

static int on_any(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *ctx) {
    (void)id, (void)from, (void)to, (void)flags;
    *(bool *)ctx = true;
    return 1;
}

bool patterns_any(const struct patterns *p, struct patterns_scratch *s, struct sv folded, bool *any,
                  struct err *e) {
    *any = false;
    return make_fit(p, s, e) && scan(p->any, s, folded, on_any, any, e);
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

bool patterns_scan(const struct patterns *p, struct patterns_scratch *s, struct sv folded,
                   patterns_hit_fn *hit, void *ctx, struct err *e) {
    struct pass_on on = {hit, ctx};
    return make_fit(p, s, e) && scan(p->all, s, folded, on_match, &on, e);
}
