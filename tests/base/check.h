/* check: cmocka with the headers it wants, and assertions on views. */
#ifndef HY_TESTS_BASE_CHECK_H
#define HY_TESTS_BASE_CHECK_H

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define assert_sv(view, cstr)                                                                                \
    do {                                                                                                     \
        struct sv got_ = (view), right_ = sv_of(cstr);                                                       \
        if (!sv_eq(got_, right_))                                                                            \
            fail_msg("%s is \"%.*s\", not \"%s\"", #view, SV_FMT(got_), right_.p);                           \
    } while (0)

#endif
