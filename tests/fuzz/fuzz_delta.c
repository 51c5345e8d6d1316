// links: m2_model
/* A delta applied to one fixed base: refused, or it gives what its hash promises. */

#include "proto/model/delta.h"

#include <string.h>

static const char base_bytes[] =
    "629:6:server,114:109:9:uuid-main,12:/logs/access,11:/logs/error,1:2#2:./,13:/run"
    "/main.pid,0:,6:a.test,4:main,7:0.0.0.0,4:6767#1:0#]]4:host,60:26:1:1#1:0#6:a.tes"
    "t,6:a.test,]26:1:1#1:0#6:b.test,6:b.test,]]5:route,152:22:1:/,1:0#1:1#1:1#3:dir,"
    "]28:5:/app/,1:0#1:1#1:1#5:proxy,]30:5:/echo,1:0#1:1#1:1#7:handler,]30:5:@echo,1:"
    "0#1:1#1:1#7:handler,]22:1:/,1:0#1:2#1:1#3:dir,]]9:directory,47:43:7:static/,10:i"
    "ndex.html,10:text/plain,2:30#]]5:proxy,23:19:9:127.0.0.1,4:8080#]]7:handler,74:7"
    "0:20:tcp://127.0.0.1:9997,5:ident,20:tcp://127.0.0.1:9996,0:,1:0#4:json,]]7:sett"
    "ing,26:22:14:zeromq.threads,1:1,]]8:mimetype,24:20:9:text/html,5:.html,]]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model *base = NULL;
    struct delta_result r;
    struct error e = {0};
    BUG_ON(canon_decode(&base, slice_str(base_bytes), &e) < 0);
    if (delta_apply(base, NULL, slice_of(data, size), &r, &e) == 0) {
        char hex[CANON_HASH_LEN + 1];
        canon_hash(buf_slice(&r.canonical), hex);
        BUG_ON(strcmp(hex, r.hash) != 0 || memmem(data, size, hex, CANON_HASH_LEN) == NULL);
        BUG_ON(!model_is_frozen(r.model));
    } else {
        BUG_ON(e.code == ERROR_NONE || r.model != NULL);
    }
    delta_result_fini(&r);
    model_unref(base);
    return 0;
}
