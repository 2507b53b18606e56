/* lex: a template's source as tokens. Text between tags comes as TOK_DATA with white space control applied;
 * comments vanish; raw blocks are data. Works on demand over source that outlives it.
 */
#ifndef HY_TEXT_TEMPLATE_LEX_H
#define HY_TEXT_TEMPLATE_LEX_H

#include "base/arena.h"
#include "text/template/template.h"

enum tok {
    TOK_ERROR, /* the error is written; comes again and again */
    TOK_EOF,
    TOK_DATA,
    TOK_VAR_BEGIN,
    TOK_VAR_END,
    TOK_BLOCK_BEGIN,
    TOK_BLOCK_END,
    TOK_NAME,
    TOK_STRING,
    TOK_INT,
    TOK_FLOAT,
    TOK_ADD,
    TOK_SUB,
    TOK_MUL,
    TOK_DIV,
    TOK_FLOORDIV,
    TOK_MOD,
    TOK_POW,
    TOK_TILDE,
    TOK_EQ,
    TOK_NE,
    TOK_LT,
    TOK_LE,
    TOK_GT,
    TOK_GE,
    TOK_ASSIGN,
    TOK_DOT,
    TOK_COMMA,
    TOK_COLON,
    TOK_PIPE,
    TOK_LPAREN,
    TOK_RPAREN,
    TOK_LBRACKET,
    TOK_RBRACKET,
    TOK_LBRACE,
    TOK_RBRACE,
    TOK_HASH, /* Handlebars */
    TOK_AT,   /* Handlebars */
};

struct token {
    enum tok kind;
    uint32_t at;    /* byte offset */
    struct sv text; /* of data and names; of strings, with escapes done */
    int64_t i;
    double f;
};

struct lexer {
    struct sv src;
    size_t pos;
    const struct template_options *options;
    struct arena *arena; /* for strings with escapes */
    enum { LEX_DATA, LEX_OPEN, LEX_VAR, LEX_BLOCK } mode;
    unsigned brackets;
    bool line_start; /* the last tag ended with a newline, or there was none */
    uint32_t error_at;
    const char *error; /* what was wrong; NULL while all is well */
};

void lex_init(struct lexer *l, struct sv src, const struct template_options *options, struct arena *arena);
struct token lex_next(struct lexer *l);
/* For error texts: "a name", "','", ... */
const char *tok_name(enum tok kind);

#endif
