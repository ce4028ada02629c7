"""Words of PostgreSQL itself: its keywords, types and functions, which give nothing away."""

from __future__ import annotations

_TEXT = """
abbrev abort abs absent absolute access aclcontains aclexplode aclinsert aclitem aclremove acos acosd acosh action
add admin after aggregate all also alter always amvalidate analyse analyze and any any_value anyarray anycompatible
anycompatiblearray anycompatiblemultirange anycompatiblenonarray anycompatiblerange anyelement anyenum anymultirange
anynonarray anyrange anytextcat area array array_agg array_append array_cat array_dims array_fill array_length
array_lower array_ndims array_position array_positions array_prepend array_remove array_replace array_reverse
array_sort array_to_json array_to_string array_to_tsvector array_typanalyze array_upper arraycontained arraycontains
arrayoverlap as asc ascii asensitive asind asinh assertion assignment asymmetric at atan atan2 atan2d atand atanh
atomic attach attribute authorization avg backward before begin bernoulli between bigint binary bit bit_and
bit_count bit_length bit_or bit_xor bool bool_alltrue bool_and bool_anytrue bool_or booland_statefunc boolean
boolor_statefunc both bound_box box bpchar breadth broadcast by bytea byteacat bytealike byteanlike cache call
called cardinality cascade cascaded case casefold cast catalog cbrt ceil ceiling center chain char character
characteristics check checkpoint chr cid cidr circle class clock_timestamp close close_ls close_lseg close_pb
close_pl close_ps close_sb cluster coalesce col_description collate collation column columns comment comments commit
committed compression concat concat_ws concurrently conditional configuration conflict connection constraint
constraints content continue conversion convert convert_from convert_to copy corr cos cosd cosh cost cot cotd count
covar_pop covar_samp crc32 crc32c create cross cstring csv cube cume_dist current current_catalog current_database
current_date current_query current_role current_schema current_schemas current_setting current_time
current_timestamp current_user currtid2 currval cursor cycle data database date date_add date_mi date_mii date_part
date_pli date_subtract date_trunc datemultirange daterange daterange_canonical daterange_subdiff datetime_pl
datetimetz_pl day dcbrt deallocate dec decimal declare decode default defaults deferrable deferred definer degrees
delete delimiter delimiters dense_rank depends depth desc detach dexp diagonal diameter dictionary disable discard
dispell_init dispell_lexize distinct div dlog1 dlog10 do document domain double dpow drop dround dsimple_init
dsimple_lexize dsnowball_init dsnowball_lexize dsqrt dsynonym_init dsynonym_lexize dtrunc each else empty enable
encode encoding encrypted end enforced enum enum_first enum_last erf erfc error escape event event_trigger every
except exclude excluding exclusive execute exists exp explain expression extension external extract factorial false
family fdw_handler fetch filter finalize first first_value float float4 float8 floor flt4_mul_cash flt8_mul_cash
fmgr_c_validator fmgr_sql_validator following for force foreign format format_type forward freeze from full function
functions gamma gb18030_to_utf8 gbk_to_utf8 gcd gen_random_uuid generate_series generate_subscripts generated
get_bit get_byte get_current_ts_config getdatabaseencoding getpgusername global grant granted greatest group
grouping groups gtsquery_compress gtsquery_consistent gtsquery_penalty gtsquery_picksplit gtsquery_same
gtsquery_union gtsvector gtsvector_compress gtsvector_consistent gtsvector_decompress gtsvector_penalty
gtsvector_picksplit gtsvector_same gtsvector_union handler having header height hold host hostmask hour
icu_unicode_version identity if ilike immediate immutable implicit import in include including increment indent
index index_am_handler indexes inet inet_client_addr inet_client_port inet_same_family inet_server_addr
inet_server_port inet_spg_choose inet_spg_config inet_spg_picksplit inetand inetmi inetmi_int8 inetnot inetor inetpl
inherit inherits initcap initially inline inner inout input insensitive insert instead int int2 int2vector int4
int4multirange int4range int8 int8multirange int8range integer integer_pl_date inter_lb inter_sb inter_sl internal
intersect interval into invoker is is_normalized isclosed isempty isfinite ishorizontal isnull isolation isparallel
isperp isvertical join json json_agg json_agg_strict json_array json_array_element json_array_elements
json_array_length json_arrayagg json_build_array json_build_object json_each json_each_text json_exists
json_extract_path json_object json_object_agg json_object_agg_strict json_object_agg_unique
json_object_agg_unique_strict json_object_field json_object_keys json_objectagg json_populate_record json_query
json_scalar json_serialize json_strip_nulls json_table json_to_record json_to_recordset json_to_tsvector json_typeof
json_value jsonb jsonb_agg jsonb_agg_strict jsonb_concat jsonb_contained jsonb_contains jsonb_delete jsonb_each
jsonb_exists jsonb_insert jsonb_object jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique
jsonb_object_agg_unique_strict jsonb_pretty jsonb_set jsonb_typeof jsonpath justify_days justify_hours
justify_interval keep key keys label lag language language_handler large last last_value lastval lateral lcm lead
leading leakproof least left length level lgamma like like_escape limit line listen ln load local localtime
localtimestamp location lock locked log log10 logged loread lower lower_inc lower_inf lowrite lpad lseg ltrim
macaddr macaddr8 make_date make_interval make_time make_timestamp make_timestamptz makeaclitem mapping masklen match
matched materialized max maxvalue md5 merge merge_action method min minute minvalue mod mode money month move
mul_d_interval multirange_intersect multirange_minus multirange_typanalyze multirange_union name names national
natural nchar nested netmask network network_overlap network_sub network_sup new next nextval nfc nfd nfkc nfkd no
none normalize normalized not nothing notify notlike notnull now nowait npoints nth_value ntile null nullif nulls
numeric nummultirange numrange obj_description object objects octet_length of off offset oid oids oidvector old omit
on only operator option options or order ordinality others out outer over overlaps overlay overriding owned owner
parallel parameter parse_ident parser partial partition passing password path pclose percent_rank percentile_cont
percentile_disc period phraseto_tsquery pi placing plainto_tsquery plan plans plpgsql_validator point policy polygon
popen position pow power preceding precision prepare prepared preserve primary prior privileges procedural procedure
procedures program prsd_end prsd_lextype prsd_nexttoken prsd_start pt_contained_poly publication querytree quote
quote_ident quote_literal quotes radians radius random random_normal range range_adjacent range_after range_agg
range_before range_contained_by range_contains range_contains_elem range_intersect range_intersect_agg range_minus
range_overlaps range_overleft range_overright range_typanalyze range_union rank read real reassign record recursive
ref refcursor references referencing refresh regclass regcollation regconfig regdictionary regexp_count regexp_instr
regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_substr regnamespace regoper
regoperator regproc regprocedure regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy
regr_syy regrole regtype reindex relative release rename repeat repeatable replace replica reset restart restrict
return returning returns reverse revoke right role rollback rollup round routine routines row row_number
row_security_active row_to_json rows rpad rtrim rule savepoint scalar schema schemas scroll search second security
select sequence sequences serializable server session session_user set set_bit set_byte set_config set_masklen setof
sets setseed setval setweight sha224 sha256 sha384 sha512 share shobj_description show sign similar similar_escape
similar_to_escape simple sind sinh skip slope smallint snapshot some source split_part sql sqrt stable standalone
start starts_with statement statement_timestamp statistics stddev stddev_pop stddev_samp stdin stdout storage stored
strict string string_agg string_to_array strip strpos subscription substr substring sum support symmetric sysid
system system_user table table_am_handler tables tablesample tablespace tan tand tanh target temp template temporary
text textanycat textcat texteqname textgename textgtname texticlike texticnlike textlen textlename textlike
textltname textnename textnlike then thesaurus_init thesaurus_lexize tid ties time time_hash_extended
time_mi_interval time_mi_time time_pl_interval timedate_pl timeofday timestamp timestamptz timetz to to_ascii
to_char to_date to_hex to_json to_jsonb to_number to_oct to_regclass to_regcollation to_regnamespace to_regoper
to_regoperator to_regproc to_regprocedure to_regtype to_regtypemod to_timestamp to_tsquery to_tsvector trailing
transaction transaction_timestamp transform translate treat trigger trim trim_array true trunc truncate trusted
tsm_handler tsmultirange tsquery tsrange tsrange_subdiff tstzmultirange tstzrange tstzrange_subdiff tsvector
txid_current txid_current_snapshot txid_snapshot txid_snapshot_xip txid_snapshot_xmax txid_status type types uescape
unbounded uncommitted unconditional unencrypted unicode_assigned unicode_version union unique unistr unknown
unlisten unlogged unnest until update upper upper_inc upper_inf user using uuid uuid_extract_version
uuid_hash_extended uuidv4 uuidv7 vacuum valid validate validator value values var_pop var_samp varbit varchar
variadic variance varying verbose version view views virtual void volatile websearch_to_tsquery when where
whitespace width width_bucket window with within without work wrapper write xid xid8 xml xml_is_well_formed xmlagg
xmlattributes xmlcomment xmlconcat xmlconcat2 xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot
xmlserialize xmltable xmltext xmlvalidate xpath xpath_exists year yes zone
"""

POSTGRESQL = frozenset(_TEXT.split())
"""pg_get_keywords() and the names in pg_catalog that statements have, of PostgreSQL 18."""
