-- Replication slots and the WAL that each keeps.
SELECT /* perfctl */
    s.slot_name::text AS name, s.active AS is_active, s.wal_status,
    CASE WHEN NOT pg_is_in_recovery() THEN (pg_current_wal_lsn() - s.restart_lsn)::float8 END AS bytes
FROM pg_catalog.pg_replication_slots AS s
ORDER BY bytes DESC NULLS LAST
