#include "twilio_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct target client_path(const struct gate *g, const char *rest) {
    struct target t;
    snprintf(t.text, sizeof t.text, "/2010-04-01/Accounts/%s%s", g->account.sid.text, rest);
    return t;
}

int client_post_with(struct gate *g, const char *rest, const char *head, const char *form) {
    BUF_AUTO struct buf h = BUF_INIT(4096);
    buf_addf(&h, "%sContent-Type: application/x-www-form-urlencoded\r\n%s", g->basic, head);
    return gate_send(g, "POST", client_path(g, rest).text, h.p, form);
}

int client_post(struct gate *g, const char *rest, const char *form) {
    return client_post_with(g, rest, "", form);
}

int client_get(struct gate *g, const char *rest) {
    return gate_send(g, "GET", client_path(g, rest).text, g->basic, NULL);
}

json_t *client_answer(const struct gate *g) {
    json_t *j = json_loads(g->body, JSON_REJECT_DUPLICATES, NULL);
    if (!j)
        fail_msg("not JSON: %s", g->reply);
    return j;
}

const char *client_text(const json_t *j, const char *name) {
    const char *v = json_string_value(json_object_get(j, name));
    return v ? v : "(none)";
}

bool client_is_null(const json_t *j, const char *name) {
    return json_is_null(json_object_get(j, name));
}

struct place client_place(struct gate *g) {
    char sid[MEMBER_BYTES];
    struct place p;
    gate_member(g, "sid", sid);
    snprintf(p.text, sizeof p.text, "/Messages/%s", sid);
    return p;
}

struct place client_create(struct gate *g, const char *form) {
    if (client_post(g, "/Messages.json", form) != 201)
        fail_msg("%s", g->reply);
    return client_place(g);
}
