/* `m2sh COMMAND [options]`; without a command the interactive shell. */

#include "m2sh/cmd.h"

#include <signal.h>
#include <string.h>

/* Options may stand before a command only to ask about m2sh itself. */
static const char *command_of_option(const char *word)
{
    if (strcmp(word, "-help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return "help";
    if (strcmp(word, "-version") == 0 || strcmp(word, "--version") == 0)
        return "version";
    return NULL;
}

int main(int argc, char **argv)
{
    char *shell[] = {(char[]){"shell"}, NULL};
    enum status status;
    signal(SIGPIPE, SIG_DFL);
    if (argc < 2)
        status = cmd_run(1, shell);
    else if (command_of_option(argv[1]) != NULL)
        status = cmd_run(1, (char *const[]){(char *)(void *)command_of_option(argv[1]), NULL});
    else
        status = cmd_run(argc - 1, argv + 1);
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == STATUS_DONE) {
        perror("m2sh: can't write the output");
        status = STATUS_NO;
    }
    return (int)status;
}
