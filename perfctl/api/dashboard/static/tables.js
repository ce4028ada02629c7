// The tables: which columns, and how a part of the snapshot becomes rows.

import { NONE, byId, bytes, el, isMeasured, meter, milliseconds, moment, number, pill, ratio, seconds, table } from "./dom.js";

const share = { number: true, draw: (value) => (isMeasured(value) ? meter(value, ratio(value)) : NONE) };

export function cacheTable() {
  return table(byId("cache-table"), {
    name: "The cache by namespace",
    empty: "no namespace holds anything yet",
    columns: [
      { name: "namespace", heading: true, text: (row) => row.namespace || "(none)" },
      { name: "keys", number: true, text: (row) => number(row.keys) },
      { name: "size", number: true, text: (row) => bytes(row.size_bytes) },
      { name: "look-ups", number: true, text: (row) => number(row.lookups) },
      { name: "hit ratio", text: (row) => row.hit_ratio, ...share },
      { name: "in process", number: true, title: "of all look-ups, answered in a process", text: (row) => ratio(row.l1) },
      { name: "Redis", number: true, title: "of all look-ups, answered by Redis", text: (row) => ratio(row.l2) },
      { name: "in window", number: true, title: "the hit ratio in the chosen window", text: (row) => ratio(row.recent?.hit_ratio) },
      { name: "p95", number: true, title: "of the chosen window", text: (row) => seconds(row.recent?.p95_seconds) },
    ],
  });
}

export function cacheRows(shared, recent) {
  const known = new Map((recent ?? []).map((row) => [row.namespace, row]));
  const rows = (shared?.rows ?? []).map((row) => {
    const lookups = row.hits + row.misses;
    const of = (count) => (lookups ? count / lookups : null);
    const later = known.get(row.namespace);
    known.delete(row.namespace);
    return { key: row.namespace, ...row, lookups, l1: of(row.hits_l1), l2: of(row.hits_l2), recent: later };
  });
  for (const row of known.values()) {
    rows.push({ key: row.namespace, namespace: row.namespace, lookups: row.lookups, hit_ratio: row.hit_ratio, l1: row.l1_ratio, l2: row.l2_ratio, recent: row });
  }
  return rows;
}

export function slowTable(open) {
  return table(byId("database-table"), {
    name: "The costliest statements",
    empty: "no statement is counted yet",
    columns: [
      { name: "statement", heading: true, text: (row) => row.query.replace(/\s+/g, " ").trim(), draw: (text, row, current) =>
        el("button", { type: "button", class: "open", "aria-haspopup": "dialog", title: "Show its plan", onclick: (event) => open(current(), event.currentTarget) }, text) },
      { name: "calls", number: true, text: (row) => number(row.calls) },
      { name: "mean", number: true, text: (row) => milliseconds(row.mean_ms) },
      { name: "max", number: true, text: (row) => milliseconds(row.max_ms) },
      { name: "total", number: true, text: (row) => milliseconds(row.total_ms) },
      { name: "share", text: (row) => row.share, ...share },
    ],
  });
}

export function slowRows(slow) {
  return (slow?.rows ?? []).slice(0, 20).map((row) => ({ key: row.fingerprint + (row.queryid ?? ""), ...row }));
}

export function routeTable() {
  return table(byId("http-table"), {
    name: "Routes of the application",
    empty: "no request was measured in this window: perfctl.PerformanceMiddleware in the application does, with metrics.publish",
    columns: [
      { name: "route", heading: true, text: (row) => `${row.method} ${row.route}`.trim() },
      { name: "requests", number: true, text: (row) => number(row.requests) },
      { name: "errors", number: true, text: (row) => ratio(row.error_ratio) },
      { name: "p50", number: true, text: (row) => seconds(row.p50_seconds) },
      { name: "p95", number: true, text: (row) => seconds(row.p95_seconds) },
      { name: "p99", number: true, text: (row) => seconds(row.p99_seconds) },
      { name: "total", number: true, text: (row) => seconds(row.total_seconds) },
    ],
  });
}

export function routeRows(routes) {
  return (routes ?? []).map((row) => ({ key: `${row.method} ${row.route}`, ...row }));
}

export function cdnTable() {
  return table(byId("cdn-table"), {
    name: "Invalidations, the newest first",
    empty: "no invalidation is known",
    columns: [
      { name: "invalidation", heading: true, text: (row) => row.invalidation_id },
      { name: "distribution", text: (row) => row.distribution_id },
      { name: "state", text: (row) => row.status, draw: (status) => pill(status) },
      { name: "created", text: (row) => moment(row.created_at) },
    ],
  });
}

export function cdnRows(invalidations) {
  return (invalidations?.rows ?? []).map((row) => ({ key: row.invalidation_id, ...row }));
}

export function healthTable() {
  return table(byId("health-table"), {
    name: "Health, the worst first",
    empty: "nothing was looked at yet",
    columns: [
      { name: "check", heading: true, text: (row) => `${row.component} ${row.check}` },
      { name: "state", text: (row) => row.status, draw: (status) => pill(status) },
      { name: "observed", wide: true, text: (row) => row.observed },
      { name: "what mends it", wide: true, text: (row) => row.fix, draw: (fix) => (fix ? el("span", { class: "fix" }, el("code", {}, fix)) : el("span", { class: "quiet" }, NONE)) },
    ],
  });
}

export function healthRows(diagnosis) {
  return (diagnosis?.rows ?? []).map((row, place) => ({ key: `${row.component} ${row.check} ${row.database ?? ""} ${place}`, ...row }));
}

export function alertTable() {
  return table(byId("alerts-table"), {
    name: "Alerts, what fires first",
    empty: "nothing is watched: metrics.budgets names the files of budgets",
    columns: [
      { name: "alert", heading: true, text: (row) => row.name },
      { name: "state", text: (row) => row.state, draw: (state) => pill(state === "firing" ? "firing-now" : state, state) },
      { name: "severity", text: (row) => row.severity },
      { name: "since", text: (row) => moment(row.since) },
      { name: "should hold", text: (row) => row.budget, draw: (text) => el("code", {}, text) },
      { name: "found", wide: true, text: (row) => row.reason },
    ],
  });
}

export function alertRows(alerts) {
  return (alerts?.rows ?? []).map((row) => ({ key: row.name, ...row }));
}
