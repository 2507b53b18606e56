/* What is asked for and what becomes of it: a table of submissions, and the words and templates they meet. */
#include "../base/check.h"
#include "base/clock.h"
#include "ingest/admit.h"
#include "ingest/texts.h"

#include <unistd.h>

#define NOW (INT64_C(1767225600) * US_PER_S)

struct desk {
    char dir[64];
    struct settings settings;
    struct texts *texts;
    struct admitter *admitter;
};

static void write_file(struct desk *d, const char *name, const char *text) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", d->dir, name);
    FILE *f = fopen(path, "w");
    ASSERT(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void remove_file(struct desk *d, const char *name) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", d->dir, name);
    unlink(path);
}

static const char *const files[] = {"code.txt",  "code.zh.txt", "code.xx.txt",
                                    "empty.txt", "loop.txt",    "words"};

static struct desk *desk_open(const char *action) {
    struct desk *d = calloc(1, sizeof *d);
    struct err e = ERR_INIT;
    static char words[128];
    ASSERT(d);
    snprintf(d->dir, sizeof d->dir, "/tmp/hongyan-test-admit-XXXXXX");
    ASSERT(mkdtemp(d->dir));
    write_file(d, "code.txt", "Your code is {{ code }}");
    write_file(d, "code.zh.txt", "\xe9\xaa\x8c\xe8\xaf\x81\xe7\xa0\x81 {{ code }}");
    write_file(d, "code.xx.txt", " {{ code }}\n");
    write_file(d, "empty.txt", "{% if no %}x{% endif %}");
    write_file(d, "loop.txt",
               "{% for i in range(100000) %}{% for k in range(100000) %}xxxxxxxx{% endfor %}{% endfor %}");
    write_file(d, "words", "casino\n");
    snprintf(words, sizeof words, "%s/words", d->dir);
    struct settings *s = &d->settings;
    s->defaults.region = SV("CN");
    s->defaults.validity_s = 3600;
    s->limits.body_chars_max = 1600;
    s->templates.dir = sv_of(d->dir);
    if (action) {
        s->screen.words[s->screen.n_words++] = sv_of(words);
        s->screen.action = sv_of(action);
    }
    d->texts = texts_load(s, &e);
    d->admitter = admitter_new(NULL, NULL, &e);
    if (!d->texts || !d->admitter)
        fail_msg("%s", e.text);
    return d;
}

static void desk_close(struct desk *d) {
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        remove_file(d, files[i]);
    rmdir(d->dir);
    texts_free(d->texts);
    admitter_free(d->admitter);
    free(d);
}

struct row {
    const char *name;
    const char *to, *from, *body, *template, *language, *vars, *topic, *metadata, *callback, *key;
    int64_t send_at_s, validity_s; /* send_at from now; 0: at once */
    enum err_kind kind;
    const char *field; /* refused; or */
    unsigned segments;
    enum encoding encoding;
    const char *right; /* body; NULL: as given */
};

#define TO .to = "+8613800138000"
#define GOOD .kind = ERR_NONE
#define BAD(k, f) .kind = ERR_##k, .field = f

static char body_160[161], body_161[162], body_1600[1601], body_1601[1602], body_16k[16385], body_16k1[16386];
static char zh_70[211], zh_71[214], zh_1600[4801], zh_1601[4804];
static char topic_64[65], topic_65[66], metadata_2048[2049], metadata_2049[2050], key_255[256], key_256[257];
static char from_64[65], from_65[66], url_4000[4001], url_4001[4002];

static const struct row rows[] = {
    {"plain", TO, .body = "hello", GOOD, .segments = 1},
    {"national number", .to = "138 0013 8000", .body = "hello", GOOD, .segments = 1},
    {"no recipient", .body = "hello", BAD(INVALID, "to")},
    {"no number", .to = "hello", .body = "hello", BAD(UNPROCESSABLE, "to")},
    {"too short a number", .to = "+861380013800", .body = "hello", BAD(UNPROCESSABLE, "to")},
    {"a fixed line", .to = "+861062771234", .body = "hello", BAD(UNPROCESSABLE, "to")},
    {"no text", TO, BAD(INVALID, "body")},
    {"an empty text", TO, .body = "", BAD(INVALID, "body")},
    {"spaces alone", TO, .body = " \t\r\n ", BAD(INVALID, "body")},
    {"what cannot be seen", TO, .body = "\xe2\x80\x8b\xe3\x80\x80\xef\xbb\xbf", BAD(INVALID, "body")},
    {"not UTF-8", TO, .body = "a\xff", BAD(INVALID, "body")},
    {"half a character", TO, .body = "\xe4\xb8", BAD(INVALID, "body")},
    {"a whole segment", TO, .body = body_160, GOOD, .segments = 1},
    {"one more", TO, .body = body_161, GOOD, .segments = 2},
    {"a whole segment of Chinese", TO, .body = zh_70, GOOD, .segments = 1, .encoding = ENCODING_UCS2},
    {"one more character", TO, .body = zh_71, GOOD, .segments = 2, .encoding = ENCODING_UCS2},
    {"as long as may be", TO, .body = body_1600, GOOD, .segments = 11},
    {"too long", TO, .body = body_1601, BAD(UNPROCESSABLE, "body")},
    {"as long in characters", TO, .body = zh_1600, GOOD, .segments = 24, .encoding = ENCODING_UCS2},
    {"too long in characters", TO, .body = zh_1601, BAD(UNPROCESSABLE, "body")},
    {"far too long", TO, .body = body_16k, BAD(UNPROCESSABLE, "body")},
    {"farther", TO, .body = body_16k1, BAD(UNPROCESSABLE, "body")},
    {"a longest sender", TO, .body = "x", .from = from_64, GOOD, .segments = 1},
    {"too long a sender", TO, .body = "x", .from = from_65, BAD(INVALID, "from")},
    {"a line break in the sender", TO, .body = "x", .from = "a\nb", BAD(INVALID, "from")},
    {"a sender not in UTF-8", TO, .body = "x", .from = "\xff", BAD(INVALID, "from")},
    {"a longest topic", TO, .body = "x", .topic = topic_64, GOOD, .segments = 1},
    {"too long a topic", TO, .body = "x", .topic = topic_65, BAD(INVALID, "topic")},
    {"the most metadata", TO, .body = "x", .metadata = metadata_2048, GOOD, .segments = 1},
    {"too much metadata", TO, .body = "x", .metadata = metadata_2049, BAD(INVALID, "metadata")},
    {"a longest key", TO, .body = "x", .key = key_255, GOOD, .segments = 1},
    {"too long a key", TO, .body = "x", .key = key_256, BAD(INVALID, "Idempotency-Key")},
    {"a callback", TO, .body = "x", .callback = "https://example.com/?a=b", GOOD, .segments = 1},
    {"a longest callback", TO, .body = "x", .callback = url_4000, GOOD, .segments = 1},
    {"too long a callback", TO, .body = "x", .callback = url_4001, BAD(INVALID, "status_callback")},
    {"a callback by ftp", TO, .body = "x", .callback = "ftp://example.com/", BAD(INVALID, "status_callback")},
    {"a relative one", TO, .body = "x", .callback = "/status", BAD(INVALID, "status_callback")},
    {"one without host", TO, .body = "x", .callback = "http:///x", BAD(INVALID, "status_callback")},
    {"one with a blank", TO, .body = "x", .callback = "http://a/ b", BAD(INVALID, "status_callback")},
    {"one with a line break", TO, .body = "x", .callback = "http://a/\r\nX: y",
     BAD(INVALID, "status_callback")},
    {"one with a fragment", TO, .body = "x", .callback = "http://a/#b", BAD(INVALID, "status_callback")},
    {"later", TO, .body = "x", .send_at_s = 60, GOOD, .segments = 1},
    {"a moment ago", TO, .body = "x", .send_at_s = -60, GOOD, .segments = 1},
    {"long ago", TO, .body = "x", .send_at_s = -61, BAD(INVALID, "send_at")},
    {"in a year", TO, .body = "x", .send_at_s = 366 * 86400, GOOD, .segments = 1},
    {"too far off", TO, .body = "x", .send_at_s = 366 * 86400 + 1, BAD(INVALID, "send_at")},
    {"the shortest validity", TO, .body = "x", .validity_s = 1, GOOD, .segments = 1},
    {"the longest", TO, .body = "x", .validity_s = 7 * 86400, GOOD, .segments = 1},
    {"longer", TO, .body = "x", .validity_s = 7 * 86400 + 1, BAD(INVALID, "validity_s")},
    {"negative", TO, .body = "x", .validity_s = -1, BAD(INVALID, "validity_s")},
    {"a template", TO, .template = "code", .vars = "{\"code\":\"42\"}", GOOD, .segments = 1,
     .right = "Your code is 42"},
    {"in a language", TO, .template = "code", .language = "zh-CN", .vars = "{\"code\":42}", GOOD,
     .segments = 1, .encoding = ENCODING_UCS2, .right = "\xe9\xaa\x8c\xe8\xaf\x81\xe7\xa0\x81 42"},
    {"in one there is not", TO, .template = "code", .language = "fr", .vars = "{\"code\":1}", GOOD,
     .segments = 1, .right = "Your code is 1"},
    {"no such template", TO, .template = "none", BAD(UNPROCESSABLE, "template")},
    {"a path as template", TO, .template = "../code", BAD(UNPROCESSABLE, "template")},
    {"template and body", TO, .template = "code", .body = "x", BAD(INVALID, "body")},
    {"a template of nothing", TO, .template = "empty", .vars = "{}", BAD(INVALID, "template")},
    {"a template of spaces", TO, .template = "code", .language = "xx", .vars = "{}",
     BAD(INVALID, "template")},
    {"a template without end", TO, .template = "loop", .vars = "{}", BAD(UNPROCESSABLE, "vars")},
};

static void fill(char *text, size_t n, const char *unit) {
    for (size_t i = 0; i < n; i++)
        text[i] = unit[i % strlen(unit)];
    text[n] = '\0';
}

static void fill_all(void) {
    static const struct {
        char *text;
        size_t size;
        const char *unit;
    } all[] = {
        {body_160, sizeof body_160, "a"},
        {body_161, sizeof body_161, "a"},
        {body_1600, sizeof body_1600, "a"},
        {body_1601, sizeof body_1601, "a"},
        {body_16k, sizeof body_16k, "a"},
        {body_16k1, sizeof body_16k1, "a"},
        {zh_70, sizeof zh_70, "\xe4\xb8\xad"},
        {zh_71, sizeof zh_71, "\xe4\xb8\xad"},
        {zh_1600, sizeof zh_1600, "\xe4\xb8\xad"},
        {zh_1601, sizeof zh_1601, "\xe4\xb8\xad"},
        {topic_64, sizeof topic_64, "t"},
        {topic_65, sizeof topic_65, "t"},
        {metadata_2048, sizeof metadata_2048, "m"},
        {metadata_2049, sizeof metadata_2049, "m"},
        {key_255, sizeof key_255, "k"},
        {key_256, sizeof key_256, "k"},
        {from_64, sizeof from_64, "f"},
        {from_65, sizeof from_65, "f"},
        {url_4000, sizeof url_4000, "u"},
        {url_4001, sizeof url_4001, "u"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        fill(all[i].text, all[i].size - 1, all[i].unit);
    memcpy(url_4000, "https://", 8);
    memcpy(url_4001, "https://", 8);
}

/* A text of the table as a view whose end the sanitizers know. */
static struct sv view(const char *text) {
    return text ? sv_of(text) : SV_NONE;
}

static struct submission submission_of(const struct row *r, json_t *vars) {
    return (struct submission){.account_id = 7,
                               .to = view(r->to),
                               .from = view(r->from),
                               .body = view(r->body),
                               .template = view(r->template),
                               .language = view(r->language),
                               .vars = vars,
                               .topic = view(r->topic),
                               .metadata = view(r->metadata),
                               .status_callback = view(r->callback),
                               .idempotency_key = view(r->key),
                               .fingerprint_of = SV("request"),
                               .send_at = r->send_at_s ? NOW + r->send_at_s * US_PER_S : 0,
                               .validity_s = r->validity_s};
}

static void check_message(const struct row *r, const struct message *m) {
    assert_sv(m->text[TEXT_TO], "+8613800138000");
    assert_sv(m->text[TEXT_BODY], r->right ? r->right : r->body);
    assert_int_equal(m->segments, r->segments);
    assert_int_equal(m->encoding, r->encoding);
    assert_int_equal(m->account_id, 7);
    assert_int_equal(m->id, 0);
    assert_int_equal(m->created_at, NOW);
    assert_int_equal(m->send_at, r->send_at_s > 0 ? NOW + r->send_at_s * US_PER_S : 0);
    assert_int_equal(m->expires_at, NOW + (r->validity_s ? r->validity_s : 3600) * US_PER_S);
    assert_int_equal(m->head.state, STATE_NONE);
}

static void test_admit__each_submission_is_taken_or_refused_by_field(void **state) {
    (void)state;
    fill_all();
    struct desk *d = desk_open(NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *r = &rows[i];
        json_t *vars = r->vars ? json_loads(r->vars, 0, NULL) : NULL;
        struct submission in = submission_of(r, vars);
        struct admitted out = {0};
        struct err e = ERR_INIT;
        bool ok = admit(d->admitter, &d->settings, d->texts, &in, NOW, &out, &e);
        if (e.kind != r->kind || ok != (r->kind == ERR_NONE))
            fail_msg("%s: %s: %s: %s", r->name, err_kind_name(e.kind), e.field, e.text);
        if (ok)
            check_message(r, out.message);
        else if (strcmp(e.field, r->field) != 0 || !e.text[0])
            fail_msg("%s: field %s: %s", r->name, e.field, e.text);
        message_free(out.message);
        json_decref(vars);
    }
    print_message("# %zu submissions\n", sizeof rows / sizeof rows[0]);
    desk_close(d);
}

static void test_admit__errors_use_the_names_of_the_face(void **state) {
    (void)state;
    static const struct admit_names names = {"To",     "From",          "Body", "StatusCallback",
                                             "SendAt", "ValidityPeriod"};
    struct desk *d = desk_open(NULL);
    const struct {
        struct submission in;
        const char *field;
    } asked[] = {
        {{.body = SV("x")}, "To"},
        {{.to = SV("+8613800138000"), .from = SV("\n"), .body = SV("x")}, "From"},
        {{.to = SV("+8613800138000")}, "Body"},
        {{.to = SV("+8613800138000"), .body = SV("x"), .status_callback = SV("x")}, "StatusCallback"},
        {{.to = SV("+8613800138000"), .body = SV("x"), .send_at = 1}, "SendAt"},
        {{.to = SV("+8613800138000"), .body = SV("x"), .validity_s = -1}, "ValidityPeriod"},
    };
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        struct submission in = asked[i].in;
        struct admitted out;
        struct err e = ERR_INIT;
        in.names = &names;
        assert_false(admit(d->admitter, &d->settings, d->texts, &in, NOW, &out, &e));
        assert_string_equal(e.field, asked[i].field);
    }
    desk_close(d);
}

static void test_admit__a_forbidden_word_is_blocked_replaced_or_flagged(void **state) {
    (void)state;
    static const struct {
        const char *action, *body, *right;
        enum reason suppress;
    } met[] = {
        {"block", "come to the casino", "come to the casino", REASON_SCREENED},
        {"replace", "come to the casino", "come to the ******", REASON_NONE},
        {"flag", "come to the casino", "come to the casino", REASON_NONE},
        {"block", "come home", "come home", REASON_NONE},
        {"replace", "C a s i n o? no: CASINO", NULL, REASON_NONE},
    };
    for (size_t i = 0; i < sizeof met / sizeof met[0]; i++) {
        struct desk *d = desk_open(met[i].action);
        struct submission in = {.to = SV("+8613800138000"), .body = sv_of(met[i].body)};
        struct admitted out = {.suppress = REASON_BLOCKED};
        struct err e = ERR_INIT;
        assert_true(admit(d->admitter, &d->settings, d->texts, &in, NOW, &out, &e));
        assert_int_equal(out.suppress, met[i].suppress);
        if (met[i].right)
            assert_sv(out.message->text[TEXT_BODY], met[i].right);
        else
            assert_int_equal(sv_find(out.message->text[TEXT_BODY], SV("CASINO")), SIZE_MAX);
        message_free(out.message);
        desk_close(d);
    }
}

/* The words and patterns that settings name, for certain accounts and topics. */
static void test_admit__lists_are_for_the_accounts_and_topics_they_name(void **state) {
    (void)state;
    static const struct {
        const char *account, *topic, *body, *right;
        enum screen_action worst;
        unsigned line;
    } met[] = {
        {"acme", "promo", "all about poker", "all about poker", SCREEN_BLOCK, 2},
        {"acme", "code", "all about poker", "all about poker", SCREEN_PASS, 0},
        {"beta", "promo", "all about poker", "all about poker", SCREEN_PASS, 0},
        {"beta", "code", "see bit.ly/abc", "see bit.ly/abc", SCREEN_FLAG, 1},
        {"acme", "", "a damn thing", "a **** thing", SCREEN_REPLACE, 1},
        {"acme", "", "a damn fine thing", "a **** fine thing", SCREEN_REPLACE, 1},
        {"beta", "", "a damn fine thing", "a damn fine thing", SCREEN_PASS, 0},
        {"", "", "casino", "casino", SCREEN_BLOCK, 1},
        {"beta", "", "a damn link: bit.ly/abc", "a **** link: bit.ly/abc", SCREEN_FLAG, 1},
    };
    static const char *const lists[] = {
        "block words %s/l1 for account=acme topic=promo", "flag patterns %s/l2", "replace words %s/l3",
        "allow %s/l4 for account=beta", "replace patterns %s/l2 for account=beta topic=none"};
    static char rules[5][128];
    struct desk *d = desk_open("block");
    struct err e = ERR_INIT;
    write_file(d, "l1", "# gambling\npoker\n");
    write_file(d, "l2", "bit\\.ly/\\w+\n");
    write_file(d, "l3", "damn\n");
    write_file(d, "l4", "damn fine\n");
    for (size_t i = 0; i < 5; i++) {
        snprintf(rules[i], sizeof rules[i], lists[i], d->dir);
        assert_true(
            screen_list_parse(sv_of(rules[i]), &d->settings.screen.lists[d->settings.screen.n_lists++], &e));
    }
    struct texts *t = texts_load(&d->settings, &e);
    if (!t)
        fail_msg("%s", e.text);
    assert_true(texts_screen_by_account(t));
    assert_false(texts_screen_by_account(d->texts));
    for (size_t i = 0; i < sizeof met / sizeof met[0]; i++) {
        struct submission in = {.to = SV("+8613800138000"),
                                .body = sv_of(met[i].body),
                                .account_name = sv_of(met[i].account),
                                .topic = sv_of(met[i].topic)};
        struct admitted out;
        assert_true(admit(d->admitter, &d->settings, t, &in, NOW, &out, &e));
        if (out.screened.worst != met[i].worst)
            fail_msg("row %zu: %s", i, screen_action_name(out.screened.worst));
        assert_int_equal(out.suppress, met[i].worst == SCREEN_BLOCK ? REASON_SCREENED : REASON_NONE);
        assert_sv(out.message->text[TEXT_BODY], met[i].right);
        if (met[i].line)
            assert_int_equal(out.screened.hits[0].rule, met[i].line);
        message_free(out.message);
    }
    texts_free(t);
    for (const char *name = "l1\0l2\0l3\0l4\0"; *name; name += 3)
        remove_file(d, name);
    desk_close(d);
}

static void test_admit__smart_encoding_never_makes_a_text_dearer(void **state) {
    (void)state;
    static char dear[100];
    struct desk *d = desk_open(NULL);
    snprintf(dear, sizeof dear, "\xe2\x80\x9c%s",
             "\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t."); /* 30 tabs */
    struct submission in = {.to = SV("+8613800138000"), .body = sv_of(dear), .smart_encoding = SMART_YES};
    struct admitted out;
    struct err e = ERR_INIT;
    assert_true(admit(d->admitter, &d->settings, d->texts, &in, NOW, &out, &e));
    assert_sv(out.message->text[TEXT_BODY], dear);
    assert_int_equal(out.message->segments, 1);
    message_free(out.message);
    desk_close(d);
}

static void test_admit__what_a_template_makes_is_screened_too(void **state) {
    (void)state;
    struct desk *d = desk_open("block");
    json_t *vars = json_pack("{s:s}", "code", "casino");
    struct submission in = {.to = SV("+8613800138000"), .template = SV("code"), .vars = vars};
    struct admitted out;
    struct err e = ERR_INIT;
    assert_true(admit(d->admitter, &d->settings, d->texts, &in, NOW, &out, &e));
    assert_int_equal(out.suppress, REASON_SCREENED);
    assert_sv(out.message->text[TEXT_TEMPLATE], "code");
    message_free(out.message);
    json_decref(vars);
    desk_close(d);
}

static void test_admit__smart_encoding_only_when_it_makes_gsm7(void **state) {
    (void)state;
    static const struct {
        const char *body, *right;
        enum smart_choice by_request;
        bool by_setting;
        enum encoding encoding;
    } met[] = {
        {"\xe2\x80\x9chi\xe2\x80\x9d", "\"hi\"", SMART_YES, false, ENCODING_GSM7},
        {"\xe2\x80\x9chi\xe2\x80\x9d", "\"hi\"", SMART_BY_SETTING, true, ENCODING_GSM7},
        {"\xe2\x80\x9chi\xe2\x80\x9d", "\xe2\x80\x9chi\xe2\x80\x9d", SMART_BY_SETTING, false, ENCODING_UCS2},
        {"\xe2\x80\x9chi\xe2\x80\x9d", "\xe2\x80\x9chi\xe2\x80\x9d", SMART_NO, true, ENCODING_UCS2},
        {"\xe2\x80\x9c\xe4\xb8\xad\xe2\x80\x9d", "\xe2\x80\x9c\xe4\xb8\xad\xe2\x80\x9d", SMART_YES, true,
         ENCODING_UCS2},
    };
    struct desk *d = desk_open(NULL);
    for (size_t i = 0; i < sizeof met / sizeof met[0]; i++) {
        struct submission in = {
            .to = SV("+8613800138000"), .body = sv_of(met[i].body), .smart_encoding = met[i].by_request};
        struct admitted out;
        struct err e = ERR_INIT;
        d->settings.defaults.smart_encoding = met[i].by_setting;
        assert_true(admit(d->admitter, &d->settings, d->texts, &in, NOW, &out, &e));
        assert_sv(out.message->text[TEXT_BODY], met[i].right);
        assert_int_equal(out.message->encoding, met[i].encoding);
        message_free(out.message);
    }
    desk_close(d);
}

static void test_admit__white_space_around_tags_goes_when_settings_say_so(void **state) {
    (void)state;
    static const struct {
        bool trim, lstrip;
        const char *right;
    } met[] = {{false, false, "a\n  \nb\n  \nc"},
               {true, false, "a\n  b\n  c"},
               {false, true, "a\n\nb\n\nc"},
               {true, true, "a\nb\nc"}};
    struct desk *d = desk_open(NULL);
    write_file(d, "code.txt", "a\n  {% if 1 %}\nb\n  {% endif %}\nc");
    for (size_t i = 0; i < sizeof met / sizeof met[0]; i++) {
        struct submission in = {.to = SV("+8613800138000"), .template = SV("code")};
        struct admitted out;
        struct err e = ERR_INIT;
        d->settings.templates.trim_blocks = met[i].trim;
        d->settings.templates.lstrip_blocks = met[i].lstrip;
        struct texts *t = texts_load(&d->settings, &e);
        assert_true(t && admit(d->admitter, &d->settings, t, &in, NOW, &out, &e));
        assert_sv(out.message->text[TEXT_BODY], met[i].right);
        message_free(out.message);
        texts_free(t);
    }
    desk_close(d);
}

static void test_admit__a_key_is_bound_to_the_request(void **state) {
    (void)state;
    static const struct sv requests[] = {{"a", 1}, {"b", 1}, {"a", 1}, {"a", 0}};
    struct desk *d = desk_open(NULL);
    struct message *made[5];
    for (size_t i = 0; i < 5; i++) {
        struct submission in = {.to = SV("+8613800138000"),
                                .body = SV("x"),
                                .idempotency_key = i < 4 ? SV("k") : SV_NONE,
                                .fingerprint_of = requests[i % 4]};
        struct admitted out;
        struct err e = ERR_INIT;
        assert_true(admit(d->admitter, &d->settings, d->texts, &in, NOW, &out, &e));
        made[i] = out.message;
    }
    static const uint8_t none[FINGERPRINT_BYTES];
    assert_memory_equal(made[0]->fingerprint, made[2]->fingerprint, FINGERPRINT_BYTES);
    assert_memory_not_equal(made[0]->fingerprint, made[1]->fingerprint, FINGERPRINT_BYTES);
    assert_memory_not_equal(made[0]->fingerprint, made[3]->fingerprint, FINGERPRINT_BYTES);
    assert_memory_equal(made[4]->fingerprint, none, FINGERPRINT_BYTES);
    for (size_t i = 0; i < 5; i++)
        message_free(made[i]);
    desk_close(d);
}

static void test_admit__the_only_lanes_sender_is_the_default(void **state) {
    (void)state;
    struct desk *d = desk_open(NULL);
    static const char *const right[] = {"", "+15005550006", ""};
    for (uint32_t lanes = 0; lanes < 3; lanes++) {
        struct submission in = {.to = SV("+8613800138000"), .body = SV("x")};
        struct admitted out;
        struct err e = ERR_INIT;
        d->settings.n_lanes = lanes;
        d->settings.lanes[0].from = SV("+15005550006");
        assert_true(admit(d->admitter, &d->settings, d->texts, &in, NOW, &out, &e));
        assert_sv(out.message->text[TEXT_FROM], right[lanes]);
        message_free(out.message);
    }
    desk_close(d);
}

static void test_texts__what_cannot_be_read_names_file_and_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *word;
    } bad[] = {{"line one\n{% if x %}", "2"}, {"{{ x", "1"}, {"\xff", "UTF-8"}};
    struct desk *d = desk_open(NULL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = ERR_INIT;
        write_file(d, "code.txt", bad[i].text);
        assert_null(texts_load(&d->settings, &e));
        if (!strstr(e.text, "code") || !strstr(e.text, bad[i].word))
            fail_msg("not clear: %s", e.text);
    }
    remove_file(d, "code.txt");
    struct settings s = d->settings;
    s.templates.dir = SV("/nowhere/at/all");
    struct err e = ERR_INIT;
    assert_null(texts_load(&s, &e));
    assert_non_null(strstr(e.text, "/nowhere/at/all"));
    s.templates.dir = SV_NONE;
    s.screen.words[s.screen.n_words++] = SV("/nowhere/words");
    assert_null(texts_load(&s, &e));
    assert_non_null(strstr(e.text, "/nowhere/words"));
    desk_close(d);
}

static void test_texts__a_template_is_looked_for_where_there_are_none(void **state) {
    (void)state;
    struct desk *d = desk_open(NULL);
    struct settings s = d->settings;
    struct err e = ERR_INIT;
    s.templates.dir = SV_NONE;
    struct texts *t = texts_load(&s, &e);
    assert_non_null(t);
    assert_null(texts_template(t, SV("ready"), SV("zh-CN")));
    texts_free(t);
    desk_close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_admit__each_submission_is_taken_or_refused_by_field),
        cmocka_unit_test(test_admit__errors_use_the_names_of_the_face),
        cmocka_unit_test(test_admit__a_forbidden_word_is_blocked_replaced_or_flagged),
        cmocka_unit_test(test_admit__lists_are_for_the_accounts_and_topics_they_name),
        cmocka_unit_test(test_admit__smart_encoding_never_makes_a_text_dearer),
        cmocka_unit_test(test_admit__what_a_template_makes_is_screened_too),
        cmocka_unit_test(test_admit__smart_encoding_only_when_it_makes_gsm7),
        cmocka_unit_test(test_admit__white_space_around_tags_goes_when_settings_say_so),
        cmocka_unit_test(test_admit__a_key_is_bound_to_the_request),
        cmocka_unit_test(test_admit__the_only_lanes_sender_is_the_default),
        cmocka_unit_test(test_texts__what_cannot_be_read_names_file_and_line),
        cmocka_unit_test(test_texts__a_template_is_looked_for_where_there_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
