// Predictions on the page: boxes over the picture, faces to choose from, words and bars.

import { className, percent, say } from "./words.js";

const UNSURE_BELOW = 0.6;

/** A new element with a class name and a text. */
export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}

/** A box over the picture for every prediction that has one. Shares of the picture, so that boxes follow its size. */
export function showBoxes(root, result, chosen, onChoose) {
  const boxes = result.predictions.map((prediction, number) => {
    if (!prediction.box_xyxy_px) return null;
    const box = make("button", "box");
    const [left, top, right, bottom] = clipped(prediction.box_xyxy_px, result);
    box.style.left = `${(100 * left) / result.width_px}%`;
    box.style.top = `${(100 * top) / result.height_px}%`;
    box.style.width = `${(100 * (right - left)) / result.width_px}%`;
    box.style.height = `${(100 * (bottom - top)) / result.height_px}%`;
    box.classList.toggle("chosen", number === chosen);
    box.type = "button";
    box.tabIndex = -1; // the keyboard has the list of faces
    // Not "click": in live mode the box is replaced before the button goes up again.
    box.addEventListener("pointerdown", () => onChoose(number));
    box.append(make("span", "tag", String(number + 1)));
    return box;
  });
  root.replaceChildren(...boxes.filter(Boolean));
}

/** One radio button a face; built anew only when their number or the language changes, so that it keeps the focus. */
export function showFaces(fieldset, count, chosen, onChoose) {
  fieldset.hidden = count < 2;
  const built = `${count} ${document.documentElement.lang}`;
  if (fieldset.dataset.built !== built) {
    fieldset.dataset.built = built;
    const legend = make("legend", "", say("faces_found", { count }));
    fieldset.replaceChildren(legend, ...Array.from({ length: count }, (_, number) => radio(number, onChoose)));
  }
  fieldset.querySelectorAll("input").forEach((input, number) => {
    input.checked = number === chosen;
  });
}

/** One prediction: a sentence for each attribute, its probabilities as bars, the age in years. */
export function showPrediction(root, prediction) {
  const parts = [make("h3", "", say("appears"))];
  for (const [attribute, shares] of Object.entries(prediction.probs)) {
    parts.push(attributePart(attribute, shares, prediction[attribute], prediction));
  }
  if (Object.keys(prediction.probs).length > 1) {
    parts.push(make("p", "small", say("confidence", { percent: percent(prediction.confidence) })));
  }
  if (!prediction.box_xyxy_px) parts.push(make("p", "small", say("whole")));
  root.replaceChildren(...parts);
}

/** The prediction in one sentence, for the line that screen readers read out. */
export function sentence(prediction, number) {
  const words = Object.keys(prediction.probs).map((attribute) => said(attribute, prediction[attribute]));
  if (prediction.age_years !== null) words.push(years(prediction));
  return say("summary", { face: say("face", { number: number + 1 }), words: words.join(", ") });
}

function attributePart(attribute, shares, word, prediction) {
  const part = make("section", "attribute");
  const head = make("p", "head");
  head.append(make("span", "of", say(attribute)), make("strong", "", className(word)));
  if (attribute === "age_group" && prediction.age_years !== null) head.append(make("span", "years", years(prediction)));
  if (shares[word] < UNSURE_BELOW) head.append(make("span", "unsure", say("unsure")));
  const list = make("ul", "bars");
  list.append(...Object.entries(shares).map(([name, share]) => bar(className(name), share, name === word)));
  part.append(head, list);
  return part;
}

function bar(name, share, isAnswer) {
  const row = make("li", isAnswer ? "bar top" : "bar");
  const track = make("span", "track");
  const fill = make("span", "fill");
  fill.style.width = `${100 * share}%`;
  track.append(fill);
  row.append(make("span", "name", name), track, make("span", "share", percent(share)));
  return row;
}

function radio(number, onChoose) {
  const label = make("label", "choice");
  const input = make("input");
  Object.assign(input, { type: "radio", name: "face", value: String(number) });
  input.addEventListener("change", () => onChoose(number));
  label.append(input, make("span", "", say("face", { number: number + 1 })));
  return label;
}

function said(attribute, word) {
  return attribute === "mask" ? say(`${word}_said`) : className(word);
}

function years(prediction) {
  return say("age_years", { years: Math.round(prediction.age_years) });
}

function clipped([left, top, right, bottom], { width_px: width, height_px: height }) {
  return [Math.max(0, left), Math.max(0, top), Math.min(width, right), Math.min(height, bottom)];
}
