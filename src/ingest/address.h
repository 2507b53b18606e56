/* address: whom a row of the suppression list is about, from what people write. Pure. */
#ifndef HY_INGEST_ADDRESS_H
#define HY_INGEST_ADDRESS_H

#include "base/err.h"
#include "store/suppression.h"

/* What text stands for in the list, as messages to it have it in TEXT_TO: E.164 for a number as it is written
 * in the region (one that is written in E.164 already needs not be valid: invalid ones are listed, too); an
 * address with @ in small letters; anything else without spaces (a short code, a device) as it is.
 * ERR_INVALID says why not; the number is masked. The view is of out. */
MUST_USE bool address_read(struct sv text, struct sv region, char out[SUPPRESSION_NUMBER_BYTES_MAX],
                           struct sv *address, struct err *e);

/* Of an address that somebody puts on a list by hand or by file, where a slip would list nobody and look as
 * if it had: neither letters alone (the name of a column), nor what was meant to be a number
 * (+86138O0138000). ERR_INVALID tells what may stand there. Precondition: address_read took it. */
MUST_USE bool address_check_listed(struct sv address, struct err *e);

#endif
