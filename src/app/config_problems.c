#include "app/config.h"

#include <stdarg.h>

void config_problem_add(struct config_problems *p, struct sv file, unsigned line, const char *fmt, ...) {
    if (p->n == CONFIG_PROBLEMS_MAX) {
        p->left_out++;
        return;
    }
    struct config_problem *at = &p->at[p->n++];
    at->line = line;
    snprintf(at->file, sizeof at->file, "%.*s", SV_FMT(file));
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(at->text, sizeof at->text, fmt, ap);
    va_end(ap);
    for (char *c = at->text; *c; c++) /* keys are quoted as written: a line stays a line, a terminal sane */
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            *c = '?';
}

void config_problems_print(const struct config_problems *p, struct buf *out) {
    for (size_t i = 0; i < p->n; i++) {
        buf_adds(out, p->at[i].file);
        if (p->at[i].line)
            buf_addf(out, ":%u", p->at[i].line);
        buf_addf(out, ": %s\n", p->at[i].text);
    }
    if (p->left_out)
        buf_addf(out, "and %zu more\n", p->left_out);
}
