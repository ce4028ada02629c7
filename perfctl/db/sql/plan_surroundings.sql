SELECT /* perfctl */ (SELECT setting::bigint FROM pg_settings WHERE name = 'work_mem') AS work_mem_kb,
       ARRAY(SELECT extname::text FROM pg_extension ORDER BY extname) AS extensions,
       (SELECT reset_val FROM pg_settings WHERE name = 'search_path') AS search_path,
       current_user::text AS role
