#include "net/mailer_parts.h"

#include "base/clock.h"

#include <string.h>

enum {
    SESSIONS_MAX = 512,
    ADDRESS_BYTES_MAX = 320, /* RFC 5321, 4.5.3.1: 64 + 1 + 255 */
    LINE_BYTES_MAX = 4096,   /* the RFC's 512, and those who do not keep to it */
    KEY_BYTES_MAX = 8192,
    OUT_BYTES_MAX = 64 << 20,
};

/* ---- what libcurl calls ---- */

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *a) {
    (void)purpose;
    struct session *s = ctx;
    curl_socket_t fd = multi_open_socket(s->mailer->multi.watch, a, s->call.allow_private, &s->refused);
    s->mailer->connections += fd != CURL_SOCKET_BAD;
    return fd;
}

/* Of the greeting, EHLO, STARTTLS and AUTH. */
static size_t on_header(char *p, size_t one, size_t n, void *ctx) {
    (void)one;
    (void)session_take_line(ctx, sv_make(p, n));
    return n;
}

/* ---- connecting ---- */

static bool prepare(struct session *s, int64_t left_ms) {
    static const long levels[] = {[MAIL_TLS_NEVER] = CURLUSESSL_NONE,
                                  [MAIL_TLS_TRY] = CURLUSESSL_TRY,
                                  [MAIL_TLS_ALWAYS] = CURLUSESSL_ALL};
    const struct mail_envelope *mail = s->call.request->mail;
    const char *ca_file = mail->ca_file.n ? mail->ca_file.p : s->mailer->ca_file;
    CURL *h = s->easy;
    MULTI_SET(h, CURLOPT_PRIVATE, s);
    MULTI_SET(h, CURLOPT_ERRORBUFFER, s->error);
    MULTI_SET(h, CURLOPT_SHARE, s->mailer->shared);
    MULTI_SET(h, CURLOPT_NOSIGNAL, 1L);
    MULTI_SET(h, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    MULTI_SET(h, CURLOPT_PROXY, "");
    MULTI_SET(h, CURLOPT_NOPROXY, "*");
    MULTI_SET(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    MULTI_SET(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    MULTI_SET(h, CURLOPT_TCP_NODELAY, 1L);
    MULTI_SET(h, CURLOPT_OPENSOCKETFUNCTION, on_open);
    MULTI_SET(h, CURLOPT_OPENSOCKETDATA, s);
    MULTI_SET(h, CURLOPT_CLOSESOCKETFUNCTION, multi_close_socket);
    MULTI_SET(h, CURLOPT_CLOSESOCKETDATA, s->mailer->multi.watch);
    MULTI_SET(h, CURLOPT_HEADERFUNCTION, on_header);
    MULTI_SET(h, CURLOPT_HEADERDATA, s);
    MULTI_SET(h, CURLOPT_CONNECT_ONLY, 1L);
    MULTI_SET(h, CURLOPT_URL, s->call.request->url.p);
    MULTI_SET(h, CURLOPT_TIMEOUT_MS, (long)left_ms);
    MULTI_SET(h, CURLOPT_CONNECTTIMEOUT_MS, (long)s->call.connect_timeout_ms);
    MULTI_SET(h, CURLOPT_USE_SSL, levels[mail->tls]);
    if (ca_file)
        MULTI_SET(h, CURLOPT_CAINFO, ca_file);
    if (mail->user.n) {
        MULTI_SET(h, CURLOPT_USERNAME, mail->user.p);
        MULTI_SET(h, CURLOPT_PASSWORD, mail->password.n ? mail->password.p : "");
        /* Of the others libcurl prefers some that need more than a password (Kerberos, NTLM). */
        MULTI_SET(h, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN;AUTH=CRAM-MD5");
    }
    return true;
}

/* Closes without a word of libcurl's: it does so with a session that was handed over. */
static void session_free(struct session *s) {
    if (s->easy)
        curl_multi_remove_handle(s->mailer->multi.handle, s->easy);
    curl_easy_cleanup(s->easy);
    buf_done(&s->key);
    buf_done(&s->out);
    buf_done(&s->in);
    buf_done(&s->text);
    free(s);
}

static void add_key(const struct client_call *call, struct buf *key) {
    const struct http_request *rq = call->request;
    buf_addf(key, "%d%d %.*s\n%.*s\n%.*s\n%.*s", rq->mail->tls, call->allow_private, SV_FMT(rq->url),
             SV_FMT(rq->mail->ca_file), SV_FMT(rq->mail->user), SV_FMT(rq->mail->password));
}

static void take_call(struct session *s, const struct client_call *call, int64_t started_us) {
    s->call = *call;
    s->busy = true;
    s->heard = s->all_left = false;
    s->started_us = started_us;
    s->until_us = started_us + call->timeout_ms * US_PER_MS;
    s->mailer->n_busy++;
}

static bool connect_session(struct mailer *m, const struct client_call *call, int64_t started_us,
                            struct err *e) {
    int64_t left_us = started_us + call->timeout_ms * US_PER_MS - clock_monotonic_us();
    if (m->n_sessions == SESSIONS_MAX)
        return err_set(e, ERR_BUSY, "over %d connections for e-mail", SESSIONS_MAX);
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return err_set(e, ERR_OUTSIDE, "out of memory for a call");
    *s = (struct session){.mailer = m,
                          .fd = -1,
                          .key = BUF_INIT(KEY_BYTES_MAX),
                          .out = BUF_INIT(OUT_BYTES_MAX),
                          .in = BUF_INIT(LINE_BYTES_MAX),
                          .text = BUF_INIT(REPLY_BYTES_MAX),
                          .easy = curl_easy_init()};
    s->call = *call;
    add_key(call, &s->key);
    if (!s->easy || s->key.overflow || !prepare(s, left_us > US_PER_MS ? left_us / US_PER_MS : 1) ||
        curl_multi_add_handle(m->multi.handle, s->easy) != CURLM_OK) {
        session_free(s);
        return err_set(e, ERR_OUTSIDE, "out of memory for a call");
    }
    take_call(s, call, started_us);
    s->next = m->sessions;
    m->sessions = s;
    m->n_sessions++;
    return true;
}

/* The connection is of no use any more. */
void session_broken(struct session *s, const char *why) {
    s->dead = true;
    if (!s->busy)
        return;
    if (s->kept && !s->heard) {
        struct err e = ERR_INIT;
        s->busy = false;
        s->mailer->n_busy--;
        if (connect_session(s->mailer, &s->call, s->started_us, &e))
            return;
        s->busy = true;
        s->mailer->n_busy++;
        session_end_failed(s, e.text);
        return;
    }
    session_end_failed(s, why);
}

/* Of the connection's beginning, what is final: with others libcurl goes on (HELO when EHLO is not known). */
static bool is_refusal(int code) {
    return code == 421 || code == 454 || code == 530 || code == 534 || code == 535 || code == 538 ||
           code == 554;
}

static void connected(struct session *s, CURLcode code) {
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (code == CURLE_OK && curl_easy_getinfo(s->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK &&
        fd != CURL_SOCKET_BAD) {
        s->fd = fd;
        session_begin(s);
        return;
    }
    s->dead = true;
    if (s->refused)
        session_end_failed(s, MULTI_REFUSED);
    else if (is_refusal(s->code) && !s->more)
        session_end_answered(s);
    else
        session_end_failed(s, s->error[0] ? s->error : curl_easy_strerror(code));
}

/* Sessions that libcurl has connected, or not. */
static void take_connected(struct mailer *m) {
    int left;
    for (CURLMsg *msg; (msg = curl_multi_info_read(m->multi.handle, &left)) != NULL;) {
        struct session *s = NULL;
        CURLcode code = msg->data.result;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &s);
        if (!s->dead)
            connected(s, code);
    }
}

/* ---- the mailer ---- */

/* libcurl puts addresses between < and > and into a line: neither may end early. */
static bool is_path(struct sv v) {
    for (size_t i = 0; i < v.n; i++)
        if ((unsigned char)v.p[i] <= ' ' || v.p[i] == 0x7f || v.p[i] == '<' || v.p[i] == '>')
            return false;
    return v.n <= ADDRESS_BYTES_MAX && sv_is_utf8(v); /* beyond ASCII: RFC 6531 */
}

static bool is_mail_url(struct sv url) {
    struct sv rest = url, scheme = sv_cut(&rest, ':');
    if (!sv_eq(scheme, SV("smtp")) && !sv_eq(scheme, SV("smtps")))
        return false;
    for (size_t i = 0; i < url.n; i++)
        if (url.p[i] <= ' ' || url.p[i] > '~')
            return false;
    return sv_starts(rest, SV("//")) && rest.n > 2 && rest.p[2] != '/';
}

static bool check(const struct http_request *rq, struct err *e) {
    if (!is_mail_url(rq->url))
        return err_set_field(e, ERR_INVALID, "url", "not an absolute smtp or smtps URL");
    if (!is_path(rq->mail->from) || !is_path(rq->mail->to))
        return err_set_field(e, ERR_INVALID, "to", "not an address that SMTP can carry");
    if (rq->mail->to.n && !rq->body.n)
        return err_set_field(e, ERR_INVALID, "body", "an e-mail without a byte");
    return rq->n_headers == 0 || err_set(e, ERR_INVALID, "an e-mail's headers stand in its body");
}

bool mailer_start(struct mailer *m, const struct client_call *call, struct err *e) {
    if (!check(call->request, e))
        return false;
    BUF_AUTO struct buf key = BUF_INIT(KEY_BYTES_MAX);
    add_key(call, &key);
    int64_t now = clock_monotonic_us();
    struct session *s = m->sessions;
    /* One that cannot take it would answer within this call, which it must not: a new one does so later. */
    bool utf8 = mail_needs_utf8(call->request->mail);
    while (s && (s->dead || s->step != STEP_IDLE || (utf8 && !s->takes_utf8) ||
                 !sv_eq(buf_sv(&s->key), buf_sv(&key))))
        s = s->next;
    if (s) {
        take_call(s, call, now);
        s->kept = true;
        session_begin(s);
    } else if (!connect_session(m, call, now, e)) {
        return false;
    }
    m->calls++;
    return true;
}

void mailer_event(struct mailer *m, const struct watch_event *event) {
    struct session *s = m->sessions;
    while (s && (s->dead || s->fd != event->fd))
        s = s->next;
    if (!s) {
        multi_event(&m->multi, event->fd, event->bits);
        take_connected(m);
        return;
    }
    if (event->bits & WATCH_OUT)
        session_flush(s);
    if (event->bits & (WATCH_IN | WATCH_ERR) && !s->dead)
        session_receive(s);
}

static void reap(struct mailer *m) {
    for (struct session **at = &m->sessions; *at;) {
        struct session *s = *at;
        if (!s->dead) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        m->n_sessions--;
        session_free(s);
    }
}

void mailer_run(struct mailer *m, int64_t now_us) {
    multi_timer(&m->multi, now_us);
    take_connected(m);
    for (struct session *s = m->sessions; s; s = s->next) {
        if (s->dead || s->until_us > now_us || s->step == STEP_CONNECT) /* there libcurl's clock runs */
            continue;
        s->heard = true;
        if (s->step == STEP_IDLE)
            session_say(s, STEP_IDLE, "QUIT", NULL);
        session_broken(s, "timed out");
    }
    reap(m);
}

int64_t mailer_due(const struct mailer *m) {
    int64_t due = m->multi.timer_us;
    for (const struct session *s = m->sessions; s; s = s->next)
        if (s->step != STEP_CONNECT && (due == 0 || s->until_us < due))
            due = s->until_us;
    return due;
}

unsigned mailer_in_flight(const struct mailer *m) {
    return m->n_busy;
}

void mailer_counts(const struct mailer *m, uint64_t *calls, uint64_t *connections) {
    *calls = m->calls;
    *connections = m->connections;
}

struct mailer *mailer_new(struct watch *watch, CURLSH *shared, const char *ca_file) {
    struct mailer *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    *m = (struct mailer){.shared = shared, .ca_file = ca_file};
    if (multi_init(&m->multi, watch, m, SESSIONS_MAX))
        return m;
    mailer_free(m);
    return NULL;
}

void mailer_free(struct mailer *m) {
    if (!m)
        return;
    for (struct session *s = m->sessions; s; s = s->next) {
        s->dead = true;
        if (s->busy)
            session_end_failed(s, "the program is shutting down");
    }
    reap(m);
    multi_done(&m->multi);
    free(m);
}
