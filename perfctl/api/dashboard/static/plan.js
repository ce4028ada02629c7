// The drill-down: a dialog with a statement's plan and what is wrong with it.

import { byId, el, isMeasured, milliseconds, number, pill } from "./dom.js";
import { ask } from "./live.js";

let opener = null;
let asked = 0;

export function preparePlan() {
  const dialog = byId("plan");
  byId("plan-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => {
    asked += 1;
    if (opener?.isConnected) opener.focus();
    opener = null;
  });
}

export async function showPlan(row, from) {
  opener = from;
  const mine = (asked += 1);
  const body = byId("plan-body");
  body.replaceChildren(el("pre", { tabindex: "0" }, row.query), el("p", { role: "status" }, "asking for its plan"));
  byId("plan").showModal();
  const content = await drawn(row);
  if (mine === asked) body.replaceChildren(...content);
}

async function drawn(row) {
  try {
    const answer = await ask(`database/plan?query=${encodeURIComponent(row.fingerprint)}`);
    const said = await answer.json();
    return answer.ok ? whole(said.data, said.warnings, row) : [statement(row.query), failed(said.error.message, said.error.hint)];
  } catch {
    return [statement(row.query), failed("the server does not answer", "perfctl serve")];
  }
}

function statement(text) {
  return el("pre", { tabindex: "0", "aria-label": "The statement" }, text);
}

function failed(message, hint) {
  return el("p", { class: "notice", role: "alert" }, message, hint ? ` (${hint})` : "");
}

function whole(report, warnings, row) {
  const facts = [
    ["calls", number(row.calls)], ["mean", milliseconds(row.mean_ms)], ["total", milliseconds(row.total_ms)],
    ["estimated cost", number(report.plan.total_cost)],
    ["how", report.analyzed ? "it was run" : `estimates alone, it was not run${report.is_generic ? "; for any value of its parameters" : ""}`],
    ...Object.entries(report.settings).map(([name, value]) => [name, value]),
  ];
  return [
    statement(report.sql),
    ...warnings.map((text) => el("p", { class: "notice" }, text)),
    el("dl", { class: "facts" }, facts.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]).flat()),
    el("h3", {}, `Findings (${report.findings.length})`),
    ...(report.findings.length ? report.findings.map(finding) : [el("p", { class: "quiet" }, "Nothing found that is wrong with it.")]),
    el("h3", {}, "Plan"),
    el("ul", { class: "tree" }, node(report.plan)),
  ];
}

function finding(one) {
  return el("div", { class: `finding ${one.severity}` },
    el("p", {}, pill(one.severity), " ", el("strong", {}, one.code), ` ${one.node}`),
    el("p", {}, one.evidence), el("p", { class: "quiet" }, one.cause), el("p", { class: "fix" }, el("code", {}, one.next_step)));
}

const SAID = [
  ["condition", "condition"], ["filter", "filter"], ["sort key", "sort_key"], ["group key", "group_key"],
  ["subplan", "subplan_name"], ["workers", "workers_planned"], ["sort", "sort_method"],
];

function node(one) {
  const named = el("strong", {}, called(one));
  const rows = isMeasured(one.actual_rows) ? `${number(one.actual_rows)} rows` : `${number(one.plan_rows)} rows expected`;
  const cost = el("span", { class: "cost" }, ` · ${rows} · cost ${number(one.total_cost)}${isMeasured(one.self_ms) ? ` · ${milliseconds(one.self_ms)}` : ""}`);
  const lines = SAID.map(([name, field]) => [name, Array.isArray(one[field]) ? one[field].join(", ") : one[field]])
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => el("div", { class: "said" }, `${name}: ${value}`));
  if (!one.children.length) return el("li", {}, el("div", { class: "leaf" }, named, cost), ...lines);
  return el("li", {}, el("details", { open: true }, el("summary", {}, named, cost), ...lines, el("ul", {}, one.children.map(node))));
}

function called(one) {
  const relation = one.relation ?? one.function;
  if (!relation && !one.alias) return one.index ? `${one.node_type} on ${one.index}` : one.node_type;
  const alias = one.alias && one.alias !== relation ? ` ${one.alias}` : "";
  return `${one.node_type}${one.index ? ` using ${one.index}` : ""} on ${relation ?? ""}${alias}`;
}
