// phone_table_gen: writes phone_table's rows (C on standard output) from the metadata compiled into
// libphonenumber.
//
// The library judges a parsed number by regular expressions over its national digits: for each region of a
// country calling code a general pattern, one a type, and leading digits; each with the lengths it may have.
// All of a code's patterns are put into one NFA; walking it digit by digit gives for every digit string the
// set of patterns that match, from which the outcome follows as in phonenumberutil.cc
// (GetRegionCodeForNumber, IsValidNumberForRegion, GetNumberTypeHelper). Numbers have at most 17 national
// digits, so the deterministic machine is a tree folded into an acyclic graph: equal states are shared over
// the whole world.
//
// What the library may do to digits before it judges them is imitated where it is plain and avoided
// elsewhere. Plain is a fixed national prefix (0 in most of the world) and the country's own code without +,
// in national spellings where what follows is in the region's general pattern: the outcome then says how many
// digits to drop. Everything that could start with an international prefix or with a national prefix of
// another kind leads to state 0, "ask the library". "Could" ignores $ and the regular expression's
// preferences, so it covers more than the library strips.
//
// Numbers as dialled from abroad are refused here, too: where no such prefix can be in front, the library
// judges the digits as they are, and what no pattern matches is not valid. Whether it is too short or too
// long follows from its length.
#include "text/phone_table.h"
#include "text/phone_table_nfa.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <map>
#include <memory>
#include <phonenumbers/phonemetadata.pb.h>
#include <phonenumbers/phonenumberutil.h>
#include <set>
#include <string>
#include <vector>

// Exported by the library though in none of its installed headers.
namespace i18n {
namespace phonenumbers {
int metadata_size();
const void *metadata_get();
} // namespace phonenumbers
} // namespace i18n

using namespace i18n::phonenumbers;

namespace {

// --- one country calling code: its patterns and what their matches mean ---

enum Pattern {
    GENERAL,
    PREMIUM,
    TOLL_FREE,
    SHARED,
    VOIP,
    PERSONAL,
    PAGER,
    UAN,
    VOICEMAIL,
    FIXED,
    MOBILE,
    LEADING,
    PATTERNS
};
// What stands before the part that a pattern judges: nothing, the national prefix, the country code.
enum Front { NOTHING, PREFIX, CODE };
// Accept values that are no pattern's.
constexpr int ASK = 1 << 20;      // the library may change these digits
constexpr int PREFIXED = ASK + 1; // the digits start with the national prefix
constexpr int CODED = ASK + 2;    // the digits start with the country code
constexpr int DIGITS_MAX = 17 + 3;

const PhoneNumberDesc &desc_of(const PhoneMetadata &m, int pattern) {
    switch (pattern) {
    case GENERAL: return m.general_desc();
    case PREMIUM: return m.premium_rate();
    case TOLL_FREE: return m.toll_free();
    case SHARED: return m.shared_cost();
    case VOIP: return m.voip();
    case PERSONAL: return m.personal_number();
    case PAGER: return m.pager();
    case UAN: return m.uan();
    case VOICEMAIL: return m.voicemail();
    case FIXED: return m.fixed_line();
    default: return m.mobile();
    }
}

struct Outcome {
    std::string region;
    int type;
    int drop; // digits in front that are not part of the number
    bool operator<(const Outcome &o) const {
        return std::tie(region, type, drop) < std::tie(o.region, o.type, o.drop);
    }
};

// The folded machine of the whole world; row 0 is "ask the library".
class World {
  public:
    struct Row {
        std::array<int, 10> next{};
        int outcome = 0;
        bool operator<(const Row &o) const {
            return std::tie(outcome, next) < std::tie(o.outcome, o.next);
        }
    };
    int row(const Row &r) {
        if (r.outcome == 0 && std::all_of(r.next.begin(), r.next.end(), [](int n) { return n == 0; }))
            return 0;
        auto [at, fresh] = index_.emplace(r, (int)rows.size());
        if (fresh)
            rows.push_back(r);
        return at->second;
    }
    int outcome(const Outcome &o) {
        auto [at, fresh] = outcome_index_.emplace(o, (int)outcomes.size());
        if (fresh)
            outcomes.push_back(o);
        return at->second;
    }
    // The row of what no further digit makes valid.
    int refusal() {
        if (refusal_ == 0) {
            refusal_ = (int)rows.size();
            Row r;
            r.next.fill(refusal_);
            r.outcome = REFUSED;
            rows.push_back(r);
        }
        return refusal_;
    }
    static constexpr int REFUSED = PHONE_TABLE_REFUSED;
    std::vector<Row> rows{1};
    std::vector<Outcome> outcomes{{"", 0, 0}, {"", 0, 0}};

  private:
    int refusal_ = 0;
    std::map<Row, int> index_;
    std::map<Outcome, int> outcome_index_;
};

class Plan {
  public:
    Plan(World &world, std::vector<const PhoneMetadata *> regions)
        : world_(world), regions_(std::move(regions)) {
        add_patterns(NOTHING, "");
    }
    // Numbers as dialled from abroad, behind + and the country code.
    int abroad() {
        nothing_ = world_.refusal();
        invalid_ = World::REFUSED;
        ask_behind(regions_[0]->national_prefix_for_parsing()); // the first region is the code's main one
        return root();
    }
    // Numbers as dialled in one of the regions.
    int at_home(size_t region, const std::string &code) {
        const PhoneMetadata &home = *regions_[region];
        const std::string &prefix = home.national_prefix_for_parsing();
        home_ = region;
        code_length_ = (int)code.size();
        ask_behind(home.international_prefix());
        add(code, sticky(CODED));
        add_patterns(CODE, code);
        for (const PhoneMetadata *judge : {&home, regions_[0]})
            if (!judge->national_prefix_for_parsing().empty())
                ask_behind(code + "(?:" + judge->national_prefix_for_parsing() + ")");
        if (!home.has_national_prefix_transform_rule() && !prefix.empty() &&
            std::all_of(prefix.begin(), prefix.end(), isdigit)) {
            prefix_length_ = (int)prefix.size();
            add(prefix, sticky(PREFIXED));
            add_patterns(PREFIX, prefix);
        } else {
            ask_behind(prefix);
        }
        return root();
    }

  private:
    int id_of(Front front, size_t region, int pattern) const {
        return (int)(((size_t)front * regions_.size() + region) * PATTERNS) + pattern;
    }
    void add_patterns(Front front, const std::string &literal) {
        for (size_t r = 0; r < regions_.size(); r++) {
            for (int p = 0; p < LEADING; p++) {
                const std::string &text = desc_of(*regions_[r], p).national_number_pattern();
                if (!text.empty() && text != "NA")
                    add(literal + "(?:" + text + ")", accept(id_of(front, r, p)));
            }
            if (regions_[r]->has_leading_digits())
                add(literal + "(?:" + regions_[r]->leading_digits() + ")", sticky(id_of(front, r, LEADING)));
        }
    }
    // Digits that start with this pattern, matched to one digit at least, are the library's to judge.
    void ask_behind(const std::string &pattern) {
        if (!pattern.empty())
            add(pattern, ask_ < 0 ? ask_ = sticky(ASK) : ask_);
    }
    int accept(int id) {
        NfaState s;
        s.accept = id;
        return nfa_.add(s);
    }
    int sticky(int id) {
        int at = accept(id);
        nfa_.states[at].mask = ALL;
        nfa_.states[at].next = at;
        return at;
    }
    void add(const std::string &pattern, int end) {
        starts_.push_back(compile(nfa_, *Parser(pattern).parse(), end));
    }
    void reach(int s, std::set<int> &into) const {
        if (s < 0)
            return;
        const NfaState &state = nfa_.states[s];
        if ((state.mask || state.accept >= 0) && !into.insert(s).second)
            return;
        reach(state.free[0], into);
        reach(state.free[1], into);
    }
    int root() {
        std::set<int> start;
        for (int s : starts_)
            reach(s, start);
        start.erase(ask_); // a prefix that matched nothing changes nothing
        return walk(std::vector<int>(start.begin(), start.end()), 0);
    }
    int walk(const std::vector<int> &set, int depth) {
        for (int s : set)
            if (nfa_.states[s].accept == ASK)
                return 0;
        if (depth > DIGITS_MAX)
            return 0;
        if (set.empty())
            return nothing_;
        auto key = std::make_pair(depth, set);
        if (auto known = memo_.find(key); known != memo_.end())
            return known->second;
        World::Row row;
        row.outcome = outcome(set, depth);
        for (int d = 0; d < 10; d++) {
            std::set<int> next;
            for (int s : set)
                if (nfa_.states[s].mask & 1 << d)
                    reach(nfa_.states[s].next, next);
            row.next[d] = walk(std::vector<int>(next.begin(), next.end()), depth + 1);
        }
        return memo_[key] = world_.row(row);
    }
    // The front the library will take off, as MaybeExtractCountryCode and
    // MaybeStripNationalPrefixAndCarrierCode do; -1 where that takes more than these few rules.
    int front_of(const std::vector<bool> &match, bool prefixed, bool coded, int length) const {
        bool whole = match[id_of(NOTHING, home_, GENERAL)];
        if (coded && !whole)
            return match[id_of(CODE, home_, GENERAL)] ? CODE : -1;
        if (coded && !has_length(home_, GENERAL, length))
            return -1; // too long, perhaps
        if (!prefixed)
            return NOTHING;
        return match[id_of(PREFIX, home_, GENERAL)] && has_length(home_, GENERAL, length - prefix_length_)
                   ? PREFIX
                   : -1;
    }
    int outcome(const std::vector<int> &set, int length) {
        std::vector<bool> match(3 * regions_.size() * PATTERNS);
        bool prefixed = false, coded = false;
        for (int s : set) {
            int id = nfa_.states[s].accept;
            prefixed |= id == PREFIXED;
            coded |= id == CODED;
            if (id >= 0 && id < ASK)
                match[id] = true;
        }
        int front = front_of(match, prefixed, coded, length);
        if (front < 0)
            return 0; // never from abroad
        int drop = front == CODE ? code_length_ : front == PREFIX ? prefix_length_ : 0;
        for (size_t r = 0; r < regions_.size(); r++) {
            int type = type_of(match, (Front)front, r, length - drop);
            bool is_region = regions_.size() == 1                ? true
                             : regions_[r]->has_leading_digits() ? match[id_of((Front)front, r, LEADING)]
                                                                 : type != PhoneNumberUtil::UNKNOWN;
            if (is_region)
                return type == PhoneNumberUtil::UNKNOWN ? invalid_
                                                        : world_.outcome({regions_[r]->id(), type, drop});
        }
        return invalid_;
    }
    bool has_length(size_t region, int pattern, int length) const {
        const auto &lengths = desc_of(*regions_[region], pattern).possible_length();
        return lengths.empty() || std::find(lengths.begin(), lengths.end(), length) != lengths.end();
    }
    int type_of(const std::vector<bool> &match, Front front, size_t r, int length) const {
        auto has = [&](int p) { return match[id_of(front, r, p)] && has_length(r, p, length); };
        static const int order[][2] = {{PREMIUM, PhoneNumberUtil::PREMIUM_RATE},
                                       {TOLL_FREE, PhoneNumberUtil::TOLL_FREE},
                                       {SHARED, PhoneNumberUtil::SHARED_COST},
                                       {VOIP, PhoneNumberUtil::VOIP},
                                       {PERSONAL, PhoneNumberUtil::PERSONAL_NUMBER},
                                       {PAGER, PhoneNumberUtil::PAGER},
                                       {UAN, PhoneNumberUtil::UAN},
                                       {VOICEMAIL, PhoneNumberUtil::VOICEMAIL}};
        if (!has(GENERAL))
            return PhoneNumberUtil::UNKNOWN;
        for (const auto &[pattern, type] : order)
            if (has(pattern))
                return type;
        bool same = regions_[r]->same_mobile_and_fixed_line_pattern();
        if (has(FIXED))
            return same || has(MOBILE) ? PhoneNumberUtil::FIXED_LINE_OR_MOBILE : PhoneNumberUtil::FIXED_LINE;
        return !same && has(MOBILE) ? PhoneNumberUtil::MOBILE : PhoneNumberUtil::UNKNOWN;
    }

    World &world_;
    std::vector<const PhoneMetadata *> regions_;
    Nfa nfa_;
    std::vector<int> starts_;
    size_t home_ = 0;
    int code_length_ = 0, prefix_length_ = 0;
    int ask_ = -1;
    int nothing_ = 0; // the row where no pattern is left, and the outcome of digits that none has matched
    int invalid_ = 0;
    std::map<std::pair<int, std::vector<int>>, int> memo_;
};

// --- writing ---

void print_numbers(const char *head, const std::vector<int> &numbers) {
    printf("%s = {", head);
    for (size_t i = 0; i < numbers.size(); i++)
        printf("%s%d,", i % 24 == 0 ? "\n" : "", numbers[i]);
    printf("\n};\n");
}

// As TestNumberLength in phonenumberutil.cc judges digits of no certain type.
struct Lengths {
    int possible = 0, local = 0; // a bit each
};

Lengths lengths_of(const PhoneMetadata &m) {
    Lengths l;
    for (int n : m.general_desc().possible_length())
        l.possible |= n > 0 ? 1 << n : 0;
    for (int n : m.general_desc().possible_length_local_only())
        l.local |= n > 0 ? 1 << n : 0;
    return l;
}

void print(const World &world, const std::vector<int> &code_roots, const std::vector<Lengths> &lengths,
           const std::map<std::string, std::pair<int, int>> &regions) {
    if (world.rows.size() > 65535)
        die("more states than 16 bits name");
    printf(
        "/* Made by phone_table_gen from libphonenumber's metadata. */\n#include \"text/phone_table.h\"\n\n");
    printf("const unsigned phone_table_states = %zu;\nconst uint16_t phone_table_next[][10] = {\n",
           world.rows.size());
    std::vector<int> outcome_of;
    for (const auto &row : world.rows) {
        printf("{");
        for (int n : row.next)
            printf("%d,", n);
        printf("},\n");
        outcome_of.push_back(row.outcome);
    }
    printf("};\n");
    print_numbers("const uint16_t phone_table_outcome_of[]", outcome_of);
    printf("const struct phone_table_outcome phone_table_outcomes[] = {\n");
    for (const auto &o : world.outcomes)
        printf("{\"%s\", %d, %d},\n", o.region.c_str(), o.type, o.drop);
    printf("};\n");
    print_numbers("const uint16_t phone_table_code_roots[PHONE_TABLE_CODES]", code_roots);
    printf("const struct phone_table_lengths phone_table_lengths_of[PHONE_TABLE_CODES] = {\n");
    for (size_t code = 0; code < lengths.size(); code++)
        if (lengths[code].possible)
            printf("[%zu] = {%d, %d},\n", code, lengths[code].possible, lengths[code].local);
    printf("};\n");
    printf("const struct phone_table_region phone_table_regions[PHONE_TABLE_REGIONS] = {\n");
    for (const auto &[region, root] : regions)
        printf("[%d] = {%d, %d}, /* %s */\n", (region[0] - 'A') * 26 + region[1] - 'A', root.first,
               root.second, region.c_str());
    printf("};\n");
}

} // namespace

int main() {
    PhoneMetadataCollection all;
    if (!all.ParseFromArray(metadata_get(), metadata_size()))
        die("cannot read the library's metadata");
    std::map<std::string, const PhoneMetadata *>
        by_id; // the id, and for non-geographic ones the code behind it
    for (const PhoneMetadata &m : all.metadata())
        by_id[m.id() == "001" ? m.id() + std::to_string(m.country_code()) : m.id()] = &m;

    const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
    std::set<int> codes;
    util->GetSupportedCallingCodes(&codes);
    World world;
    std::vector<int> code_roots(1000);
    std::vector<Lengths> lengths(1000);
    std::map<std::string, std::pair<int, int>> region_roots;
    for (int code : codes) {
        std::list<std::string> names;
        util->GetRegionCodesForCountryCallingCode(code, &names);
        std::vector<const PhoneMetadata *> regions;
        for (const std::string &name : names)
            regions.push_back(by_id.at(name == "001" ? name + std::to_string(code) : name));
        if (regions.empty())
            die("no region for code " + std::to_string(code));
        code_roots.at(code) = Plan(world, regions).abroad();
        lengths.at(code) = lengths_of(*regions[0]);
        for (size_t r = 0; r < regions.size(); r++)
            if (regions[r]->id() != "001")
                region_roots[regions[r]->id()] = {Plan(world, regions).at_home(r, std::to_string(code)),
                                                  code};
    }
    print(world, code_roots, lengths, region_roots);
    return 0;
}
