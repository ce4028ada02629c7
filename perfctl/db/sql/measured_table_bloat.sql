-- The share of a table ($1: oid) that is free or dead, less what its fill factor ($2) keeps free. {schema}: pgstattuple's.
SELECT /* perfctl */
    (
        greatest(t.approx_free_space + t.dead_tuple_len - t.table_len * (100 - $2::int) / 100.0, 0)
        / nullif(t.table_len, 0)
    )::float8 AS share
FROM {schema}.pgstattuple_approx($1::bigint::oid::regclass) AS t
