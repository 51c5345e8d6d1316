#include "proto/model/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT 1

const char *const backup_kinds[BACKUP_KINDS] = {"note", "outcome", "order", "key"};

/* The sum over what came before and this. */
static int add_to_sum(char sum[CANON_HASH_LEN + 1], struct slice item, struct error *e)
{
    struct buf both = BUF_INIT;
    buf_append_str(&both, sum);
    buf_append_slice(&both, item);
    bool failed = both.failed;
    if (!failed)
        canon_hash(buf_slice(&both), sum);
    buf_fini(&both);
    return failed ? error_set(e, ERROR_NO_MEMORY, "Out of memory for a backup.") : 0;
}

/* ---- writing ------------------------------------------------------------------------------ */

static int write_failed(struct error *e)
{
    return error_set_errno(e, "The backup cannot be written");
}

/* Writes what has been put together in `item`. */
static int put(struct backup_writer *w, struct error *e)
{
    if (w->item.failed)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory for a backup.");
    if (add_to_sum(w->sum, buf_slice(&w->item), e) != 0)
        return -1;
    errno = 0;
    return fwrite(w->item.data, 1, w->item.len, w->file) == w->item.len ? 0 : write_failed(e);
}

static size_t begin(struct backup_writer *w, const char *word)
{
    buf_clear(&w->item);
    size_t list = tns_open(&w->item);
    tns_put_str(&w->item, word);
    return list;
}

static void part_name(const char *path, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s.part", path);
}

int backup_create(struct backup_writer *w, const char *path, const struct backup_info *info,
                  struct error *e)
{
    char part[PATH_MAX];
    part_name(path, part);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    memset(w, 0, sizeof *w);
    if (file == NULL) {
        error_set_errno(e, "Cannot write %s", part);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    int result = backup_begin(w, file, info, e);
    w->path = strdup(path);
    if (w->path == NULL)
        result = error_set(e, ERROR_NO_MEMORY, "Out of memory for a backup.");
    return result;
}

int backup_begin(struct backup_writer *w, FILE *file, const struct backup_info *info,
                 struct error *e)
{
    *w = (struct backup_writer){.file = file, .configs = MAP_INIT, .item = BUF_INIT};
    size_t list = begin(w, "backup"), dict = tns_open(&w->item);
    tns_put_pair_int(&w->item, "format", FORMAT);
    tns_put_pair_str(&w->item, "cluster", info->cluster);
    tns_put_pair_int(&w->item, "version", (int64_t)info->version);
    tns_put_pair_str(&w->item, "hash", info->hash);
    tns_put_pair_int(&w->item, "when_ms", info->when_ms);
    tns_put_pair_str(&w->item, "program", "mongrel2 " M2_VERSION);
    tns_close_dict(&w->item, dict);
    tns_close_list(&w->item, list);
    return put(w, e);
}

bool backup_has_config(const struct backup_writer *w, const char *config_hash)
{
    return map_get(&w->configs, slice_str(config_hash)) != NULL;
}

static int put_config(struct backup_writer *w, const struct commit *c, struct error *e)
{
    if (backup_has_config(w, c->config_hash))
        return 0;
    if (c->config.len == 0)
        return error_set(e, ERROR_INVALID, "Commit %llu has no configuration.",
                         (unsigned long long)c->version);
    if (map_put(&w->configs, slice_str(c->config_hash), w, NULL) != 0)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory for a backup.");
    size_t list = begin(w, "config");
    tns_put_string(&w->item, c->config);
    tns_close_list(&w->item, list);
    return put(w, e);
}

int backup_put_commit(struct backup_writer *w, const struct commit *c, struct error *e)
{
    struct commit record = *c;
    if (put_config(w, c, e) != 0)
        return -1;
    record.config = SLICE_EMPTY;
    size_t list = begin(w, "commit"), bytes = tns_open(&w->item);
    commit_encode(&record, &w->item);
    tns_close_string(&w->item, bytes);
    tns_close_list(&w->item, list);
    return put(w, e);
}

int backup_put_record(struct backup_writer *w, struct slice kind, struct slice key,
                      struct slice value, struct error *e)
{
    size_t list = begin(w, "record");
    tns_put_string(&w->item, kind);
    tns_put_string(&w->item, key);
    tns_put_string(&w->item, value);
    tns_close_list(&w->item, list);
    return put(w, e);
}

/* The file gets its name, and the name goes down to the disk too. */
static int put_in_place(struct backup_writer *w, struct error *e)
{
    char part[PATH_MAX], folder[PATH_MAX];
    part_name(w->path, part);
    int failed = fclose(w->file) != 0 || rename(part, w->path) != 0;
    w->file = NULL;
    if (failed)
        return error_set_errno(e, "Cannot write %s", w->path);
    snprintf(folder, sizeof folder, "%s", w->path);
    int fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL)
                     ? 0
                     : error_set_errno(e, "Cannot write the folder of %s", w->path);
    if (fd >= 0)
        close(fd);
    return result;
}

int backup_finish(struct backup_writer *w, struct error *e)
{
    size_t list = begin(w, "end");
    tns_put_str(&w->item, w->sum);
    tns_close_list(&w->item, list);
    errno = 0;
    if (w->item.failed)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory for a backup.");
    if (fwrite(w->item.data, 1, w->item.len, w->file) != w->item.len || fflush(w->file) != 0 ||
        (fsync(fileno(w->file)) != 0 && errno != EINVAL)) /* EINVAL: a pipe has no disk */
        return write_failed(e);
    return w->path != NULL ? put_in_place(w, e) : 0;
}

void backup_writer_fini(struct backup_writer *w)
{
    char part[PATH_MAX];
    if (w->path != NULL && w->file != NULL) {
        part_name(w->path, part);
        fclose(w->file);
        unlink(part);
    }
    free(w->path);
    map_fini(&w->configs, NULL);
    buf_fini(&w->item);
}

/* ---- reading ------------------------------------------------------------------------------ */

int backup_map(struct slice *out, const char *path, struct error *e)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        error_set_errno(e, "Cannot read %s", path);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    void *bytes = st.st_size > 0 ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
                                 : MAP_FAILED;
    close(fd);
    if (bytes == MAP_FAILED)
        return error_set(e, ERROR_INVALID, "%s is empty, or cannot be read.", path);
    *out = slice_of(bytes, (size_t)st.st_size);
    return 0;
}

static int damaged(struct error *e, const char *what)
{
    return error_set(e, ERROR_INVALID, "The backup is damaged: %s.", what);
}

/* A list that begins with a word: the word, and the place behind it. */
static int read_list(struct backup_reader *r, struct slice *word, struct tns_reader *in,
                     struct slice *bytes, struct error *e)
{
    struct tns_item item;
    const char *from = r->at.at;
    enum tns_status status = tns_read(&r->at, &item);
    if (status == TNS_END)
        return damaged(e, "its end is missing");
    if (status != TNS_ITEM || item.type != TNS_LIST || tns_enter(&r->at, &item, in) != 0)
        return damaged(e, "there are bytes that make no sense");
    *bytes = slice_of(from, (size_t)(r->at.at - from));
    if (tns_read(in, &item) != TNS_ITEM || item.type != TNS_STRING)
        return damaged(e, "there is an item without a name");
    *word = item.bytes;
    return 0;
}

static int read_string(struct tns_reader *in, struct slice *out, struct error *e)
{
    struct tns_item item;
    if (tns_read(in, &item) != TNS_ITEM || item.type != TNS_STRING)
        return damaged(e, "an item is not complete");
    *out = item.bytes;
    return 0;
}

static bool copy_text(char *out, size_t size, struct slice s)
{
    if (s.len != size - 1 || memchr(s.ptr, '\0', s.len) != NULL)
        return false;
    memcpy(out, s.ptr, s.len);
    out[s.len] = '\0';
    return true;
}

static int read_info(struct backup_reader *r, struct tns_reader *in, struct error *e)
{
    struct tns_value head;
    struct slice cluster, hash;
    int64_t format = 0, version = -1;
    size_t used;
    if (tns_parse(&head, slice_of(in->at, (size_t)(in->end - in->at)), &r->arena, NULL, &used,
                  NULL) != 0 ||
        !tns_get_int(&head, "format", &format))
        return error_set(e, ERROR_INVALID, "This is no backup of a history.");
    if (format != FORMAT)
        return error_set(e, ERROR_INVALID,
                         "The backup has format %lld; this program knows format %d.",
                         (long long)format, FORMAT);
    if (!tns_get_string(&head, "cluster", &cluster) || !tns_get_string(&head, "hash", &hash) ||
        !tns_get_int(&head, "version", &version) || version < 0 ||
        !tns_get_int(&head, "when_ms", &r->info.when_ms) ||
        !copy_text(r->info.cluster, sizeof r->info.cluster, cluster) || !uuid_is_valid(cluster) ||
        !copy_text(r->info.hash, sizeof r->info.hash, hash))
        return damaged(e, "its first item is not complete");
    r->info.version = (uint64_t)version;
    return 0;
}

int backup_open(struct backup_reader *r, struct slice bytes, struct error *e)
{
    struct slice word, item;
    struct tns_reader in;
    *r = (struct backup_reader){.configs = MAP_INIT, .hash = COMMIT_NO_PARENT};
    arena_init(&r->arena, 0);
    tns_reader_init(&r->at, bytes);
    if (read_list(r, &word, &in, &item, NULL) != 0 || !slice_eq(word, SLICE("backup"))) {
        backup_close(r);
        return error_set(e, ERROR_INVALID, "This is no backup of a history.");
    }
    if (read_info(r, &in, e) != 0 || add_to_sum(r->sum, item, e) != 0) {
        backup_close(r);
        return -1;
    }
    return 0;
}

static int take_config(struct backup_reader *r, struct tns_reader *in, struct error *e)
{
    struct slice bytes = SLICE_EMPTY, *kept;
    char hash[CANON_HASH_LEN + 1];
    if (read_string(in, &bytes, e) != 0)
        return -1;
    canon_hash(bytes, hash);
    if (map_get(&r->configs, slice_str(hash)) != NULL)
        return damaged(e, "a configuration is there twice");
    kept = malloc(sizeof *kept);
    if (kept == NULL || map_put(&r->configs, slice_str(hash), kept, NULL) != 0) {
        free(kept);
        return error_set(e, ERROR_NO_MEMORY, "Out of memory for a backup.");
    }
    *kept = bytes;
    return 0;
}

static int take_commit(struct backup_reader *r, struct tns_reader *in, struct commit *out,
                       struct error *e)
{
    struct slice bytes = SLICE_EMPTY;
    struct commit parent = {.version = r->version};
    memcpy(parent.hash, r->hash, sizeof parent.hash);
    if (read_string(in, &bytes, e) != 0 || commit_decode(out, bytes, &r->arena, e) != 0)
        return -1;
    const struct slice *config = map_get(&r->configs, slice_str(out->config_hash));
    if (config == NULL)
        return damaged(e, "the configuration of a commit is missing");
    out->config = *config;
    if (commit_verify(out, e) != 0 || commit_follows(out, r->version > 0 ? &parent : NULL, e) != 0)
        return -1;
    r->version = out->version;
    memcpy(r->hash, out->hash, sizeof r->hash);
    return 1;
}

static int take_record(struct tns_reader *in, struct backup_item *out, struct error *e)
{
    if (read_string(in, &out->record_kind, e) != 0 || read_string(in, &out->key, e) != 0 ||
        read_string(in, &out->value, e) != 0)
        return -1;
    bool whole = out->record_kind.len > 0 && out->key.len > 0 && out->value.len > 0;
    return whole ? 1 : damaged(e, "a record is empty");
}

static int take_end(struct backup_reader *r, struct tns_reader *in, struct error *e)
{
    struct slice sum = SLICE_EMPTY;
    if (read_string(in, &sum, e) != 0)
        return -1;
    if (!slice_eq(sum, slice_str(r->sum)))
        return damaged(e, "its sum is another");
    if (r->at.at != r->at.end)
        return damaged(e, "there are bytes behind its end");
    if (r->version != r->info.version || (r->version > 0 && strcmp(r->hash, r->info.hash) != 0))
        return damaged(e, "commits are missing");
    return 0;
}

int backup_read(struct backup_reader *r, struct backup_item *out, struct error *e)
{
    struct slice word, item;
    struct tns_reader in;
    memset(out, 0, sizeof *out);
    for (;;) {
        arena_reset(&r->arena);
        if (read_list(r, &word, &in, &item, e) != 0)
            return -1;
        if (slice_eq(word, SLICE("end")))
            return take_end(r, &in, e);
        if (add_to_sum(r->sum, item, e) != 0)
            return -1;
        if (slice_eq(word, SLICE("commit"))) {
            out->kind = BACKUP_COMMIT;
            return take_commit(r, &in, &out->commit, e);
        }
        if (slice_eq(word, SLICE("record"))) {
            out->kind = BACKUP_RECORD;
            return take_record(&in, out, e);
        }
        if (!slice_eq(word, SLICE("config")))
            return damaged(e, "there is an item of an unknown kind");
        if (take_config(r, &in, e) != 0)
            return -1;
    }
}

void backup_close(struct backup_reader *r)
{
    map_fini(&r->configs, free);
    arena_fini(&r->arena);
}

int backup_check(struct slice bytes, struct backup_info *info, size_t *commits, size_t *records,
                 struct error *e)
{
    struct backup_reader r;
    struct backup_item item;
    int more;
    *commits = *records = 0;
    if (backup_open(&r, bytes, e) != 0)
        return -1;
    while ((more = backup_read(&r, &item, e)) > 0)
        ++*(item.kind == BACKUP_COMMIT ? commits : records);
    *info = r.info;
    backup_close(&r);
    return more;
}
