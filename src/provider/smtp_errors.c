#include "provider/smtp_errors.h"

#include <stdio.h>

enum {
    MINUTE_MS = 60 * 1000,
    GREY_MS = 5 * MINUTE_MS, /* greylists let a sender through who comes again after some minutes */
    FULL_MS = 15 * MINUTE_MS,
};

/* By subject; of one subject, details first. Titles after the IANA registry. */
static const struct smtp_error rows[] = {
    {1, 0, REASON_INVALID_NUMBER, FULL_MS, "other address status"},
    {1, 1, REASON_INVALID_NUMBER, FULL_MS, "no such mailbox"},
    {1, 2, REASON_INVALID_NUMBER, FULL_MS, "no such domain"},
    {1, 3, REASON_INVALID_NUMBER, FULL_MS, "the address is malformed"},
    {1, 4, REASON_INVALID_NUMBER, FULL_MS, "the address is ambiguous"},
    {1, 6, REASON_INVALID_NUMBER, FULL_MS, "the mailbox has moved"},
    {1, 7, REASON_SENDER_REJECTED, FULL_MS, "the sender's address is malformed"},
    {1, 8, REASON_SENDER_REJECTED, FULL_MS, "the sender's domain does not exist"},
    {1, 9, REASON_UNREACHABLE, FULL_MS, "relayed to a mailer that reports nothing"},
    {1, 10, REASON_INVALID_NUMBER, FULL_MS, "the domain takes no mail (null MX)"},
    {1, -1, REASON_INVALID_NUMBER, FULL_MS, "other address status"},
    {2, 1, REASON_UNREACHABLE, FULL_MS, "the mailbox is disabled"},
    {2, 2, REASON_UNREACHABLE, FULL_MS, "the mailbox is full"},
    {2, 3, REASON_CONTENT_REJECTED, FULL_MS, "longer than this mailbox takes"},
    {2, 4, REASON_UNREACHABLE, FULL_MS, "the mailing list cannot be expanded"},
    {2, -1, REASON_UNREACHABLE, FULL_MS, "other mailbox status"},
    {3, 1, REASON_PROVIDER_DOWN, FULL_MS, "the mail system is full"},
    {3, 2, REASON_PROVIDER_DOWN, MINUTE_MS, "the system takes no messages now"},
    {3, 4, REASON_CONTENT_REJECTED, FULL_MS, "too big for the system"},
    {3, -1, REASON_PROVIDER_DOWN, MINUTE_MS, "other mail system status"},
    {4, 4, REASON_INVALID_NUMBER, FULL_MS, "no route to the domain"},
    {4, 6, REASON_UNREACHABLE, FULL_MS, "a routing loop"},
    {4, 7, REASON_UNREACHABLE, FULL_MS, "the delivery time is over"},
    {4, -1, REASON_UNREACHABLE, GREY_MS, "other network or routing status"},
    {5, 3, REASON_THROTTLED, MINUTE_MS, "too many recipients"},
    {5, -1, REASON_REQUEST_REJECTED, MINUTE_MS, "a command out of order, or malformed"},
    {6, 7, REASON_REJECTED, FULL_MS, "no addresses beyond ASCII here (SMTPUTF8)"},
    {6, -1, REASON_CONTENT_REJECTED, FULL_MS, "the content cannot be taken or converted"},
    {7, 0, REASON_REJECTED, GREY_MS, "other security status"},
    {7, 1, REASON_CONTENT_REJECTED, GREY_MS, "refused by policy: as spam, or from this sender"},
    {7, 2, REASON_SENDER_REJECTED, GREY_MS, "the sender may not write to the mailing list"},
    {7, 7, REASON_SENDER_REJECTED, GREY_MS, "the message's integrity failed"},
    {7, 8, REASON_CREDENTIALS, GREY_MS, "user or password is wrong"},
    {7, 9, REASON_CREDENTIALS, GREY_MS, "the way of authentication is too weak"},
    {7, 11, REASON_CREDENTIALS, GREY_MS, "encryption is required"},
    {7, 13, REASON_UNREACHABLE, GREY_MS, "the account is disabled"},
    {7, 14, REASON_CREDENTIALS, GREY_MS, "a trust relationship is required"},
    {7, 20, REASON_SENDER_REJECTED, GREY_MS, "no DKIM signature passed"},
    {7, 21, REASON_SENDER_REJECTED, GREY_MS, "no acceptable DKIM signature"},
    {7, 22, REASON_SENDER_REJECTED, GREY_MS, "no DKIM signature of the author's domain"},
    {7, 23, REASON_SENDER_REJECTED, GREY_MS, "SPF failed"},
    {7, 24, REASON_SENDER_REJECTED, GREY_MS, "SPF could not be checked"},
    {7, 25, REASON_SENDER_REJECTED, GREY_MS, "the server's address has no reverse name"},
    {7, 26, REASON_SENDER_REJECTED, GREY_MS, "several checks of the sender failed (DMARC)"},
    {7, 27, REASON_SENDER_REJECTED, GREY_MS, "the sender's domain takes no mail"},
    {7, 28, REASON_THROTTLED, FULL_MS, "a flood of mail"},
    {7, 30, REASON_CREDENTIALS, GREY_MS, "TLS is required"},
    {7, -1, REASON_CONTENT_REJECTED, GREY_MS, "other policy"},
};

static const struct smtp_error *find(struct smtp_status s) {
    for (size_t i = 0; s.class && i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].subject == s.subject && (rows[i].detail == s.detail || rows[i].detail < 0))
            return &rows[i];
    return NULL;
}

static bool read_number(struct sv *v, int digits_max, int *out) {
    int n = 0;
    *out = 0;
    while (n < digits_max && (size_t)n < v->n && v->p[n] >= '0' && v->p[n] <= '9')
        *out = *out * 10 + (v->p[n++] - '0');
    *v = sv_from(*v, (size_t)n);
    return n > 0;
}

static bool skip_dot(struct sv *v) {
    bool dot = sv_starts(*v, SV("."));
    *v = sv_from(*v, dot ? 1 : 0);
    return dot;
}

struct smtp_status smtp_status_of(struct sv text) {
    struct smtp_status s = {0};
    struct sv v = sv_trim(text);
    /* RFC 3463, 2: class "." subject "." detail, of one and up to three digits. */
    bool read = read_number(&v, 1, &s.class) && skip_dot(&v) && read_number(&v, 3, &s.subject) &&
                skip_dot(&v) && read_number(&v, 3, &s.detail);
    bool ends = v.n == 0 || v.p[0] == ' ' || v.p[0] == '\t' || v.p[0] == '\n' || v.p[0] == '\r';
    return read && ends && (s.class == 2 || s.class == 4 || s.class == 5) ? s : (struct smtp_status){0};
}

static void judge_as(struct verdict *v, enum fate fate, enum lane_hint hint, enum reason reason,
                     int32_t pause_ms) {
    v->fate = fate;
    v->hint = hint;
    v->reason = reason;
    v->retry_after_ms = pause_ms;
}

/* Without an enhanced status the reply code says what it can (RFC 5321, 4.2.3). */
static enum reason reason_of_code(enum smtp_command command, int code) {
    bool of_sender = command == SMTP_MAIL, of_content = command == SMTP_MESSAGE;
    if (code == 552)
        return of_content ? REASON_CONTENT_REJECTED : REASON_UNREACHABLE;
    if (code >= 500 && code <= 504)
        return REASON_REQUEST_REJECTED;
    if (code == 555)
        return REASON_REQUEST_REJECTED;
    if (of_content || command == SMTP_DATA)
        return REASON_CONTENT_REJECTED;
    return of_sender ? REASON_SENDER_REJECTED : REASON_INVALID_NUMBER;
}

static bool is_about_credentials(int code, enum reason reason) {
    return code == 530 || code == 534 || code == 535 || code == 538 || reason == REASON_CREDENTIALS;
}

static void judge_for_good(enum smtp_command command, int code, const struct smtp_error *row,
                           struct verdict *v) {
    enum reason reason = row ? row->reason : reason_of_code(command, code);
    /* A policy that knows nothing but the sender is about the sender. Of "relay access denied" (RCPT)
     * likewise. */
    if (row && row->subject == 7 && reason == REASON_CONTENT_REJECTED && command != SMTP_MESSAGE &&
        command != SMTP_DATA)
        reason = REASON_SENDER_REJECTED;
    if (row && reason == REASON_PROVIDER_DOWN)
        reason = REASON_REJECTED;
    if (is_about_credentials(code, reason))
        judge_as(v, FATE_RETRY, LANE_BROKEN, REASON_CREDENTIALS, 0);
    else if (command == SMTP_CONNECT) /* it does not want us at all */
        judge_as(v, FATE_RETRY, LANE_BROKEN, REASON_SENDER_REJECTED, 0);
    else if (reason == REASON_THROTTLED)
        judge_as(v, FATE_RETRY, LANE_SLOW_DOWN, reason, row->pause_ms);
    else
        judge_as(v, FATE_REJECTED, LANE_FINE, reason, 0);
}

static void judge_for_now(enum smtp_command command, int code, const struct smtp_error *row,
                          struct verdict *v) {
    int32_t pause_ms = row ? row->pause_ms : GREY_MS;
    if (code == 421 || command == SMTP_CONNECT) { /* it closes, or does not begin */
        judge_as(v, FATE_RETRY, LANE_DOWN, REASON_PROVIDER_DOWN, 0);
        return;
    }
    if (!row)
        judge_as(v, FATE_RETRY, command == SMTP_RCPT ? LANE_FINE : LANE_SLOW_DOWN, REASON_UNREACHABLE,
                 pause_ms);
    else if (row->subject == 3)
        judge_as(v, FATE_RETRY, LANE_SLOW_DOWN, REASON_PROVIDER_DOWN, pause_ms);
    else if (row->reason == REASON_THROTTLED)
        judge_as(v, FATE_RETRY, LANE_SLOW_DOWN, REASON_THROTTLED, pause_ms);
    else if (row->subject == 7) /* greylisting, mostly, and that is about one recipient */
        judge_as(v, FATE_RETRY, command == SMTP_RCPT ? LANE_FINE : LANE_SLOW_DOWN, REASON_THROTTLED,
                 pause_ms);
    else
        judge_as(v, FATE_RETRY, LANE_FINE, REASON_UNREACHABLE, pause_ms);
}

void smtp_refusal(enum smtp_command command, int code, struct smtp_status status, struct verdict *out) {
    /* The code's class decides when the two differ: it is what the protocol acts on. */
    const struct smtp_error *row = status.class == code / 100 ? find(status) : NULL;
    if (code / 100 == 4)
        judge_for_now(command, code, row, out);
    else
        judge_for_good(command, code, row, out);
    if (!row && status.class == code / 100 && status.subject) /* x.0.z says no more than the code */
        snprintf(out->unknown_code, sizeof out->unknown_code, "%d.%d.%d", status.class, status.subject,
                 status.detail);
}

enum reason smtp_bounce_reason(struct smtp_status status) {
    const struct smtp_error *row = find(status);
    if (!row)
        return REASON_REJECTED;
    return row->reason == REASON_PROVIDER_DOWN || row->reason == REASON_THROTTLED ||
                   row->reason == REASON_REQUEST_REJECTED || row->reason == REASON_CREDENTIALS
               ? REASON_UNREACHABLE
               : row->reason;
}
