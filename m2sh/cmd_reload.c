/* reload: servers read their configuration again and reopen their logs, without dropping anything.
 */

#include "m2sh/cmd_table.h"
#include "m2sh/select.h"
#include "m2sh/signal_servers.h"

#include <signal.h>

static enum status run(struct call *c)
{
    return signal_servers(c, SIGHUP);
}

const struct cmd cmd_reload = {
    .name = "reload",
    .help = "Reloads a server.",
    .arguments = "-name NAME | -host HOST | -uuid UUID | -every [-db FILE]",
    .more = "A configuration that the server refuses changes nothing; its error log says why.",
    .options =
        (const struct args_option[]){
            OPTIONS_SELECT, {"sudo", "[COMMAND]", "Signal through sudo or COMMAND."}, OPTION_END},
    .is_classic = true,
    .run = run,
};
