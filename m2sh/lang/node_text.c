/* Strings and numbers are described as the lexer describes their tokens, so that both kinds of
 * message read the same. */

#include "m2sh/lang/node_text.h"

#include "m2sh/lang/lexer.h"

static void describe(const struct node *n, struct buf *out)
{
    switch (n->kind) {
    case NODE_STRING: lexer_describe((struct token){TOKEN_STRING, 0, n->text}, out); break;
    case NODE_NUMBER: lexer_describe((struct token){TOKEN_NUMBER, 0, n->text}, out); break;
    case NODE_NAME: lexer_describe((struct token){TOKEN_NAME, 0, n->text}, out); break;
    case NODE_OBJECT: buf_printf(out, "the object %.*s(...)", SLICE_ARG(n->text)); break;
    case NODE_LIST: buf_append_str(out, "a list"); break;
    case NODE_DICT: buf_append_str(out, "a dict"); break;
    }
}

void node_describe(const struct node *written, const struct node *resolved, struct buf *out)
{
    describe(written, out);
    if (written != resolved) {
        buf_append_str(out, ", which is ");
        describe(resolved, out);
    }
}
