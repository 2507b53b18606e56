/* tencent_appkey: Tencent Cloud SMS by its older API with application id and key (yun.tim.qq.com, "v5"),
 * which accounts and articles of before API 3.0 use: sendsms and sendmultisms2, whole texts or templates.
 * Sources: the vendor's SDK qcloudsms_js, and cloud.tencent.com/document/product/382/3771 for the result
 * codes. It has receipts and replies in common with the newer one (provider/tencent.h).
 */
#ifndef HY_PROVIDER_TENCENT_APPKEY_H
#define HY_PROVIDER_TENCENT_APPKEY_H

#include "provider/tencent.h"

extern const struct adapter tencent_appkey_adapter;

/* Indexes into lane->fields, in the order of the adapter's table. */
enum tencent_appkey_field {
    APPKEY_SDK_APP_ID,
    APPKEY_APP_KEY,
    APPKEY_SIGN_NAME,
    APPKEY_TEMPLATE_ID,
    APPKEY_TYPE,
    APPKEY_CALLBACK_TOKEN,
    APPKEY_BASE_URL,
    APPKEY_FIELDS
};

#endif
