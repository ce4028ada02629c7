"""Plans with a cause planted in them, at least three of each code, in different schemas and sizes."""

# ruff: noqa: E501 (a statement stands in one line)
from __future__ import annotations

from collections.abc import Iterator

from tests.plans_corpus.case import Case

NO_HASH = {"enable_hashjoin": "off", "enable_mergejoin": "off"}
SMALL = {"work_mem": "'256kB'", "hash_mem_multiplier": "1"}
PARALLEL = {"max_parallel_workers_per_gather": "2", "min_parallel_table_scan_size": "0", "parallel_setup_cost": "10"}

_PLANTED: dict[str, list[tuple[object, ...]]] = {
    "missing_index": [
        ("one", "select * from shop.orders where reference = 'R4711'"),
        ("count", "select count(*), sum(amount) from ledger.entries where document = 'DOC777'"),
        ("range", "select id, handle from social.people where followers between 9500 and 9510"),
        ("parallel", "select * from sensors.readings where value > 99.999", PARALLEL),
        ("join", "select e.id, a.owner from ledger.entries e join ledger.accounts a on a.id = e.account_id where e.document in ('DOC8','DOC9')"),
        ("partitions", "select * from sensors.daily where high > 89.999 and day >= '2025-01-01'"),
        ("update", "update social.posts set likes = likes + 1 where likes = 4999 and author < 9000"),
    ],
    "index_filter_waste": [
        ("bitmap", "select * from shop.orders where channel = 'ch3' and total > 499.5"),
        ("index", "select id, amount from ledger.entries where posted_on between '2022-03-01' and '2022-04-30' and memo = 'mmm' and amount < 40", {"enable_bitmapscan": "off"}),
        ("small", "select * from sensors.readings where quality between 7 and 8 and value < 1"),
        ("topic", "select count(*) from social.posts where topic = 't17' and likes < 30"),
        ("sum", "select sum(value) from sensors.readings where metric = 4 and value between 10 and 10.5"),
    ],
    "order_limit_wrong_index": [
        ("rare", "select * from shop.orders where status = 'open' and channel = 'ch5' order by created_at limit 10"),
        ("end", "select * from social.posts where visibility = 'draft' order by at limit 20"),
        ("backward", "select id from ledger.entries where memo = 'm' and amount < 1 order by posted_on desc limit 500", {"enable_sort": "off", "enable_bitmapscan": "off", "enable_seqscan": "off"}),
        ("join", "select p.id from social.posts p join social.people a on a.id = p.author where a.followers > 9900 order by p.at limit 10", {"enable_hashjoin": "off", "enable_mergejoin": "off", "enable_sort": "off"}),
        ("first", "select min(posted_on) from ledger.entries where batch = 480"),
    ],
    "implicit_cast": [
        ("numeric", "select * from shop.orders where id = 4711.0"),
        ("double", "select * from sensors.readings where device_id = 77::double precision"),
        ("sum", "select sum(amount) from ledger.entries where account_id = 4242.0"),
        ("range", "select * from social.posts where id between 77.0 and 79.0"),
        ("text", "select * from ledger.entries where account_id::text = '4242'"),
    ],
    "function_on_column": [
        ("lower", "select * from shop.customers where lower(email) = 'user77@mail.example'"),
        ("date", "select count(*) from shop.orders where created_at::date = '2024-03-01'"),
        ("trunc", "select count(*), avg(value) from sensors.readings where date_trunc('hour', at) = '2025-01-09 10:00+00'"),
        ("extract", "select * from social.people where extract(doy from born) = 77 and extract(year from born) = 1980"),
        ("arithmetic", "select * from ledger.entries where id + 1 = 4711"),
        ("coalesce", "select * from shop.orders where coalesce(customer_id, 0) = 77"),
        ("substring", "select * from ledger.accounts where substring(code, 1, 8) = '00000077'"),
        ("upper", "select h.* from social.people h where upper(handle) = 'HANDLE_77'"),
    ],
    "leading_wildcard": [
        ("contains", "select id, email from shop.customers where email like '%ser7777@%'"),
        ("ends", "select * from social.people where handle like '%_149999'"),
        ("ilike", "select count(*) from social.posts where body ilike '%ab12%'"),
        ("document", "select * from ledger.entries where document like '%9999'"),
    ],
    "misestimate_correlated": [
        ("language", "select * from shop.customers where country = 'pl' and city = 'krakow' and score >= 0"),
        ("branch", "select count(*) from ledger.accounts a join ledger.entries e on e.account_id = a.id where a.region = 'reg3' and a.branch = 'reg3-b3'"),
        ("model", "select * from sensors.devices where model = 'm7' and vendor = 'v7'"),
        ("city", "select c.id, o.id from shop.customers c join shop.orders o on o.customer_id = c.id where c.country = 'it' and c.city = 'rome' and c.segment = 'vip'"),
    ],
    "stale_stats": [
        ("newest", "select count(*) from hollow.growing where at > '2025-02-10'"),
        ("kind", "select count(*), sum(v) from hollow.growing where kind = 77"),
        ("feed", "select * from hollow.feed where source = 2"),
        ("join", "select count(*) from hollow.growing g join hollow.feed f on f.id = g.id where g.kind = 77"),
    ],
    "sort_spill": [
        ("wide", "select * from shop.orders order by comment, total", {"work_mem": "'2MB'"}),
        ("window", "select count(*) from (select id, row_number() over (partition by topic order by likes) n from social.posts) x where n = 1", {"work_mem": "'1MB'", "enable_incremental_sort": "off"}),
        ("merge", "select count(*) from ledger.entries a join ledger.budgets b on b.amount = a.amount", {"work_mem": "'512kB'", "enable_hashjoin": "off", "enable_nestloop": "off"}),
        ("small", "select id, owner from ledger.accounts order by owner, code", {"work_mem": "'256kB'"}),
        ("parallel", "select value from sensors.readings order by value, device_id limit 700000", {**PARALLEL, "work_mem": "'1MB'"}),
    ],
    "hash_spill": [
        ("orders", "select count(*), sum(i.qty) from shop.orders o join shop.order_items i on i.order_id = o.id", {"work_mem": "'512kB'", "hash_mem_multiplier": "1", "enable_mergejoin": "off", "enable_nestloop": "off"}),
        ("people", "select count(*) from social.posts p join social.people a on a.id = p.author where a.bio > 'a'", {"work_mem": "'1MB'", "enable_mergejoin": "off", "enable_nestloop": "off"}),
        ("full", "select count(*) from ledger.entries e full join ledger.budgets b on b.account_id = e.account_id and b.id = e.id", {"work_mem": "'256kB'", "enable_mergejoin": "off"}),
    ],
    "hashagg_spill": [
        ("customers", "select customer_id, count(*), sum(total) from shop.orders group by customer_id", {"work_mem": "'512kB'", "hash_mem_multiplier": "1", "enable_sort": "off", "enable_indexscan": "off"}),
        ("documents", "select document, max(amount) from ledger.entries group by document", {"work_mem": "'1MB'", "enable_sort": "off"}),
        ("followers", "select followee, min(since) from social.follows group by followee", {"work_mem": "'256kB'", "enable_sort": "off", "enable_indexscan": "off", "enable_bitmapscan": "off"}),
        ("over", "select count(*) from (select author, topic, count(*) from social.posts group by 1,2) x", {"work_mem": "'512kB'", "enable_sort": "off"}),
    ],
    "temp_io": [
        ("cte", "with x as materialized (select id, body, likes from social.posts) select count(*), (select max(likes) from x) from x where likes > 10", {"work_mem": "'1MB'"}),
        ("window", "select sum(n) from (select count(*) over () n from shop.orders) x", {"work_mem": "'256kB'"}),
        ("series", "select count(*) from generate_series(1, 900000) g", {"work_mem": "'256kB'"}),
        ("sort", "select * from (select *, row_number() over (order by amount) from ledger.entries) x where row_number < 5", {"work_mem": "'1MB'"}),
        ("sorted", "select string_agg(email, ',' order by phone) from shop.customers", {"work_mem": "'256kB'"}),
    ],
    "nestloop_inner_seqscan": [
        ("budgets", "select count(b.id) from ledger.accounts a left join ledger.budgets b on b.account_id = a.id where a.region = 'reg1' and a.currency = 'EUR' and a.id < 4000", {**NO_HASH, "enable_material": "off", "enable_memoize": "off"}),
        ("receipts", "select count(d.id) from shop.suppliers s left join shop.deliveries d on d.supplier_id = s.id where s.id <= 60", {**NO_HASH, "enable_material": "off", "enable_memoize": "off"}),
        ("lateral", "select p.id, x.n from social.people p, lateral (select sum(n) n from (select tag_id n from social.post_tags t where t.tag_id = p.id offset 0) y) x where p.id <= 12"),
        ("left", "select count(d.id) from sensors.sites s left join sensors.devices d on d.site_id = s.id", {**NO_HASH, "enable_material": "off", "enable_memoize": "off"}),
    ],
    "nestloop_many_loops": [
        ("items", "select count(*), sum(o.total) from shop.order_items i join shop.orders o on o.id = i.order_id where i.product_id > 100", {**NO_HASH, "enable_memoize": "off"}),
        ("people", "select count(*) from social.posts p join social.people a on a.id = p.author where a.followers > 10", {**NO_HASH, "enable_memoize": "off"}),
        ("misled", "select sum(e.amount) from hollow.growing g join ledger.entries e on e.id = g.id where g.kind = 77", {"enable_mergejoin": "off"}),
        ("accounts", "select count(*) from ledger.entries e join ledger.accounts a on a.id = e.account_id where e.posted_on < '2022-06-01' and a.currency <> 'EUR'", {**NO_HASH, "enable_memoize": "off"}),
    ],
    "join_filter_discard": [
        ("range", "select count(*) from ledger.accounts a join ledger.periods p on a.id % 1500 + date '2022-01-01' between p.first_day and p.last_day and p.label > a.branch", {"enable_material": "on"}),
        ("hash", "select count(*) from shop.orders o join shop.order_items i on o.id % 900 = i.order_id % 900 and o.total < i.price - 299 where o.id < 3000 and i.order_id < 30000"),
        ("or", "select count(*) from sensors.devices d join sensors.sites s on d.site_id = s.id or d.model = s.region"),
        ("tags", "select count(*) from social.tags t join social.people p on p.followers = t.id and p.handle like t.label || '%'  or p.id = -t.id where p.id < 800"),
    ],
    "correlated_subplan": [
        ("list", "select c.id, (select max(created_at) from shop.orders o where o.customer_id = c.id) from shop.customers c where c.segment = 'vip' and c.id < 30000"),
        ("where", "select count(*) from ledger.entries e where amount > (select avg(amount) from ledger.entries x where x.account_id = e.account_id) and e.id < 3000"),
        ("slow", "select s.id, (select count(*) from sensors.devices d where d.site_id = s.id) from sensors.sites s"),
        ("case", "select p.id, case when p.followers > 5 then (select count(*) from social.follows f where f.followee = p.id) end from social.people p where p.id between 1000 and 4000"),
    ],
    "not_in_subplan": [
        ("quadratic", "select count(*) from shop.suppliers where id < 900 and id not in (select supplier_id from shop.deliveries where weight > 1)", {"work_mem": "'64kB'", "hash_mem_multiplier": "1"}),
        ("hashed", "select count(*) from shop.orders where customer_id not in (select id from shop.customers where score > 2)"),
        ("accounts", "select count(*) from ledger.accounts where id < 300 and id not in (select account_id from ledger.budgets)", {"work_mem": "'64kB'", "hash_mem_multiplier": "1"}),
        ("posts", "select id from social.people where id not in (select author from social.posts)"),
    ],
    "cte_materialized": [
        ("one", "with x as materialized (select * from shop.orders) select * from x where customer_id = 42"),
        ("twice", "with m as (select account_id, sum(amount) s, count(*) n from ledger.entries group by account_id) select a.s, b.n from m a, m b where a.account_id = 5 and b.account_id = 6"),
        ("small", "with x as materialized (select id, serial, site_id from sensors.devices) select * from x where id = 9"),
        ("join", "with x as materialized (select * from social.posts) select count(*) from x join social.people p on p.id = x.author where x.topic = 't9'"),
    ],
    "lossy_bitmap": [
        ("channel", "select count(*), sum(total) from shop.orders where channel in ('ch1','ch2')", {"work_mem": "'64kB'", "enable_seqscan": "off", "enable_indexscan": "off"}),
        ("metric", "select avg(value) from sensors.readings where metric = 7", {"work_mem": "'64kB'", "enable_seqscan": "off", "enable_indexscan": "off"}),
        ("topics", "select count(likes) from social.posts where topic in ('t1','t22','t35','t44','t66','t99')", {"work_mem": "'64kB'", "enable_seqscan": "off", "enable_indexscan": "off"}),
    ],
    "heap_fetches": [
        ("fresh", "select k from hollow.fresh where k between 100 and 7000", {"enable_bitmapscan": "off", "enable_seqscan": "off"}),
        ("many", "select count(*) from hollow.fresh where k > 50", {"enable_bitmapscan": "off", "enable_seqscan": "off"}),
        ("keys", "select count(*) from hollow.fresh where id < 60000", {"enable_bitmapscan": "off", "enable_seqscan": "off"}),
        ("few", "select k from hollow.fresh where k between 30000 and 32000 order by k", {"enable_bitmapscan": "off", "enable_seqscan": "off"}),
    ],
    "bitmap_and": [
        ("readings", "select count(*) from sensors.readings where metric = 4 and quality = 4", {"enable_indexscan": "off"}),
        ("orders", "select * from shop.orders where channel = 'ch2' and created_at between '2024-02-01' and '2024-03-20' and customer_id between 100 and 4000", {"enable_indexscan": "off", "enable_seqscan": "off"}),
        ("posts", "select id from social.posts where topic in ('t3', 't4', 't5') and kind = 'photo'", {"enable_indexscan": "off", "enable_seqscan": "off"}),
        ("entries", "select * from ledger.entries where account_id between 100 and 2000 and posted_on between '2022-01-01' and '2022-03-01'", {"enable_indexscan": "off", "enable_seqscan": "off"}),
    ],
    "top_n_full_read": [
        ("total", "select * from shop.orders order by total desc limit 10"),
        ("likes", "select id, likes from social.posts where visibility = 'public' order by likes desc, id limit 25"),
        ("parallel", "select * from sensors.readings order by value limit 5", PARALLEL),
        ("owner", "select id, owner from ledger.entries e join lateral (select 1 as owner) x on true order by e.amount desc limit 3"),
        ("followers", "select handle from social.people order by followers desc limit 100"),
    ],
    "deep_offset": [
        ("index", "select * from shop.orders order by created_at offset 200000 limit 20"),
        ("sort", "select id, amount from ledger.entries order by amount, id offset 100000 limit 50"),
        ("small", "select * from sensors.devices order by id offset 8000 limit 10"),
        ("tiny", "select id from social.people order by id offset 5000 limit 25"),
        ("join", "select p.id, a.handle from social.posts p join social.people a on a.id = p.author order by p.id offset 30000 limit 10"),
    ],
    "distinct_fanout": [
        ("customers", "select distinct c.id, c.email from shop.customers c join shop.orders o on o.customer_id = c.id where o.total > 5"),
        ("authors", "select distinct p.handle from social.people p join social.posts x on x.author = p.id join social.post_tags t on t.post_id = x.id"),
        ("group", "select a.owner, a.id from ledger.accounts a join ledger.entries e on e.account_id = a.id group by a.owner, a.id"),
        ("sorted", "select distinct d.id, d.serial from sensors.devices d join sensors.readings r on r.device_id = d.id where d.active", {"enable_hashagg": "off"}),
    ],
    "memoize_evictions": [
        ("customers", "select count(c.email) from shop.orders o left join shop.customers c on c.id = o.customer_id and c.score >= 0", {**NO_HASH, "work_mem": "'4MB'", "hash_mem_multiplier": "1"}),
        ("none", "select count(*) from shop.orders o join shop.customers c on c.id = o.customer_id", {**NO_HASH, "work_mem": "'64kB'", "hash_mem_multiplier": "1"}),
        ("products", "select sum(p.price) from shop.order_items i left join shop.products p on p.id = i.product_id where i.order_id < 90000", {**NO_HASH, "work_mem": "'512kB'", "hash_mem_multiplier": "1"}),
        ("devices", "select count(d.serial) from sensors.readings r left join sensors.devices d on d.id = r.device_id where r.id < 150000", {**NO_HASH, "work_mem": "'768kB'", "hash_mem_multiplier": "1"}),
        ("accounts", "select count(a.owner) from ledger.entries e join ledger.accounts a on a.id = e.account_id + 0 * e.batch where e.batch < 300", {**NO_HASH, "work_mem": "'64kB'", "hash_mem_multiplier": "2"}),
    ],
    "materialize_loops": [
        ("range", "select count(*) from (select * from shop.customers where id <= 9000) a, (select * from shop.products where id <= 200) b where a.score < b.stock", {**NO_HASH}),
        ("periods", "select count(*) from ledger.entries e join ledger.periods p on e.posted_on between p.first_day and p.last_day where e.id < 40000 and p.label <> e.memo"),
        ("self", "select count(*) from sensors.sites a, sensors.sites b, sensors.sites c where a.id < 50 and a.name < b.name and c.id > b.id + a.id", {**NO_HASH, "enable_indexscan": "off", "enable_indexonlyscan": "off", "enable_bitmapscan": "off"}),
        ("tags", "select count(*) from social.tags a join social.tags b on a.id <> b.id and a.label like b.label || '0'"),
    ],
    "no_partition_pruning": [
        ("device", "select * from sensors.log where device_id = 77"),
        ("cast", "select count(*) from sensors.log where day::timestamptz = '2025-01-20' "),
        ("extract", "select count(*) from sensors.log where to_char(day, 'YYYY-MM-DD') = '2025-02-03'"),
        ("daily", "select * from sensors.daily where day + 0 = '2025-03-03' and device_id < 50"),
    ],
    "workers_not_launched": [
        ("none", "select count(*) from sensors.readings where value > 50", {**PARALLEL, "max_parallel_workers": "0"}),
        ("sum", "select sum(total), channel from shop.orders group by channel", {**PARALLEL, "max_parallel_workers_per_gather": "4", "max_parallel_workers": "1"}),
        ("join", "select count(*) from social.posts p join social.people a on a.id = p.author", {**PARALLEL, "max_parallel_workers": "0"}),
    ],
    "jit_overhead": [
        ("low", "select sum(qty*2), avg(price) from shop.order_items where order_id < 500", {"jit": "on", "jit_above_cost": "10", "jit_inline_above_cost": "10", "jit_optimize_above_cost": "10"}),
        ("penalty", "select count(*) from shop.suppliers where name like 's77%'", {"jit": "on", "enable_seqscan": "off", "enable_indexscan": "off", "enable_indexonlyscan": "off", "enable_bitmapscan": "off"}),
        ("partitions", "select level, count(*) from sensors.log where device_id between 5 and 9 group by level", {"jit": "on", "jit_above_cost": "1000", "jit_inline_above_cost": "1500", "jit_optimize_above_cost": "1500"}),
        ("point", "select * from ledger.accounts where id = 7", {"jit": "on", "jit_above_cost": "0", "jit_inline_above_cost": "0", "jit_optimize_above_cost": "0"}),
    ],
    "planning_time": [
        ("joins", "select 1 from shop.customers a join shop.customers b using(id) join shop.customers c using(id) join shop.customers d using(id) join shop.customers e using(id) join shop.customers f using(id) join shop.customers g using(id) join shop.customers h using(id) join shop.orders o on o.customer_id = a.id left join shop.order_items i on i.order_id = o.id where a.id = 7", {"join_collapse_limit": "12", "from_collapse_limit": "12", "geqo": "off"}),
        ("partitions", "select * from sensors.log where day = (select date '2025-01-05') and device_id < 40"),
        ("prepared", "select count(*) from sensors.log a join sensors.log b using (day) where a.day = (select date '2025-01-05') and b.day = (select date '2025-01-05') and a.device_id = 5 and b.device_id = 7"),
    ],
    "trigger_fk_no_index": [
        ("suppliers", "delete from shop.suppliers where id between 7000 and 7030", {}, ("delete from shop.receipts where supplier_id between 7000 and 7030",)),
        ("invoices", "delete from ledger.invoices where id between 20000 and 20060"),
        ("key", "update shop.suppliers set id = id + 100000 where id between 6000 and 6019"),
    ],
    "dead_tuples": [
        ("jobs", "select count(*) from hollow.jobs where state = 'queued'"),
        ("sessions", "select * from hollow.sessions where owner = 10"),
        ("counters", "select sum(n) from hollow.counters"),
    ],
    "select_for_update_many": [
        ("orders", "select * from shop.orders where status = 'done' for update"),
        ("inbox", "select id from social.inbox where seen = false for update"),
        ("share", "select id from ledger.budgets where year = 2021 for share"),
        ("join", "select e.id from ledger.entries e join ledger.accounts a on a.id = e.account_id where a.region = 'reg2' for update of e"),
    ],
    "wide_huge_result": [
        ("orders", "select * from shop.orders"),
        ("posts", "select id, body, at from social.posts where visibility = 'public'"),
        ("join", "select * from shop.orders o join shop.customers c on c.id = o.customer_id where o.total > 10"),
        ("people", "select * from social.people where id < 90000"),
    ],
    "cold_reads": [
        ("orders", "select avg(total) from shop.orders"),
        ("posts", "select count(*) from social.posts where likes > 10"),
        ("index", "select sum(amount) from ledger.entries where account_id between 300 and 2500"),
        ("readings", "select metric, avg(value) from sensors.readings group by metric"),
    ],
}  # fmt: skip


def planted() -> Iterator[Case]:
    """Every planted case."""
    for code, cases in _PLANTED.items():
        for name, sql, *rest in cases:
            settings = dict(rest[0]) if rest else {}  # type: ignore[call-overload]
            yield Case(
                code,
                str(name),
                str(sql),
                settings,
                before=tuple(rest[1]) if len(rest) > 1 else (),  # type: ignore[arg-type]
                versions=(15,) if code == "jit_overhead" else (15, 18),
                is_cold=code == "cold_reads",
            )
