#include "ingest/replies.h"

#include "base/arena.h"
#include "text/screen/keyword.h"

#include <stdlib.h>

enum { ANSWERS_MAX = 128, MEMORY_MAX = 1 << 20, NUMBER_DIGITS_MIN = 7 };

/* The words people use. Those of one letter are the habit of Chinese providers' texts ("退订回T"). CTIA's
 * short code handbook and the providers' defaults name STOP, STOPALL, UNSUBSCRIBE, CANCEL, END, QUIT, REVOKE
 * and OPTOUT; START, UNSTOP, YES; HELP, INFO. */
static const char *const built_in_rules[] = {
    "stop 取消, 退订, 退訂, 拒收, 取消订阅, T, TD, N, R for language=zh",
    "stop STOP, STOPALL, STOP ALL, UNSUBSCRIBE, CANCEL, END, QUIT, REVOKE, OPTOUT, OPT OUT for language=en",
    "stop ARRET, ARRETER, DESABONNER for language=fr",
    "stop BAJA, ALTO, PARAR, CANCELAR for language=es",
    "stop SAIR, REMOVER for language=pt",
    "stop STOPP, ABMELDEN for language=de",
    "stop СТОП, ОТПИСКА, ОТПИСАТЬСЯ for language=ru",
    "stop 停止, 配信停止 for language=ja",
    "stop 수신거부, 중지 for language=ko",
    "start 恢复, 订阅, 恢复订阅 for language=zh",
    "start START, UNSTOP, YES, SUBSCRIBE for language=en",
    "start REPRENDRE for language=fr",
    "start REANUDAR, ALTA for language=es",
    "start VOLTAR for language=pt",
    "start ANMELDEN for language=de",
    "start СТАРТ for language=ru",
    "start 再開, 配信再開 for language=ja",
    "start 수신동의, 시작 for language=ko",
    "confirm Y, 是, 确认, 確認, 同意, 好的 for language=zh",
    "confirm Y, YES, CONFIRM, AGREE, OK for language=en",
    "confirm OUI for language=fr",
    "confirm SI for language=es",
    "confirm SIM for language=pt",
    "confirm JA for language=de",
    "confirm ДА for language=ru",
    "confirm はい for language=ja",
    "confirm 네, 예 for language=ko",
    "help 帮助 for language=zh",
    "help HELP, INFO for language=en",
    "help AIDE for language=fr",
    "help AYUDA for language=es",
    "help AJUDA for language=pt",
    "help HILFE for language=de",
    "help ПОМОЩЬ for language=ru",
    "help ヘルプ for language=ja",
    "help 도움말 for language=ko",
};

static const char *const built_in_answers[] = {
    "stop zh 您已退订通知",
    "start zh 您已恢复订阅",
    "confirm zh 您已确认订阅,回复\"退订\"可随时退订",
    "help zh 回复\"取消\"退订",
    "other zh 回复\"取消\"退订",
    "stop en You have unsubscribed and will get no more messages. Reply START to subscribe again.",
    "start en You are subscribed again. Reply STOP to unsubscribe.",
    "confirm en Thank you, you are subscribed. Reply STOP to unsubscribe.",
    "help en Reply STOP to unsubscribe.",
    "other en Reply STOP to unsubscribe.",
    "stop fr Vous êtes désabonné et ne recevrez plus de messages. Répondez REPRENDRE pour vous réabonner.",
    "start fr Vous êtes de nouveau abonné. Répondez STOP pour vous désabonner.",
    "confirm fr Merci, vous êtes abonné. Répondez STOP pour vous désabonner.",
    "help fr Répondez STOP pour vous désabonner.",
    "stop es Se ha dado de baja y no recibirá más mensajes. Responda ALTA para volver a recibirlos.",
    "start es Se ha dado de alta de nuevo. Responda BAJA para darse de baja.",
    "confirm es Gracias, su suscripción está confirmada. Responda BAJA para darse de baja.",
    "help es Responda BAJA para darse de baja.",
    "stop pt O seu cancelamento foi feito e não receberá mais mensagens. Responda VOLTAR para voltar a "
    "recebê-las.",
    "start pt A sua inscrição foi reativada. Responda SAIR para cancelar.",
    "confirm pt Obrigado, a sua inscrição está confirmada. Responda SAIR para cancelar.",
    "help pt Responda SAIR para cancelar.",
    "stop de Sie sind abgemeldet und erhalten keine Nachrichten mehr. Antworten Sie ANMELDEN, um sich wieder "
    "anzumelden.",
    "start de Sie sind wieder angemeldet. Antworten Sie STOPP, um sich abzumelden.",
    "confirm de Danke, Sie sind angemeldet. Antworten Sie STOPP, um sich abzumelden.",
    "help de Antworten Sie STOPP, um sich abzumelden.",
    "stop ru Вы отписаны и больше не будете получать сообщения. Ответьте СТАРТ, чтобы подписаться снова.",
    "start ru Вы снова подписаны. Ответьте СТОП, чтобы отписаться.",
    "confirm ru Спасибо, вы подписаны. Ответьте СТОП, чтобы отписаться.",
    "help ru Ответьте СТОП, чтобы отписаться.",
    "stop ja 配信を停止しました。再開するには「再開」と返信してください。",
    "start ja 配信を再開しました。停止するには「停止」と返信してください。",
    "confirm ja ご登録ありがとうございます。停止するには「停止」と返信してください。",
    "help ja 停止するには「停止」と返信してください。",
    "stop ko 수신거부가 완료되었습니다. 다시 받으시려면 \"수신동의\"라고 회신해 주세요.",
    "start ko 다시 수신하도록 등록되었습니다. 중지하려면 \"수신거부\"라고 회신해 주세요.",
    "confirm ko 감사합니다. 등록되었습니다. 중지하려면 \"수신거부\"라고 회신해 주세요.",
    "help ko 중지하려면 \"수신거부\"라고 회신해 주세요.",
};

/* In what machines answer: each folded as texts are. */
static const char *const machine_words[] = {
    "automatic reply",   "auto reply",  "autoreply",   "automated response", "out of office",
    "out of the office", "on vacation", "i m driving", "do not reply",       "自动回复",
    "自动应答",          "请勿回复",    "设置了勿扰",  "正在开车",           "abwesenheitsnotiz",
};

struct rule {
    struct reply_rule rule;
    struct sv word;
};

struct replies {
    struct keywords *keywords; /* owned; a word's number is its place in rules */
    struct rule *rules;        /* owned */
    size_t n_rules;
    struct reply_answer answers[ANSWERS_MAX]; /* the settings' before the built-in ones */
    size_t n_answers;
    struct sv machine[sizeof machine_words / sizeof machine_words[0]]; /* folded */
    struct sv language;
    bool answers_other;
    struct arena mem;
};

/* The settings may go while these are still in use. */
static struct sv keep(struct replies *x, struct sv v) {
    struct sv kept = arena_dup(&x->mem, v);
    ASSERT(kept.p);
    return kept;
}

static bool add_rule(struct replies *x, struct sv text, struct err *e) {
    struct reply_rule rule;
    if (!reply_rule_parse(keep(x, text), &rule, e))
        return false;
    for (struct sv words = rule.words; words.p;) {
        struct rule *grown = realloc(x->rules, (x->n_rules + 1) * sizeof *grown);
        ASSERT(grown);
        x->rules = grown;
        x->rules[x->n_rules] = (struct rule){.rule = rule, .word = sv_trim(sv_cut(&words, ','))};
        if (!keywords_add(x->keywords, x->rules[x->n_rules].word, (unsigned)x->n_rules, e))
            return false;
        x->n_rules++;
    }
    return true;
}

static bool add_answer(struct replies *x, struct sv text, struct err *e) {
    ASSERT(x->n_answers < ANSWERS_MAX);
    return reply_answer_parse(keep(x, text), &x->answers[x->n_answers], e) && (++x->n_answers, true);
}

static bool add_all(struct replies *x, const struct settings *s, struct err *e) {
    bool ok = true;
    for (uint32_t i = 0; ok && i < s->replies.keywords.n; i++)
        ok = add_rule(x, s->replies.keywords.at[i], e);
    for (size_t i = 0; ok && s->replies.built_in && i < sizeof built_in_rules / sizeof built_in_rules[0]; i++)
        ok = add_rule(x, sv_of(built_in_rules[i]), e);
    for (uint32_t i = 0; ok && i < s->replies.answers.n; i++)
        ok = add_answer(x, s->replies.answers.at[i], e);
    for (size_t i = 0; ok && i < sizeof built_in_answers / sizeof built_in_answers[0]; i++)
        ok = add_answer(x, sv_of(built_in_answers[i]), e);
    struct buf BUF_AUTO folded = BUF_INIT(4 * KEYWORD_TEXT_BYTES_MAX);
    for (size_t i = 0; ok && i < sizeof machine_words / sizeof machine_words[0]; i++) {
        ok = keywords_fold(x->keywords, sv_of(machine_words[i]), &folded) ||
             err_set(e, ERR_OUTSIDE, "out of memory for keywords");
        x->machine[i] = keep(x, buf_sv(&folded));
    }
    return ok;
}

bool replies_load(const struct settings *s, struct replies **out, struct err *e) {
    *out = NULL;
    if (!s->replies.built_in && !s->replies.keywords.n && !s->replies.answer_other)
        return true;
    struct replies *x = calloc(1, sizeof *x);
    ASSERT(x);
    arena_init(&x->mem, MEMORY_MAX);
    x->language = keep(x, s->replies.language);
    x->answers_other = s->replies.answer_other;
    x->keywords = keywords_new(e);
    if (x->keywords && add_all(x, s, e)) {
        *out = x;
        return true;
    }
    replies_free(x);
    return false;
}

void replies_free(struct replies *x) {
    if (!x)
        return;
    keywords_free(x->keywords);
    free(x->rules);
    arena_done(&x->mem);
    free(x);
}

void replies_read(const struct replies *x, struct sv account, struct sv text, struct reply_reading *out) {
    struct buf BUF_AUTO folded = BUF_INIT(4 * KEYWORD_TEXT_BYTES_MAX);
    unsigned number;
    bool read = false;
    *out = (struct reply_reading){.action = REPLY_OTHER};
    if (!keywords_fold(x->keywords, text, &folded))
        return;
    for (size_t at = 0; keywords_next(x->keywords, buf_sv(&folded), &at, &number);) {
        const struct rule *r = &x->rules[number];
        if (!reply_is_for(r->rule.accounts, account))
            continue;
        if (r->rule.ignore)
            return;
        if (r->rule.action == REPLY_CONFIRM && !out->confirm.n) {
            out->confirm = r->word;
            out->confirm_language = r->rule.language;
        } else if (r->rule.action != REPLY_CONFIRM && !read) {
            out->action = r->rule.action;
            out->keyword = r->word;
            out->topic = r->rule.topic;
            out->language = r->rule.language;
            read = true;
        }
    }
}

/* ---- answering ---- */

bool replies_is_automatic(const struct replies *x, struct sv text) {
    struct buf BUF_AUTO folded = BUF_INIT(4 * KEYWORD_TEXT_BYTES_MAX);
    if (!keywords_fold(x->keywords, sv_sub(text, 0, KEYWORD_TEXT_BYTES_MAX), &folded))
        return true; /* better no answer than one to a machine */
    for (size_t i = 0; i < sizeof x->machine / sizeof x->machine[0]; i++)
        if (sv_find(buf_sv(&folded), x->machine[i]) != SIZE_MAX)
            return true;
    for (size_t i = 0; i < x->n_answers; i++) /* our own words come back: somebody repeats what he hears */
        if (sv_eq(sv_trim(text), x->answers[i].text))
            return true;
    return false;
}

/* A number that a person may hold: short codes and names belong to machines. */
static bool is_person(struct sv from) {
    for (size_t i = 1; i < from.n; i++)
        if (from.p[i] < '0' || from.p[i] > '9')
            return false;
    return sv_starts(from, SV("+")) && from.n > NUMBER_DIGITS_MIN;
}

/* CJK Unified Ideographs and their first extension: UTF-8 E3 90 80 to E9 BF BF. */
static bool has_chinese(struct sv text) {
    for (size_t i = 0; i + 2 < text.n; i++) {
        unsigned char a = (unsigned char)text.p[i], b = (unsigned char)text.p[i + 1];
        if ((a == 0xE3 && b >= 0x90) || (a >= 0xE4 && a <= 0xE9))
            return true;
    }
    return false;
}

static bool reads_chinese(struct sv from) {
    static const char *const codes[] = {"+86", "+852", "+853", "+886"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (sv_starts(from, sv_of(codes[i])))
            return true;
    return false;
}

static const struct reply_answer *find(const struct replies *x, struct sv account, enum reply_action action,
                                       struct sv language) {
    for (size_t i = 0; i < x->n_answers; i++) {
        const struct reply_answer *a = &x->answers[i];
        if (a->action == action && sv_eq(a->language, language) && reply_is_for(a->accounts, account))
            return a;
    }
    return NULL;
}

struct sv replies_answer(const struct replies *x, struct sv account, struct sv from, struct sv text,
                         const struct reply_reading *r) {
    if ((r->action == REPLY_OTHER && !x->answers_other) || !is_person(from) || replies_is_automatic(x, text))
        return SV_NONE;
    bool shared = !r->language.n || sv_eq(r->language, SV("en"));  /* its word is used in all languages */
    shared |= sv_eq(r->language, SV("ja")) && reads_chinese(from); /* as is what both write, such as 停止 */
    struct sv by_text = has_chinese(text) || reads_chinese(from) ? SV("zh") : SV("en");
    struct sv languages[] = {x->language, shared ? SV_NONE : r->language, by_text, SV("en")};
    for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++) {
        const struct reply_answer *a = languages[i].n ? find(x, account, r->action, languages[i]) : NULL;
        if (a)
            return a->text;
    }
    return SV_NONE;
}
