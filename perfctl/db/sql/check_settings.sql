-- The settings that the checks look at, as a new session has them: ours are changed for this transaction.
SELECT /* perfctl */ s.name, s.reset_val AS value, s.unit, s.boot_val AS default_value
FROM pg_catalog.pg_settings AS s
WHERE s.name IN (
    'fsync', 'full_page_writes', 'autovacuum', 'track_counts', 'zero_damaged_pages', 'shared_buffers', 'work_mem',
    'effective_cache_size', 'random_page_cost', 'seq_page_cost', 'statement_timeout', 'lock_timeout',
    'idle_in_transaction_session_timeout', 'jit', 'jit_above_cost', 'maintenance_work_mem', 'block_size'
)
