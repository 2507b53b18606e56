/* What is said on a session, and what the server's replies make of it. */
#include "net/mailer_parts.h"

#include "base/clock.h"

#include <string.h>

enum {
    IDLE_S_MAX = 30,
    RESET_S_MAX = 10,
    PIECE_BYTES = 16 * 1024, /* one TLS record */
    OUT_BYTES_KEPT_MAX = 64 * 1024,
};

/* ---- replies ---- */

bool session_take_line(struct session *s, struct sv line) {
    uint64_t code;
    line = sv_trim(line);
    if (line.n < 3 || !sv_to_u64(sv_sub(line, 0, 3), &code) || code < 200 || code > 599) {
        s->code = 0;
        return false;
    }
    if (!s->more)
        buf_reset(&s->text);
    if (s->step == STEP_CONNECT && sv_eq_nocase(sv_trim(sv_from(line, 4)), SV("SMTPUTF8")))
        s->takes_utf8 = true;
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

/* ---- ends of calls ---- */

static void end_call(struct session *s, struct http_response *r) {
    r->elapsed_us = clock_monotonic_us() - s->started_us;
    s->busy = false;
    s->mailer->n_busy--;
    s->call.done(s->call.ctx, r); /* may start others: not on this session, which is not idle yet */
}

void session_end_answered(struct session *s) {
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

void session_end_failed(struct session *s, const char *why) {
    struct http_response r = {.transport = s->all_left ? HTTP_CUT : HTTP_NOT_SENT, .error = sv_of(why)};
    end_call(s, &r);
}

static int64_t in_seconds(int64_t s) {
    return clock_monotonic_us() + s * US_PER_S;
}

/* ---- the conversation ---- */

void session_flush(struct session *s) {
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
        watch_want(s->mailer->multi.watch, s->fd, s->written < s->out.n ? WATCH_IN | WATCH_OUT : WATCH_IN,
                   s->mailer);
}

void session_say(struct session *s, enum step step, const char *command, const struct sv *address) {
    s->step = step;
    s->written = 0;
    buf_reset(&s->out);
    buf_adds(&s->out, command);
    if (address)
        buf_addf(&s->out, "<%.*s>", SV_FMT(*address));
    if (step == STEP_MAIL && mail_needs_utf8(s->call.request->mail))
        buf_adds(&s->out, " BODY=8BITMIME SMTPUTF8");
    buf_adds(&s->out, "\r\n");
    session_flush(s);
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
        session_end_failed(s, "the message is too long");
        return;
    }
    session_flush(s);
}

bool mail_needs_utf8(const struct mail_envelope *mail) {
    const struct sv both[] = {mail->from, mail->to};
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < both[k].n; i++)
            if ((unsigned char)both[k].p[i] >= 0x80)
                return true;
    return false;
}

static void rest(struct session *s);

/* RFC 6531, 3.1: not to be sent to a server that does not offer it. Its answer would be this. */
static void refuse_utf8(struct session *s) {
    s->step = STEP_RCPT;
    s->code = 553;
    buf_reset(&s->text);
    buf_adds(&s->text, "5.6.7 The mail server takes no addresses outside ASCII (SMTPUTF8)");
    session_end_answered(s);
    rest(s);
}

void session_begin(struct session *s) {
    const struct mail_envelope *mail = s->call.request->mail;
    s->more = false;
    if (mail->to.n && mail_needs_utf8(mail) && !s->takes_utf8)
        refuse_utf8(s);
    else if (mail->to.n)
        session_say(s, STEP_MAIL, "MAIL FROM:", &mail->from);
    else
        session_say(s, STEP_NOOP, "NOOP", NULL);
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
    session_end_answered(s);
    if (going) {
        s->dead = true;
    } else if (open) {
        s->until_us = in_seconds(RESET_S_MAX);
        session_say(s, STEP_RESET, "RSET", NULL);
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
            session_say(s, STEP_RCPT, "RCPT TO:", &s->call.request->mail->to);
        else
            conclude(s);
        return;
    case STEP_RCPT:
        if (fine)
            session_say(s, STEP_DATA, "DATA", NULL);
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
        bool whole = session_take_line(s, sv_sub(in, 0, at));
        memmove(s->in.p, s->in.p + at + 1, s->in.n - at - 1);
        s->in.n -= at + 1;
        if (whole)
            take_reply(s);
        else if (s->code == 0)
            session_broken(s, "the server says what is no SMTP");
    }
}

void session_receive(struct session *s) {
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
