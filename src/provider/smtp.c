#include "provider/smtp.h"

#include "base/clock.h"
#include "provider/kit.h"
#include "provider/mime.h"
#include "provider/smtp_errors.h"

#include <string.h>

enum {
    URL_BYTES_MAX = 1024,
    MESSAGE_BYTES_MAX = 768 * 1024, /* text and HTML, each byte three characters at most, of 256 KiB */
    TOKEN_ROOM = 37,                /* "+" and an attempt's token, in a local part of 64 */
};

static struct sv field(const struct lane_config *lane, enum smtp_field f) {
    return kit_field(lane, f);
}

/* ---- checks ---- */

static bool check_host(struct sv v, struct err *e) {
    bool fine = v.n > 0 && v.n <= 255;
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        fine = fine && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                        (c && strchr(".-[]:", c)));
    }
    bool bracket = sv_find_char(v, '[') != SIZE_MAX || sv_find_char(v, ']') != SIZE_MAX;
    if (bracket || sv_find_char(v, ':') != SIZE_MAX)
        fine = fine && sv_starts(v, SV("[")) && sv_ends(v, SV("]"));
    return fine || err_set_field(e, ERR_INVALID, "host",
                                 "give the mail server's name alone, such as smtp.example.com (or [::1]); "
                                 "the port goes into `port`");
}

static bool check_port(struct sv v, struct err *e) {
    uint64_t port;
    return (sv_to_u64(v, &port) && port >= 1 && port <= 65535) ||
           err_set_field(e, ERR_INVALID, "port", "a port is 1 to 65535: 587, 465 or 25");
}

static const struct tls_word {
    const char *word, *scheme;
    enum mail_tls tls;
    int port;
} tls_words[] = {
    {"starttls", "smtp", MAIL_TLS_ALWAYS, 587},
    {"implicit", "smtps", MAIL_TLS_ALWAYS, 465},
    {"opportunistic", "smtp", MAIL_TLS_TRY, 25},
    {"off", "smtp", MAIL_TLS_NEVER, 25},
};

static const struct tls_word *tls_of(struct sv v) {
    for (size_t i = 0; i < sizeof tls_words / sizeof tls_words[0]; i++)
        if (sv_eq(v, sv_of(tls_words[i].word)))
            return &tls_words[i];
    return NULL;
}

static bool check_tls(struct sv v, struct err *e) {
    return tls_of(v) || err_set_field(e, ERR_INVALID, "tls",
                                      "one of starttls (port 587), implicit (465), opportunistic and off "
                                      "(both 25)");
}

static bool check_address(struct sv v, struct err *e) {
    return v.n == 0 || mime_is_ascii_address(v) ||
           err_set(e, ERR_INVALID, "an address is name@domain, in ASCII and without name or brackets");
}

static bool check_bounce(struct sv v, struct err *e) {
    struct sv rest = v, local = sv_cut(&rest, '@');
    if (!check_address(v, e))
        return false;
    return local.n + TOKEN_ROOM <= 64 ||
           err_set_field(e, ERR_INVALID, "bounce_address",
                         "too long before the @: +TOKEN is added, and 64 characters are all there may be");
}

static bool check_name(struct sv v, struct err *e) {
    return check_host(v, NULL) ||
           err_set_field(e, ERR_INVALID, "ehlo", "a full host name, such as gw.example.com");
}

static bool check_yes_no(struct sv v, struct err *e) {
    return sv_eq(v, SV("yes")) || sv_eq(v, SV("no")) || sv_eq(v, SV("true")) || sv_eq(v, SV("false")) ||
           err_set(e, ERR_INVALID, "yes or no");
}

static bool check_text(struct sv v, struct err *e) {
    return kit_is_text(v) || err_set(e, ERR_INVALID, "text in UTF-8");
}

static const struct adapter_field fields[SMTP_FIELDS] = {
    [SMTP_HOST] = {"host", "Mail server", "邮件服务器", .required = true, .identifies = true,
                   .check = check_host},
    [SMTP_PORT] = {"port", "Port (as `tls` says, unless given)", "端口(缺省随 tls 而定)",
                   .check = check_port},
    [SMTP_TLS] = {"tls", "starttls, implicit, opportunistic or off",
                  "加密方式:starttls、implicit、opportunistic 或 off", .fallback = "starttls",
                  .check = check_tls},
    [SMTP_USER] = {"user", "User name", "用户名", .identifies = true, .check = kit_check_secret},
    [SMTP_PASSWORD] = {"password", "Password", "密码", .secret = true, .check = kit_check_secret},
    [SMTP_CA_FILE] = {"ca_file", "Authorities to trust, a PEM file", "信任的 CA 证书文件(PEM)"},
    [SMTP_EHLO] = {"ehlo", "Name to greet with (the sender's domain, unless given)",
                   "EHLO 所报的主机名(缺省为发件人域名)", .check = check_name},
    [SMTP_SUBJECT] = {"subject", "Subject of messages without a title", "无标题时的邮件主题",
                      .fallback = "Notification", .check = check_text},
    [SMTP_REPLY_TO] = {"reply_to", "Address for replies", "回复地址", .check = check_address},
    [SMTP_BOUNCE] = {"bounce_address",
                     "Address for bounces: bounce@example.com gets bounce+TOKEN@example.com",
                     "退信地址:bounce@example.com 会收到 bounce+TOKEN@example.com", .check = check_bounce},
    [SMTP_UNSUBSCRIBE] = {"list_unsubscribe", "One-click unsubscription in every message: yes or no",
                          "邮件头带一键退订:yes 或 no", .fallback = "no", .check = check_yes_no},
    [SMTP_UNSUBSCRIBE_MAILTO] = {"unsubscribe_mailto", "Address for unsubscription by mail, beside the link",
                                 "邮件退订地址(与链接并列)", .check = check_address},
    [SMTP_CALLBACK_TOKEN] = {"callback_token", "Secret of unsubscription links and posted bounces",
                             "退订链接与退信回调的密钥", .secret = true, .check = kit_check_callback_token},
};

static bool unsubscribes(const struct lane_config *lane) {
    struct sv v = field(lane, SMTP_UNSUBSCRIBE);
    return sv_eq(v, SV("yes")) || sv_eq(v, SV("true"));
}

static bool check_all(const struct lane_config *lane, struct err *e) {
    struct sv name, address;
    const struct tls_word *tls = tls_of(field(lane, SMTP_TLS));
    if (!mime_mailbox(lane->from, &name, &address))
        return err_set_field(
            e, ERR_INVALID, "from",
            "an e-mail needs a sender: `Example <noreply@example.com>`, or the address alone");
    if (lane->fields[SMTP_PASSWORD].n && !lane->fields[SMTP_USER].n)
        return err_set_field(e, ERR_INVALID, "user", "missing beside password");
    if (lane->fields[SMTP_USER].n && !lane->fields[SMTP_PASSWORD].n)
        return err_set_field(e, ERR_INVALID, "password", "missing beside user");
    if (lane->fields[SMTP_USER].n && tls && tls->tls != MAIL_TLS_ALWAYS)
        return err_set_field(e, ERR_INVALID, "tls",
                             "the password could go in the clear: with a user, starttls or implicit");
    if (unsubscribes(lane) && !lane->fields[SMTP_CALLBACK_TOKEN].n)
        return err_set_field(e, ERR_INVALID, "callback_token",
                             "missing: the links of list_unsubscribe are signed with it");
    return true;
}

/* ---- the request ---- */

static struct sv sender_of(const struct lane_config *lane, const struct attempt_view *a) {
    return a && a->from.n ? a->from : lane->from;
}

/* Server and envelope, without recipient. */
static bool open_request(const struct lane_config *lane, struct sv from, struct arena *mem,
                         struct http_request *out, struct mail_envelope **envelope, struct err *e) {
    const struct tls_word *tls = tls_of(field(lane, SMTP_TLS));
    struct mail_envelope *m = arena_zalloc(mem, sizeof *m);
    struct buf BUF_AUTO url = BUF_INIT(URL_BYTES_MAX);
    struct sv ehlo = field(lane, SMTP_EHLO), port = field(lane, SMTP_PORT);
    if (!m || !tls)
        return err_set(e, ERR_TOO_LARGE, "no room to build the request");
    buf_join(&url, sv_of(tls->scheme), SV("://"), field(lane, SMTP_HOST), SV(":"));
    if (port.n)
        buf_add(&url, port);
    else
        buf_add_i64(&url, tls->port);
    buf_join(&url, SV("/"), ehlo.n ? ehlo : mime_domain(from));
    m->tls = tls->tls;
    m->user = field(lane, SMTP_USER);
    m->password = field(lane, SMTP_PASSWORD);
    m->ca_file = field(lane, SMTP_CA_FILE);
    *envelope = m;
    *out = (struct http_request){.method = HTTP_POST, .url = arena_dup(mem, buf_sv(&url)), .mail = m};
    return true;
}

static struct sv bounce_address(const struct lane_config *lane, const struct attempt_view *a, struct sv from,
                                struct arena *mem) {
    struct sv domain = field(lane, SMTP_BOUNCE), local = sv_cut(&domain, '@');
    if (local.n == 0)
        return arena_dup(mem, from);
    struct buf BUF_AUTO out = BUF_INIT(MIME_ADDRESS_BYTES_MAX + TOKEN_ROOM);
    buf_add(&out, local);
    if (a->token.n)
        buf_addf(&out, "+%.*s", SV_FMT(a->token));
    buf_addf(&out, "@%.*s", SV_FMT(domain));
    return arena_dup(mem, buf_sv(&out));
}

static void add_list_headers(const struct lane_config *lane, const struct attempt_view *a, struct buf *out) {
    struct buf BUF_AUTO url = BUF_INIT(2 * URL_BYTES_MAX);
    struct sv mailto = field(lane, SMTP_UNSUBSCRIBE_MAILTO);
    bool link = unsubscribes(lane) && smtp_unsubscribe_url(lane, a, &url);
    if (!link && !(unsubscribes(lane) && mailto.n))
        return;
    buf_adds(out, "List-Unsubscribe:");
    if (link)
        buf_addf(out, " <%.*s>", SV_FMT(buf_sv(&url)));
    if (mailto.n)
        buf_addf(out, "%s <mailto:%.*s?subject=unsubscribe>", link ? ",\r\n" : "", SV_FMT(mailto));
    buf_adds(out, "\r\n");
    if (link)
        mime_header(out, "List-Unsubscribe-Post", SV("List-Unsubscribe=One-Click"));
    mime_header(out, "Precedence", SV("bulk"));
}

static void add_headers(const struct lane_config *lane, const struct attempt_view *a, int64_t now,
                        struct sv name, struct sv from, struct buf *out) {
    struct buf BUF_AUTO date = BUF_INIT(64);
    clock_add_rfc2822(&date, now);
    mime_header(out, "Date", buf_sv(&date));
    mime_header_mailbox(out, "From", name, from);
    mime_header_mailbox(out, "To", SV_NONE, a->to);
    mime_header_text(out, "Subject", a->title.n ? a->title : field(lane, SMTP_SUBJECT));
    if (a->token.n)
        buf_join(out, SV("Message-ID: <"), a->token, SV("@"), mime_domain(from), SV(">\r\n"));
    if (field(lane, SMTP_REPLY_TO).n)
        mime_header_mailbox(out, "Reply-To", SV_NONE, field(lane, SMTP_REPLY_TO));
    /* RFC 3834: nobody's holiday note answers it. The second is what Exchange heeds. */
    mime_header(out, "Auto-Submitted", SV("auto-generated"));
    mime_header(out, "X-Auto-Response-Suppress", SV("All"));
    add_list_headers(lane, a, out);
    if (a->language.n)
        mime_header(out, "Content-Language", a->language);
    mime_header(out, "MIME-Version", SV("1.0"));
}

static void add_parts(const struct attempt_view *a, struct buf *out) {
    if (a->html.n == 0) {
        mime_text(out, "plain", a->body);
        return;
    }
    /* Neither encoding of the parts ever writes "=_". */
    struct sv tag = sv_sub(a->token, 0, 40);
    struct sv mark = SV("--=_hongyan_");
    buf_join(out, SV("Content-Type: multipart/alternative; boundary=\"=_hongyan_"), tag, SV("\"\r\n\r\n"));
    buf_join(out, mark, tag, SV("\r\n"));
    mime_text(out, "plain", a->body);
    buf_join(out, SV("\r\n"), mark, tag, SV("\r\n"));
    mime_text(out, "html", a->html);
    buf_join(out, SV("\r\n"), mark, tag, SV("--\r\n"));
}

/* Whether the language tag can be a header as it is. */
static bool is_tag(struct sv v) {
    return kit_is_plain(v) && v.n <= 35;
}

static bool build(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                  struct arena *mem, struct http_request *out, struct err *e) {
    (void)nonce;
    struct sv name, from;
    struct mail_envelope *m = NULL;
    if (!mime_mailbox(sender_of(lane, a), &name, &from))
        return err_set_field(e, ERR_INVALID, "from", "the sender is no e-mail address: `Name <name@domain>`");
    if (!mime_is_address(a->to))
        return err_set_field(e, ERR_INVALID, "to",
                             "the recipient is no e-mail address: name@domain, in ASCII");
    if (!sv_is_utf8(a->title) || !is_tag(a->language))
        return err_set_field(e, ERR_INVALID, "title", "the title is not UTF-8");
    if (!open_request(lane, from, mem, out, &m, e))
        return false;
    m->from = bounce_address(lane, a, from, mem);
    m->to = arena_dup(mem, a->to);
    struct buf BUF_AUTO message = BUF_INIT(MESSAGE_BYTES_MAX);
    add_headers(lane, a, now, name, from, &message);
    add_parts(a, &message);
    if (message.overflow)
        return err_set(e, ERR_TOO_LARGE, "the message is over %d bytes", MESSAGE_BYTES_MAX);
    out->body = arena_dup(mem, buf_sv(&message));
    return !mem->full || err_set(e, ERR_TOO_LARGE, "no room to build the request");
}

static enum reason refuses(const struct lane_config *lane, const struct attempt_view *a) {
    (void)lane;
    return mime_is_address(a->to) ? REASON_NONE : REASON_INVALID_NUMBER;
}

/* ---- the answer ---- */

/* The id that the server gave it, as the usual servers say it: "queued as ID" (Postfix, and who learnt from
 * it), "OK id=ID" (Exim), "Ok ID" (Amazon SES), "ID Message accepted for delivery" (Sendmail). */
static void read_id(struct sv text, char out[PROVIDER_ID_MAX]) {
    static const char *const marks[] = {"queued as ", "id=", "Queued mail for delivery as "};
    struct sv rest = text, id = SV_NONE;
    struct sv line = sv_cut(&rest, '\n');
    for (size_t i = 0; i < sizeof marks / sizeof marks[0] && !id.n; i++) {
        size_t at = sv_find(line, sv_of(marks[i]));
        if (at != SIZE_MAX) {
            struct sv tail = sv_from(line, at + strlen(marks[i]));
            id = sv_cut(&tail, ' ');
        }
    }
    if (!id.n && smtp_status_of(line).class)
        sv_cut(&line, ' ');
    if (!id.n && (sv_starts(line, SV("Ok ")) || sv_starts(line, SV("OK ")))) {
        line = sv_from(line, 3);
        id = sv_cut(&line, ' ');
    } else if (!id.n && sv_ends(line, SV(" Message accepted for delivery"))) {
        id = sv_cut(&line, ' ');
    }
    while (id.n && strchr(".,;)", id.p[id.n - 1]))
        id.n--;
    if (!kit_provider_id(out, id))
        out[0] = '\0';
}

static enum smtp_command command_of(const struct http_response *r) {
    static const char *const names[] = {"CONNECT", "MAIL", "RCPT", "DATA", "MESSAGE"};
    struct sv command = http_find_header(r->headers, r->n_headers, SV("Command"));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (sv_eq(command, sv_of(names[i])))
            return (enum smtp_command)i;
    return SMTP_CONNECT;
}

static struct verdict judge(const struct lane_config *lane, const struct http_response *r) {
    (void)lane;
    struct verdict v;
    if (kit_judge_transport(r, &v))
        return v;
    enum smtp_command command = command_of(r);
    if (command == SMTP_MESSAGE && r->status < 300) {
        kit_judge_as(&v, FATE_SENT, LANE_FINE, REASON_NONE);
        read_id(r->body, v.provider_id);
        return v;
    }
    v.code = r->status;
    kit_say(v.text, r->body);
    if (r->status >= 400)
        smtp_refusal(command, r->status, smtp_status_of(r->body), &v);
    else if (command == SMTP_MESSAGE) /* 3xx after the final dot: nobody knows */
        kit_judge_as(&v, FATE_UNKNOWN, LANE_DOWN, REASON_OUTCOME_UNKNOWN);
    else
        kit_judge_as(&v, FATE_RETRY, LANE_DOWN, REASON_PROVIDER_DOWN);
    return v;
}

/* ---- probe ---- */

static bool probe(const struct lane_config *lane, int64_t now, uint64_t nonce, struct arena *mem,
                  struct http_request *out, struct err *e) {
    (void)now;
    (void)nonce;
    struct sv name, from;
    struct mail_envelope *m;
    if (!mime_mailbox(lane->from, &name, &from))
        return err_set_field(e, ERR_INVALID, "from", "the sender is no e-mail address");
    return open_request(lane, from, mem, out, &m, e) &&
           (!mem->full || err_set(e, ERR_TOO_LARGE, "no room to build the request"));
}

static bool judge_probe(const struct lane_config *lane, const struct http_response *r, struct err *e) {
    struct sv host = field(lane, SMTP_HOST), why = sv_sub(r->error, 0, 160), said = sv_sub(r->body, 0, 160);
    if (r->transport != HTTP_ANSWERED)
        return err_set_field(e, ERR_OUTSIDE, "host", "no mail session with %.*s: %.*s", SV_FMT(host),
                             SV_FMT(why));
    struct verdict v = {0};
    if (r->status < 300)
        return true;
    if (r->status >= 400)
        smtp_refusal(command_of(r), r->status, smtp_status_of(r->body), &v);
    if (v.reason == REASON_CREDENTIALS)
        return err_set_field(e, ERR_AUTH, "user", "%.*s refuses user and password (%d %.*s)", SV_FMT(host),
                             r->status, SV_FMT(said));
    return err_set_field(e, ERR_OUTSIDE, "host", "%.*s answers %d %.*s", SV_FMT(host), r->status,
                         SV_FMT(said));
}

const struct adapter smtp_adapter = {
    .name = "smtp",
    .fields = fields,
    .n_fields = SMTP_FIELDS,
    .check_all = check_all,
    .channels = 1u << CHANNEL_EMAIL,
    .batch_max = 1,
    .build = build,
    .judge = judge,
    .refuses = refuses,
    .receipt = smtp_receipt,
    .inbound = smtp_inbound,
    .probe = probe,
    .judge_probe = judge_probe,
};
