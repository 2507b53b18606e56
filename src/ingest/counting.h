/* counting: by which rule the segments of a text are counted, before it is known which lane will take it.
 *
 * Mainland China's providers bill texts to mainland numbers by 70 and 67 characters whatever the alphabet;
 * everybody else counts as the network does. So a text to a mainland number counts by their rule when all
 * lanes for text messages are theirs. A signature that the provider puts before the text is not part of it
 * here: it counts where the text itself has it.
 */
#ifndef HY_INGEST_COUNTING_H
#define HY_INGEST_COUNTING_H

#include "model/settings.h"
#include "text/segments.h"

/* to: E.164; "+86" stands for any number of the mainland. */
enum segments_rule counting_rule(const struct settings *s, struct sv to);
const char *counting_rule_name(enum segments_rule rule); /* "gsm", "china" */

#endif
