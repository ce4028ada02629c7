-- How the server begins the lines of its log. Every role may ask; PostgreSQL 13 and later.
SELECT /* perfctl */
    current_setting('log_line_prefix') AS log_line_prefix
