/* One source to a list of statements. Recursive descent over the lexer; reads no other file (see
 * program.h for includes) and knows no object types.
 *
 *     config     = { statement } ;
 *     statement  = NAME "=" value | "include" STRING ;
 *     value      = STRING | NUMBER | NAME | object | list | dict ;
 *     object     = CLASS "(" items of NAME "=" value ")" ;
 *     list       = "[" items of value "]" ;
 *     dict       = "{" items of STRING ":" value "}" ;
 *
 * Between items a comma may stand or not; one may stand before the first and after the last. */
#ifndef M2SH_LANG_PARSER_H
#define M2SH_LANG_PARSER_H

#include "m2sh/lang/ast.h"
#include "m2sh/lang/diag.h"

/* Brackets inside brackets: what plugin settings may have (TNS_DEPTH_MAX) and some around it. */
#define PARSER_DEPTH_MAX 80

/* The statements that could be read, in order; what is wrong goes to `diags`. After an error the
 * parser goes on at the next line that begins, in its first column, like a statement. Tree in
 * `diags->arena`. */
struct statement *parser_parse(const struct source *source, struct diag_list *diags);

#endif
