/* numbers: what the suppression list and the history of consents say of a number, gathered in one row, so
 * that a message asks by one seek whatever both hold. It is made of them and can be made anew at any time;
 * where it cannot say, or not yet, the lists themselves are asked.
 *
 * Triggers note each change of a list in `number_todo`, whoever makes it: this program, an older one beside
 * it, a person with a shell. Only what no note stands against is answered from here. Who changes a list says
 * so (numbers_changed), and its commit works the notes off; what others left, and lists that are older than
 * this, numbers_catch_up does bit by bit.
 *
 * A row holds 40 bits of a hash for each thing that is so. That a number without any is taken for another
 * one comes to pass once in some thousand million questions at ten million numbers.
 *
 * SQLite only: a list asked over a socket gains nothing by it. With PostgreSQL writing does nothing, and the
 * answer is always that the list has to be asked.
 */
#ifndef HY_STORE_NUMBERS_H
#define HY_STORE_NUMBERS_H

#include "store/db.h"

enum numbers_answer { NUMBERS_NO, NUMBERS_YES, NUMBERS_ASK }; /* ASK: the list itself */

/* The hash, of 63 bits, by which a number or its pseudonym (store/suppression.h) is found. */
int64_t numbers_hash(struct sv number);

struct numbers_known {
    enum numbers_answer
        listed; /* has the account, or every account (0), rows for it in the suppression list? */
    enum numbers_answer granted; /* does the latest word about it, for the topic or for all, grant it? */
};
MUST_USE bool numbers_ask(struct db *db, int64_t account_id, struct sv number, struct sv topic,
                          struct numbers_known *out, struct err *e);

/* The transaction that is open changes one of the lists. */
void numbers_changed(struct db *db);
/* Works off up to max notes, and goes on with lists that were there before. *more: there is more to do.
 * Precondition: a transaction is open. */
MUST_USE bool numbers_catch_up(struct db *db, unsigned max, bool *more, struct err *e);

/* Makes tables and triggers where they are missing, and gives the connection the memory that its rows are
 * worth. Precondition: a writer's connection, the schema is this
 * program's, no transaction is open. */
MUST_USE bool numbers_install(struct db *db, struct err *e);

#endif
