/* The Twilio-compatible face: its addresses, and the account. */
#include "api/twilio.h"

#include "base/json.h"

/* Twilio's accounts have dates; ours have none to show, and clients read null as not known. */
void twilio_account(struct api_request *rq) {
    if (!twilio_own_account(rq))
        return;
    const struct account *a = directory_account(api_directory(rq), rq->account_id);
    const char *sid = rq->account_sid.text;
    struct buf *out = api_scratch(rq);
    buf_addc(out, '{');
    buf_adds(out, "\"auth_token\":null,\"date_created\":null,\"date_updated\":null");
    json_pair(out, "friendly_name", sv_of(a ? a->name : ""));
    json_pair(out, "owner_account_sid", sid_sv(&rq->account_sid));
    json_pair(out, "sid", sid_sv(&rq->account_sid));
    json_pair(out, "status", SV("active"));
    buf_addf(out, ",\"subresource_uris\":{\"messages\":\"/2010-04-01/Accounts/%s/Messages.json\"}", sid);
    json_pair(out, "type", SV("Full"));
    buf_addf(out, ",\"uri\":\"/2010-04-01/Accounts/%s.json\"}", sid);
    api_answer_json(rq, 200, buf_sv(out));
}

#define ACCOUNT "/2010-04-01/Accounts/{account}"
#define MESSAGES ACCOUNT "/Messages"
#define MESSAGE MESSAGES "/{message}"
/* Each address twice. With .json comes first, as {message} alone would take it for a part of the sid. */
#define TWICE(path_, method_, scope_, run_, creates_)                                                        \
    {.method = method_,                                                                                      \
     .path = path_ ".json",                                                                                  \
     .check = CHECK_CALLER,                                                                                  \
     .scope = scope_,                                                                                        \
     .run = run_,                                                                                            \
     .creates = creates_},                                                                                   \
    {                                                                                                        \
        .method = method_, .path = path_, .check = CHECK_CALLER, .scope = scope_, .run = run_,               \
        .creates = creates_                                                                                  \
    }

static const struct route rows[] = {
    TWICE(MESSAGES, HTTP_POST, SCOPE_SEND, twilio_create, true),
    TWICE(MESSAGES, HTTP_GET, SCOPE_READ, twilio_list, false),
    TWICE(MESSAGE, HTTP_GET, SCOPE_READ, twilio_fetch, false),
    TWICE(MESSAGE, HTTP_POST, SCOPE_SEND, twilio_update, false),
    TWICE(MESSAGE, HTTP_DELETE, SCOPE_SEND, twilio_delete, false),
    TWICE(MESSAGE "/Media", HTTP_GET, SCOPE_READ, twilio_media, false),
    TWICE(ACCOUNT, HTTP_GET, SCOPE_READ, twilio_account, false),
};

static const struct route_table table = {rows, sizeof rows / sizeof rows[0]};
static const struct route_table *const tables[] = {&table};

const struct api_face twilio_face = {
    .prefix = "/2010-04-01/",
    .tables = tables,
    .n_tables = 1,
    .refuse = twilio_refuse,
    .realm = "Basic realm=\"Twilio API\"",
};
