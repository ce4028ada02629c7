-- The share of a B-tree ($1: oid) that is free, by its fill factor ($2). {schema}: pgstattuple's.
SELECT /* perfctl */
    greatest(
        1 - i.leaf_pages * CASE WHEN i.avg_leaf_density = 'NaN' THEN 0 ELSE i.avg_leaf_density END / $2::int
            / nullif(i.leaf_pages + i.empty_pages + i.deleted_pages, 0),
        0
    )::float8 AS share
FROM {schema}.pgstatindex($1::bigint::oid::regclass) AS i
