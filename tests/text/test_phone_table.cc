// Holds the table of numbering plans against the library it was made from: every example number of every
// region and type, and a million numbers near them, dialled from abroad and at home. Whatever the table
// answers, the library must answer; where the table is silent though it need not be is counted and bounded.
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <list>
#include <phonenumbers/phonenumberutil.h>
#include <set>
#include <string>
#include <vector>

extern "C" {
#include <cmocka.h>
}

#include "text/phone_table.h"

using namespace i18n::phonenumbers;

namespace {

struct Dialled {
    std::string digits;
    std::string region; // empty: international, the digits start with the country code
};

// splitmix64: the same numbers in every run
struct Random {
    uint64_t state;
    uint64_t next() {
        uint64_t z = (state += 0x9E3779B97F4A7C15u);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }
    size_t below(size_t n) {
        return (size_t)(next() % n);
    }
};

struct Tally {
    size_t asked = 0, found = 0, valid = 0, silent = 0, refused = 0;
};

void compare(const Dialled &d, Tally *tally) {
    const char *region = d.region.empty() ? nullptr : d.region.c_str();
    phone_lib_number fast, slow;
    bool found = phone_table_find(d.digits.data(), d.digits.size(), region, &fast);
    std::string text = region ? d.digits : "+" + d.digits;
    phone_lib_answer answer = phone_lib_parse(text.data(), text.size(), region ? region : "ZZ", &slow), why;
    bool valid = answer == PHONE_LIB_VALID;
    tally->asked++;
    tally->found += found;
    tally->valid += valid;
    tally->silent += valid && !found;
    if (!region && phone_table_refuses(d.digits.data(), d.digits.size(), &why)) {
        tally->refused++;
        if (why != answer)
            fail_msg("%s: the table refuses it by %d, the library says %d", text.c_str(), why, answer);
    }
    if (!found)
        return;
    if (!valid || strcmp(fast.e164, slow.e164) != 0 || strcmp(fast.region, slow.region) != 0 ||
        fast.type != slow.type || fast.country_code != slow.country_code)
        fail_msg("%s from %s: the table says %s %s %d, the library %s %s %s %d", text.c_str(),
                 region ? region : "abroad", fast.e164, fast.region, fast.type, valid ? "valid" : "not valid",
                 slow.e164, slow.region, slow.type);
}

// Every example number, in the spellings that a person could dial.
std::vector<Dialled> examples(bool home) {
    const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
    std::vector<Dialled> all;
    std::set<int> codes;
    util->GetSupportedCallingCodes(&codes);
    for (int code : codes) {
        std::list<std::string> regions;
        util->GetRegionCodesForCountryCallingCode(code, &regions);
        for (const std::string &region : regions) {
            for (int type = 0; type < PhoneNumberUtil::UNKNOWN; type++) {
                PhoneNumber number;
                bool known = region == "001"
                                 ? type == 0 && util->GetExampleNumberForNonGeoEntity(code, &number)
                                 : util->GetExampleNumberForType(
                                       region, (PhoneNumberUtil::PhoneNumberType)type, &number);
                if (!known)
                    continue;
                std::string national, dialled;
                util->GetNationalSignificantNumber(number, &national);
                if (!home) {
                    all.push_back({std::to_string(code) + national, ""});
                } else if (region != "001") {
                    util->Format(number, PhoneNumberUtil::NATIONAL, &dialled);
                    util->NormalizeDigitsOnly(&dialled);
                    all.push_back({national, region});
                    all.push_back({dialled, region});
                    all.push_back({std::to_string(code) + national, region});
                }
            }
        }
    }
    return all;
}

Dialled near(const Dialled &model, Random *random) {
    Dialled d = model;
    for (size_t changes = 1 + random->below(4); changes > 0; changes--) {
        size_t at = random->below(d.digits.size());
        char digit = (char)('0' + random->below(10));
        switch (random->below(12)) {
        case 0: d.digits.insert(at, 1, digit); break;
        case 1:
            if (d.digits.size() > 3)
                d.digits.erase(at, 1);
            break;
        default: d.digits[at] = digit;
        }
    }
    return d;
}

size_t random_count() {
    const char *text = getenv("HY_PHONE_RANDOM");
    return text ? strtoul(text, nullptr, 10) : 500000;
}

void compare_all(bool home, uint64_t seed) {
    std::vector<Dialled> models = examples(home);
    assert_true(models.size() > 1000);
    Tally exact, random;
    for (const Dialled &d : models)
        compare(d, &exact);
    Random source = {seed};
    for (size_t i = 0; i < random_count(); i++)
        compare(near(models[source.below(models.size())], &source), &random);
    print_message("# examples: %zu, valid %zu, found %zu; near them: %zu, valid %zu, found %zu, silent %zu, "
                  "refused %zu\n",
                  exact.asked, exact.valid, exact.found, random.asked, random.valid, random.found,
                  random.silent, random.refused);
    if (!home) { // silence costs speed only, but much of it would mean that the table is broken
        assert_true(exact.found * 100 >= exact.valid * 90);
        assert_true(random.found * 100 >= random.valid * 90);
        assert_true(random.refused * 100 >= (random.asked - random.valid) * 80);
    }
}

void test_phone_table__agrees_with_the_library_on_international_numbers(void **) {
    compare_all(false, 1);
}

void test_phone_table__agrees_with_the_library_on_national_spellings(void **) {
    compare_all(true, 2);
}

void test_phone_table__knows_every_region_of_the_library(void **) {
    std::set<std::string> regions;
    PhoneNumberUtil::GetInstance()->GetSupportedRegions(&regions);
    size_t with_root = 0;
    for (const std::string &region : regions) {
        const phone_table_region &entry = phone_table_regions[(region[0] - 'A') * 26 + region[1] - 'A'];
        assert_int_equal(entry.country_code, PhoneNumberUtil::GetInstance()->GetCountryCodeForRegion(region));
        with_root += entry.root > 0;
    }
    // The root is 0 where any number could be a local one that the library lengthens (Barbados, the Caymans,
    // ...).
    assert_true(with_root + 10 >= regions.size());
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(test_phone_table__agrees_with_the_library_on_international_numbers),
        cmocka_unit_test(test_phone_table__agrees_with_the_library_on_national_spellings),
        cmocka_unit_test(test_phone_table__knows_every_region_of_the_library),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
