/* stop: asks servers to stop. */

#include "m2sh/cmd_table.h"
#include "m2sh/select.h"
#include "m2sh/signal_servers.h"

#include <signal.h>

static enum status run(struct call *c)
{
    return signal_servers(c, args_has(&c->args, "murder") ? SIGTERM : SIGINT);
}

const struct cmd cmd_stop = {
    .name = "stop",
    .help = "Stops a server.",
    .arguments = "-name NAME | -host HOST | -uuid UUID | -every [-db FILE] [-murder]",
    .more = "The process is found by the server's pid file and must be a mongrel2.",
    .options = (const struct args_option[]){OPTIONS_SELECT,
                                            {"murder", NULL, "Send SIGTERM instead of SIGINT."},
                                            {"sudo", "[COMMAND]",
                                             "Signal through sudo or COMMAND."},
                                            OPTION_END},
    .is_classic = true,
    .run = run,
};
