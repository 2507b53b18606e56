/* console: the web console: pages that are files of this program and do all they do by the native API, with
 * the key that their reader signs in with. Nothing of it runs here.
 *
 * The files are pages/ and the modules of npm/ (docs/decisions/0066); pack.py puts them together when the
 * program is built. Where npm/ was not fetched, the page says so and is all there is.
 */
#ifndef HY_CONSOLE_CONSOLE_H
#define HY_CONSOLE_CONSOLE_H

#include "model/http.h"

/* The file of that name ("index.html", "main.js", ...), or NULL. Any thread. */
const struct http_file *console_file(struct sv name);

/* All of them, ended by one without a name. */
extern const struct http_file console_files[];

#endif
