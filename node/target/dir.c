/* The way of a request: raw path -> name (file_path) -> entry (file_cache) -> representation ->
 * conditions -> range -> reply. The common case, a whole file without conditions, is a look-up and
 * three calls of reply.h. */

#include "node/target/dir.h"

#include "node/exchange/exchange.h"
#include "node/exchange/reply.h"
#include "node/target/byteranges.h"
#include "node/target/file_cache.h"
#include "node/target/file_path.h"
#include "proto/base/log.h"
#include "proto/base/uuid.h"
#include "proto/http/fields.h"
#include "proto/http/head_writer.h"
#include "proto/http/mime.h"
#include "proto/http/range.h"
#include "proto/http/validator.h"
#include "proto/model/settings.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    PATH_RAW_MAX = 3 * PATH_MAX, /* of a path that may decode to a name of PATH_MAX */
    REDIRECT_MAX = 8000,         /* bytes of a Location */
    RANGE_FIELDS_ROOM = 128,     /* besides the type */
};

struct dir_target {
    struct target base;
    struct file_dir files;
    struct slice index_file;
    struct slice default_type;
    const struct mime_table *mime;
};

static struct dir_target *of(struct target *t)
{
    return container_of(t, struct dir_target, base);
}

/* -- life ----------------------------------------------------------------------------------------
 */

static struct slice type_of(const struct file_dir *d, struct slice name)
{
    const struct dir_target *t = container_of(d, const struct dir_target, files);
    struct slice type = t->mime != NULL ? mime_table_find(t->mime, name) : SLICE_EMPTY;
    return type.len > 0 ? type : t->default_type;
}

/* A push is to find out before it is decided. A node that serves nothing yet, and a single server,
 * go on without, as upstream does: better all the other routes than none; these answer 404 until
 * the directory is there. */
static int check_base(const struct row *row, const struct worker *w, struct error *e)
{
    const char *base = row_str(row, DIRECTORY_BASE);
    struct stat st;
    if (stat(base, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    if (w->in_cluster && w->snapshot != NULL)
        return error_set_object(e, ERROR_NOT_FOUND, base,
                                "The directory \"%s\" of a Dir is not there on this node.", base);
    log_warn("config",
             "the directory \"%s\" of a Dir is not there; its routes answer 404 until it is", base);
    return 0;
}

static int dir_create(struct target **out, const struct row *row, struct snapshot_build *b,
                      struct error *e)
{
    struct worker *w = b->worker;
    if (check_base(row, w, e) != 0)
        return -1;
    if (w->files == NULL)
        w->files = file_cache_create(FILE_CACHE_LIMITS);
    struct dir_target *t = calloc(1, sizeof *t);
    if (t == NULL || w->files == NULL) {
        free(t);
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    }
    int64_t ttl_s = row_int(row, DIRECTORY_CACHE_TTL);
    bool follow_out = slice_eq(slice_str(setting_text(b->snapshot->model, SETTING_DIR_SYMLINKS)),
                               SLICE("any"));
    t->base.ops = &target_dir;
    t->index_file = row_text(row, DIRECTORY_INDEX_FILE);
    t->default_type = row_text(row, DIRECTORY_DEFAULT_CTYPE);
    t->mime = b->snapshot->mime;
    file_dir_init(&t->files, w->files, row_str(row, DIRECTORY_BASE), follow_out,
                  ttl_s > 0 && ttl_s <= INT_MAX ? (unsigned)ttl_s : 0, type_of);
    *out = &t->base;
    return 0;
}

static void dir_destroy(struct target *t)
{
    if (t == NULL)
        return;
    file_dir_fini(&of(t)->files);
    free(of(t));
}

/* -- answers that are no file --------------------------------------------------------------------
 */

/* To the same URI with a slash behind the path. Upstream's form, with the authority and without the
 * scheme, which a proxy before us may have changed. Without an authority the path alone; more than
 * one slash at its start would make an authority of it. */
static void redirect_to_slash(struct exchange *x)
{
    const struct request_head *head = x->head;
    struct slice path = head->path, authority = head->authority;
    size_t room = authority.len + head->uri.len + sizeof "Location: ///\r\n";
    char *bytes = room <= REDIRECT_MAX ? arena_alloc(&x->arena, room) : NULL;
    if (bytes == NULL) {
        reply_error(x, room <= REDIRECT_MAX ? 503 : 414, SLICE_EMPTY);
        return;
    }
    struct head_writer w = head_writer_on(bytes, room);
    head_writer_put(&w, SLICE("Location: "));
    if (authority.len > 0) {
        head_writer_put(&w, SLICE("//"));
        head_writer_put(&w, authority);
    } else {
        while (path.len > 1 && path.ptr[1] == '/')
            path = slice_from(path, 1);
    }
    head_writer_put(&w, path);
    head_writer_char(&w, '/');
    if (head->has_query) {
        head_writer_char(&w, '?');
        head_writer_put(&w, head->query);
    }
    head_writer_put(&w, SLICE("\r\n"));
    reply_whole(x, 301, head_writer_bytes(&w), SLICE_EMPTY);
}

/* -- sending -------------------------------------------------------------------------------------
 */

static void send_bytes(struct exchange *x, const struct file_variant *v, uint64_t from,
                       uint64_t len)
{
    if (v->content != NULL)
        reply_body_payload(x, v->content, (size_t)from, (size_t)len);
    else
        reply_body_file(x, v->file, (off_t)from, len);
}

static void send_whole(struct exchange *x, const struct file_variant *v)
{
    reply_begin(x, 200, v->fields, (int64_t)v->size);
    send_bytes(x, v, 0, v->size);
    reply_end(x);
}

/* The variant's fields with another Content-Type (they begin with their own), or with
 * Content-Range. */
static struct slice range_fields(struct exchange *x, const struct file_variant *v,
                                 struct slice name, struct slice value, bool is_type)
{
    size_t room = v->fields.len + value.len + RANGE_FIELDS_ROOM;
    char *bytes = arena_alloc(&x->arena, room);
    if (bytes == NULL)
        return SLICE_EMPTY;
    size_t own_type = is_type ? name.len + v->type.len + 4 : 0;
    struct head_writer w = head_writer_on(bytes, room);
    head_writer_field(&w, name, value);
    head_writer_put(&w, slice_from(v->fields, own_type));
    return head_writer_bytes(&w);
}

static void send_range(struct exchange *x, const struct file_variant *v, const struct byte_range *r)
{
    char text[RANGE_CONTENT_MAX];
    struct slice value = slice_of(text, range_content(r, v->size, text));
    struct slice fields = range_fields(x, v, SLICE("Content-Range"), value, false);
    uint64_t len = r->last - r->first + 1;
    if (fields.len == 0) {
        reply_error(x, 503, SLICE_EMPTY);
        return;
    }
    reply_begin(x, 206, fields, (int64_t)len);
    send_bytes(x, v, r->first, len);
    reply_end(x);
}

static void send_ranges(struct exchange *x, const struct file_variant *v,
                        const struct byte_range *ranges, int count)
{
    char boundary[UUID_LEN + 1];
    struct byteranges parts;
    struct slice fields = SLICE_EMPTY;
    if (uuid_generate(boundary, NULL) == 0 &&
        byteranges_render(&parts, ranges, count, v->size, v->type, slice_str(boundary),
                          &x->arena) == 0)
        fields = range_fields(x, v, SLICE("Content-Type"), parts.type, true);
    if (fields.len == 0) {
        reply_error(x, 503, SLICE_EMPTY);
        return;
    }
    reply_begin(x, 206, fields, (int64_t)parts.length);
    for (int i = 0; i < count; i++) {
        reply_body(x, parts.heads[i]);
        send_bytes(x, v, ranges[i].first, ranges[i].last - ranges[i].first + 1);
    }
    reply_body(x, parts.tail);
    reply_end(x);
}

static void refuse_range(struct exchange *x, const struct file_variant *v)
{
    char text[RANGE_CONTENT_MAX], line[RANGE_CONTENT_MAX + RANGE_FIELDS_ROOM];
    struct head_writer w = head_writer_on(line, sizeof line);
    head_writer_field(&w, SLICE("Content-Range"),
                      slice_of(text, range_content(NULL, v->size, text)));
    reply_error(x, 416, head_writer_bytes(&w));
}

/* -- which representation, and whether ------------------------------------------------------------
 */

/* The weight that the client gives to a coding, over all its Accept-Encoding fields; -1: none. */
static int weight_of(const struct field_list *l, enum file_coding coding)
{
    int weight = -1;
    for (const struct http_field *f = field_list_get(l, FIELD_ACCEPT_ENCODING); f != NULL;
         f = field_list_next(l, f)) {
        int here = fields_weight(f->value, file_coding_name(coding));
        weight = here > weight ? here : weight;
    }
    return weight;
}

/* The best that the client takes; of equals the smaller, which is how the codings are ordered. The
 * file itself when it takes none (RFC 9110 section 12.5.3 allows to disregard it). */
static const struct file_variant *choose(const struct file_entry *entry, const struct field_list *l)
{
    const struct file_variant *best = &entry->variants[FILE_AS_IS];
    if (!entry->has_siblings || !field_list_has(l, FIELD_ACCEPT_ENCODING))
        return best;
    int best_weight = weight_of(l, FILE_AS_IS);
    for (int i = FILE_AS_IS + 1; i < FILE_CODINGS; i++) {
        const struct file_variant *v = &entry->variants[i];
        int weight = file_variant_exists(v) ? weight_of(l, (enum file_coding)i) : -1;
        if (weight > 0 && weight >= best_weight) {
            best = v;
            best_weight = weight;
        }
    }
    return best;
}

static void answer_conditional(struct exchange *x, const struct file_variant *v)
{
    const struct field_list *l = &x->head->fields;
    struct validators validators = {v->etag, v->mtime_s};
    int64_t now_s = x->worker->loop.wall_s;
    switch (validator_check(l, x->head->method_id, &validators, now_s)) {
    case VALIDATOR_NOT_MODIFIED:
        reply_begin(x, 304, slice_from(v->fields, v->validators), REPLY_LENGTH_UNKNOWN);
        reply_end(x);
        return;
    case VALIDATOR_FAILED: reply_error(x, 412, SLICE_EMPTY); return;
    case VALIDATOR_PROCEED: break;
    }
    struct byte_range ranges[RANGES_MAX];
    int count = 0;
    if (field_list_has(l, FIELD_RANGE) && (l->repeated & FIELD_BIT(FIELD_RANGE)) == 0 &&
        x->head->method_id == METHOD_GET && validator_if_range(l, &validators, now_s))
        count = range_parse(field_list_value(l, FIELD_RANGE), v->size, ranges);
    if (count < 0)
        refuse_range(x, v);
    else if (count == 0)
        send_whole(x, v);
    else if (count == 1)
        send_range(x, v, &ranges[0]);
    else
        send_ranges(x, v, ranges, count);
}

static void answer(struct exchange *x, const struct file_entry *entry)
{
    const uint64_t conditions = FIELD_BIT(FIELD_IF_MATCH) | FIELD_BIT(FIELD_IF_NONE_MATCH) |
                                FIELD_BIT(FIELD_IF_MODIFIED_SINCE) |
                                FIELD_BIT(FIELD_IF_UNMODIFIED_SINCE) | FIELD_BIT(FIELD_RANGE);
    const struct file_variant *v = choose(entry, &x->head->fields);
    if ((x->head->fields.present & conditions) == 0)
        send_whole(x, v);
    else
        answer_conditional(x, v);
}

/* -- from the path to the file --------------------------------------------------------------------
 */

/* "dir/" stands for its index file. `room` holds PATH_MAX bytes; the empty slice when there is no
 * such name. */
static struct slice with_index(const struct dir_target *t, struct slice name, char *room)
{
    if (t->index_file.len == 0 || name.len + 1 + t->index_file.len >= PATH_MAX)
        return SLICE_EMPTY;
    if (name.len == 0)
        return t->index_file;
    struct head_writer w = head_writer_on(room, PATH_MAX);
    head_writer_put(&w, name);
    head_writer_char(&w, '/');
    head_writer_put(&w, t->index_file);
    return head_writer_bytes(&w);
}

/* `is_prefix`: the path is that of the route, and one with a slash behind it would lead here too.
 */
static void serve(struct dir_target *t, struct exchange *x, struct slice raw, bool is_prefix)
{
    char decoded[PATH_RAW_MAX], joined[PATH_MAX];
    struct file_path path;
    enum file_path_result parsed = raw.len <= PATH_RAW_MAX ? file_path_resolve(raw, decoded, &path)
                                                           : FILE_PATH_OUTSIDE;
    if (parsed != FILE_PATH_OK) {
        reply_error(x, parsed == FILE_PATH_MALFORMED ? 400 : 404, SLICE_EMPTY);
        return;
    }
    const struct loop *loop = &x->worker->loop;
    const struct file_entry *entry;
    struct slice name = path.is_directory ? with_index(t, path.name, joined) : path.name;
    enum file_result result = name.len > 0 ? file_cache_get(&t->files, name, loop->now_us,
                                                            loop->wall_s, &entry)
                                           : FILE_MISSING;
    bool may_be_directory = !path.is_directory &&
                            (result == FILE_IS_DIRECTORY || (result == FILE_MISSING && is_prefix));
    if (result == FILE_FOUND)
        answer(x, entry);
    else if (may_be_directory)
        redirect_to_slash(x);
    else if (result == FILE_DENIED || result == FILE_BUSY)
        reply_error(x, result == FILE_DENIED ? 403 : 503, SLICE_EMPTY);
    else
        reply_error(x, 404, SLICE_EMPTY);
}

/* What is behind the prefix of the route names the file. A path that is the prefix itself, without
 * a slash at its end, names a file as a whole ("/favicon.ico"), or else the directory. A path that
 * is the prefix but for its last slash is sent there; any shorter one came here only because no
 * route was nearer, and names nothing. */
static void dir_start(struct target *target, struct exchange *x)
{
    struct slice path = x->head->path,
                 prefix = slice_of(x->route->pattern.ptr, x->route->prefix_len);
    bool is_plain = prefix.len == x->route->pattern.len;
    if (x->head->method_id != METHOD_GET && x->head->method_id != METHOD_HEAD)
        reply_error(x, 405, SLICE("Allow: GET, HEAD\r\n"));
    else if (path.len + 1 == prefix.len && prefix.ptr[path.len] == '/')
        redirect_to_slash(x);
    else if (path.len < prefix.len)
        reply_error(x, 404, SLICE_EMPTY);
    else if (path.len == prefix.len && !slice_ends_with(path, SLICE("/")))
        serve(of(target), x, path, is_plain);
    else
        serve(of(target), x, slice_from(path, prefix.len), false);
}

const struct target_ops target_dir = {
    .kind = "dir",
    .table = TABLE_DIRECTORY,
    .create = dir_create,
    .destroy = dir_destroy,
    .start = dir_start,
};
