/* papers: small public documents that other people's posts are checked by (a signer's certificate) or
 * confirmed at: fetched once, by a thread of their own, and kept until the end.
 *
 * Many readers ask without waiting; what is not there is wished for through a mailbox, and is there some time
 * later, so that whoever asks again finds it. One thread fetches, and alone writes the table; an entry that
 * is there never changes. What answers with anything but 200 is not there, and is tried again when it is
 * wished for after a while. Bounded: so many documents, of such a size, and no more.
 *
 * Which addresses may be fetched is the caller's to say: nothing is checked here but that they are public
 * ones.
 */
#ifndef HY_NET_PAPERS_H
#define HY_NET_PAPERS_H

#include "base/err.h"
#include "base/log.h"
#include "base/sv.h"

enum { PAPERS_MAX = 64, PAPER_BYTES_MAX = 16 * 1024, PAPER_URL_BYTES_MAX = 1024 };

struct papers;

MUST_USE struct papers *papers_open(const struct log *log, struct err *e);
/* No reader and no runner may be left. */
void papers_close(struct papers *p);

/* Any thread. What is at url, valid until papers_close; p == NULL: not here. allow_private: the address may
 * be of this machine or a private network. */
struct sv papers_get(struct papers *p, struct sv url, bool allow_private);

/* The one thread: fetches what is wished for; waits up to timeout_ms. */
void papers_run(struct papers *p, int timeout_ms);
/* Ends a wait of papers_run. */
void papers_wake(struct papers *p);

#endif
