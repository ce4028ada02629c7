-- What is not as PostgreSQL was built, without what only names files or this session.
SELECT /* perfctl */
    s.name, s.reset_val || coalesce(' ' || s.unit, '') AS setting, coalesce(s.boot_val, '') AS default_value, s.source
FROM pg_catalog.pg_settings AS s
WHERE s.reset_val IS DISTINCT FROM s.boot_val
  AND s.source NOT IN ('client', 'session', 'override', 'default')
  AND s.category NOT IN ('File Locations', 'Preset Options')
  AND s.name NOT IN ('primary_conninfo', 'ssl_passphrase_command', 'archive_command', 'restore_command')
ORDER BY s.name
