/* The table of target kinds: adding a kind is one file and one row here. */

#include "node/conf/target.h"
#include "node/target/dir.h"
#include "node/target/handler.h"
#include "node/target/proxy.h"
#include "node/target/redirect.h"
#include "node/target/status.h"

const struct target_ops *const target_kinds[] = {
    &target_dir, &target_handler, &target_proxy, &target_redirect, &target_status, NULL,
};
