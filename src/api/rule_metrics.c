/* What rules did, as metrics: read from disk at each scrape, so that they go on over restarts. */
#include "api/native.h"

#include "store/events.h"

enum { RULES_MAX = 200, MEM_BYTES_MAX = 1 << 20 };

static void line(struct buf *out, struct sv account, struct sv rule, const char *result, int64_t n) {
    buf_addf(out, "rule_results_total{account=\"%.*s\",rule=\"%.*s\",result=\"%s\"} %lld\n", SV_FMT(account),
             SV_FMT(rule), result, (long long)n);
}

void rules_print_metrics(struct api_request *rq, struct buf *out) {
    ARENA_AUTO struct arena a;
    struct err ignored = ERR_INIT;
    size_t n = 0;
    arena_init(&a, MEM_BYTES_MAX);
    struct rule_count *rows = arena_alloc(&a, RULES_MAX * sizeof *rows);
    if (!rows || !events_counts(api_db(rq), RULES_MAX, &a, rows, &n, &ignored))
        return;
    buf_adds(out, "# HELP rule_results_total What rules did, of the first 200 rules.\n"
                  "# TYPE rule_results_total counter\n");
    for (size_t i = 0; i < n; i++) {
        const struct account *account = directory_account(api_directory(rq), rows[i].account_id);
        struct sv name = account ? sv_of(account->name) : SV_NONE;
        line(out, name, rows[i].rule, "matched", rows[i].matched);
        line(out, name, rows[i].rule, "fired", rows[i].fired);
        line(out, name, rows[i].rule, "suppressed", rows[i].suppressed);
        line(out, name, rows[i].rule, "error", rows[i].errors);
        line(out, name, rows[i].rule, "canceled", rows[i].canceled);
    }
}
