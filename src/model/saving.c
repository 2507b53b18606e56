#include "model/saving.h"

const char *saved_by_name(int by) {
    static const char *const names[SAVED_BYS] = {"duplicates", "dead_numbers", "digests", "smart_encoding",
                                                 "cheapest_route"};
    return names[by];
}
