"""Functions of PostgreSQL that leave nothing behind, in the data or in the session, however often they are called.

The names of `pg_proc` in `pg_catalog` that are IMMUTABLE or STABLE in every form, without those that only operators,
types and indexes call, and the VOLATILE ones that merely look at a clock, at dice or at the server.
"""

from __future__ import annotations

_NAMES = """
abbrev abs acos acosd acosh age any_value area array_agg array_dims array_fill array_length array_lower array_ndims
array_position array_positions array_remove array_replace array_reverse array_sample array_shuffle array_sort
array_to_json array_to_string array_to_tsvector array_upper ascii asin asind asinh atan atan2 atan2d atand atanh avg
bit_and bit_count bit_length bit_or bit_xor bool_and bool_or both box broadcast cardinality casefold cbrt ceil
ceiling center char_length character_length chr circle clock_timestamp coalesce col_description concat concat_ws
convert convert_from convert_to corr cos cosd cosh cot cotd count covar_pop covar_samp crc32 crc32c cume_dist
current_database current_query current_schema current_schemas current_setting current_user date_bin date_part
date_trunc datemultirange daterange decode degrees dense_rank diagonal diameter div encode enum_first enum_last
enum_range erf erfc every exp extract factorial family first_value floor format format_type gamma gcd
gen_random_uuid generate_series generate_subscripts get_bit get_byte get_current_ts_config greatest grouping
has_column_privilege has_database_privilege has_function_privilege has_schema_privilege has_table_privilege height
host hostmask inet_client_addr inet_client_port inet_merge inet_same_family inet_server_addr inet_server_port
initcap int4multirange int4range int8multirange int8range is_normalized isclosed isempty isfinite ishorizontal
isopen isparallel isperp isvertical json_agg json_array json_array_elements json_array_elements_text
json_array_length json_arrayagg json_build_array json_build_object json_each json_each_text json_exists json_object
json_object_agg json_object_keys json_objectagg json_populate_record json_populate_recordset json_query json_scalar
json_serialize json_strip_nulls json_table json_to_record json_to_recordset json_to_tsvector json_typeof json_value
jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object
jsonb_each jsonb_each_text jsonb_insert jsonb_object jsonb_object_agg jsonb_object_keys jsonb_path_exists
jsonb_path_exists_tz jsonb_path_match jsonb_path_match_tz jsonb_path_query jsonb_path_query_array
jsonb_path_query_array_tz jsonb_path_query_first jsonb_path_query_first_tz jsonb_path_query_tz jsonb_populate_record
jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset
jsonb_to_tsvector jsonb_typeof justify_days justify_hours justify_interval lag last_value lcm lead leading least
left length lgamma line ln log10 lower lower_inc lower_inf lpad lseg ltrim make_date make_interval make_time
make_timestamp make_timestamptz masklen max md5 min min_scale mod mode multirange netmask network normalize now
npoints nth_value ntile nullif num_nonnulls num_nulls nummultirange numnode numrange obj_description octet_length
overlaps overlay parse_ident percent_rank percentile_cont percentile_disc pg_backend_pid pg_blocking_pids
pg_column_size pg_conf_load_time pg_current_wal_insert_lsn pg_current_wal_lsn pg_database_size pg_describe_object
pg_encoding_to_char pg_function_is_visible pg_get_constraintdef pg_get_expr pg_get_functiondef pg_get_indexdef
pg_get_userbyid pg_get_viewdef pg_has_role pg_indexes_size pg_is_in_recovery pg_last_wal_receive_lsn
pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_postmaster_start_time pg_relation_filepath pg_relation_size
pg_size_bytes pg_size_pretty pg_sleep pg_sleep_for pg_sleep_until pg_stat_get_activity pg_stat_statements_info
pg_table_is_visible pg_table_size pg_tablespace_size pg_total_relation_size pg_type_is_visible pg_typeof
pg_wal_lsn_diff phraseto_tsquery pi plainto_tsquery point polygon position pow power quote_ident quote_literal
quote_nullable radians radius random random_normal range_agg range_intersect_agg range_merge rank regexp_count
regexp_instr regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table
regexp_substr regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy repeat
replace reverse right round row_number row_to_json rpad rtrim scale session_user set_bit set_byte set_masklen
setweight sha224 sha256 sha384 sha512 shobj_description sign sin sind sinh slope split_part sqrt statement_timestamp
stddev stddev_pop stddev_samp string_agg string_to_array string_to_table strip strpos substr substring sum tan tand
tanh text timeofday timestamp timestamptz timezone to_bin to_char to_date to_hex to_json to_jsonb to_number to_oct
to_regclass to_regnamespace to_regproc to_regprocedure to_regrole to_regtype to_timestamp to_tsquery to_tsvector
trailing transaction_timestamp translate trim trim_array trim_scale trunc ts_debug ts_delete ts_filter ts_headline
ts_lexize ts_parse ts_rank ts_rank_cd ts_token_type tsmultirange tsrange tstzmultirange tstzrange tsvector_to_array
unistr unnest upper upper_inc upper_inf uuid_extract_timestamp uuid_extract_version uuidv4 uuidv7 var_pop var_samp
variance version websearch_to_tsquery width width_bucket xmlagg xmlconcat xmlelement xmlforest xmlparse xmlserialize
xpath xpath_exists
"""

FUNCTIONS = frozenset(_NAMES.split())
"""Names in lower case. A name that is not here is not harmful: it is not known."""
