/* The rules about time, from their texts: quiet hours with calendars of holidays, from files of ours or of
 * theirs; frequency caps and duplicate windows; retries. */
#include "app/config_load.h"

#include "app/holidays.h"
#include "base/clock.h"
#include "text/zone.h"

#include <stdlib.h>
#include <string.h>

enum { CALENDAR_BYTES_MAX = 256 * 1024 };

struct calendar_reading {
    struct config_loading *l;
    struct sv file;
    struct calendar *out;
    bool ok;
};

static bool wrong(struct calendar_reading *r, unsigned line, const char *what) {
    config_problem_add(r->l->problems, r->file, line, "%s", what);
    return r->ok = false;
}

static bool read_date(struct sv text, int64_t *date) {
    int64_t at;
    if (!clock_parse_day(sv_trim(text), &at))
        return false;
    *date = at / US_PER_DAY;
    return true;
}

static int compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* "2026-10-01", or "2026-10-01..2026-10-07". */
static bool read_days(struct calendar_reading *r, const struct config_node *n, int64_t *dates,
                      uint32_t *count) {
    size_t dots = n->kind == CONFIG_NODE_SCALAR ? sv_find(n->text, SV("..")) : SIZE_MAX;
    int64_t from, to;
    if (n->kind != CONFIG_NODE_SCALAR || !read_date(sv_sub(n->text, 0, dots), &from) ||
        !read_date(dots == SIZE_MAX ? n->text : sv_from(n->text, dots + 2), &to) || to < from)
        return wrong(r, n->line, "must be a date, such as 2026-10-01, or 2026-10-01..2026-10-07");
    if (from < r->out->first || to > r->out->last)
        return wrong(r, n->line, "is not between `first` and `last`");
    for (; from <= to; from++) {
        if (*count == CALENDAR_DAYS_MAX)
            return wrong(r, n->line, "are more days than a calendar may have");
        dates[(*count)++] = from;
    }
    return true;
}

static void read_list(struct calendar_reading *r, const struct config_node *list, int64_t **dates,
                      uint32_t *count) {
    *dates = arena_alloc(&r->l->scratch, CALENDAR_DAYS_MAX * sizeof **dates);
    if (!*dates) {
        wrong(r, list->line, "is too much text");
        return;
    }
    if (list->kind == CONFIG_NODE_LIST)
        for (const struct config_node *n = list->first; n; n = n->next)
            read_days(r, n, *dates, count);
    else if (!config_node_is_null(list))
        wrong(r, list->line, "must be a list of dates");
    qsort(*dates, *count, sizeof **dates, compare);
    int64_t *kept = arena_alloc(&r->l->settings->arena, (*count + 1) * sizeof *kept);
    if (!kept)
        wrong(r, list->line, "is too much text");
    else if (*count)
        memcpy(kept, *dates, *count * sizeof *kept);
    *dates = kept;
}

static bool read_bound(struct calendar_reading *r, const struct config_node *top, const char *key,
                       int64_t *date) {
    const struct config_node *n = config_node_get(top, sv_of(key));
    if (n && n->kind == CONFIG_NODE_SCALAR && read_date(n->text, date))
        return true;
    return wrong(r, n ? n->line : 0, "needs `first` and `last`, the dates that it knows of");
}

/* name, source (for people), first, last, holidays, workdays. */
static bool read_calendar(struct config_loading *l, struct sv file, struct sv text, struct calendar *out) {
    struct calendar_reading r = {.l = l, .file = file, .out = out, .ok = true};
    const struct config_node *top = config_tree_parse(text, file, &l->scratch, l->problems);
    if (!top)
        return false;
    const struct config_node *name = config_node_get(top, SV("name"));
    if (!name || name->kind != CONFIG_NODE_SCALAR || !name->text.n || name->text.n > 32)
        return wrong(&r, name ? name->line : 0, "needs a `name` of up to 32 bytes");
    out->name = arena_dup(&l->settings->arena, name->text);
    if (!read_bound(&r, top, "first", &out->first) || !read_bound(&r, top, "last", &out->last))
        return false;
    for (const struct config_node *n = top->first; n; n = n->next) {
        if (sv_eq(n->key, SV("holidays")))
            read_list(&r, n, &out->holidays, &out->n_holidays);
        else if (sv_eq(n->key, SV("workdays")))
            read_list(&r, n, &out->workdays, &out->n_workdays);
        else if (!sv_eq(n->key, SV("name")) && !sv_eq(n->key, SV("source")) && !sv_eq(n->key, SV("first")) &&
                 !sv_eq(n->key, SV("last")))
            wrong(&r, n->line,
                  "unknown key: a calendar has name, source, first, last, holidays and workdays");
    }
    return r.ok && out->name.p;
}

struct calendars {
    struct calendar *at[CALENDARS_MAX];
    uint32_t n;
};

static struct calendar *new_calendar(struct config_loading *l, struct calendars *all) {
    struct calendar *c = all->n < CALENDARS_MAX ? arena_zalloc(&l->settings->arena, sizeof *c) : NULL;
    if (c)
        all->at[all->n++] = c;
    return c;
}

static void read_files(struct config_loading *l, struct calendars *all) {
    const struct settings *s = l->settings;
    for (uint32_t i = 0; i < s->quiet.n_calendars; i++) {
        struct buf BUF_AUTO text = BUF_INIT(CALENDAR_BYTES_MAX);
        struct err e = ERR_INIT;
        struct calendar *c = new_calendar(l, all);
        if (!l->src->read(l->src->ctx, s->quiet.calendars[i], &text, &e))
            config_problem_add(l->problems, s->quiet.calendars[i], 0, "%s", e.text);
        else if (!c || !read_calendar(l, s->quiet.calendars[i], buf_sv(&text), c))
            all->n -= c != NULL;
    }
}

static const struct calendar *find_calendar(struct config_loading *l, struct calendars *all, struct sv name) {
    for (uint32_t i = 0; i < all->n; i++)
        if (sv_eq(all->at[i]->name, name))
            return all->at[i];
    for (const struct holidays_file *f = holidays_files; f->name; f++) {
        struct calendar *c = sv_eq(sv_of(f->name), name) ? new_calendar(l, all) : NULL;
        if (c && read_calendar(l, sv_of(f->name), sv_of(f->text), c))
            return c;
    }
    return NULL;
}

static unsigned line_of(const struct config_node *top, const char *section, const char *key) {
    const struct config_node *in = config_node_get(top, sv_of(section));
    const struct config_node *n = in && in->kind == CONFIG_NODE_MAP ? config_node_get(in, sv_of(key)) : in;
    return n ? n->line : 0;
}

static void read_quiet(struct config_loading *l, const struct config_node *top) {
    struct settings *s = l->settings;
    struct calendars all = {0};
    uint32_t n = s->quiet.hours.n;
    struct quiet_rule *rules = n ? arena_zalloc(&s->arena, n * sizeof *rules) : NULL;
    read_files(l, &all);
    if (n && !rules) {
        config_problem_add(l->problems, l->path, line_of(top, "quiet", "hours"), "too much text");
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct err e = ERR_INIT;
        bool ok = quiet_parse(s->quiet.hours.at[i], &rules[i], &e);
        ASSERT(ok); /* it was looked at when it was read */
        struct sv name = rules[i].calendar_name, zone = rules[i].zone;
        if (name.n && !(rules[i].calendar = find_calendar(l, &all, name)))
            config_problem_add(
                l->problems, l->path, line_of(top, "quiet", "hours"),
                "`quiet.hours` names the calendar `%.*s`, which is none: known are cn, de, fr, us "
                "and those of `quiet.calendars`",
                SV_FMT(name));
        if (zone.n && !zone_is_known(zone))
            config_problem_add(
                l->problems, l->path, line_of(top, "quiet", "hours"),
                "`quiet.hours` names the time zone `%.*s`, which is none: such as Asia/Shanghai",
                SV_FMT(zone));
        s->by_account |= rules[i].kind.accounts.n > 0;
    }
    s->quiet.rules = rules;
    s->quiet.n_rules = n;
}

static void check_zone(struct config_loading *l, const struct config_node *top, struct sv zone) {
    if (zone.n && !zone_is_known(zone))
        config_problem_add(l->problems, l->path, line_of(top, "limits", "caps"),
                           "`limits.caps` names the time zone `%.*s`, which is none: such as Asia/Shanghai",
                           SV_FMT(zone));
}

static void read_tallies(struct config_loading *l, const struct config_node *top) {
    struct settings *s = l->settings;
    uint32_t n = s->limits.caps.n + s->limits.duplicates.n;
    struct tally_rule *rules = n ? arena_zalloc(&s->arena, n * sizeof *rules) : NULL;
    if (n && !rules) {
        config_problem_add(l->problems, l->path, line_of(top, "limits", "caps"), "too much text");
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct err e = ERR_INIT;
        bool cap = i < s->limits.caps.n;
        struct sv text = cap ? s->limits.caps.at[i] : s->limits.duplicates.at[i - s->limits.caps.n];
        bool ok = cap ? tally_parse_cap(text, &rules[i], &e) : tally_parse_duplicate(text, &rules[i], &e);
        ASSERT(ok); /* it was looked at when it was read */
        check_zone(l, top, rules[i].zone);
        s->by_account |= rules[i].kind.accounts.n > 0;
    }
    s->limits.tallies = rules;
    s->limits.n_tallies = n;
}

static void read_retries(struct config_loading *l, const struct config_node *top) {
    struct settings *s = l->settings;
    uint32_t n = s->retry.class_texts.n;
    struct retry_class *classes = n ? arena_zalloc(&s->arena, n * sizeof *classes) : NULL;
    if (n && !classes) {
        config_problem_add(l->problems, l->path, line_of(top, "retry", "classes"), "too much text");
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct err e = ERR_INIT;
        bool ok = retry_parse(s->retry.class_texts.at[i], &classes[i], &e);
        ASSERT(ok); /* it was looked at when it was read */
    }
    s->retry.classes = classes;
    s->retry.n_classes = n;
}

void config_read_times(struct config_loading *l, const struct config_node *top) {
    read_quiet(l, top);
    read_tallies(l, top);
    read_retries(l, top);
}
