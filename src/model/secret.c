#include "model/secret.h"

#include "base/json.h"

#include <jansson.h>
#include <string.h>

enum { ALL_BYTES_MAX = 2 * CONTENT_BYTES_MAX, LENGTH_DIGITS = 8 };

/* What is sealed: how long the text is, the text, the content. */
static bool seal(const struct message *said, const struct vault_key *key,
                 const uint8_t nonce[VAULT_NONCE_BYTES], struct buf *out) {
    BUF_AUTO struct buf plain = BUF_INIT(ALL_BYTES_MAX);
    buf_addf(&plain, "%0*zu", LENGTH_DIGITS, said->text[TEXT_BODY].n);
    buf_add(&plain, said->text[TEXT_BODY]);
    buf_add(&plain, said->text[TEXT_CONTENT]);
    bool ok = !plain.overflow && vault_seal(key, nonce, buf_sv(&plain), out);
    if (plain.p)
        explicit_bzero(plain.p, plain.n); /* a memset just before free is left out by compilers */
    return ok;
}

struct message *secret_seal(const struct message *said, const struct message *shown,
                            const struct vault_key *key, const uint8_t nonce[VAULT_NONCE_BYTES]) {
    BUF_AUTO struct buf sealed = BUF_INIT(2 * ALL_BYTES_MAX), content = BUF_INIT(4 * ALL_BYTES_MAX);
    struct sv text[TEXT_COUNT], open = shown->text[TEXT_CONTENT];
    if (!seal(said, key, nonce, &sealed))
        return NULL;
    buf_add(&content, open.n ? sv_sub(open, 0, open.n - 1) : SV("{")); /* without its closing brace */
    json_pair(&content, "sealed", buf_sv(&sealed));
    buf_addc(&content, '}');
    if (content.overflow)
        return NULL;
    memcpy(text, shown->text, sizeof text);
    text[TEXT_CONTENT] = buf_sv(&content);
    struct message *m = message_new(text);
    if (!m)
        return NULL;
    memcpy(text, m->text, sizeof text);
    *m = *said; /* what is counted is what is sent */
    memcpy(m->text, text, sizeof text);
    content_note_plan(m);
    return m;
}

bool secret_open(const struct message *m, const struct vault_key *key, struct arena *mem,
                 struct message *out) {
    BUF_AUTO struct buf plain = BUF_INIT(ALL_BYTES_MAX);
    uint64_t n;
    json_t *root = json_loadb(m->text[TEXT_CONTENT].p, m->text[TEXT_CONTENT].n, 0, NULL);
    const json_t *sealed = json_object_get(root, "sealed");
    bool ok = json_is_string(sealed) &&
              vault_open(key, sv_make(json_string_value(sealed), json_string_length(sealed)), &plain);
    json_decref(root);
    if (!ok || !sv_to_u64(sv_sub(buf_sv(&plain), 0, LENGTH_DIGITS), &n) || n > plain.n - LENGTH_DIGITS)
        return false;
    *out = *m;
    out->text[TEXT_BODY] = arena_dup(mem, sv_sub(buf_sv(&plain), LENGTH_DIGITS, (size_t)n));
    out->text[TEXT_CONTENT] = arena_dup(mem, sv_from(buf_sv(&plain), LENGTH_DIGITS + (size_t)n));
    out->sealed = false;
    return !mem->full;
}
