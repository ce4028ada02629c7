-- One index by its name, which is qualified and quoted as SQL writes it; no row where there is none.
SELECT /* perfctl */
    pg_get_indexdef(i.indexrelid) AS definition,
    i.indisvalid AND i.indisready AS is_valid,
    EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p WHERE p.index_relid = i.indexrelid)
        AS is_being_built,
    pg_relation_size(i.indexrelid) AS size_bytes
FROM pg_catalog.pg_index AS i
WHERE i.indexrelid = to_regclass($1)
