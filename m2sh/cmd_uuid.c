/* uuid: a fresh random UUID, for a server or a handler. */

#include "m2sh/cmd_table.h"
#include "proto/base/uuid.h"

static enum status run(struct call *c)
{
    struct error e;
    char uuid[UUID_LEN + 1];
    struct buf out = BUF_INIT;
    if (uuid_generate(uuid, &e) != 0)
        return cmd_fail(c, &e);
    buf_printf(&out, c->json ? "{\"uuid\":\"%s\"}\n" : "%s\n", uuid);
    cmd_print(&out);
    return STATUS_DONE;
}

const struct cmd cmd_uuid = {
    .name = "uuid",
    .help = "Prints out a randomly generated UUID.",
    .arguments = "",
    .is_classic = true,
    .run = run,
};
