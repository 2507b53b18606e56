/* What comes back for e-mail: bounces, posted to us by whoever receives them, and one-click unsubscription.
 *
 * A bounce is the mail itself, as it arrived at the bounce address (a pipe in the mail server's aliases posts
 * it: docs/providers/smtp.md). A click is a POST by the recipient's mail program (RFC 8058), or by the page
 * that a GET of the same address shows; a GET alone changes nothing, because scanners follow every link. */
#include "provider/smtp.h"

#include "base/codec.h"
#include "provider/kit.h"
#include "provider/mime.h"
#include "provider/smtp_errors.h"

#include <string.h>

enum {
    TOKEN_DIGITS = 36, /* an attempt's token: hex digits */
    KEYED_BYTES = 16,
    BOUNCE_BYTES_MAX = 1024 * 1024,
    URL_BYTES_MAX = 900, /* of a line of 998 */
};

/* ---- unsubscription ---- */

static void keyed(const struct lane_config *lane, struct sv token, struct sv address,
                  char out[2 * KEYED_BYTES + 1]) {
    struct buf BUF_AUTO text = BUF_INIT(1024), hex = BUF_INIT(2 * KEYED_BYTES);
    uint8_t mac[SHA256_BYTES];
    buf_addf(&text, "unsubscribe\n%s\n%.*s\n%.*s", lane->name, SV_FMT(token), SV_FMT(address));
    hmac_sha256(lane->fields[SMTP_CALLBACK_TOKEN], buf_sv(&text), mac);
    hex_add(&hex, mac, KEYED_BYTES);
    memcpy(out, hex.p, 2 * KEYED_BYTES);
    out[2 * KEYED_BYTES] = '\0';
}

bool smtp_unsubscribe_url(const struct lane_config *lane, const struct attempt_view *a, struct buf *out) {
    size_t end = sv_find(a->status_url, SV("/status?"));
    char mac[2 * KEYED_BYTES + 1];
    if (end == SIZE_MAX || lane->fields[SMTP_CALLBACK_TOKEN].n == 0)
        return false;
    keyed(lane, a->token, a->to, mac);
    buf_add(out, sv_sub(a->status_url, 0, end));
    buf_adds(out, "/inbound?");
    form_add(out, SV("t"), a->token);
    form_add(out, SV("a"), a->to);
    form_add(out, SV("s"), sv_of(mac));
    return !out->overflow && out->n <= URL_BYTES_MAX;
}

#define PAGE(text)                                                                                           \
    "<!doctype html><html><head><meta charset=\"utf-8\"><meta name=\"robots\" content=\"noindex\">"          \
    "<meta name=\"viewport\" content=\"width=device-width\"><title>Unsubscribe / "                           \
    "退订</title></head><body>" text "</body></html>"

static const char asks[] =
    PAGE("<form method=\"post\"><p>Receive no more of these messages? / 不再接收此类邮件?</p>"
         "<input type=\"hidden\" name=\"List-Unsubscribe\" value=\"One-Click\">"
         "<button>Unsubscribe / 退订</button></form>");
static const char done[] = PAGE("<p>You are unsubscribed. / 您已退订。</p>");

bool smtp_inbound(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                  struct inbound *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e) {
    *n = 0;
    *reply = (struct hook_reply){.content_type = "text/html; charset=utf-8", .body = SV_NONE};
    struct form query;
    if (lane->fields[SMTP_CALLBACK_TOKEN].n == 0)
        return err_set_field(e, ERR_AUTH, "callback_token",
                             "the lane has no callback_token: no link is its own");
    if (!form_parse(rq->query, mem, &query, e))
        return false;
    struct sv token = form_get(&query, SV("t")), address = form_get(&query, SV("a"));
    char mac[2 * KEYED_BYTES + 1];
    keyed(lane, token, address, mac);
    if (!sv_eq_secret(form_get(&query, SV("s")), sv_of(mac)))
        return err_set(e, ERR_AUTH,
                       "the link is not one of this lane's, or callback_token has changed since");
    struct sv name, from;
    if (token.n != TOKEN_DIGITS || !mime_is_address(address) || !mime_mailbox(lane->from, &name, &from))
        return err_set(e, ERR_INVALID, "the link names no recipient");
    if (rq->method != HTTP_POST) {
        reply->body = sv_of(asks);
        return true;
    }
    if (sv_find(rq->body, SV("List-Unsubscribe")) == SIZE_MAX ||
        sv_find(rq->body, SV("One-Click")) == SIZE_MAX)
        return err_set(e, ERR_INVALID, "unsubscription is a POST of List-Unsubscribe=One-Click (RFC 8058)");
    reply->body = sv_of(done);
    if (max == 0)
        return true;
    out[0] = (struct inbound){.from = address,
                              .to = from,
                              .body = SV("STOP"),
                              .provider_id = token, /* one click counts, however often it is posted */
                              .opt_out = SV("STOP"),
                              .token = token};
    *n = 1;
    return true;
}

/* ---- bounces ---- */

static bool is_token(struct sv v) {
    for (size_t i = 0; i < v.n; i++)
        if (!((v.p[i] >= '0' && v.p[i] <= '9') || (v.p[i] >= 'a' && v.p[i] <= 'f')))
            return false;
    return v.n == TOKEN_DIGITS;
}

/* bounce+TOKEN@ in the headers, or else <TOKEN@ of the Message-ID that a bounce gives back. */
static struct sv find_token(struct sv mail) {
    for (size_t i = TOKEN_DIGITS + 1; i < mail.n; i++) {
        char before = mail.p[i - TOKEN_DIGITS - 1];
        struct sv token = sv_sub(mail, i - TOKEN_DIGITS, TOKEN_DIGITS);
        if (mail.p[i] == '@' && (before == '+' || before == '<') && is_token(token))
            return token;
    }
    return SV_NONE;
}

/* A field of the delivery report; the first, since there is one recipient. */
static struct sv report_field(struct sv report, struct sv name) {
    while (report.n) {
        struct sv value = sv_cut(&report, '\n'), key = sv_cut(&value, ':');
        if (sv_eq_nocase(key, name))
            return sv_trim(value);
    }
    return SV_NONE;
}

/* From the part's Content-Type on. */
static struct sv find_report(struct sv mail) {
    static const struct sv mark = {"message/delivery-status", 23};
    for (size_t i = 0; i + mark.n <= mail.n; i++)
        if ((mail.p[i] == 'm' || mail.p[i] == 'M') && sv_eq_nocase(sv_sub(mail, i, mark.n), mark))
            return sv_from(mail, i);
    return SV_NONE;
}

/* "smtp; 550 5.1.1 ...": 550. */
static int32_t reply_code(struct sv diagnostic) {
    uint64_t code;
    struct sv type = sv_cut(&diagnostic, ';');
    bool read = sv_eq_nocase(sv_trim(type), SV("smtp")) &&
                sv_to_u64(sv_sub(sv_trim(diagnostic), 0, 3), &code) && code >= 400 && code < 600;
    return read ? (int32_t)code : 0;
}

bool smtp_receipt(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                  struct receipt *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e) {
    *n = 0;
    *reply = (struct hook_reply){.content_type = NULL};
    if (!kit_hook_secret(lane->fields[SMTP_CALLBACK_TOKEN], "callback_token", rq, mem, e))
        return false;
    if (rq->body.n > BOUNCE_BYTES_MAX)
        return err_set(e, ERR_TOO_LARGE, "the mail is over %d bytes", BOUNCE_BYTES_MAX);
    struct sv report = find_report(rq->body), token = find_token(rq->body);
    struct sv action = report_field(report, SV("Action"));
    struct smtp_status status = smtp_status_of(report_field(report, SV("Status")));
    bool failed = sv_eq_nocase(action, SV("failed")), delivered = sv_eq_nocase(action, SV("delivered"));
    /* Holiday notes, "delayed", "relayed": heard, and nothing to do. */
    if (max == 0 || token.n == 0 || (!failed && !delivered))
        return true;
    out[0] = (struct receipt){.state = failed ? STATE_UNDELIVERED : STATE_DELIVERED, .token = token};
    if (failed) {
        out[0].reason = smtp_bounce_reason(status);
        out[0].code = reply_code(report_field(report, SV("Diagnostic-Code")));
    }
    *n = 1;
    return true;
}
