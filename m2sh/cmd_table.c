/* The table of commands: upstream's in its order, as `m2sh help` has always listed them, then ours.
 */

#include "m2sh/cmd_table.h"

const struct cmd *const cmd_table[] = {
    &cmd_load,
    &cmd_config,
    &cmd_shell,
    &cmd_access,
    &cmd_servers,
    &cmd_hosts,
    &cmd_routes,
    &cmd_commit,
    &cmd_log,
    &cmd_start,
    &cmd_stop,
    &cmd_reload,
    &cmd_running,
    &cmd_control,
    &cmd_route,
    &cmd_version,
    &cmd_help_on,
    &cmd_uuid,
    /* ours */
    &cmd_check,
    &cmd_diff,
    &cmd_show,
    /* the cluster */
    &cmd_push,
    &cmd_rollback,
    &cmd_promote,
    &cmd_abort,
    &cmd_status,
    &cmd_nodes,
    &cmd_pools,
    &cmd_workers,
    &cmd_events,
    &cmd_drain,
    &cmd_undrain,
    &cmd_pause,
    &cmd_resume,
    &cmd_keys,
    &cmd_backup,
    &cmd_restore,
    &cmd_completion,
    NULL,
};
