/* page: the bytes of page.html, made at build time by embed_page.py. */
#ifndef HY_SIMULATOR_SIM_PAGE_H
#define HY_SIMULATOR_SIM_PAGE_H

#include <stddef.h>

extern const char sim_page[];
extern const size_t sim_page_bytes;

#endif
