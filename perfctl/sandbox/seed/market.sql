-- Stocks, their prices, who holds and who watches them.
-- `random()` follows the seed: the same rows in every run of a version of PostgreSQL.
SET synchronous_commit = off;
SET session_replication_role = replica;
SET maintenance_work_mem = '128MB';
SET jit = off;
SELECT setseed(0.11);

INSERT INTO stocks
SELECT
    i,
    CASE WHEN i <= 20 THEN (ARRAY[
        'AAPL', 'MSFT', 'NVDA', 'AMZN', 'GOOGL', 'META', 'TSLA', 'AVGO', 'JPM', 'LLY',
        'V', 'XOM', 'UNH', 'MA', 'COST', 'HD', 'PG', 'WMT', 'NFLX', 'JNJ'
    ])[i] ELSE 'Q' || chr(65 + i / 676 % 26) || chr(65 + i / 26 % 26) || chr(65 + i % 26) END,
    'Company ' || i,
    (ARRAY['technology', 'healthcare', 'financials', 'energy', 'industrials', 'consumer', 'utilities', 'materials'])
        [CASE WHEN i <= 8 THEN 1 ELSE 1 + (8 * random() * random())::integer % 8 END],
    CASE WHEN random() < 0.85 THEN 'industry ' || (60 * random())::integer END,
    (ARRAY['NASDAQ', 'NYSE', 'AMEX', 'LSE'])[1 + (4 * random() * random())::integer % 4],
    CASE WHEN random() < 0.93 THEN (3e12 / power(i, 1.1) * (0.9 + 0.2 * random()))::bigint END,
    CASE WHEN random() < 0.97 THEN date '2025-12-31' - (12000 * random())::integer END,
    random() < 0.96
FROM generate_series(1, 5000) AS i;

-- The hundred greatest have five years of trading days, the others some weeks.
INSERT INTO prices
SELECT
    row_number() OVER (),
    s.id,
    date '2026-01-01' - d,
    base * wave,
    base * wave * 1.012,
    base * wave * 0.989,
    base * wave * (0.99 + 0.02 * random()),
    CASE WHEN random() < 0.98 THEN (2e6 / s.id * (0.2 + random()) + 1000 * random())::integer END
FROM (SELECT id, 20 + id % 480 AS base FROM stocks) AS s
CROSS JOIN LATERAL generate_series(1, CASE WHEN s.id <= 100 THEN 1260 ELSE 54 END) AS d
CROSS JOIN LATERAL (SELECT 1 + 0.3 * sin(d / 90.0 + s.id)) AS w (wave);

-- Few stocks are in most portfolios: the cube of a uniform number is close to Zipf's law.
INSERT INTO holdings
SELECT
    i,
    1 + (79999 * random())::integer,
    1 + floor(4999 * power(random(), 3))::integer,
    1 + (500 * random() * random())::integer,
    CASE WHEN random() < 0.95 THEN 20 + 480 * random() END
FROM generate_series(1, 250000) AS i;

INSERT INTO watchlists
SELECT
    i,
    1 + floor(59999 * power(random(), 2))::integer,
    1 + floor(4999 * power(random(), 3))::integer,
    timestamptz '2022-01-01 00:00Z' + i * interval '20 minutes',
    CASE WHEN random() < 0.3 THEN 'list ' || i % 9 END
FROM generate_series(1, 100000) AS i;

ALTER TABLE prices ADD PRIMARY KEY (id);
CREATE UNIQUE INDEX prices_stock_id_day_key ON prices (stock_id, day);
ALTER TABLE holdings ADD PRIMARY KEY (id);
CREATE INDEX holdings_portfolio_id_idx ON holdings (portfolio_id);
ALTER TABLE watchlists ADD PRIMARY KEY (id);
CREATE INDEX watchlists_user_id_idx ON watchlists (user_id);
SELECT setval(pg_get_serial_sequence('stocks', 'id'), (SELECT max(id) FROM stocks));
SELECT setval(pg_get_serial_sequence('prices', 'id'), (SELECT max(id) FROM prices));
SELECT setval(pg_get_serial_sequence('holdings', 'id'), (SELECT max(id) FROM holdings));
SELECT setval(pg_get_serial_sequence('watchlists', 'id'), (SELECT max(id) FROM watchlists));
