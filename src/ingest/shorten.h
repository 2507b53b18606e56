/* shorten: the short links of one text, as its template asks for them: the same address gets the same link,
 * each address one.
 *
 * Holds the links of the latest text and their addresses. With a world they are real, but only those that the
 * finished text has are to be stored (shortener_keep): a template may ask for links and print them cut, or
 * not at all. Without a world they are for show: as long, of the letter x, and lead nowhere.
 */
#ifndef HY_INGEST_SHORTEN_H
#define HY_INGEST_SHORTEN_H

#include "model/link.h"
#include "model/settings.h"
#include "model/world.h"
#include "text/template/template.h"

struct shortener {
    const struct world *world; /* borrowed; NULL: for show */
    struct sv base;            /* empty: addresses stay as they are */
    struct arena mem;
    struct link links[LINKS_MAX];
    size_t n;
};

void shortener_init(struct shortener *s, const struct world *w);
void shortener_done(struct shortener *s);
/* For the next text; voids the links there are. settings outlive it. */
void shortener_begin(struct shortener *s, const struct settings *settings);
/* Has limits' renders ask s (NULL: nobody). */
void shortener_serve(struct shortener *s, struct template_limits *limits);
/* Only the links that stand in text stay: s->links, s->n. */
void shortener_keep(struct shortener *s, struct sv text);

/* A link as they are under these settings, for lengths; empty when there are none. */
struct sv shortener_sample(const struct settings *settings, struct buf *out);

#endif
