// What a screen reader could not name or place.
(() => {
  const wrong = [];
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  ids.filter((id, place) => ids.indexOf(id) !== place).forEach((id) => wrong.push(`id twice: ${id}`));
  const named = (node) => node.innerText?.trim() || node.getAttribute("aria-label") || node.labels?.[0]?.innerText.trim() || node.closest("label");
  document.querySelectorAll("a, button, input, summary").forEach((node) => { if (!named(node)) wrong.push(`no name: ${node.outerHTML}`); });
  document.querySelectorAll("[aria-labelledby]").forEach((node) => { if (!document.getElementById(node.getAttribute("aria-labelledby"))) wrong.push(`no label: ${node.id}`); });
  document.querySelectorAll("table").forEach((node) => { if (!node.querySelector("th[scope=col]")) wrong.push("a table without headings"); });
  for (const [what, count] of [["main", 1], ["h1", 1], ["header", 1], ["footer", 1], ["nav[aria-label]", 1], ["[aria-live]", 1], ["html[lang]", 1]]) {
    if (document.querySelectorAll(what).length !== count) wrong.push(`${what}: not ${count}`);
  }
  let level = 0;
  document.querySelectorAll("h1, h2, h3").forEach((node) => { const now = Number(node.tagName[1]); if (now > level + 1) wrong.push(`heading skips: ${node.innerText}`); level = now; });
  document.querySelectorAll("a[href^='#']").forEach((node) => { if (!document.querySelector(node.getAttribute("href"))) wrong.push(`leads nowhere: ${node.href}`); });
  document.querySelectorAll("[tabindex]").forEach((node) => { if (Number(node.getAttribute("tabindex")) > 0) wrong.push("a tab order of its own"); });
  return wrong;
})()
