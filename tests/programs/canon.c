/* m2-canon CONFIG.sqlite: the configuration's canonical bytes on stdout, for tests that speak the
 * cluster protocol themselves. */

#include "proto/model/canon.h"
#include "proto/model/model_sqlite.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct model *m;
    struct buf bytes = BUF_INIT;
    struct error e;
    if (argc != 2) {
        fprintf(stderr, "usage: m2-canon CONFIG.sqlite\n");
        return 2;
    }
    if (model_sqlite_read(&m, argv[1], &e) != 0 || canon_encode(m, &bytes, &e) != 0) {
        fprintf(stderr, "m2-canon: %s\n", e.text);
        return 1;
    }
    size_t written = fwrite(bytes.data, 1, bytes.len, stdout);
    int status = written == bytes.len && fflush(stdout) == 0 ? 0 : 1;
    model_unref(m);
    buf_fini(&bytes);
    return status;
}
