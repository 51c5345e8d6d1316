// links: m2_model
/* A file from anywhere: its items can be read until it is refused, and what is not refused is
 * whole. */

#include "proto/model/backup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct backup_reader r;
    struct backup_item item;
    struct error e = {0};
    uint64_t version = 0;
    int more;
    if (backup_open(&r, slice_of(data, size), &e) != 0) {
        BUG_ON(e.text[0] == '\0');
        return 0;
    }
    while ((more = backup_read(&r, &item, &e)) > 0)
        if (item.kind == BACKUP_COMMIT) {
            BUG_ON(item.commit.version != ++version || item.commit.config.len == 0);
            BUG_ON(commit_verify(&item.commit, NULL) != 0);
        }
    BUG_ON(more < 0 && e.text[0] == '\0');
    BUG_ON(more == 0 && version != r.info.version);
    backup_close(&r);
    return 0;
}
