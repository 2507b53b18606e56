#include "net/mailer.h"

#include "base/buf.h"
#include "base/clock.h"
#include "net/address.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SESSIONS_MAX = 512,
    IDLE_S_MAX = 30,
    RESET_S_MAX = 10,
    ADDRESS_BYTES_MAX = 320, /* RFC 5321, 4.5.3.1: 64 + 1 + 255 */
    LINE_BYTES_MAX = 4096,   /* the RFC's 512, and those who do not keep to it */
    REPLY_BYTES_MAX = 4096,
    KEY_BYTES_MAX = 8192,
    PIECE_BYTES = 16 * 1024, /* one TLS record */
    OUT_BYTES_MAX = 64 << 20,
    OUT_BYTES_KEPT_MAX = 64 * 1024,
    REFUSES = 400,
};

/* Which reply is waited for. */
enum step { STEP_CONNECT, STEP_MAIL, STEP_RCPT, STEP_DATA, STEP_MESSAGE, STEP_NOOP, STEP_RESET, STEP_IDLE };

/* One connection to a server, and the call on it. */
struct session {
    struct session *next;
    struct mailer *mailer;
    CURL *easy;
    int fd; /* -1 while libcurl connects */
    enum step step;
    bool dead;     /* freed at the end of the turn */
    bool busy;     /* has a call */
    bool kept;     /* the call came to a session that others had used */
    bool heard;    /* the server replied to something of this call */
    bool all_left; /* the final dot may have left */
    bool refused;  /* the address is private */
    struct client_call call;
    int64_t started_us, until_us; /* of the call, or of being idle */
    struct buf key;               /* server, user and rules */
    struct buf out, in, text;     /* to be written; a part of a line; the last reply's words */
    size_t written;
    int code; /* of the last reply */
    bool more;
    char error[CURL_ERROR_SIZE];
};

struct mailer {
    struct watch *watch;
    CURLSH *shared;
    const char *ca_file;
    CURLM *multi;
    int64_t timer_us; /* when libcurl wants to be called; 0: not at all */
    struct session *sessions;
    unsigned n_sessions, n_busy;
    uint64_t calls, connections;
};

/* ---- what libcurl calls ---- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *unused) {
    (void)easy;
    (void)unused;
    struct mailer *m = ctx;
    unsigned bits = 0;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        bits |= WATCH_IN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        bits |= WATCH_OUT;
    watch_want(m->watch, fd, bits, m);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *ctx) {
    (void)multi;
    struct mailer *m = ctx;
    m->timer_us = timeout_ms < 0 ? 0 : clock_monotonic_us() + timeout_ms * US_PER_MS;
    return 0;
}

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *a) {
    (void)purpose;
    struct session *s = ctx;
    if (!s->call.allow_private && address_is_private(&a->addr)) {
        s->refused = true;
        return CURL_SOCKET_BAD;
    }
    int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    if (!watch_own(s->mailer->watch, fd)) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    s->mailer->connections++;
    return fd;
}

static int on_close(void *ctx, curl_socket_t fd) {
    struct mailer *m = ctx;
    watch_forget(m->watch, fd);
    return close(fd);
}

/* ---- replies ---- */

/* Takes one line; true when the reply is whole. False with code 0: that is no reply. */
static bool take_line(struct session *s, struct sv line) {
    uint64_t code;
    line = sv_trim(line);
    if (line.n < 3 || !sv_to_u64(sv_sub(line, 0, 3), &code) || code < 200 || code > 599) {
        s->code = 0;
        return false;
    }
    if (!s->more)
        buf_reset(&s->text);
    /* Of a reply that is too long, the first lines. */
    if (s->text.n + line.n < REPLY_BYTES_MAX) {
        if (s->text.n)
            buf_addc(&s->text, '\n');
        buf_add(&s->text, sv_from(line, 4));
    }
    s->code = (int)code;
    s->more = line.n > 3 && line.p[3] == '-';
    return !s->more;
}

/* Of the greeting, EHLO, STARTTLS and AUTH. */
static size_t on_header(char *p, size_t one, size_t n, void *ctx) {
    (void)one;
    (void)take_line(ctx, sv_make(p, n));
    return n;
}

/* ---- ends of calls ---- */

static void end_call(struct session *s, struct http_response *r) {
    r->elapsed_us = clock_monotonic_us() - s->started_us;
    s->busy = false;
    s->mailer->n_busy--;
    s->call.done(s->call.ctx, r); /* may start others: not on this session, which is not idle yet */
}

static void end_answered(struct session *s) {
    static const char *const commands[] = {
        [STEP_CONNECT] = "CONNECT", [STEP_MAIL] = "MAIL",       [STEP_RCPT] = "RCPT",
        [STEP_DATA] = "DATA",       [STEP_MESSAGE] = "MESSAGE", [STEP_NOOP] = "NOOP",
    };
    struct http_header command = {.name = SV("Command"), .value = sv_of(commands[s->step])};
    struct http_response r = {.transport = HTTP_ANSWERED,
                              .status = s->code,
                              .headers = &command,
                              .n_headers = 1,
                              .body = buf_sv(&s->text)};
    end_call(s, &r);
}

static void end_failed(struct session *s, const char *why) {
    struct http_response r = {.transport = s->all_left ? HTTP_CUT : HTTP_NOT_SENT, .error = sv_of(why)};
    end_call(s, &r);
}

static bool connect_session(struct mailer *m, const struct client_call *call, int64_t started_us,
                            struct err *e);

/* The connection is of no use any more. */
static void session_broken(struct session *s, const char *why) {
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
        end_failed(s, e.text);
        return;
    }
    end_failed(s, why);
}

static int64_t in_seconds(int64_t s) {
    return clock_monotonic_us() + s * US_PER_S;
}

/* ---- the conversation ---- */

static void flush(struct session *s) {
    while (!s->dead && s->written < s->out.n) {
        size_t n = s->out.n - s->written, sent = 0;
        if (n > PIECE_BYTES)
            n = PIECE_BYTES;
        else if (s->step == STEP_MESSAGE)
            s->all_left = true; /* whether it failed or not */
        CURLcode code = curl_easy_send(s->easy, s->out.p + s->written, n, &sent);
        if (code == CURLE_AGAIN)
            break;
        if (code != CURLE_OK)
            session_broken(s, curl_easy_strerror(code));
        s->written += sent;
    }
    if (!s->dead)
        watch_want(s->mailer->watch, s->fd, s->written < s->out.n ? WATCH_IN | WATCH_OUT : WATCH_IN,
                   s->mailer);
}

static void say(struct session *s, enum step step, const char *command, const struct sv *address) {
    s->step = step;
    s->written = 0;
    buf_reset(&s->out);
    buf_adds(&s->out, command);
    if (address)
        buf_addf(&s->out, "<%.*s>", SV_FMT(*address));
    buf_adds(&s->out, "\r\n");
    flush(s);
}

/* RFC 5321, 4.5.2: a dot more where a line begins with one. */
static void say_message(struct session *s) {
    struct sv left = s->call.request->body;
    s->step = STEP_MESSAGE;
    s->written = 0;
    buf_reset(&s->out);
    while (left.n) {
        if (left.p[0] == '.')
            buf_addc(&s->out, '.');
        size_t at = sv_find(left, SV("\r\n"));
        size_t n = at == SIZE_MAX ? left.n : at + 2;
        buf_add(&s->out, sv_sub(left, 0, n));
        left = sv_from(left, n);
    }
    buf_adds(&s->out, sv_ends(s->call.request->body, SV("\r\n")) ? ".\r\n" : "\r\n.\r\n");
    if (s->out.overflow) {
        s->dead = true;
        end_failed(s, "the message is too long");
        return;
    }
    flush(s);
}

static void begin(struct session *s) {
    const struct mail_envelope *mail = s->call.request->mail;
    s->more = false;
    if (mail->to.n)
        say(s, STEP_MAIL, "MAIL FROM:", &mail->from);
    else
        say(s, STEP_NOOP, "NOOP", NULL);
}

static void rest(struct session *s) {
    s->step = STEP_IDLE;
    s->until_us = in_seconds(IDLE_S_MAX);
    if (s->out.cap > OUT_BYTES_KEPT_MAX)
        buf_done(&s->out);
}

/* The last word of a transaction. */
static void conclude(struct session *s) {
    bool open = s->step == STEP_RCPT || s->step == STEP_DATA, going = s->code == 421;
    if (going && s->kept && s->step == STEP_MAIL) { /* it had enough of this session, not of this message */
        s->heard = false;
        session_broken(s, "the server ended the session");
        return;
    }
    end_answered(s);
    if (going) {
        s->dead = true;
    } else if (open) {
        s->until_us = in_seconds(RESET_S_MAX);
        say(s, STEP_RESET, "RSET", NULL);
    } else {
        rest(s);
    }
}

static void take_reply(struct session *s) {
    bool fine = s->code < 300;
    s->heard = true;
    switch (s->step) {
    case STEP_MAIL:
        if (fine)
            say(s, STEP_RCPT, "RCPT TO:", &s->call.request->mail->to);
        else
            conclude(s);
        return;
    case STEP_RCPT:
        if (fine)
            say(s, STEP_DATA, "DATA", NULL);
        else
            conclude(s);
        return;
    case STEP_DATA:
        if (s->code == 354)
            say_message(s);
        else if (fine)
            session_broken(s, "the server answers DATA with a code that makes no sense");
        else
            conclude(s);
        return;
    case STEP_MESSAGE:
        if (s->written < s->out.n) /* it judged before it had heard all: nothing was taken */
            s->dead = true;
        conclude(s);
        return;
    case STEP_NOOP: conclude(s); return;
    case STEP_RESET:
        if (fine)
            rest(s);
        else
            s->dead = true;
        return;
    case STEP_IDLE: /* unasked: it wants to go */
    case STEP_CONNECT: s->dead = true; return;
    }
}

static void take_lines(struct session *s) {
    while (!s->dead) {
        struct sv in = buf_sv(&s->in);
        size_t at = sv_find_char(in, '\n');
        if (at == SIZE_MAX)
            return;
        bool whole = take_line(s, sv_sub(in, 0, at));
        memmove(s->in.p, s->in.p + at + 1, s->in.n - at - 1);
        s->in.n -= at + 1;
        if (whole)
            take_reply(s);
        else if (s->code == 0)
            session_broken(s, "the server says what is no SMTP");
    }
}

static void receive(struct session *s) {
    while (!s->dead) {
        char piece[2048];
        size_t n = 0;
        CURLcode code = curl_easy_recv(s->easy, piece, sizeof piece, &n);
        if (code == CURLE_AGAIN)
            return;
        if (code != CURLE_OK || n == 0) {
            session_broken(s, n == 0 && code == CURLE_OK ? "the server closed the connection"
                                                         : curl_easy_strerror(code));
            return;
        }
        if (!buf_add(&s->in, sv_make(piece, n))) {
            session_broken(s, "the server's reply is too long");
            return;
        }
        take_lines(s);
    }
}

/* ---- connecting ---- */

#define SET(easy, option, value)                                                                             \
    do {                                                                                                     \
        CURLcode set_ = curl_easy_setopt((easy), (option), (value));                                         \
        if (set_ == CURLE_OUT_OF_MEMORY)                                                                     \
            return false;                                                                                    \
        ASSERT(set_ == CURLE_OK);                                                                            \
    } while (0)

static bool prepare(struct session *s, int64_t left_ms) {
    static const long levels[] = {[MAIL_TLS_NEVER] = CURLUSESSL_NONE,
                                  [MAIL_TLS_TRY] = CURLUSESSL_TRY,
                                  [MAIL_TLS_ALWAYS] = CURLUSESSL_ALL};
    const struct mail_envelope *mail = s->call.request->mail;
    const char *ca_file = mail->ca_file.n ? mail->ca_file.p : s->mailer->ca_file;
    CURL *h = s->easy;
    SET(h, CURLOPT_PRIVATE, s);
    SET(h, CURLOPT_ERRORBUFFER, s->error);
    SET(h, CURLOPT_SHARE, s->mailer->shared);
    SET(h, CURLOPT_NOSIGNAL, 1L);
    SET(h, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    SET(h, CURLOPT_PROXY, "");
    SET(h, CURLOPT_NOPROXY, "*");
    SET(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(h, CURLOPT_TCP_NODELAY, 1L);
    SET(h, CURLOPT_OPENSOCKETFUNCTION, on_open);
    SET(h, CURLOPT_OPENSOCKETDATA, s);
    SET(h, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    SET(h, CURLOPT_CLOSESOCKETDATA, s->mailer);
    SET(h, CURLOPT_HEADERFUNCTION, on_header);
    SET(h, CURLOPT_HEADERDATA, s);
    SET(h, CURLOPT_CONNECT_ONLY, 1L);
    SET(h, CURLOPT_URL, s->call.request->url.p);
    SET(h, CURLOPT_TIMEOUT_MS, (long)left_ms);
    SET(h, CURLOPT_CONNECTTIMEOUT_MS, (long)s->call.connect_timeout_ms);
    SET(h, CURLOPT_USE_SSL, levels[mail->tls]);
    if (ca_file)
        SET(h, CURLOPT_CAINFO, ca_file);
    if (mail->user.n) {
        SET(h, CURLOPT_USERNAME, mail->user.p);
        SET(h, CURLOPT_PASSWORD, mail->password.n ? mail->password.p : "");
        /* Of the others libcurl prefers some that need more than a password (Kerberos, NTLM). */
        SET(h, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN;AUTH=CRAM-MD5");
    }
    return true;
}

/* Closes without a word of libcurl's: it does so with a session that was handed over. */
static void session_free(struct session *s) {
    if (s->easy)
        curl_multi_remove_handle(s->mailer->multi, s->easy);
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
        curl_multi_add_handle(m->multi, s->easy) != CURLM_OK) {
        session_free(s);
        return err_set(e, ERR_OUTSIDE, "out of memory for a call");
    }
    take_call(s, call, started_us);
    s->next = m->sessions;
    m->sessions = s;
    m->n_sessions++;
    return true;
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
        begin(s);
        return;
    }
    s->dead = true;
    if (s->refused)
        end_failed(s, "the address is this machine's or of a private network, which is not allowed here");
    else if (is_refusal(s->code) && !s->more)
        end_answered(s);
    else
        end_failed(s, s->error[0] ? s->error : curl_easy_strerror(code));
}

static void drive(struct mailer *m, int fd, unsigned bits) {
    int running, left;
    curl_multi_socket_action(m->multi, fd < 0 ? CURL_SOCKET_TIMEOUT : fd,
                             (bits & WATCH_IN ? CURL_CSELECT_IN : 0) |
                                 (bits & WATCH_OUT ? CURL_CSELECT_OUT : 0) |
                                 (bits & WATCH_ERR ? CURL_CSELECT_ERR : 0),
                             &running);
    for (CURLMsg *msg; (msg = curl_multi_info_read(m->multi, &left)) != NULL;) {
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
        if ((unsigned char)v.p[i] <= ' ' || (unsigned char)v.p[i] >= 0x7f || v.p[i] == '<' || v.p[i] == '>')
            return false;
    return v.n <= ADDRESS_BYTES_MAX;
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
    while (s && (s->dead || s->step != STEP_IDLE || !sv_eq(buf_sv(&s->key), buf_sv(&key))))
        s = s->next;
    if (s) {
        take_call(s, call, now);
        s->kept = true;
        begin(s);
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
        drive(m, event->fd, event->bits);
        return;
    }
    if (event->bits & WATCH_OUT)
        flush(s);
    if (event->bits & (WATCH_IN | WATCH_ERR) && !s->dead)
        receive(s);
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
    if (m->timer_us && m->timer_us <= now_us) {
        m->timer_us = 0;
        drive(m, -1, 0);
    }
    for (struct session *s = m->sessions; s; s = s->next) {
        if (s->dead || s->until_us > now_us || s->step == STEP_CONNECT) /* there libcurl's clock runs */
            continue;
        s->heard = true;
        if (s->step == STEP_IDLE)
            say(s, STEP_IDLE, "QUIT", NULL);
        session_broken(s, "timed out");
    }
    reap(m);
}

int64_t mailer_due(const struct mailer *m) {
    int64_t due = m->timer_us;
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
    *m = (struct mailer){.watch = watch, .shared = shared, .ca_file = ca_file, .multi = curl_multi_init()};
    if (m->multi && curl_multi_setopt(m->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
        curl_multi_setopt(m->multi, CURLMOPT_SOCKETDATA, m) == CURLM_OK &&
        curl_multi_setopt(m->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
        curl_multi_setopt(m->multi, CURLMOPT_TIMERDATA, m) == CURLM_OK &&
        curl_multi_setopt(m->multi, CURLMOPT_MAXCONNECTS, (long)SESSIONS_MAX) == CURLM_OK)
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
            end_failed(s, "the program is shutting down");
    }
    reap(m);
    curl_multi_cleanup(m->multi);
    free(m);
}
