"""Four schemas of different kinds and sizes: a shop, measurements, a social graph, a ledger."""

# ruff: noqa: E501 (a statement stands in one line)
from __future__ import annotations

SHOP = """
create schema shop; set search_path = shop;
select setseed(0.1);
create table customers(id int primary key, email varchar(80) not null, name text, country text, city text,
  segment text, phone text, created_at timestamptz, score int, balance numeric(12,2));
insert into customers select i, 'User'||i||'@mail.example', 'Customer '||i,
  (array['de','fr','it','es','us','uk','pl','nl','se','at'])[1+i%10],
  (array['berlin','paris','rome','madrid','boston','london','krakow','delft','lund','wien'])[1+i%10],
  (array['retail','wholesale','vip'])[1+(random()*2.2)::int%3], '+49-'||(i*7919%1000000),
  timestamptz '2023-01-01' + (i%1000)*interval '1 day', i*31%5000, (random()*1000)::numeric(12,2)
  from generate_series(1,120000) i;
create index customers_email on customers(email);
create table products(id int primary key, sku text, name text, category text, brand text, price numeric(10,2), attributes jsonb, stock int);
insert into products select i, 'SKU-'||i, md5(i::text), 'cat'||(i%40), 'brand'||(i%300), (i%500)+0.99,
  jsonb_build_object('color',(array['red','green','blue'])[1+i%3],'weight',i%100), i%77 from generate_series(1,15000) i;
create table orders(id int primary key, customer_id int references customers, status text, channel text, total numeric(10,2),
  created_at timestamptz, shipped_on date, reference varchar(20), comment text);
insert into orders select i, 1+(random()*119999)::int, case when i%200=0 then 'open' when i%50=0 then 'returned' else 'done' end,
  'ch'||(i%8), ((random()*500))::numeric(10,2), timestamptz '2024-01-01'+i*interval '1 minute',
  date '2024-01-01' + (i%600), 'R'||i, repeat(md5(i::text),2) from generate_series(1,350000) i;
create index orders_customer on orders(customer_id);
create index orders_created on orders(created_at);
create index orders_channel on orders(channel);
create table order_items(order_id int, line int, product_id int, qty int, price numeric(10,2), discount int, primary key(order_id,line));
insert into order_items select 1+i/2, i%2, 1+(random()*14999)::int, 1+i%9, (i%300)+0.5, i%20 from generate_series(0,599999) i;
create index order_items_product on order_items(product_id);
create table carts(id int primary key, customer_id int, state text, payload text);
insert into carts select i, i%5000, 'new', repeat('x',40) from generate_series(1,20000) i;
create table suppliers(id int primary key, name text);
insert into suppliers select i, 's'||i from generate_series(1,8000) i;
create table deliveries(id int primary key, supplier_id int constraint deliveries_supplier_fkey references suppliers, weight int, info text);
insert into deliveries select i, 1+i%4000, i%90, repeat('d',30) from generate_series(1,60000) i;
create table receipts(id int primary key, supplier_id int constraint receipts_supplier_fkey references suppliers on delete cascade, info text);
insert into receipts select i, 1+i%3000, repeat('r',20) from generate_series(1,30000) i;
create index receipts_supplier on receipts(supplier_id);
"""

SENSORS = """
create schema sensors; set search_path = sensors;
select setseed(0.2);
create table sites(id int primary key, name text, region text);
insert into sites select i, 'site'||i, 'r'||(i%7) from generate_series(1,300) i;
create table devices(id int primary key, serial varchar(24), model text, vendor text, firmware text, site_id int, last_seen timestamptz, active bool);
insert into devices select i, 'SN-'||(i*13), 'm'||(i%25), 'v'||(i%25), '1.'||(i%12), 1+i%300, timestamptz '2025-03-01' - (i%400)*interval '1 hour', i%20<>0
  from generate_series(1,25000) i;
create index devices_serial on devices(serial varchar_pattern_ops);
create table readings(id bigserial primary key, device_id int, metric smallint, at timestamptz, value double precision, quality int);
insert into readings(device_id,metric,at,value,quality) select 1+(i*7919::bigint)%25000, i%12, timestamptz '2025-01-01'+i*interval '5 second', random()*100, i%1000
  from generate_series(1,800000) i;
create index readings_device_at on readings(device_id, at);
create index readings_metric on readings(metric);
create index readings_quality on readings(quality);
create index readings_at_brin on readings using brin(at);
create table log(day date, device_id int, level int, message text) partition by range(day);
do $$ begin for i in 0..99 loop execute format('create table log_%s partition of log for values from (%L) to (%L)', i, date '2025-01-01'+i, date '2025-01-01'+i+1); end loop; end $$;
insert into log select date '2025-01-01'+i%100, i%9000, i%5, 'message '||i from generate_series(1,150000) i;
create table daily(device_id int, day date, high double precision, low double precision) partition by range(day);
do $$ begin for i in 0..11 loop execute format('create table daily_%s partition of daily for values from (%L) to (%L)', i, date '2025-01-01'+i*30, date '2025-01-01'+(i+1)*30); end loop; end $$;
insert into daily select i%1000, date '2025-01-01'+i/1000, random()*90, random() from generate_series(0,359999) i;
create index daily_device on daily(device_id, day);
create table states(device_id int primary key, state text, note text) with (fillfactor=90);
insert into states select i, 'ok', repeat('n',300) from generate_series(1,9000) i;
"""

SOCIAL = """
create schema social; set search_path = social;
select setseed(0.3);
create table people(id bigint primary key, handle text, born date, language text, nation text, bio text, followers int, joined timestamptz);
insert into people select i, 'Handle_'||i, date '1950-01-01'+(i%20000)::int, (array['en','de','fr','ja'])[1+i%4], (array['GB','DE','FR','JP'])[1+i%4],
  repeat(md5(i::text),4), (random()*random()*10000)::int, timestamptz '2020-01-01'+i*interval '10 minute' from generate_series(1,150000) i;
create unique index people_handle on people(lower(handle));
create index people_born on people(born);
create table follows(follower bigint, followee bigint, since timestamptz, primary key(follower, followee));
insert into follows select 1+(random()*149999)::int, 1+(random()*random()*random()*149999)::int, now() from generate_series(1,450000) on conflict do nothing;
create index follows_followee on follows(followee);
create table posts(id bigint primary key, author bigint, at timestamptz, kind text, visibility text, likes int, body text, topic text);
insert into posts select i, 1+(random()*149999)::int, timestamptz '2024-01-01'+i*interval '30 second', (array['text','photo','link'])[1+i%3],
  case when i<398000 then 'public' else 'draft' end, (random()*5000)::int, 'post about '||md5((i%5000)::text)||repeat(' filler',8), 't'||(i%400) from generate_series(1,400000) i;
create index posts_at on posts(at);
create index posts_topic on posts(topic);
create index posts_kind on posts(kind);
create table tags(id int primary key, label text);
insert into tags select i, 'tag'||i from generate_series(1,2000) i;
create table post_tags(post_id bigint, tag_id int);
insert into post_tags select 1+(i*37::bigint)%400000, 1+(i*i::bigint)%2000 from generate_series(1,500000) i;
create index post_tags_post on post_tags(post_id);
create table inbox(id int primary key, person bigint, seen bool, note text);
insert into inbox select i, i%900, false, repeat('z',60) from generate_series(1,50000) i;
"""

LEDGER = """
create schema ledger; set search_path = ledger;
select setseed(0.4);
create table accounts(id int primary key, code text, region text, branch text, currency char(3), opened date, owner text);
insert into accounts select i, lpad(i::text,8,'0'), 'reg'||(i%16), 'reg'||(i%16)||'-b'||(i%16), (array['EUR','USD','GBP'])[1+i%3], date '2010-01-01'+i%5000, 'Owner '||(i%9000)
  from generate_series(1,40000) i;
create index accounts_code on accounts(code);
create table entries(id bigint primary key, account_id int, posted_on date, amount numeric(14,2), kind text, batch int, document text, memo text);
insert into entries select i, 1+(i*7907::bigint)%40000, date '2022-01-01'+(i/500)::int, ((i*37)%100000)/100.0, (array['debit','credit'])[1+i%2], i/1000, 'DOC'||i, repeat('m',i%60)
  from generate_series(1,500000) i;
create index entries_account on entries(account_id);
create index entries_batch on entries(batch);
create index entries_posted on entries(posted_on);
create table invoices(id int primary key, account_id int, due date, paid bool);
insert into invoices select i, 1+i%40000, date '2025-01-01'+i%300, i%100<>0 from generate_series(1,30000) i;
create table invoice_lines(id int primary key, invoice_id int constraint invoice_lines_invoice_fkey references invoices, text text);
insert into invoice_lines select i, 1+i%15000, 'line' from generate_series(1,45000) i;
create table rates(currency char(3), day date, rate numeric, primary key(currency, day));
insert into rates select c, date '2022-01-01'+d, 1+random() from unnest(array['EUR','USD','GBP']) c, generate_series(0,1100) d;
create table periods(id int primary key, first_day date, last_day date, label text);
insert into periods select i, date '2022-01-01'+(i-1)*7, date '2022-01-01'+(i-1)*7+6, 'w'||i from generate_series(1,150) i;
create table budgets(id int, account_id int, year int, amount numeric);
insert into budgets select i, 1+i%40000, 2020+i%5, i from generate_series(1,90000) i;
"""

HOLLOW = """
create schema hollow; set search_path = hollow;
create table jobs(id int primary key, state text, payload text) with (autovacuum_enabled=false);
insert into jobs select i, 'queued', repeat('p',200) from generate_series(1,80000) i;
delete from jobs where id % 200 <> 0;
create table sessions(id int, owner int, data text) with (autovacuum_enabled=false);
insert into sessions select i, i%90, repeat('s',900) from generate_series(1,30000) i;
delete from sessions where id % 500 <> 0;
create table counters(k int, n int, pad text) with (autovacuum_enabled=false);
insert into counters select i, 0, repeat('c',400) from generate_series(1,300) i;
do $$ begin for j in 1..60 loop update counters set n = n+1; end loop; end $$;
create table compact(id int primary key, state text, payload text);
insert into compact select i, 'queued', repeat('p',200) from generate_series(1,400) i;
create table growing(id int primary key, kind int, at timestamptz, v int) with (autovacuum_enabled=false);
insert into growing select i, i%20, timestamptz '2025-01-01'+i*interval '1 minute', i from generate_series(1,20000) i;
create index growing_at on growing(at);
create index growing_kind on growing(kind);
analyze growing;
insert into growing select i, 77, timestamptz '2025-01-01'+i*interval '1 minute', i from generate_series(20001,160000) i;
create table feed(id int primary key, source int, v text) with (autovacuum_enabled=false);
insert into feed select i, 1, 'v' from generate_series(1,500) i;
analyze feed;
insert into feed select i, 2, 'v' from generate_series(501,90000) i;
create table fresh(id int primary key, k int, pad text) with (autovacuum_enabled=false);
insert into fresh select i, (i*7919::bigint)%90000, repeat('f',80) from generate_series(1,90000) i;
create index fresh_k on fresh(k);
analyze fresh;
create table settled(id int primary key, k int, pad text);
insert into settled select i, (i*7919::bigint)%90000, repeat('f',80) from generate_series(1,90000) i;
create index settled_k on settled(k);
"""

SEEDS = (SHOP, SENSORS, SOCIAL, LEDGER, HOLLOW)
VACUUMED = ("shop", "sensors", "social", "ledger")
"""Schemas whose tables are vacuumed and analyzed once they are full."""
