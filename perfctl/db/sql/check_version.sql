-- Which version this is, and the server's date.
SELECT /* perfctl */
    current_setting('server_version') AS version, current_setting('server_version_num')::int / 10000 AS major,
    clock_timestamp()::date AS today
