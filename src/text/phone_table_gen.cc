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
// What the library may do to digits before it judges them is not imitated but avoided: a string that could
// start with a national prefix (national_prefix_for_parsing, matched to at least one digit), and for national
// spellings also one that could start with the international prefix or the country's own code, ends in state
// 0, "ask the library". "Could" ignores $ and the regular expression's preferences, so it covers more than
// the library strips.
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

[[noreturn]] void die(const std::string &why) {
    fprintf(stderr, "phone_table_gen: %s\n", why.c_str());
    exit(1);
}

// --- regular expressions, as far as the metadata uses them, to an NFA ---

constexpr int ALL = 0x3FF; // the ten digits

struct NfaState {
    int mask = 0;           // digits that lead to next
    int next = -1;          //
    int free[2] = {-1, -1}; // reached without a digit
    int accept = -1;        // pattern that has matched here
};

struct Nfa {
    std::vector<NfaState> states;
    int add(NfaState s) {
        states.push_back(s);
        return (int)states.size() - 1;
    }
};

struct Node {
    enum { DIGITS, SEQUENCE, CHOICE, REPEAT } kind;
    int mask = 0, min = 0, max = 0;
    std::vector<std::unique_ptr<Node>> parts;
};
using NodePtr = std::unique_ptr<Node>;

class Parser {
  public:
    explicit Parser(const std::string &text) : text_(text) {
    }
    NodePtr parse() {
        NodePtr all = choice();
        if (at_ < text_.size())
            die("cannot read the pattern " + text_);
        return all;
    }

  private:
    bool eat(char c) {
        bool found = at_ < text_.size() && text_[at_] == c;
        at_ += found;
        return found;
    }
    int number() {
        int n = 0;
        if (at_ >= text_.size() || !isdigit(text_[at_]))
            die("a count is missing in " + text_);
        while (at_ < text_.size() && isdigit(text_[at_]))
            n = n * 10 + (text_[at_++] - '0');
        return n;
    }
    static NodePtr node(decltype(Node::kind) kind, int mask = 0) {
        auto n = std::make_unique<Node>();
        n->kind = kind;
        n->mask = mask;
        return n;
    }
    NodePtr choice() {
        NodePtr n = node(Node::CHOICE);
        do
            n->parts.push_back(sequence());
        while (eat('|'));
        return n;
    }
    NodePtr sequence() {
        NodePtr n = node(Node::SEQUENCE);
        while (at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')') {
            if (eat('$')) // only in prefixes, where leaving it out errs on the safe side
                continue;
            n->parts.push_back(piece());
        }
        return n;
    }
    NodePtr piece() {
        NodePtr a = atom();
        int min = 1, max = 1;
        if (eat('?')) {
            min = 0;
        } else if (eat('{')) {
            min = max = number();
            if (eat(','))
                max = number();
            if (!eat('}'))
                die("an open { in " + text_);
        } else {
            return a;
        }
        NodePtr n = node(Node::REPEAT);
        n->min = min;
        n->max = max;
        n->parts.push_back(std::move(a));
        return n;
    }
    NodePtr atom() {
        if (eat('(')) {
            if (eat('?') && !eat(':'))
                die("a group of unknown kind in " + text_);
            NodePtr n = choice();
            if (!eat(')'))
                die("an open ( in " + text_);
            return n;
        }
        if (eat('['))
            return node(Node::DIGITS, set());
        if (eat('\\')) {
            if (!eat('d'))
                die("an unknown escape in " + text_);
            return node(Node::DIGITS, ALL);
        }
        return node(Node::DIGITS, 1 << digit());
    }
    int digit() {
        if (at_ >= text_.size() || !isdigit(text_[at_]))
            die("an unknown character in " + text_);
        return text_[at_++] - '0';
    }
    int set() {
        int mask = 0;
        while (!eat(']')) {
            int low = digit(), high = eat('-') ? digit() : low;
            for (int d = low; d <= high; d++)
                mask |= 1 << d;
        }
        return mask;
    }

    const std::string &text_;
    size_t at_ = 0;
};

// The state from which n and then the state next is matched.
int compile(Nfa &nfa, const Node &n, int next) {
    switch (n.kind) {
    case Node::DIGITS: {
        NfaState s;
        s.mask = n.mask;
        s.next = next;
        return nfa.add(s);
    }
    case Node::SEQUENCE:
        for (size_t i = n.parts.size(); i > 0; i--)
            next = compile(nfa, *n.parts[i - 1], next);
        return next;
    case Node::CHOICE: {
        int start = compile(nfa, *n.parts[0], next);
        for (size_t i = 1; i < n.parts.size(); i++) {
            NfaState s;
            s.free[0] = start;
            s.free[1] = compile(nfa, *n.parts[i], next);
            start = nfa.add(s);
        }
        return start;
    }
    case Node::REPEAT: {
        int end = next;
        for (int i = n.max; i > 0; i--) {
            int once = compile(nfa, *n.parts[0], next);
            next = once;
            if (i > n.min) {
                NfaState s;
                s.free[0] = once;
                s.free[1] = end;
                next = nfa.add(s);
            }
        }
        return next;
    }
    }
    abort();
}

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
constexpr int ASK = 1 << 20; // accept value of "the library may change these digits"
constexpr int DIGITS_MAX = 17;

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
    bool operator<(const Outcome &o) const {
        return std::tie(region, type) < std::tie(o.region, o.type);
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
    std::vector<Row> rows{1};
    std::vector<Outcome> outcomes{{"", 0}};

  private:
    std::map<Row, int> index_;
    std::map<Outcome, int> outcome_index_;
};

class Plan {
  public:
    Plan(World &world, std::vector<const PhoneMetadata *> regions)
        : world_(world), regions_(std::move(regions)) {
        for (size_t r = 0; r < regions_.size(); r++) {
            for (int p = 0; p < LEADING; p++) {
                const std::string &text = desc_of(*regions_[r], p).national_number_pattern();
                if (!text.empty() && text != "NA")
                    add(text, accept((int)r * PATTERNS + p));
            }
            if (regions_[r]->has_leading_digits())
                add(regions_[r]->leading_digits(), sticky((int)r * PATTERNS + LEADING));
        }
    }
    // Digit strings that start with this pattern, matched to one digit at least, are the library's to judge.
    void ask_behind(const std::string &pattern) {
        if (!pattern.empty())
            add(pattern, ask_ < 0 ? ask_ = sticky(ASK) : ask_);
    }
    int root() {
        std::set<int> start;
        for (int s : starts_)
            reach(s, start);
        start.erase(ask_);
        return walk(std::vector<int>(start.begin(), start.end()), 0);
    }

  private:
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
    int walk(const std::vector<int> &set, int depth) {
        for (int s : set)
            if (nfa_.states[s].accept == ASK)
                return 0;
        if (set.empty() || depth > DIGITS_MAX)
            return 0;
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
    int outcome(const std::vector<int> &set, int length) {
        std::vector<bool> match(regions_.size() * PATTERNS);
        for (int s : set)
            if (int id = nfa_.states[s].accept; id >= 0)
                match[id] = id % PATTERNS == LEADING || has_length(id, length);
        for (size_t r = 0; r < regions_.size(); r++) {
            int type = type_of(match, r);
            bool is_region = regions_.size() == 1                ? true
                             : regions_[r]->has_leading_digits() ? match[r * PATTERNS + LEADING]
                                                                 : type != PhoneNumberUtil::UNKNOWN;
            if (is_region)
                return type == PhoneNumberUtil::UNKNOWN ? 0 : world_.outcome({regions_[r]->id(), type});
        }
        return 0;
    }
    bool has_length(int id, int length) const {
        const PhoneNumberDesc &desc = desc_of(*regions_[id / PATTERNS], id % PATTERNS);
        const auto &lengths = desc.possible_length();
        return lengths.empty() || std::find(lengths.begin(), lengths.end(), length) != lengths.end();
    }
    int type_of(const std::vector<bool> &match, size_t r) const {
        auto has = [&](int p) { return match[r * PATTERNS + p]; };
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
    int ask_ = -1;
    std::map<std::pair<int, std::vector<int>>, int> memo_;
};

// --- writing ---

void print_numbers(const char *head, const std::vector<int> &numbers) {
    printf("%s = {", head);
    for (size_t i = 0; i < numbers.size(); i++)
        printf("%s%d,", i % 24 == 0 ? "\n" : "", numbers[i]);
    printf("\n};\n");
}

void print(const World &world, const std::vector<int> &code_roots,
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
        printf("{\"%s\", %d},\n", o.region.c_str(), o.type);
    printf("};\n");
    print_numbers("const uint16_t phone_table_code_roots[PHONE_TABLE_CODES]", code_roots);
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
    std::map<std::string, std::pair<int, int>> region_roots;
    for (int code : codes) {
        std::list<std::string> names;
        util->GetRegionCodesForCountryCallingCode(code, &names);
        std::vector<const PhoneMetadata *> regions;
        for (const std::string &name : names)
            regions.push_back(by_id.at(name == "001" ? name + std::to_string(code) : name));
        if (regions.empty())
            die("no region for code " + std::to_string(code));
        Plan plan(world, regions); // of several regions the first is the code's main one
        plan.ask_behind(regions[0]->national_prefix_for_parsing());
        code_roots.at(code) = plan.root();
        for (const PhoneMetadata *region : regions) {
            if (region->id() == "001")
                continue;
            Plan national(world, regions);
            national.ask_behind(region->national_prefix_for_parsing());
            national.ask_behind(region->international_prefix());
            national.ask_behind(std::to_string(code));
            region_roots[region->id()] = {national.root(), code};
        }
    }
    print(world, code_roots, region_roots);
    return 0;
}
