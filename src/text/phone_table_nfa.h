// phone_table_nfa: the regular expressions of numbering plans, as far as libphonenumber's metadata uses them
// (digits, sets, \d, groups, |, ?, {n}, {n,m}), to states of an NFA over the ten digits. Anything else ends
// the build.
#ifndef HY_TEXT_PHONE_TABLE_NFA_H
#define HY_TEXT_PHONE_TABLE_NFA_H

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

[[noreturn]] inline void die(const std::string &why) {
    fprintf(stderr, "phone_table_gen: %s\n", why.c_str());
    exit(1);
}
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
inline int compile(Nfa &nfa, const Node &n, int next) {
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

#endif
