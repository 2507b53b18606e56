/* mask: what logs and the console may show of numbers, codes and credentials.
 *
 * Pure; owns nothing. Linear time whatever the text, no memory but the output, which is at most three times
 * as long as the text plus three bytes. Masking errs on the side of hiding. What it cannot know is a secret
 * without shape: never log a body.
 */
#ifndef HY_TEXT_MASK_H
#define HY_TEXT_MASK_H

#include "base/buf.h"

/* Appends an E.164 number with its country code and last 2-4 digits left (4 of ten national digits and more,
 * 3 of eight, else 2): +86*******8000. A number without + keeps the last digits alone; anything that is no
 * number (another channel's address) keeps its first two bytes. */
void mask_phone(struct sv e164, struct buf *out);

/* Appends text with these hidden: digits that stand together, 4-8 of them (codes) or more (numbers, keeping
 * country code and last digits as mask_phone does), but for bytes, milliseconds, SQLite's failures and ports;
 * the local part of e-mail addresses; what follows Bearer and Basic; the value of key=value and "key":
 * "value" where the key names a secret (token, password, secret, code, key, signature, ...); user:password@
 * in addresses; Twilio's and other 32-hex tokens (not sids such as SM or AC + 32 hex, which are names), AWS
 * AKIA/ASIA..., Aliyun LTAI..., Tencent AKID..., tokens that begin with the marks of SendGrid, Google, JWT,
 * Stripe, Slack, GitHub, GitLab and Mailgun, PEM-like and other runs of 40 and more base64 characters. */
void mask_text(struct sv text, struct buf *out);

#endif
