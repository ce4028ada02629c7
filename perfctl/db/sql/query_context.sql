-- What else than its text and parameters decides a statement's answer: who asks, where, with which settings.
SELECT /* perfctl */
    pg_catalog.current_database()::text AS database,
    d.oid::bigint AS database_oid,
    pg_catalog.concat_ws(
        E'\n', current_user, session_user, pg_catalog.current_schemas(true)::text, s.settings
    ) AS context
FROM pg_catalog.pg_database AS d
CROSS JOIN (
    SELECT pg_catalog.string_agg(name || '=' || setting, E'\n' ORDER BY name) AS settings
    FROM pg_catalog.pg_settings
    WHERE name IN (
        'TimeZone', 'DateStyle', 'IntervalStyle', 'bytea_output', 'extra_float_digits', 'lc_monetary', 'lc_numeric',
        'lc_time', 'default_text_search_config', 'xmlbinary', 'xmloption', 'row_security', 'array_nulls',
        'backslash_quote', 'standard_conforming_strings', 'timezone_abbreviations', 'transform_null_equals'
    )
) AS s
WHERE d.datname = pg_catalog.current_database()
