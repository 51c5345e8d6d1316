#include "m2sh/store_program.h"

#include "m2sh/process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum status store_program_run(struct call *c, const char *work, const char *file)
{
    struct error e;
    char path[PROCESS_PATH_MAX];
    const char *program = process_beside("mongrel2-coordinator", path);
    const char *words[] = {program, "-store", args_get(&c->args, "store", ""), work, file, NULL};
    fflush(stdout);
    execvp(program, (char *const *)(uintptr_t)words);
    error_set(&e, ERROR_NOT_FOUND, "Can't run %s: %s.", program, strerror(errno));
    return cmd_fail(c, &e);
}
