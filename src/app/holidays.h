/* holidays: the calendars of public holidays that the program brings along: the files of config/holidays, as
 * they stand there.
 */
#ifndef HY_APP_HOLIDAYS_H
#define HY_APP_HOLIDAYS_H

#include <stddef.h>

struct holidays_file {
    const char *name, *text; /* of the calendar; YAML */
};

extern const struct holidays_file holidays_files[]; /* ends with name == NULL */

#endif
