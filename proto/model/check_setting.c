/* Settings, content types and plugins. */

#include "proto/base/map.h"
#include "proto/model/check_rules.h"
#include "proto/model/check_syntax.h"
#include "proto/model/describe.h"
#include "proto/model/settings.h"
#include "proto/wire/tnetstring.h"

#include <ctype.h>

/* ---- settings ------------------------------------------------------------------------------ */

/* What a type cannot say. */
static void check_setting_text(struct checking *c, const struct row *r, enum setting setting)
{
    struct slice value = row_text(r, SETTING_VALUE);
    switch (setting) {
    case SETTING_CERTDIR:
        if (value.len > 0 && value.ptr[value.len - 1] != '/')
            check_error(c, r, SETTING_VALUE, "certdir must end in '/'");
        break;
    case SETTING_CONTROL_PORT: check_text(c, r, SETTING_VALUE, syntax_endpoint); break;
    case SETTING_UPLOAD_TEMP_STORE:
        if (value.len > 0 && !slice_ends_with(value, SLICE("XXXXXX")))
            check_error(c, r, SETTING_VALUE,
                        "upload.temp_store must end in XXXXXX, which is replaced for each upload");
        break;
    default: break;
    }
}

static void check_known_setting(struct checking *c, const struct row *r, enum setting setting)
{
    const struct setting_info *info = &setting_infos[setting];
    struct error e;
    if (setting_check(setting, row_text(r, SETTING_VALUE), &e) < 0)
        check_error(c, r, SETTING_VALUE, "%s", e.text);
    else if (!info->has_effect)
        check_warning(c, r, SETTING_KEY, "it has no effect here: %s", info->help);
    else
        check_setting_text(c, r, setting);
}

static void check_setting(struct checking *c, struct map *seen, const struct row *r)
{
    struct slice key, value;
    if (!check_has_text(r, SETTING_KEY, &key) || !check_has_text(r, SETTING_VALUE, &value))
        return;
    int setting = setting_of_key(key);
    if (setting >= 0)
        check_known_setting(c, r, (enum setting)setting);
    else
        check_warning(c, r, SETTING_KEY, "no setting has this name; it has no effect");
    if (map_get(seen, key) != NULL)
        check_warning(c, r, SETTING_KEY, "it is given twice; the last one counts");
    else if (map_put(seen, key, (void *)r, NULL) < 0)
        c->is_out_of_memory = true;
}

void check_settings(struct checking *c)
{
    struct map seen = MAP_INIT;
    for (size_t i = 0; i < model_count(c->model, TABLE_SETTING); i++)
        check_setting(c, &seen, model_row(c->model, TABLE_SETTING, i));
    map_fini(&seen, NULL);
}

/* ---- content types ------------------------------------------------------------------------- */

static void check_extension(struct checking *c, const struct row *r, struct slice extension)
{
    int64_t limit = setting_int(c->model, SETTING_LIMITS_MIME_EXT_LEN);
    if (extension.len < 2 || extension.ptr[0] != '.')
        check_error(c, r, MIMETYPE_EXTENSION, "an extension begins with '.', e.g. \".html\"");
    if ((int64_t)extension.len >= limit)
        check_error(c, r, MIMETYPE_EXTENSION,
                    "it has %zu bytes; it must be shorter than the setting limits.mime_ext_len "
                    "(%lld)",
                    extension.len, (long long)limit);
    bool is_written = r->place.file != NULL; /* upstream's own default table has one, ".pcf.Z" */
    for (size_t i = 0; is_written && i < extension.len; i++)
        if (isupper((unsigned char)extension.ptr[i])) {
            check_warning(c, r, MIMETYPE_EXTENSION,
                          "an extension with capital letters is never found; write it in lower "
                          "case, which fits both");
            break;
        }
}

void check_mimetypes(struct checking *c)
{
    struct map seen = MAP_INIT;
    for (size_t i = 0; i < model_count(c->model, TABLE_MIMETYPE); i++) {
        const struct row *r = model_row(c->model, TABLE_MIMETYPE, i);
        struct slice extension;
        check_text(c, r, MIMETYPE_MIMETYPE, syntax_content_type);
        if (!check_has_text(r, MIMETYPE_EXTENSION, &extension))
            continue;
        check_extension(c, r, extension);
        if (map_get(&seen, extension) != NULL)
            check_error(c, r, MIMETYPE_EXTENSION, "the extension is given twice");
        else if (map_put(&seen, extension, (void *)r, NULL) < 0)
            c->is_out_of_memory = true;
    }
    map_fini(&seen, NULL);
}

/* ---- plugins ------------------------------------------------------------------------------- */

static void check_plugin(struct checking *c, const struct row *r)
{
    struct slice text;
    struct tns_value settings;
    struct error e;
    if (check_has_text(r, PLUGIN_NAME, &text) && text.len == 0)
        check_error(c, r, PLUGIN_NAME, "name is empty; it is the path of the shared object");
    if (!check_has_text(r, PLUGIN_SETTINGS, &text))
        return;
    struct arena scratch;
    arena_init(&scratch, 0);
    if (tns_parse(&settings, text, &scratch, NULL, NULL, &e) < 0)
        check_error(c, r, PLUGIN_SETTINGS, "settings is no tnetstring: %s", e.text);
    else if (settings.type != TNS_DICT)
        check_error(c, r, PLUGIN_SETTINGS, "settings must be a dict, not a %s",
                    tns_type_name(settings.type));
    arena_fini(&scratch);
}

void check_plugins(struct checking *c)
{
    static const enum table_id tables[] = {TABLE_FILTER, TABLE_XREQUEST};
    for (size_t t = 0; t < 2; t++)
        for (size_t i = 0; i < model_count(c->model, tables[t]); i++)
            check_plugin(c, model_row(c->model, tables[t], i));
}
