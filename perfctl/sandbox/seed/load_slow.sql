-- Statements that the missing indexes make slow, as an application sends them; each shape a few times.

-- No index on orders.user_id: all orders are read to show twenty.
SELECT id, side, status, quantity, placed_at FROM orders WHERE user_id = 17 ORDER BY placed_at DESC LIMIT 20;
SELECT id, side, status, quantity, placed_at FROM orders WHERE user_id = 4211 ORDER BY placed_at DESC LIMIT 20;
SELECT id, side, status, quantity, placed_at FROM orders WHERE user_id = 90 ORDER BY placed_at DESC LIMIT 20;
SELECT id, side, status, quantity, placed_at FROM orders WHERE user_id = 31337 ORDER BY placed_at DESC LIMIT 20;
SELECT id, side, status, quantity, placed_at FROM orders WHERE user_id = 2 ORDER BY placed_at DESC LIMIT 20;
SELECT id, side, status, quantity, placed_at FROM orders WHERE user_id = 58012 ORDER BY placed_at DESC LIMIT 20;

-- A rank over the whole history: the sort does not fit into work_mem.
SELECT day, stock_id, volume
FROM (SELECT day, stock_id, volume, row_number() OVER (PARTITION BY day ORDER BY volume DESC) AS place FROM prices)
    AS ranked
WHERE place = 1 ORDER BY day DESC LIMIT 30;

-- One scan of the holdings for each stock of the page.
SELECT s.symbol, s.name, (SELECT sum(h.quantity) FROM holdings AS h WHERE h.stock_id = s.id) AS held
FROM stocks AS s WHERE s.sector = 'technology' ORDER BY s.market_cap DESC NULLS LAST LIMIT 8;
SELECT s.symbol, s.name, (SELECT sum(h.quantity) FROM holdings AS h WHERE h.stock_id = s.id) AS held
FROM stocks AS s WHERE s.sector = 'energy' ORDER BY s.market_cap DESC NULLS LAST LIMIT 8;

-- A function around the column: no index could serve it, and there is none.
SELECT id, name, last_login_at FROM users WHERE lower(email) = 'user4711@example.com';
SELECT id, name, last_login_at FROM users WHERE lower(email) = 'user12@example.com';
SELECT id, name, last_login_at FROM users WHERE lower(email) = 'user59999@example.com';
SELECT id, name, last_login_at FROM users WHERE lower(email) = 'user7@example.com';
SELECT id, name, last_login_at FROM users WHERE lower(email) = 'nobody@example.com';

-- Page 15,001: everything before it is read and thrown away.
SELECT id, user_id, status, placed_at FROM orders ORDER BY id LIMIT 20 OFFSET 300000;
SELECT id, user_id, status, placed_at FROM orders ORDER BY id LIMIT 20 OFFSET 340000;

-- What each sector is worth to the users of a country.
SELECT s.sector, count(*) AS positions, sum(h.quantity * h.average_price) AS value
FROM holdings AS h
JOIN portfolios AS p ON p.id = h.portfolio_id
JOIN users AS u ON u.id = p.user_id
JOIN stocks AS s ON s.id = h.stock_id
WHERE u.country = 'de' GROUP BY s.sector ORDER BY value DESC NULLS LAST;

-- A text that begins anywhere.
SELECT id, note FROM orders WHERE note LIKE '%desk, batch 99%' LIMIT 50;
SELECT id, note FROM orders WHERE note LIKE '%algo, batch 1234%' LIMIT 50;

-- A number given as another type: the column is cast in every row.
SELECT count(*) FROM orders WHERE quantity::numeric = 299;

-- Users who watch nothing.
SELECT count(*) FROM users WHERE id NOT IN (SELECT user_id FROM watchlists);

-- A day's turnover, over a table whose index begins with another column.
SELECT sum(close * volume) FROM prices WHERE day = '2025-12-24';
SELECT sum(close * volume) FROM prices WHERE day = '2025-11-28';
