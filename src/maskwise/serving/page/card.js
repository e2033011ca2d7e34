// The model card, whose Markdown is ours: headings, lists, tables, paragraphs, bold and code. Texts stay texts.

import { make } from "./results.js";

/** Show the Markdown `text` below `root`. */
export function showCard(root, text) {
  const blocks = text.split(/\n\s*\n/).map((block) => block.trim()).filter(Boolean);
  root.replaceChildren(...blocks.flatMap(blockParts));
}

function blockParts(block) {
  const lines = block.split("\n");
  const heading = /^(#{1,4}) (.*)$/.exec(lines[0]);
  if (heading) {
    const title = withText(make(`h${Math.min(6, heading[1].length + 2)}`), heading[2]);
    return [title, ...(lines.length > 1 ? blockParts(lines.slice(1).join("\n")) : [])];
  }
  if (lines.every((line) => line.startsWith("|"))) return [table(lines)];
  const firstItem = lines.findIndex((line) => line.startsWith("- "));
  if (firstItem === 0) return [list(lines)];
  if (firstItem > 0) return [withText(make("p"), lines.slice(0, firstItem).join(" ")), list(lines.slice(firstItem))];
  return [withText(make("p"), lines.join(" "))];
}

function list(lines) {
  const items = [];
  for (const line of lines) {
    if (line.startsWith("- ")) items.push(line.slice(2));
    else items[items.length - 1] += ` ${line.trim()}`;
  }
  const root = make("ul");
  root.append(...items.map((item) => withText(make("li"), item)));
  return root;
}

function table(lines) {
  const rows = lines.map((line) => line.replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim()));
  const root = make("table");
  const body = rows.filter((_, number) => number !== 1); // the line of dashes
  body.forEach((cells, number) => {
    const row = make("tr");
    row.append(...cells.map((cell, place) => withText(make(number === 0 || place === 0 ? "th" : "td"), cell)));
    root.append(row);
  });
  const scrolled = make("div", "scrolled");
  scrolled.tabIndex = 0;
  scrolled.append(root);
  return scrolled;
}

function withText(element, text) {
  for (const [part, , bold, code] of text.matchAll(/(\*\*(.+?)\*\*|`([^`]+)`)|[^*`]+|[*`]/g)) {
    if (bold) element.append(make("strong", "", bold));
    else if (code) element.append(make("code", "", code));
    else element.append(part);
  }
  return element;
}
