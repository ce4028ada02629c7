-- When this is, and how long a text may be that pg_stat_activity shows.
SELECT /* perfctl */
    clock_timestamp() AS now,
    current_database()::text AS database,
    current_user::text AS role,
    current_setting('track_activities') = 'on' AS tracks,
    pg_size_bytes(current_setting('track_activity_query_size')) AS text_bytes
