-- Users, their portfolios and orders. A few users trade most of the time.
SET synchronous_commit = off;
SET session_replication_role = replica;
SET maintenance_work_mem = '128MB';
SET jit = off;
SELECT setseed(0.22);

INSERT INTO users
SELECT
    i,
    CASE WHEN i % 7 = 0 THEN 'User' ELSE 'user' END || i || '@example.com',
    'User ' || i,
    CASE WHEN random() < 0.96 THEN (ARRAY['us', 'de', 'gb', 'fr', 'jp', 'in', 'br', 'ca', 'au', 'ch'])
        [1 + (10 * random() * random())::integer % 10] END,
    timestamptz '2020-01-01 00:00Z' + i * interval '50 minutes',
    CASE WHEN random() < 0.7 THEN timestamptz '2026-01-01 00:00Z' - 300 * random() * random() * interval '1 day' END,
    random() < 0.9
FROM generate_series(1, 60000) AS i;

INSERT INTO portfolios
SELECT
    i,
    CASE WHEN i <= 60000 THEN i ELSE 1 + floor(59999 * power(random(), 3))::integer END,
    (ARRAY['Growth', 'Income', 'Retirement', 'Trading'])[1 + i % 4],
    (ARRAY['USD', 'EUR', 'GBP'])[1 + (3 * random() * random())::integer % 3],
    timestamptz '2020-01-02 00:00Z' + i * interval '37 minutes'
FROM generate_series(1, 80000) AS i;

INSERT INTO orders
SELECT
    i,
    owner,
    owner,
    1 + floor(4999 * power(random(), 3))::integer,
    1 + (300 * random() * random())::integer,
    CASE WHEN kind < 0.4 THEN 20 + 480 * random() END,
    timestamptz '2021-01-01 00:00Z' + i * interval '7 minutes',
    CASE WHEN state < 0.86 THEN timestamptz '2021-01-01 00:00Z' + (i + random()) * interval '7 minutes' END,
    CASE WHEN i % 5 < 3 THEN 'buy' ELSE 'sell' END,
    CASE WHEN state < 0.86 THEN 'filled' WHEN state < 0.97 THEN 'cancelled' WHEN state < 0.997 THEN 'rejected'
        ELSE 'open' END,
    CASE WHEN kind > 0.9 THEN 'placed by ' || (ARRAY['phone', 'desk', 'algo', 'mail'])[1 + i % 4] || ', batch ' || i END
FROM (
    SELECT i, 1 + floor(59999 * power(random(), 3))::integer AS owner, random() AS state, random() AS kind
    FROM generate_series(1, 350000) AS i
) AS placed;

ALTER TABLE orders ADD PRIMARY KEY (id);
SELECT setval(pg_get_serial_sequence('users', 'id'), (SELECT max(id) FROM users));
SELECT setval(pg_get_serial_sequence('portfolios', 'id'), (SELECT max(id) FROM portfolios));
SELECT setval(pg_get_serial_sequence('orders', 'id'), (SELECT max(id) FROM orders));
