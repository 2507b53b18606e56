/* native: the handlers and shapes of the native API, for the tables of routes (routes.h) and the OpenAPI
 * document.
 */
#ifndef HY_API_NATIVE_H
#define HY_API_NATIVE_H

#include "api/fields.h"

/* ---- what is read and written (native_shape.c, native.c, native_read.c; of templates:
 * template_shape.c) ---- */

extern const struct api_field create_fields[], send_fields[], preview_fields[], list_fields[],
    template_create_fields[], template_list_fields[];
extern const struct api_field message_shape[], brief_shape[], event_shape[], attempt_shape[], preview_shape[],
    link_shape[], whoami_shape[], problem_shape[], template_shape[], template_head_shape[],
    template_version_shape[], template_brief_shape[];
extern const struct api_field lane_shape[], lane_list_shape[], lane_rate_shape[], lane_quota_shape[],
    lane_warm_up_shape[]; /* native_lanes.c */
/* Everything components/schemas names. */
extern const struct api_field message_page_shape[], event_list_shape[], attempt_list_shape[],
    template_page_shape[];

extern const struct api_field explain_fields[], explain_shape[], decision_shape[], explained_number_shape[],
    explained_text_shape[], explained_rate_shape[], explained_route_shape[],
    explained_lane_shape[];                                                     /* native_explain_shape.c */
extern const struct api_field usage_fields[], usage_shape[], usage_row_shape[]; /* native_usage.c */
extern const struct api_field route_list_shape[], route_report_shape[], route_canary_shape[],
    route_side_shape[];                                                         /* native_routes.c */
extern const struct api_field saved_fields[], saved_shape[], saved_row_shape[]; /* likewise */

const char *direction_name(enum direction d);
extern const struct api_field erasure_create_fields[], erasure_verify_fields[], erasure_shape[],
    erasure_verdict_shape[];                                   /* native_erasures.c */
extern const struct api_field person_fields[], person_shape[]; /* native_person.c */
extern const struct api_field consent_create_fields[], consent_list_fields[], consent_shape[],
    consent_history_shape[];                           /* native_consents.c */
extern const struct api_field contact_export_fields[]; /* native_contacts_file.c */
extern const struct api_field part_import_fields[], part_import_shape[],
    part_import_refusal_shape[]; /* part_import.c */
extern const struct api_field contact_put_fields[], contact_create_fields[], contact_list_fields[],
    contact_device_fields[]; /* native_contacts.c */
extern const struct api_field contact_shape[], contact_device_shape[], contact_page_shape[];
extern const struct api_field suppression_put_fields[], suppression_create_fields[],
    suppression_bulk_fields[], suppression_delete_fields[],
    suppression_list_fields[]; /* native_suppressions.c */
extern const struct api_field reply_list_fields[], reply_shape[], reply_page_shape[]; /* native_replies.c */
extern const struct api_field suppression_shape[], suppression_page_shape[], suppression_of_shape[],
    suppression_refusal_shape[], suppression_bulk_shape[];

extern const struct api_field fraud_hold_list_fields[], fraud_block_shape[],
    fraud_block_list_shape[];                                          /* native_fraud.c */
extern const struct api_field fraud_bulk_fields[], fraud_bulk_shape[]; /* native_fraud_bulk.c */
extern const struct api_field fraud_countries_fields[],
    fraud_countries_shape[]; /* native_fraud_countries.c */
extern const struct api_field verification_create_fields[], verification_check_fields[],
    verification_check_to_fields[], verification_resend_fields[],
    verification_list_fields[]; /* native_verifications.c */
extern const struct api_field verification_shape[], verification_checked_shape[], verification_page_shape[];

/* Each appends one JSON object. */
void native_print_message(const struct api_request *rq, const struct message *m, struct buf *out);
/* The same, when it is known better what it waits for. */
void native_print_waiting(const struct api_request *rq, const struct message *m, const char *waiting_for,
                          struct buf *out);
void native_print_brief(const struct api_request *rq, const struct api_brief *b, struct buf *out);
/* a: the attempt it belongs to; NULL: none. */
void native_print_event(const struct event *ev, const struct attempt *a, struct buf *out);
void native_print_attempt(const struct attempt *a, struct buf *out);
/* As the list `links`, a member; base: of links as they are written, may be empty. */
struct link_row;
void native_print_links(struct sv base, const struct link_row *rows, size_t n, struct buf *out);

/* Reads what a new message may carry; where `also` is given, members of that table as well, into also_values.
 * What is wrong is answered, and false returned. in borrows from the request and from *root and *vars, which
 * the caller frees (JSON_AUTO). (native.c) */
MUST_USE bool native_read_create(struct api_request *rq, const struct api_field *also,
                                 struct api_value *also_values, json_t **root, json_t **vars,
                                 struct submission *in);
/* A number as it is written in the configured region, or an e-mail address, as the store has it; in the
 * request's arena. ERR_INVALID says why not. (native_suppressions.c) */
MUST_USE bool native_read_address(struct api_request *rq, struct sv text, struct sv *address, struct err *e);
/* `metadata` as it is stored, in the request's arena; empty for NULL. (native.c) */
MUST_USE bool native_read_metadata(struct api_request *rq, const json_t *json, struct sv *out, struct err *e);
/* Something new, whose JSON is in out, and where it is to be had from now on. (native.c) */
void native_answer_new(struct api_request *rq, int status, const struct buf *out, const char *path,
                       const struct sid *sid, bool replayed);
/* price and currency, null where there is no currency. (native_shape.c) */
void native_print_price(int64_t micro, struct sv currency, struct buf *out);
struct lane_report;
void native_print_lane(const struct lane_report *r, struct buf *out); /* native_lanes.c */
/* A list. (native_suppressions.c) */
void native_print_suppressions(const struct api_request *rq, const struct suppression *rows, size_t n,
                               struct buf *out);

/* ---- pages (native_page.c) ---- */

#define NEXT_CURSOR_FIELD                                                                                    \
    { "next_cursor", FIELD_TEXT, "Give it as `cursor` for the next page; null: this is the last." }

/* How many rows were asked for, or are shown when it was not said. */
unsigned native_page_limit(const struct api_value *limit);
/* What was given as cursor is none: false. */
bool native_no_cursor(struct err *e);
/* A cursor that is a message's id; *id stays as it is without one. */
MUST_USE bool native_message_cursor(const struct api_request *rq, const struct api_value *cursor, int64_t *id,
                                    struct err *e);
/* The scratch buffer with the beginning of a list of rows: `{"data":[`. */
struct buf *native_open_page(struct api_request *rq);
/* Ends the list that out is in the midst of ({"data":[...), and answers; next: empty: this is the last. */
void native_answer_page(struct api_request *rq, struct buf *out, struct sv next);
/* The same where a cursor is a message's id; 0: this is the last. */
void native_answer_message_page(struct api_request *rq, struct buf *out, int64_t last_id);

/* ---- handlers ---- */

void native_refuse(struct api_request *rq, enum problem p, const struct err *e);

void native_create(struct api_request *rq); /* native.c */
void native_send(struct api_request *rq);
void native_cancel(struct api_request *rq);
void native_delete(struct api_request *rq);
void native_redact(struct api_request *rq);

void native_get(struct api_request *rq); /* native_read.c */
void native_list(struct api_request *rq);
void native_events(struct api_request *rq);
void native_attempts(struct api_request *rq);
void native_whoami(struct api_request *rq);

void native_template_create(struct api_request *rq); /* native_templates.c */
void native_template_list(struct api_request *rq);
void native_template_get(struct api_request *rq);
void native_template_version(struct api_request *rq);
void native_template_publish(struct api_request *rq);
void native_template_archive(struct api_request *rq);
void native_template_delete(struct api_request *rq);
void native_preview(struct api_request *rq);

extern const struct api_field event_create_fields[], event_list_fields[], event_outcome_shape[],
    business_event_shape[], event_refusal_shape[], event_batch_shape[], event_page_shape[];
void native_event_create(struct api_request *rq); /* native_events.c */
void native_event_get(struct api_request *rq);    /* native_event_read.c */
void native_event_list(struct api_request *rq);
void native_event_from(struct api_request *rq); /* event_source.c */

extern const struct api_field rule_create_fields[], rule_test_fields[], rule_shape[], rule_head_shape[],
    rule_version_brief_shape[], rule_page_shape[], rule_counts_shape[], rule_test_shape[],
    rule_decision_shape[]; /* native_rules.c */
void native_rule_create(struct api_request *rq);
void native_rule_list(struct api_request *rq);
void native_rule_get(struct api_request *rq);
void native_rule_version(struct api_request *rq);
void native_rule_publish(struct api_request *rq);
void native_rule_disable(struct api_request *rq);
void native_rule_delete(struct api_request *rq);
void native_rule_test(struct api_request *rq);
/* What rules did, of the first few hundred, in the Prometheus text format. */
void rules_print_metrics(struct api_request *rq, struct buf *out);

void native_reply_list(struct api_request *rq); /* native_replies.c */
void native_message_replies(struct api_request *rq);
void native_reply_read(struct api_request *rq);
void native_reply_unread(struct api_request *rq);

void native_suppression_list(struct api_request *rq); /* native_suppressions.c */
void native_suppression_create(struct api_request *rq);
void native_suppression_get(struct api_request *rq);
void native_suppression_put(struct api_request *rq);
void native_suppression_delete(struct api_request *rq);

void native_consent_create(struct api_request *rq); /* native_consents.c */
void native_consent_history(struct api_request *rq);
void native_consent_import(struct api_request *rq);     /* native_consents_file.c */
void native_suppression_import(struct api_request *rq); /* native_suppressions_file.c */
struct consent;
void native_print_consent(const struct api_request *rq, const struct consent *c, struct buf *out);
void native_answer_consents(struct api_request *rq, int status, struct sv number, struct sv topic);
/* Is there room for one more word about the number? ERR_UNPROCESSABLE. */
MUST_USE bool native_check_history(struct api_request *rq, struct sv number, struct err *e);
/* native_confirm.c: has a text ask for a consent that must be confirmed, and answers. False: it need not, or
 * was before. c is the request's, lent until the answer. */
bool native_confirm(struct api_request *rq, struct consent *c, struct sv language);

void native_contact_erase(struct api_request *rq); /* native_erasures.c */
void native_erasure_create(struct api_request *rq);
void native_erasure_get(struct api_request *rq);
void native_erasure_verify(struct api_request *rq);
void native_contact_data(struct api_request *rq); /* native_person.c */
struct suppression;
struct reply;
void native_print_suppression(const struct api_request *rq, const struct suppression *r, struct buf *out);
void native_print_reply(const struct api_request *rq, const struct message *m, const struct reply *r,
                        int64_t answered_at, int64_t read_at, struct buf *out);

/* The contacts of a page, one after the other; cursor gets where the next begins, empty: this is the last.
 * False, and answered: it cannot be read. */
struct contact;
struct contact_filter;
enum { CONTACT_CURSOR_BYTES = 24 };
typedef void contact_adder(const struct contact *c, struct buf *out);
bool native_contact_page(struct api_request *rq, const struct contact_filter *f, contact_adder *add,
                         struct buf *out, char cursor[CONTACT_CURSOR_BYTES]);
void native_contact_list(struct api_request *rq); /* native_contacts.c */
void native_contact_create(struct api_request *rq);
void native_contact_get(struct api_request *rq);
void native_contact_put(struct api_request *rq);
void native_contact_patch(struct api_request *rq);
void native_contact_delete(struct api_request *rq);
void native_contact_import(struct api_request *rq); /* native_contacts_file.c */
void native_contact_export(struct api_request *rq);
void native_device_add(struct api_request *rq);
void native_device_remove(struct api_request *rq);
void native_explain(struct api_request *rq);     /* native_explain.c */
void native_fraud_holds(struct api_request *rq); /* native_fraud.c */
void native_fraud_release(struct api_request *rq);
void native_fraud_drop(struct api_request *rq);
void native_fraud_release_all(struct api_request *rq); /* native_fraud_bulk.c */
void native_fraud_drop_all(struct api_request *rq);
void native_fraud_countries(struct api_request *rq); /* native_fraud_countries.c */
void native_fraud_countries_put(struct api_request *rq);
void native_fraud_countries_delete(struct api_request *rq);
void native_fraud_blocks(struct api_request *rq);
void native_fraud_unblock(struct api_request *rq);
void native_verification_create(struct api_request *rq); /* native_verifications.c */
void native_verification_list(struct api_request *rq);
void native_verification_get(struct api_request *rq);
void native_verification_check(struct api_request *rq); /* native_verification_check.c */
void native_verification_check_to(struct api_request *rq);
void native_verification_resend(struct api_request *rq);
void native_verification_cancel(struct api_request *rq);

void native_usage(struct api_request *rq);      /* native_usage.c */
void native_route_list(struct api_request *rq); /* native_routes.c */
void native_saved(struct api_request *rq);      /* likewise */

void native_lane_list(struct api_request *rq); /* native_lanes.c */
void native_lane_get(struct api_request *rq);

void hook_run(struct api_request *rq); /* hooks.c */

void link_open(struct api_request *rq); /* links.c */

void page_landing(struct api_request *rq); /* pages.c */
void page_console(struct api_request *rq);
void page_console_file(struct api_request *rq);
void page_console_folder(struct api_request *rq);
void page_health(struct api_request *rq);
void page_ready(struct api_request *rq);
void page_metrics(struct api_request *rq);
void page_problem(struct api_request *rq);
void page_openapi(struct api_request *rq); /* openapi.c */

#endif
