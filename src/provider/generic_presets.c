/* Providers many have, as settings. Sources: ntfy, docs.ntfy.sh/publish and server/errors.go; Gotify,
 * gotify.net/api-docs; Bark, bark.day.app and bark-server route_push.go; DingTalk, open.dingtalk.com "custom
 * robot"; Feishu, open.feishu.cn "custom bot"; WeCom, developer.work.weixin.qq.com/document/path/91770.
 *
 * Error codes: Feishu's are those of "custom bot usage guide" (open.feishu.cn,
 * client-docs/bot-v3/add-custom-bot: 9499, 19021, 19022, 19024, 11232; signed with an HMAC of nothing by time
 * and secret, of this hour). DingTalk's 310000 (signature, time or keyword; words are English or, since 2022,
 * Chinese), 130101 and 300001 and WeCom's 93000 and 45009 are as users of
 * timonwong/prometheus-webhook-dingtalk, qd-today/qd, ccfos/nightingale, wes-lin/Cloud189Checkin and
 * WecomTeam/wecom-openclaw-plugin show them in their trackers; the others are of the vendors' global lists
 * (path/90313 of WeCom's).
 *
 * A robot of a team chat knows its group: `to` may be a telephone number, which is mentioned then. The robots
 * give no id and no receipts.
 */
#include "provider/generic.h"

#define JSON_HEADER "Content-Type: application/json; charset=utf-8"
/* Title and text in one, as chats show them. */
#define WHOLE_TEXT "((title ~ '\\n' ~ body) if title else body) | tojson"
/* The number without +86, as the members of a Chinese team are known by. */
#define MOBILE "to[3:] if to.startswith('+86') else to[1:]"
#define IS_NUMBER "to.startswith('+')"

static const struct generic_preset presets[] = {
    {
        .name = "ntfy",
        .url = "https://ntfy.sh",
        .channel = CHANNEL_PUSH,
        .kind = "ntfy",
        .values =
            {
                [GENERIC_URL] = "{{ lane.url }}/",
                [GENERIC_HEADERS] = JSON_HEADER
                "\nAuthorization: {{ 'Bearer ' ~ lane.token if lane.token else ('Basic ' ~ (lane.user "
                "~ ':' ~ lane.secret) | b64encode) if lane.user else '' }}",
                [GENERIC_BODY] = "{\"topic\":{{ address | tojson }},\"message\":{{ body | tojson }}"
                                 "{% if title %},\"title\":{{ title | tojson }}{% endif %}}",
                [GENERIC_SUCCESS] = "status == 200 and json.event == 'message'",
                [GENERIC_ID] = "json.id",
                [GENERIC_ERROR_CODE] = "json.code",
                [GENERIC_ERROR_TEXT] = "json.error",
                [GENERIC_ERRORS] = "40009: invalid_number; 40010: invalid_number; 40011: content_rejected;"
                                   "40101: credentials; 40301: credentials rejected fine;"
                                   "41301: content_rejected; 41303: content_rejected;"
                                   "42901: throttled; 42904: quota; 42905: quota; 42908: quota;"
                                   "50001: provider_down",
                [GENERIC_PROBE_URL] = "{{ lane.url }}/v1/health",
                [GENERIC_PROBE_SUCCESS] = "json.healthy",
            },
    },
    {
        .name = "gotify",
        .url = "http://localhost:80",
        .channel = CHANNEL_PUSH,
        .kind = "gotify",
        .values =
            {
                [GENERIC_URL] = "{{ lane.url }}/message",
                [GENERIC_HEADERS] = JSON_HEADER "\nX-Gotify-Key: {{ lane.token }}",
                [GENERIC_BODY] = "{\"message\":{{ body | tojson }}"
                                 "{% if title %},\"title\":{{ title | tojson }}{% endif %},\"priority\":5}",
                [GENERIC_SUCCESS] = "status == 200",
                [GENERIC_ID] = "json.id",
                [GENERIC_ERROR_CODE] = "json.errorCode",
                [GENERIC_ERROR_TEXT] = "json.errorDescription or json.error",
                [GENERIC_ERRORS] = "400: request_rejected; 401: credentials; 403: credentials",
                [GENERIC_PROBE_URL] = "{{ lane.url }}/health",
                [GENERIC_PROBE_SUCCESS] = "json.health == 'green'",
            },
    },
    {
        .name = "bark",
        .url = "https://api.day.app",
        .channel = CHANNEL_PUSH,
        .kind = "bark",
        .values =
            {
                [GENERIC_URL] = "{{ lane.url }}/push",
                [GENERIC_HEADERS] = JSON_HEADER,
                [GENERIC_BODY] = "{\"device_key\":{{ address | tojson }},\"body\":{{ body | tojson }}"
                                 "{% if title %},\"title\":{{ title | tojson }}{% endif %}}",
                [GENERIC_SUCCESS] = "status == 200 and json.code == 200",
                [GENERIC_ERROR_CODE] =
                    "'device' if 'BadDeviceToken' in json.message or 'Unregistered' in json.message or "
                    "'device token' in json.message or 'device key' in json.message else json.code",
                [GENERIC_ERROR_TEXT] = "json.message",
                [GENERIC_ERRORS] = "device: invalid_number; 400: request_rejected",
                [GENERIC_PROBE_URL] = "{{ lane.url }}/ping",
                [GENERIC_PROBE_SUCCESS] = "json.code == 200",
            },
    },
    {
        .name = "dingtalk",
        .url = "https://oapi.dingtalk.com",
        .channel = CHANNEL_CHAT,
        .values =
            {
                [GENERIC_URL] =
                    "{{ lane.url }}/robot/send?access_token={{ lane.token | urlencode }}"
                    "{% if lane.secret %}&timestamp={{ now_ms }}&sign={{ (now_ms ~ '\\n' ~ lane.secret) | "
                    "hmac(lane.secret, 'sha256', 'base64') | replace('/', '%2F') | replace('+', '%2B') | "
                    "replace('=', '%3D') }}{% endif %}",
                [GENERIC_HEADERS] = JSON_HEADER,
                [GENERIC_BODY] =
                    "{\"msgtype\":\"text\",\"text\":{\"content\":{{ " WHOLE_TEXT " }}}"
                    "{% if " IS_NUMBER " %},\"at\":{\"atMobiles\":[{{ (" MOBILE ") | tojson }}]}{% endif %}}",
                [GENERIC_SUCCESS] = "json.errcode == 0",
                [GENERIC_ERROR_CODE] =
                    "'keyword' if json.errcode == 310000 and ('keyword' in json.errmsg or '关键词' in "
                    "json.errmsg) else json.errcode",
                [GENERIC_ERROR_TEXT] = "json.errmsg",
                [GENERIC_ERRORS] =
                    "keyword: content_rejected; 310000: credentials; 300001: credentials; 300005: "
                    "credentials;"
                    "400013: sender_rejected retry broken; 400101: credentials; 400102: sender_rejected "
                    "retry "
                    "broken; 400105: request_rejected; 400106: sender_rejected retry broken;"
                    "410100: throttled 600s; 130101: throttled 600s; 430101: content_rejected; 430102: "
                    "content_rejected; 430103: content_rejected; 430104: content_rejected; 40035: "
                    "request_rejected; 43004: request_rejected; 460101: content_rejected; -1: provider_down; "
                    "*: rejected",
            },
    },
    {
        .name = "feishu",
        .url = "https://open.feishu.cn",
        .channel = CHANNEL_CHAT,
        .values =
            {
                [GENERIC_URL] = "{{ lane.url }}/open-apis/bot/v2/hook/{{ lane.token | urlencode }}",
                [GENERIC_HEADERS] = JSON_HEADER,
                /* The secret is part of the key; nothing is signed by it. */
                [GENERIC_BODY] =
                    "{ {% if lane.secret %}\"timestamp\":\"{{ now }}\",\"sign\":{{ '' | hmac(now ~ '\\n' ~ "
                    "lane.secret, 'sha256', 'base64') | tojson }},{% endif %}\"msg_type\":\"text\","
                    "\"content\":{\"text\":{{ " WHOLE_TEXT " }}}}",
                [GENERIC_SUCCESS] = "json.code == 0 or json.StatusCode == 0",
                [GENERIC_ERROR_CODE] = "json.code",
                [GENERIC_ERROR_TEXT] = "json.msg",
                [GENERIC_ERRORS] =
                    "9499: request_rejected; 19001: credentials; 19002: request_rejected; 19021: credentials;"
                    "19022: credentials; 19024: content_rejected; 11232: throttled 60s; *: rejected",
            },
    },
    {
        .name = "wecom",
        .url = "https://qyapi.weixin.qq.com",
        .channel = CHANNEL_CHAT,
        .values =
            {
                [GENERIC_URL] = "{{ lane.url }}/cgi-bin/webhook/send?key={{ lane.token | urlencode }}",
                [GENERIC_HEADERS] = JSON_HEADER,
                [GENERIC_BODY] = "{\"msgtype\":\"text\",\"text\":{\"content\":{{ " WHOLE_TEXT " }}"
                                 "{% if " IS_NUMBER " %},\"mentioned_mobile_list\":[{{ (" MOBILE
                                 ") | tojson }}]{% endif %}}}",
                [GENERIC_SUCCESS] = "json.errcode == 0",
                [GENERIC_ERROR_CODE] = "json.errcode",
                [GENERIC_ERROR_TEXT] = "json.errmsg",
                [GENERIC_ERRORS] =
                    "93000: credentials; 93004: sender_rejected retry broken; 93008: credentials; 45009: "
                    "throttled 60s; 45033: throttled 60s; 40008: request_rejected; 40058: request_rejected; "
                    "44004: content_rejected; 45002: content_rejected; 48002: credentials; -1: "
                    "provider_down; "
                    "*: rejected",
            },
    },
};

const struct generic_preset *generic_preset_find(struct sv name) {
    for (size_t i = 0; name.n && i < sizeof presets / sizeof presets[0]; i++)
        if (sv_eq(name, sv_of(presets[i].name)))
            return &presets[i];
    return NULL;
}

const char *generic_preset_names(void) {
    return "ntfy, gotify, bark, dingtalk, feishu or wecom";
}
