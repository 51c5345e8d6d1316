/* Where the control port of a server is, and what a typed line becomes. */

#include "m2sh/control_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/m2sh-control-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void bind_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    close(fd);
}

static void expect_endpoint(const char *control_port, const char *setting, const char *chroot,
                            const char *wanted)
{
    struct error e;
    char endpoint[CONTROL_ENDPOINT_MAX];
    struct model *m = model_create(&e);
    struct row *server = model_add(m, TABLE_SERVER, &e);
    row_set_text(m, server, SERVER_CONTROL_PORT, slice_str(control_port), &e);
    row_set_text(m, server, SERVER_CHROOT, slice_str(chroot), &e);
    if (setting != NULL) {
        struct row *row = model_add(m, TABLE_SETTING, &e);
        row_set_text(m, row, SETTING_KEY, SLICE("control_port"), &e);
        row_set_text(m, row, SETTING_VALUE, slice_str(setting), &e);
    }
    assert_int_equal(model_freeze(m, &e), 0);
    control_client_endpoint(m, model_row(m, TABLE_SERVER, 0), endpoint);
    assert_string_equal(endpoint, wanted);
    model_unref(m);
}

static void test_endpoint(void **state)
{
    (void)state;
    expect_endpoint("", NULL, "", "ipc://run/control");
    expect_endpoint("", "ipc://run/other", "", "ipc://run/other");
    expect_endpoint("ipc://run/own", "ipc://run/other", "", "ipc://run/own");
    expect_endpoint("ipc://run/own", NULL, "/srv/site", "ipc:///srv/site/run/own");
    expect_endpoint("ipc:///run/own", NULL, "/srv/site", "ipc:///srv/site/run/own");
    expect_endpoint("tcp://127.0.0.1:99", NULL, "/srv/site", "tcp://127.0.0.1:99");
    expect_endpoint("tcp://*:99", NULL, "", "tcp://127.0.0.1:99");
    expect_endpoint("tcp://0.0.0.0:99", NULL, "", "tcp://127.0.0.1:99");
}

/* A server that could not chroot has its socket where the path says without it. */
static void test_endpoint_outside_the_chroot(void **state)
{
    (void)state;
    mkdir("jail", 0700);
    bind_socket("own");
    expect_endpoint("ipc://own", NULL, "jail", "ipc://own");
    bind_socket("jail/own");
    expect_endpoint("ipc://own", NULL, "jail", "ipc://jail/own");
    unlink("own");
    unlink("jail/own");
    rmdir("jail");
}

static void test_encode(void **state)
{
    (void)state;
    static const struct {
        const char *line, *bytes; /* NULL: refused */
    } rows[] = {
        {"uuid", "10:4:uuid,0:}]"},
        {"  status   what=net ", "26:6:status,13:4:what,3:net,}]"},
        {"kill id=7", "19:4:kill,9:2:id,1:7#}]"},
        {"kill id=-1", "21:4:kill,10:2:id,2:-1#}]"},
        {"x a=b=c", "18:1:x,10:1:a,3:b=c,}]"},
        {"x a=", "14:1:x,7:1:a,0:,}]"},
        {"x a=\"two words\"", "24:1:x,16:1:a,9:two words,}]"},
        {"", NULL},
        {"status net", NULL},
        {"status =net", NULL},
        {"x \"", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error e;
        struct buf out = BUF_INIT;
        int result = control_client_encode(rows[i].line, &out, &e);
        assert_int_equal(result, rows[i].bytes != NULL ? 0 : -1);
        if (result == 0)
            assert_string_equal(buf_str(&out), rows[i].bytes);
        else
            assert_int_equal(e.code, ERROR_USAGE);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endpoint),
        cmocka_unit_test(test_endpoint_outside_the_chroot),
        cmocka_unit_test(test_encode),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
