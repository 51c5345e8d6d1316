/* Only a y is a yes. */

#include "m2sh/confirm.h"

#include <string.h>
#include <unistd.h>

enum status confirm(const struct call *c, const char *sentence)
{
    char line[16];
    struct error e;
    fprintf(stderr, "%s\n", sentence);
    if (args_has(&c->args, "yes") && strcmp(args_get(&c->args, "yes", "1"), "0") != 0)
        return STATUS_DONE;
    if (!isatty(STDIN_FILENO)) {
        error_set(&e, ERROR_USAGE, "Nobody can be asked here; say -yes 1 if that is meant.");
        return cmd_fail(c, &e);
    }
    fprintf(stderr, "Go on? [y/N] ");
    fflush(stderr);
    bool yes = fgets(line, sizeof line, stdin) != NULL && (line[0] == 'y' || line[0] == 'Y');
    return yes ? STATUS_DONE : STATUS_NO;
}
