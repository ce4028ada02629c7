"""Whose code is harmless: PostgreSQL's own functions but for those named here, and extensions that only compute.

A function of PostgreSQL's own is known by its C symbol (`pg_proc.prosrc`), which a CREATE FUNCTION of another name
cannot hide. Declared volatility counts only where it says that a function is *not* harmless: anybody may declare
IMMUTABLE what is not. Read from the catalogs of PostgreSQL 13 to 18; a volatile one that a later version brings is
refused until it is listed.
"""

from __future__ import annotations

from typing import Final, NamedTuple


def _words(text: str) -> frozenset[str]:
    """The words of the lines that are not comments."""
    return frozenset(word for line in text.splitlines() if not line.lstrip().startswith("#") for word in line.split())


_HARMLESS_VOLATILE = """
    # random values and the clock
    drandom drandom_normal int4random int8random numeric_random array_sample array_shuffle gen_random_uuid uuidv7
    uuidv7_interval clock_timestamp timeofday current_query currval_oid lastval pg_sleep
    # sizes and the state of the server
    pg_relation_size pg_table_size pg_indexes_size pg_total_relation_size pg_database_size_name pg_database_size_oid
    pg_tablespace_size_name pg_tablespace_size_oid pg_partition_tree pg_partition_ancestors pg_sequence_last_value
    pg_get_sequence_data pg_collation_actual_version pg_database_collation_actual_version pg_control_checkpoint
    pg_control_init pg_control_recovery pg_control_system pg_current_logfile pg_current_logfile_1arg
    pg_current_wal_flush_lsn pg_current_wal_insert_lsn pg_current_wal_lsn pg_last_committed_xact
    pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_is_in_recovery
    pg_is_wal_replay_paused pg_get_wal_replay_pause_state pg_get_wal_resource_managers pg_get_wal_summarizer_state
    pg_available_wal_summaries pg_wal_summary_contents pg_jit_available pg_get_aios pg_get_backend_memory_contexts
    pg_get_loaded_modules pg_get_shmem_allocations pg_get_wait_events
    pg_get_shmem_allocations_numa pg_get_multixact_members
    pg_xact_commit_timestamp pg_xact_status pg_notification_queue_usage pg_hba_file_rules pg_ident_file_mappings
    show_all_file_settings pg_lock_status pg_prepared_xact pg_blocking_pids pg_safe_snapshot_blocking_pids
    pg_isolation_test_session_is_blocked pg_ls_waldir pg_ls_logdir pg_ls_archive_statusdir pg_ls_tmpdir_1arg
    pg_ls_tmpdir_noargs pg_ls_logicalmapdir pg_ls_logicalsnapdir pg_ls_replslotdir pg_ls_summariesdir
    pg_show_replication_origin_status pg_replication_origin_progress pg_replication_origin_session_is_setup
    pg_replication_origin_session_progress
    # statistics, read
    pg_stat_get_backend_io pg_stat_get_backend_wal pg_stat_get_io pg_stat_get_recovery_prefetch pg_stat_have_stats
    pg_stat_get_xact_blocks_fetched pg_stat_get_xact_blocks_hit pg_stat_get_xact_function_calls
    pg_stat_get_xact_function_self_time pg_stat_get_xact_function_total_time pg_stat_get_xact_numscans
    pg_stat_get_xact_tuples_deleted pg_stat_get_xact_tuples_fetched pg_stat_get_xact_tuples_hot_updated
    pg_stat_get_xact_tuples_inserted pg_stat_get_xact_tuples_newpage_updated pg_stat_get_xact_tuples_returned
    pg_stat_get_xact_tuples_updated
    # large objects, read; the ways to take a sample
    be_lo_get be_lo_get_fragment tsm_bernoulli_handler tsm_system_handler
"""
HARMLESS_VOLATILE: Final = _words(_HARMLESS_VOLATILE)
"""Volatile, and still they change nothing."""

_WRITING = """
    nextval_oid setval_oid setval3_oid pg_current_xact_id be_lo_creat be_lo_create be_lo_from_bytea be_lo_put
    be_lo_unlink be_lo_open be_lo_close be_lo_lseek be_lo_lseek64 be_lo_tell be_lo_tell64 be_lo_truncate
    be_lo_truncate64 be_loread be_lowrite unique_key_recheck suppress_redundant_updates_trigger
    tsvector_update_trigger_byid tsvector_update_trigger_bycolumn RI_FKey_check_ins RI_FKey_check_upd
    RI_FKey_cascade_del RI_FKey_cascade_upd RI_FKey_restrict_del RI_FKey_restrict_upd RI_FKey_setnull_del
    RI_FKey_setnull_upd RI_FKey_setdefault_del RI_FKey_setdefault_upd RI_FKey_noaction_del RI_FKey_noaction_upd
"""
WRITING: Final = _words(_WRITING)
"""What a statement that may write may call, too: undone with it, or lost as a rollback loses it."""

_HARMFUL = """
    # run texts, read tables by name, or reach any type by its name
    query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema table_to_xml
    table_to_xmlschema table_to_xml_and_xmlschema schema_to_xml schema_to_xmlschema schema_to_xml_and_xmlschema
    database_to_xml database_to_xmlschema database_to_xml_and_xmlschema ts_stat1 ts_stat2 tsquery_rewrite_query
    pg_input_is_valid pg_input_error_info satisfies_hash_partition
    fmgr_c_validator fmgr_internal_validator fmgr_sql_validator
    # files, the server, other sessions
    pg_read_file pg_read_file_v2 pg_read_file_all pg_read_file_all_missing pg_read_file_off_len
    pg_read_file_off_len_missing pg_read_binary_file pg_read_binary_file_all pg_read_binary_file_all_missing
    pg_read_binary_file_off_len pg_read_binary_file_off_len_missing pg_ls_dir pg_ls_dir_1arg pg_stat_file
    pg_stat_file_1arg be_lo_import be_lo_import_with_oid be_lo_export pg_cancel_backend pg_terminate_backend
    pg_reload_conf pg_rotate_logfile pg_rotate_logfile_v2 pg_promote pg_log_backend_memory_contexts
    pg_wal_replay_pause pg_wal_replay_resume pg_switch_wal pg_create_restore_point pg_backup_start pg_backup_stop
    pg_start_backup pg_stop_backup pg_stop_backup_v2 pg_log_standby_snapshot
    # replication
    pg_create_logical_replication_slot pg_create_physical_replication_slot pg_drop_replication_slot
    pg_copy_logical_replication_slot_a pg_copy_logical_replication_slot_b pg_copy_logical_replication_slot_c
    pg_copy_physical_replication_slot_a pg_copy_physical_replication_slot_b pg_replication_slot_advance
    pg_sync_replication_slots pg_logical_emit_message_bytea pg_logical_emit_message_text
    pg_logical_slot_get_binary_changes pg_logical_slot_get_changes pg_logical_slot_peek_binary_changes
    pg_logical_slot_peek_changes pg_replication_origin_advance pg_replication_origin_create
    pg_replication_origin_drop pg_replication_origin_session_reset pg_replication_origin_session_setup
    pg_replication_origin_xact_reset pg_replication_origin_xact_setup
    # statistics, settings, locks, messages, snapshots of this session and of all
    pg_stat_reset pg_stat_reset_backend_stats pg_stat_reset_replication_slot pg_stat_reset_shared
    pg_stat_reset_single_function_counters pg_stat_reset_single_table_counters pg_stat_reset_slru
    pg_stat_reset_subscription_stats pg_stat_force_next_flush pg_stat_clear_snapshot pg_clear_attribute_stats
    pg_clear_relation_stats pg_restore_attribute_stats pg_restore_relation_stats set_config_by_name setseed
    pg_notify pg_export_snapshot pg_advisory_lock_int4 pg_advisory_lock_int8 pg_advisory_lock_shared_int4
    pg_advisory_lock_shared_int8 pg_advisory_unlock_all pg_advisory_unlock_int4 pg_advisory_unlock_int8
    pg_advisory_unlock_shared_int4 pg_advisory_unlock_shared_int8 pg_advisory_xact_lock_int4
    pg_advisory_xact_lock_int8 pg_advisory_xact_lock_shared_int4 pg_advisory_xact_lock_shared_int8
    pg_try_advisory_lock_int4 pg_try_advisory_lock_int8 pg_try_advisory_lock_shared_int4
    pg_try_advisory_lock_shared_int8 pg_try_advisory_xact_lock_int4 pg_try_advisory_xact_lock_int8
    pg_try_advisory_xact_lock_shared_int4 pg_try_advisory_xact_lock_shared_int8
    # catalogs and indexes
    pg_import_system_collations pg_nextoid pg_stop_making_pinned_objects pg_extension_config_dump
    binary_upgrade_add_sub_rel_state binary_upgrade_create_empty_extension binary_upgrade_replorigin_advance
    binary_upgrade_set_missing_value binary_upgrade_set_record_init_privs binary_upgrade_logical_slot_has_caught_up
    brin_desummarize_range brin_summarize_new_values brin_summarize_range gin_clean_pending_list currtid_byrelname
    currtid_byreloid amvalidate
"""
HARMFUL: Final = _words(_HARMFUL) | WRITING
"""What acts whatever its volatility says."""


class Extension(NamedTuple):
    """An extension whose functions only compute or look, but for those named."""

    object_file: str
    """The file of its C functions, as LIKE has it."""
    harmful: frozenset[str] = frozenset()
    """Symbols, or names of functions in SQL, that act."""
    is_volatile_harmless: bool = True
    """Whether its volatile functions are known to be harmless as well."""


def _known(object_file: str, harmful: str = "") -> Extension:
    return Extension(object_file, frozenset(harmful.split()))


def _computing(object_file: str) -> Extension:
    return Extension(object_file, is_volatile_harmless=False)


EXTENSIONS: Final[dict[str, Extension]] = {
    "bloom": _known("bloom"),
    "btree_gin": _known("btree_gin"),
    "btree_gist": _known("btree_gist"),
    "citext": _known("citext"),
    "cube": _known("cube"),
    "dict_int": _known("dict_int"),
    "dict_xsyn": _known("dict_xsyn"),
    "earthdistance": _known("earthdistance"),
    "fuzzystrmatch": _known("fuzzystrmatch"),
    "hstore": _known("hstore"),
    "intagg": _known("intagg"),
    "intarray": _known("\\_int"),
    "isn": _known("isn", "accept_weak_input"),
    "ltree": _known("ltree"),
    "old_snapshot": _known("old_snapshot"),
    "pg_buffercache": _known(
        "pg\\_buffercache",
        "pg_buffercache_evict pg_buffercache_evict_relation pg_buffercache_evict_all pg_buffercache_mark_dirty "
        "pg_buffercache_mark_dirty_relation pg_buffercache_mark_dirty_all",
    ),
    "pg_freespacemap": _known("pg\\_freespacemap"),
    "pg_stat_statements": _known(
        "pg\\_stat\\_statements", "pg_stat_statements_reset pg_stat_statements_reset_1_7 pg_stat_statements_reset_1_11"
    ),
    "pg_trgm": _known("pg\\_trgm", "set_limit"),
    "pg_visibility": _known("pg\\_visibility", "pg_truncate_visibility_map"),
    "pg_walinspect": _known("pg\\_walinspect"),
    "pgcrypto": _known("pgcrypto"),
    "pgrowlocks": _known("pgrowlocks"),
    "pgstattuple": _known("pgstattuple"),
    "seg": _known("seg"),
    "sslinfo": _known("sslinfo"),
    # The rest of it runs texts as SQL.
    "tablefunc": _known("tablefunc", "crosstab crosstab_hash connectby_text connectby_text_serial"),
    "tsm_system_rows": _known("tsm\\_system\\_rows"),
    "tsm_system_time": _known("tsm\\_system\\_time"),
    "unaccent": _known("unaccent"),
    "uuid-ossp": _known("uuid-ossp"),
    "xml2": _known("pgxml", "xpath_table xslt_process"),
    "vector": _computing("vector"),
    "postgis": _computing("postgis-_"),
    "timescaledb": _computing("timescaledb-%"),
    "h3": _computing("h3"),
    "hll": _computing("hll"),
    "ip4r": _computing("ip4r"),
    "pg_bigm": _computing("pg\\_bigm"),
    "pg_uuidv7": _known("pg\\_uuidv7"),
    "prefix": _computing("prefix"),
    "roaringbitmap": _computing("roaringbitmap"),
    "rum": _computing("rum"),
    "semver": _computing("semver"),
    "tdigest": _computing("tdigest"),
    "unit": _computing("unit"),
}
