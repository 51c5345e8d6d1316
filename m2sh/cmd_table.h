/* The commands, one per file cmd_NAME.c; cmd_table.c puts them in order. */
#ifndef M2SH_CMD_TABLE_H
#define M2SH_CMD_TABLE_H

#include "m2sh/cmd.h"

extern const struct cmd cmd_abort;
extern const struct cmd cmd_access;
extern const struct cmd cmd_backup;
extern const struct cmd cmd_check;
extern const struct cmd cmd_commit;
extern const struct cmd cmd_completion;
extern const struct cmd cmd_config;
extern const struct cmd cmd_conns;
extern const struct cmd cmd_control;
extern const struct cmd cmd_diff;
extern const struct cmd cmd_doctor;
extern const struct cmd cmd_drain;
extern const struct cmd cmd_events;
extern const struct cmd cmd_help_on;
extern const struct cmd cmd_hosts;
extern const struct cmd cmd_keys;
extern const struct cmd cmd_kill;
extern const struct cmd cmd_load;
extern const struct cmd cmd_log;
extern const struct cmd cmd_metrics;
extern const struct cmd cmd_nodes;
extern const struct cmd cmd_pause;
extern const struct cmd cmd_pools;
extern const struct cmd cmd_promote;
extern const struct cmd cmd_push;
extern const struct cmd cmd_reload;
extern const struct cmd cmd_restore;
extern const struct cmd cmd_resume;
extern const struct cmd cmd_rollback;
extern const struct cmd cmd_route;
extern const struct cmd cmd_routes;
extern const struct cmd cmd_running;
extern const struct cmd cmd_servers;
extern const struct cmd cmd_shell;
extern const struct cmd cmd_show;
extern const struct cmd cmd_start;
extern const struct cmd cmd_status;
extern const struct cmd cmd_stop;
extern const struct cmd cmd_top;
extern const struct cmd cmd_undrain;
extern const struct cmd cmd_uuid;
extern const struct cmd cmd_version;
extern const struct cmd cmd_workers;

#endif
