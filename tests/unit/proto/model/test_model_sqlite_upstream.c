/* Against the real thing: Debian's mongrel2-core. Skipped where it is not installed. */

#include "proto/model/model_sqlite.h"
#include "tests/unit/proto/model/fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UPSTREAM_M2SH     "/usr/bin/m2sh"
#define UPSTREAM_MONGREL2 "/usr/bin/mongrel2"

static const char config[] =
    "files = Dir(base='static/', index_file='index.html', default_ctype='text/plain')\n"
    "echo = Handler(send_spec='tcp://127.0.0.1:9997', send_ident='ident',\n"
    "    recv_spec='tcp://127.0.0.1:9996', recv_ident='', protocol='tnetstring')\n"
    "host = Host(name='a.test', matching='(.+).a.test', routes={'/': files, '/echo': echo,\n"
    "    '@echo': echo, '/app/': Proxy(addr='127.0.0.1', port=8080)})\n"
    "main = Server(uuid='uuid-main', name='main', default_host='a.test', chroot='./',\n"
    "    access_log='/logs/access', error_log='/logs/error', pid_file='/run/main.pid',\n"
    "    bind_addr='127.0.0.1', port=6767, hosts=[host],\n"
    "    filters=[Filter(name='/x/null.so', settings={'a': 1})])\n"
    "settings = {'limits.content_length': 65536}\n"
    "servers = [main]\n";

static char *directory;

static int set_up(void **state)
{
    (void)state;
    directory = fixture_directory();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_directory_remove(directory);
    return 0;
}

static int run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int run(const char *format, ...)
{
    char command[1000];
    int n = snprintf(command, sizeof command, "cd '%s' && ", directory);
    va_list args;
    va_start(args, format);
    vsnprintf(command + n, sizeof command - (size_t)n, format, args);
    va_end(args);
    return system(command);
}

static void path_in(char out[300], const char *name)
{
    snprintf(out, 300, "%s/%s", directory, name);
}

static void a_database_of_upstreams_m2sh_loads(void **state)
{
    (void)state;
    if (access(UPSTREAM_M2SH, X_OK) < 0)
        skip();
    char path[300];
    path_in(path, "a.conf");
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(config, f);
    fclose(f);
    assert_int_equal(
        run("LOGNAME=tester " UPSTREAM_M2SH " load -config a.conf -db a.sqlite >/dev/null 2>&1"),
        0);
    struct model *m = NULL;
    struct error e = {0};
    path_in(path, "a.sqlite");
    if (model_sqlite_read(&m, path, &e) < 0)
        fail_msg("%s", e.text);
    const struct row *server = model_server_by_name(m, SLICE("main"));
    assert_non_null(server);
    assert_string_equal(row_str(server, SERVER_UUID), "uuid-main");
    assert_string_equal(row_str(server, SERVER_BIND_ADDR), "127.0.0.1");
    assert_int_equal(row_int(server, SERVER_ERROR_LOG_LEVEL), 2);
    assert_string_equal(row_str(model_row(m, TABLE_HOST, 0), HOST_MATCHING), "(.+).a.test");
    assert_int_equal(model_count(m, TABLE_ROUTE), 4);
    assert_int_equal(model_count(m, TABLE_HANDLER), 1);
    assert_string_equal(row_str(model_row(m, TABLE_HANDLER, 0), HANDLER_PROTOCOL), "tnetstring");
    assert_string_equal(row_str(model_row(m, TABLE_FILTER, 0), PLUGIN_SETTINGS), "8:1:a,1:1#}");
    assert_int_equal(model_setting_int(m, "limits.content_length", 0), 65536);
    assert_in_range(model_count(m, TABLE_MIMETYPE), 850, 860);
    for (int t = 0; t < TABLE_COUNT; t++)
        for (size_t i = 0; i < model_count(m, (enum table_id)t); i++)
            for (size_t c = 0; c < schema_tables[t].column_count; c++)
                assert_int_not_equal(model_row(m, (enum table_id)t, i)->values[c].kind, VALUE_NULL);
    struct arena a;
    arena_init(&a, 0);
    struct log_entry *entries;
    size_t count;
    assert_int_equal(model_log_read(&entries, &count, path, 0, &a, NULL), 0);
    assert_int_equal(count, 1);
    assert_string_equal(entries[0].what, "load");
    arena_fini(&a);
    model_unref(m);
}

static int free_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    close(fd);
    return ntohs(addr.sin_port);
}

/* A site of files alone that runs where it stands. */
static struct model *small_site(int port)
{
    struct model *m = model_create(NULL);
    fixture_server(m, "main", port);
    struct row *server = model_row_edit(m, TABLE_SERVER, 0);
    fixture_set(m, server, "chroot=");
    fixture_set(m, server, "bind_addr=127.0.0.1");
    fixture_set(m, server, "access_log=access.log");
    fixture_set(m, server, "error_log=error.log");
    fixture_set(m, server, "pid_file=main.pid");
    fixture_set(m, server, "control_port=ipc://control");
    fixture_row(m, TABLE_HOST, "server_id=1", "name=a.test", NULL);
    fixture_row(m, TABLE_DIRECTORY, "base=static/", "index_file=index.html",
                "default_ctype=text/plain", NULL);
    fixture_row(m, TABLE_ROUTE, "path=/", "host_id=1", "target_id=1", "target_type=dir", NULL);
    fixture_row(m, TABLE_SETTING, "key=server.daemonize", "value=0", NULL);
    fixture_row(m, TABLE_SETTING, "key=limits.output_queue", "value=100000", NULL);
    fixture_row(m, TABLE_MIMETYPE, "extension=.html", "mimetype=text/html", NULL);
    assert_int_equal(model_freeze(m, NULL), 0);
    return m;
}

static void our_database_is_listed_by_upstreams_m2sh(void **state)
{
    (void)state;
    if (access(UPSTREAM_M2SH, X_OK) < 0)
        skip();
    struct model *m = small_site(6767);
    char path[300];
    path_in(path, "listed.sqlite");
    assert_int_equal(
        model_sqlite_write(m, path, &(struct log_entry){.who = "w", .what = "load"}, NULL), 0);
    assert_int_equal(
        run(UPSTREAM_M2SH " servers -db listed.sqlite | grep -q '^main a.test uuid-main '"), 0);
    assert_int_equal(
        run(UPSTREAM_M2SH " hosts -db listed.sqlite -server main | grep -q '^1 a.test '"), 0);
    assert_int_equal(
        run(UPSTREAM_M2SH " routes -db listed.sqlite -server main -host a.test | grep -q '^/ '"),
        0);
    assert_int_equal(run(UPSTREAM_M2SH " log -db listed.sqlite | grep -q ' w '"), 0);
    model_unref(m);
}

static pid_t start_mongrel2(const char *db)
{
    pid_t child = fork();
    if (child == 0) {
        if (chdir(directory) == 0) {
            int fd = open("out.log", O_WRONLY | O_CREAT | O_APPEND, 0600);
            dup2(fd, 1);
            dup2(fd, 2);
            execl(UPSTREAM_MONGREL2, UPSTREAM_MONGREL2, db, "uuid-main", (char *)NULL);
        }
        _exit(127);
    }
    return child;
}

/* The first bytes of the answer to GET /; "" while nobody listens. */
static void get(int port, char *out, size_t size)
{
    out[0] = '\0';
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {10, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    static const char request[] = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0 &&
        send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0) {
        ssize_t n = recv(fd, out, size - 1, 0);
        out[n > 0 ? n : 0] = '\0';
    }
    close(fd);
}

static void our_database_runs_on_upstreams_mongrel2(void **state)
{
    (void)state;
    if (access(UPSTREAM_MONGREL2, X_OK) < 0)
        skip();
    int port = free_port();
    struct model *m = small_site(port);
    char path[300];
    path_in(path, "runs.sqlite");
    assert_int_equal(model_sqlite_write(m, path, NULL, NULL), 0);
    assert_int_equal(run("mkdir static && echo hello >static/index.html"), 0);
    pid_t child = start_mongrel2("runs.sqlite");
    char answer[1000] = "";
    bool has_ended = false;
    for (int tries = 0; tries < 400 && answer[0] == '\0' && !has_ended; tries++) {
        has_ended = waitpid(child, NULL, WNOHANG) == child;
        get(port, answer, sizeof answer);
        if (answer[0] == '\0')
            poll(NULL, 0, 25);
    }
    if (!has_ended) {
        kill(child, SIGINT);
        waitpid(child, NULL, 0);
    }
    if (answer[0] == '\0')
        run("cat out.log error.log >&2");
    assert_memory_equal(answer, "HTTP/1.1 200 OK", 15);
    assert_non_null(strstr(answer, "text/html"));
    model_unref(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_database_of_upstreams_m2sh_loads),
        cmocka_unit_test(our_database_is_listed_by_upstreams_m2sh),
        cmocka_unit_test(our_database_runs_on_upstreams_mongrel2),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
