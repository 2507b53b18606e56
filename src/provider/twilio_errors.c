#include "provider/twilio_errors.h"

#include <stdlib.h>

/* The classes, as fate, hint, reason, pause. */

/* This message never. */
#define NUMBER FATE_REJECTED, LANE_FINE, REASON_INVALID_NUMBER, 0
#define UNROUTED FATE_REJECTED, LANE_FINE, REASON_UNREACHABLE, 0 /* not from this sender; another may do */
#define OPTOUT FATE_REJECTED, LANE_FINE, REASON_OPTED_OUT, 0
#define BLOCKED FATE_REJECTED, LANE_FINE, REASON_BLOCKED, 0
#define CONTENT FATE_REJECTED, LANE_FINE, REASON_CONTENT_REJECTED, 0
#define REQUEST FATE_REJECTED, LANE_FINE, REASON_REQUEST_REJECTED, 0
#define REFUSED FATE_REJECTED, LANE_FINE, REASON_REJECTED, 0
#define LATE FATE_REJECTED, LANE_FINE, REASON_EXPIRED, 0
/* The sender may be the caller's own choice, so one bad sender does not stop the lane. */
#define SENDER FATE_REJECTED, LANE_FINE, REASON_SENDER_REJECTED, 0
/* A trial account reaches verified numbers only: the lane works for those. */
#define TRIAL FATE_REJECTED, LANE_FINE, REASON_CREDENTIALS, 0

/* Another lane may take it at once; this one needs a person. */
#define AUTH FATE_RETRY, LANE_BROKEN, REASON_CREDENTIALS, 0
#define LANE_CONFIG FATE_RETRY, LANE_BROKEN, REASON_SENDER_REJECTED, 0

/* Later. A same-pair limit or a fraud block concerns one number, not the lane. */
#define RATE FATE_RETRY, LANE_SLOW_DOWN, REASON_THROTTLED, 0
#define QUEUE_FULL FATE_RETRY, LANE_SLOW_DOWN, REASON_THROTTLED, 60000
#define QUOTA FATE_RETRY, LANE_SLOW_DOWN, REASON_QUOTA, 3600000
#define SAME_PAIR FATE_RETRY, LANE_FINE, REASON_THROTTLED, 30000
#define PUMPING FATE_RETRY, LANE_FINE, REASON_BLOCKED, 900000
#define HANDSET FATE_RETRY, LANE_FINE, REASON_UNREACHABLE, 0

/* It may have gone out. */
#define INTERNAL FATE_UNKNOWN, LANE_DOWN, REASON_PROVIDER_DOWN, 0
#define AMBIGUOUS FATE_UNKNOWN, LANE_FINE, REASON_UNREACHABLE, 0

static const struct twilio_error rows[] = {
    {503, INTERNAL},      /* Internal Error */
    {10001, AUTH},        /* Account is not active */
    {10002, TRIAL},       /* Trial accounts do not support the feature you tried to use */
    {10004, RATE},        /* Call concurrency limit exceeded */
    {11200, REQUEST},     /* HTTP retrieval failure */
    {11205, REQUEST},     /* HTTP connection failure */
    {11210, REQUEST},     /* HTTP bad host name */
    {11220, REQUEST},     /* SSL/TLS Handshake Error */
    {11750, REQUEST},     /* TwiML response body too large */
    {11751, CONTENT},     /* Media Message - Media exceeds messaging provider size limit */
    {12300, REQUEST},     /* Invalid Content-Type */
    {13223, NUMBER},      /* Dial: invalid phone number format */
    {13224, NUMBER},      /* Dial: invalid phone number */
    {13225, BLOCKED},     /* Dial: forbidden phone number */
    {13227, SENDER},      /* Dial: no international authorization */
    {14102, SENDER},      /* Invalid "From" attribute */
    {14107, SAME_PAIR},   /* SMS send rate limit exceeded */
    {14108, SENDER},      /* From phone number not SMS capable */
    {14111, TRIAL},       /* Invalid To phone number for Trial mode */
    {20001, REQUEST},     /* Unknown parameters */
    {20003, AUTH},        /* Permission Denied */
    {20004, AUTH},        /* Method not allowed */
    {20005, AUTH},        /* Account not active */
    {20006, AUTH},        /* Access Denied */
    {20008, AUTH},        /* Test Credentials */
    {20403, AUTH},        /* 403 Forbidden */
    {20404, LANE_CONFIG}, /* Not Found */
    {20422, REQUEST},     /* Invalid Parameter */
    {20423, REQUEST},     /* Invalid SID */
    {20429, RATE},        /* Too Many Requests */
    {20500, INTERNAL},    /* Internal Server Error */
    {21201, NUMBER},      /* No called number */
    {21202, NUMBER},      /* To is a premium number */
    {21203, SENDER},      /* International calling not enabled */
    {21205, REQUEST},     /* Invalid URL */
    {21206, REQUEST},     /* Invalid SendDigits */
    {21207, REQUEST},     /* Invalid IfMachine */
    {21208, REQUEST},     /* Invalid Timeout */
    {21209, REQUEST},     /* Invalid Method */
    {21210, SENDER},      /* From not verified */
    {21211, NUMBER},      /* Invalid To Phone Number */
    {21212, SENDER},      /* Invalid From Number (caller ID) */
    {21213, SENDER},      /* From is required */
    {21214, NUMBER},      /* To phone number cannot be reached */
    {21215, SENDER},      /* Geo Permission configuration is not permitting call */
    {21216, BLOCKED},     /* Account not allowed to call that number */
    {21217, NUMBER},      /* Phone number does not appear to be valid */
    {21218, REQUEST},     /* Invalid ApplicationSid */
    {21219, TRIAL},       /* To phone number not verified */
    {21220, REQUEST},     /* Call is not in progress */
    {21234, REQUEST},     /* Invalid machine detection parameter */
    {21262, REQUEST},     /* AsyncAmd needs its callback */
    {21401, NUMBER},      /* Invalid Phone Number */
    {21408, SENDER},      /* Permission to send an SMS has not been enabled for the ... */
    {21421, NUMBER},      /* Phone Number is invalid */
    {21601, SENDER},      /* Phone number is not a valid SMS-capable inbound phone number */
    {21602, CONTENT},     /* Message body is required */
    {21603, SENDER},      /* A From or MessagingServiceSid parameter is required to send ... */
    {21604, NUMBER},      /* The destination To phone number is required to send an SMS */
    {21605, CONTENT},     /* Maximum body length is 160 characters (old API endpoint) */
    {21606, SENDER},      /* The From phone number provided is not a valid ... */
    {21607, TRIAL},       /* The from phone number must be the sandbox phone number for ... */
    {21608, TRIAL},       /* The to phone number provided is not yet verified for this ... */
    {21609, REQUEST},     /* Invalid StatusCallback */
    {21610, OPTOUT},      /* Attempt to send to unsubscribed recipient */
    {21611, QUEUE_FULL},  /* This From number has exceeded the maximum number of queued ... */
    {21612, UNROUTED},    /* The To phone number is not currently reachable via SMS */
    {21614, NUMBER},      /* To number is not a valid mobile number */
    {21616, SENDER},      /* The From number matches multiple numbers for your account */
    {21617, CONTENT},     /* The concatenated message body exceeds the 1600 character limit */
    {21618, CONTENT},     /* The message body cannot be sent */
    {21619, CONTENT},     /* Unable to create record */
    {21620, CONTENT},     /* Invalid media URL(s) */
    {21621, CONTENT},     /* The From number has not been enabled for MMS */
    {21622, CONTENT},     /* MMS has not been enabled for your account */
    {21623, CONTENT},     /* Number of media files exceeds allowed limit */
    {21624, REQUEST},     /* Invalid validity period value */
    {21626, REQUEST},     /* Invalid StatusCallbackEvent */
    {21627, REQUEST},     /* Max Price must be a valid float */
    {21635, NUMBER},      /* landline refused */
    {21654, REQUEST},     /* ContentSid Required */
    {21655, REQUEST},     /* The ContentSid is Invalid */
    {21656, REQUEST},     /* The ContentVariables Parameter is invalid */
    {21657, SENDER},      /* The Sender ID is invalid */
    {21658, CONTENT},     /* Parameter exceeded character limit */
    {21659, SENDER},      /* bad From */
    {21660, SENDER},      /* bad From */
    {21701, LANE_CONFIG}, /* The Messaging Service does not exist */
    {21702, LANE_CONFIG}, /* The Messaging Service is not available to send new messages */
    {21703, SENDER},      /* The Messaging Service does not have a phone number available ... */
    {21704, LANE_CONFIG}, /* The Messaging Service contains no phone numbers */
    {21705, LANE_CONFIG}, /* The Messaging Service is invalid */
    {21708, SENDER},      /* Alpha Sender ID Missing from the request */
    {21709, SENDER},      /* Alpha Sender ID is Invalid or Not Authorized for this ... */
    {21711, SENDER},      /* Phone Number, Shortcode, or AlphaSender is not associated to ... */
    {30001, QUEUE_FULL},  /* Queue overflow */
    {30002, AUTH},        /* Account suspended */
    {30003, HANDSET},     /* Unreachable destination handset */
    {30004, BLOCKED},     /* Message blocked */
    {30005, NUMBER},      /* Unknown destination handset */
    {30006, NUMBER},      /* Landline or unreachable carrier */
    {30007, CONTENT},     /* Message filtered */
    {30008, AMBIGUOUS},   /* Unknown error */
    {30009, REFUSED},     /* Missing inbound segment */
    {30010, CONTENT},     /* Message price exceeds max price */
    {30011, CONTENT},     /* MMS not supported by the receiving phone number in this region */
    {30012, REQUEST},     /* TTL is too small */
    {30013, REQUEST},     /* TTL is too big */
    {30017, HANDSET},     /* Carrier network congestion */
    {30018, SENDER},      /* Destination carrier requires sender ID pre-registration */
    {30019, CONTENT},     /* Content size exceeds carrier limit */
    {30022, RATE},        /* US A2P 10DLC - Rate Limits Exceeded */
    {30023, QUOTA},       /* US A2P 10DLC - Daily Message Cap Reached */
    {30024, SENDER},      /* Numeric Sender ID Not Provisioned on Carrier */
    {30027, QUOTA},       /* US A2P 10DLC - T-Mobile Daily Message Limit Reached */
    {30032, SENDER},      /* toll-free number not verified */
    {30033, SENDER},      /* US A2P 10DLC - Campaign Suspended */
    {30034, SENDER},      /* US A2P 10DLC - Message from an Unregistered Number */
    {30035, SENDER},      /* US A2P 10DLC - Message from a number still being configured */
    {30036, LATE},        /* validity period expired in queue */
    {30038, CONTENT},     /* inbound one-time code redacted */
    {30039, CONTENT},     /* inbound loop filtered */
    {30042, SENDER},      /* sender id generic or with special characters */
    {30044, TRIAL},       /* trial restriction */
    {30409, REQUEST},     /* This message cannot be canceled */
    {30410, AMBIGUOUS},   /* Provider Timeout Error */
    {30450, PUMPING},     /* Message delivery blocked */
    {30500, INTERNAL},    /* internal error */
    {32018, CONTENT},     /* TwiML is too long */
    {35111, REQUEST},     /* SendAt timestamp is missing */
    {35114, REQUEST},     /* Scheduling does not support this timestamp */
    {35115, REQUEST},     /* scheduling parameter */
    {35117, REQUEST},     /* scheduling parameter */
    {35118, REQUEST},     /* MessagingServiceSid is required to schedule a message */
    {35125, REQUEST},     /* Maximum limit reached in the account for scheduling messages */
    {35126, REQUEST},     /* The ScheduleType value provided is not supported for this ... */
    {63003, NUMBER},      /* Channel could not find To address */
    {63005, CONTENT},     /* Channel did not accept given content */
    {63013, CONTENT},     /* Channel policy violation */
    {63014, OPTOUT},      /* Channel message blocked by user action */
    {63016, CONTENT},     /* Failed to send freeform message because you are outside the ... */
    {63017, RATE},        /* Rate limit exceeded */
    {63018, RATE},        /* Rate limit exceeded for Channel */
    {63019, CONTENT},     /* Media failed to download */
    {63021, CONTENT},     /* Channel invalid content error */
    {63024, NUMBER},      /* Invalid message recipient */
    {63026, CONTENT},     /* Channel sender content flagged as spam */
    {63033, OPTOUT},      /* Recipient blocked to receive message */
    {63038, QUOTA},       /* Account exceeded the daily messages limit */
};

static int by_code(const void *key, const void *row) {
    int64_t a = *(const int64_t *)key, b = ((const struct twilio_error *)row)->code;
    return a < b ? -1 : a > b;
}

const struct twilio_error *twilio_error_find(int64_t code) {
    return bsearch(&code, rows, sizeof rows / sizeof rows[0], sizeof rows[0], by_code);
}

bool twilio_error_row(size_t i, struct adapter_code *out) {
    if (i >= sizeof rows / sizeof rows[0])
        return false;
    const struct twilio_error *row = &rows[i];
    *out = (struct adapter_code){
        .fate = row->fate, .hint = row->hint, .reason = row->reason, .pause_ms = row->pause_ms};
    snprintf(out->code, sizeof out->code, "%d", (int)row->code);
    return true;
}

const struct twilio_error *twilio_error_table(size_t *n) {
    *n = sizeof rows / sizeof rows[0];
    return rows;
}
