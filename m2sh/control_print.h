/* An answer of a control port as upstream's m2sh prints it: `ERROR: TEXT`; the values of a single
 * row as `name:  value` lines; else the names and the rows, two blanks behind every field. */
#ifndef M2SH_CONTROL_PRINT_H
#define M2SH_CONTROL_PRINT_H

#include "m2sh/cmd.h"
#include "proto/base/slice.h"

/* Prints the bytes of an answer. STATUS_NO for an error of the server, STATUS_UNREACHABLE for bytes
 * that are no answer. */
enum status control_print(const struct call *c, struct slice reply);

#endif
