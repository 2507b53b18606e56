#include "text/phone_lib.h"

#include <cstring>
#include <phonenumbers/phonenumberutil.h>
#include <string>

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

namespace {

void copy(char *to, size_t size, const std::string &from) {
    size_t n = from.size() < size ? from.size() : size - 1;
    memcpy(to, from.data(), n);
    to[n] = '\0';
}

phone_lib_answer refusal_of(PhoneNumberUtil::ErrorType error) {
    switch (error) {
    case PhoneNumberUtil::INVALID_COUNTRY_CODE_ERROR: return PHONE_LIB_BAD_COUNTRY_CODE;
    case PhoneNumberUtil::TOO_SHORT_AFTER_IDD:
    case PhoneNumberUtil::TOO_SHORT_NSN: return PHONE_LIB_TOO_SHORT;
    case PhoneNumberUtil::TOO_LONG_NSN: return PHONE_LIB_TOO_LONG;
    default: return PHONE_LIB_NOT_A_NUMBER;
    }
}

phone_lib_answer parse(const std::string &text, const std::string &region, phone_lib_number *out) {
    const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
    PhoneNumber number;
    PhoneNumberUtil::ErrorType error = util->Parse(text, region, &number);
    if (error != PhoneNumberUtil::NO_PARSING_ERROR)
        return refusal_of(error);
    out->country_code = number.country_code();
    if (!util->IsValidNumber(number)) {
        switch (util->IsPossibleNumberWithReason(number)) {
        case PhoneNumberUtil::TOO_SHORT:
        case PhoneNumberUtil::IS_POSSIBLE_LOCAL_ONLY: return PHONE_LIB_TOO_SHORT;
        case PhoneNumberUtil::TOO_LONG: return PHONE_LIB_TOO_LONG;
        default: return PHONE_LIB_NOT_VALID;
        }
    }
    std::string e164, where;
    util->Format(number, PhoneNumberUtil::E164, &e164);
    util->GetRegionCodeForNumber(number, &where);
    if (e164.size() >= sizeof out->e164 || where.size() >= sizeof out->region)
        return PHONE_LIB_TOO_LONG;
    copy(out->e164, sizeof out->e164, e164);
    copy(out->region, sizeof out->region, where);
    out->type = util->GetNumberType(number);
    return PHONE_LIB_VALID;
}

} // namespace

phone_lib_answer phone_lib_parse(const char *text, size_t n, const char *region, phone_lib_number *out) {
    try {
        memset(out, 0, sizeof *out);
        return parse(std::string(text, n), region, out);
    } catch (...) {
        return PHONE_LIB_FAILED;
    }
}

bool phone_lib_knows_region(const char *region) {
    try {
        return PhoneNumberUtil::GetInstance()->GetCountryCodeForRegion(region) != 0;
    } catch (...) {
        return false;
    }
}
