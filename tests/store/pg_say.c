/* Says each statement of its input (one a line) as the PostgreSQL driver would send it, after it has brought
 * the database of that URL to this program's schema. usage: pg_say URL */
#include "store/migrate.h"
#include "store/pg.h"

#include <string.h>

int main(int argc, char **argv) {
    struct err e = ERR_INIT;
    int from, to;
    struct db *db = argc > 1 ? db_open(sv_of(argv[1]), DB_WRITER, &e) : NULL;
    if (!db || !migrate(db, &from, &to, &e)) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    db_close(db);
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        struct buf BUF_AUTO out = BUF_INIT(65536);
        struct pg_sql about;
        line[strcspn(line, "\n")] = 0;
        bool ok = pg_sql_translate(sv_of(line), &out, &about);
        printf("%s\n", ok ? out.p : "too long");
    }
    free(line);
    return 0;
}
