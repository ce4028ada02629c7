// Texts with less contrast than 4.5 : 1.
(() => {
  const rgb = (text) => text.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((part) => part / 255).map((part) => part <= .03928 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [.2126, .7152, .0722][place], 0);
  const behind = (node) => { for (; node; node = node.parentElement) { const found = rgb(getComputedStyle(node).backgroundColor); if (found.length === 3 || found[3] > .99) return found; } return [255, 255, 255]; };
  const wrong = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !node.checkVisibility() || node.closest(".unseen, noscript, .skip")) continue;
    const [one, other] = [light(rgb(getComputedStyle(node).color)), light(behind(node))];
    const contrast = (Math.max(one, other) + .05) / (Math.min(one, other) + .05);
    if (contrast < 4.5) wrong.add(`${contrast.toFixed(2)} ${node.className || node.tagName}: ${texts.currentNode.data.slice(0, 30)}`);
  }
  return [...wrong];
})()
