-- Every call of a store as one script, so that each is one atomic step of the server: what is
-- checked (token, parent) is still true when it is written. redis_calls.c sends it and reads the
-- answers; docs/reference/stores.md describes the keys.

local meta, commits, configs, lease, values, order = unpack(KEYS)
local name = table.remove(ARGV, 1)
local calls = {}

local FORMAT = '1'
local ROOT = string.rep('0', 64)

-- A kept commit: hash, hash of its configuration, record. Both hashes have 64 bytes.
local function split(kept)
  return kept:sub(1, 64), kept:sub(65, 128), kept:sub(129)
end

local function head()
  local found = redis.call('HMGET', meta, 'version', 'hash')
  return tonumber(found[1] or '0'), found[2] or ROOT
end

local function number(n)
  return string.format('%.0f', n)
end

local function is_newest(token)
  return redis.call('HGET', lease, 'token') == token
end

local function denied()
  return { 'DENIED', redis.call('HGET', lease, 'endpoint') or '' }
end

function calls.head(cluster)
  local version, hash = head()
  local found = redis.call('HMGET', meta, 'format', 'cluster', 'restoring')
  if not found[1] then
    redis.call('HSET', meta, 'format', FORMAT, 'cluster', cluster)
    return { 'OK', number(version), hash, cluster }
  end
  if found[1] ~= FORMAT then
    return { 'FORMAT', found[1] }
  end
  if found[3] then
    return { 'RESTORING' }
  end
  return { 'OK', number(version), hash, found[2] }
end

function calls.restore(token, cluster, finished)
  local version, hash = head()
  local found = redis.call('HGET', meta, 'cluster')
  if not is_newest(token) then
    return denied()
  end
  if version > 0 and found ~= cluster then
    return { 'CLUSTER', found or '' }
  end
  redis.call('HSET', meta, 'format', FORMAT, 'cluster', cluster, 'restoring', '1')
  if finished == '1' then
    redis.call('HDEL', meta, 'restoring')
  end
  return { 'OK', number(version), hash, cluster }
end

function calls.append(token, version, parent, hash, record, config_hash, config)
  local at, top = head()
  local kept = redis.call('HGET', commits, version)
  if kept and split(kept) == hash then
    redis.call('HSET', meta, 'asked', version) -- a write, for WAIT to wait for
    return { 'OK', version, hash }
  end
  if not is_newest(token) then
    return denied()
  end
  if tonumber(version) ~= at + 1 or parent ~= top then
    return { 'CONFLICT', number(at), top }
  end
  redis.call('HSETNX', configs, config_hash, config)
  redis.call('HSET', commits, version, hash .. config_hash .. record)
  redis.call('HSET', meta, 'version', version, 'hash', hash)
  return { 'OK', version, hash }
end

function calls.get(version)
  local wanted = version == '0' and number(head()) or version
  local kept = redis.call('HGET', commits, wanted)
  if not kept then
    return { 'NOT_FOUND' }
  end
  local _, config_hash, record = split(kept)
  return { 'OK', record, redis.call('HGET', configs, config_hash) or '' }
end

function calls.list(before, count)
  local out, version = { 'OK' }, head()
  if tonumber(before) > 0 then
    version = math.min(version, tonumber(before) - 1)
  end
  while version > 0 and #out <= tonumber(count) do
    local kept = redis.call('HGET', commits, number(version))
    if kept then
      local _, _, record = split(kept)
      out[#out + 1] = record
    end
    version = version - 1
  end
  return out
end

function calls.put(token, key, value)
  if not is_newest(token) then
    return denied()
  end
  if value == '' then
    redis.call('HDEL', values, key)
    redis.call('ZREM', order, key)
  else
    redis.call('HSET', values, key, value)
    redis.call('ZADD', order, 0, key)
  end
  return { 'OK' }
end

function calls.scan(before, count)
  local out, top = { 'OK' }, before == '' and '+' or '(' .. before
  for _, key in ipairs(redis.call('ZREVRANGEBYLEX', order, top, '-', 'LIMIT', 0, count)) do
    out[#out + 1] = key
    out[#out + 1] = redis.call('HGET', values, key) or ''
  end
  return out
end

function calls.lease(owner, endpoint, ttl_ms)
  local time = redis.call('TIME')
  local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local found = redis.call('HMGET', lease, 'owner', 'endpoint', 'token', 'until_ms')
  local token = tonumber(found[3] or '0')
  if found[1] ~= owner and token > 0 and tonumber(found[4]) > now_ms then
    return { 'OK', '0', number(token), found[1], found[2] }
  end
  if found[1] ~= owner then
    token = math.max(token + 1, tonumber(time[1]))
  end
  redis.call('HSET', lease, 'owner', owner, 'endpoint', endpoint, 'token', number(token),
             'until_ms', number(now_ms + tonumber(ttl_ms)))
  return { 'OK', '1', number(token), owner, endpoint }
end

return calls[name](unpack(ARGV))
