// "What does it look at?": the picture that the model was shown, colored where covering a part lowers the probability.

import { make } from "./results.js";
import { percent, say } from "./words.js";

const WORTH_TELLING = 0.02;
const STRONGEST_ALPHA = 0.75;
const CONTRAST = 1.5; // above 1: only what matters most stands out
const COLOR = "255, 60, 0";

/** Show the button, the waiting, or the explanation. `why` is undefined, "waiting" or the service's response. */
export function showWhy(root, why, prediction, onClick) {
  if (why === undefined || why === "waiting") {
    const button = make("button", "", say(why === "waiting" ? "why_busy" : "why"));
    button.type = "button";
    button.id = "why-button";
    // Not `disabled`: that would throw away the focus of whoever pressed it.
    button.setAttribute("aria-disabled", String(why === "waiting"));
    button.addEventListener("click", () => why === undefined && onClick());
    root.replaceChildren(button);
    return;
  }
  const title = make("h3", "", say("why_title"));
  title.tabIndex = -1; // takes the focus of the button that it replaces
  root.replaceChildren(title, pictureOf(why), make("p", "", sentenceOf(why, prediction)));
}

/** The explanation in words. */
export function sentenceOf(why, prediction) {
  const { row, col, fall } = strongest(why);
  if (fall < WORTH_TELLING) return say("why_none", { percent: percent(WORTH_TELLING) });
  const before = prediction.confidence;
  const third = (place, count) => Math.min(2, Math.floor((3 * (place + 0.5)) / count));
  return say("why_some", {
    place: say(`place_${third(row, why.grid_rows)}_${third(col, why.grid_cols)}`),
    before: percent(before),
    after: percent(Math.max(0, before - fall)),
  });
}

function pictureOf(why) {
  const figure = make("div", "seen");
  const image = make("img");
  image.alt = say("why_alt");
  image.src = `data:image/png;base64,${why.shown_png_base64}`;
  const heat = make("canvas");
  heat.width = why.grid_cols;
  heat.height = why.grid_rows;
  heat.setAttribute("aria-hidden", "true");
  const pen = heat.getContext("2d");
  const most = Math.max(strongest(why).fall, WORTH_TELLING);
  why.drop.forEach((cells, row) =>
    cells.forEach((fall, col) => {
      pen.fillStyle = `rgba(${COLOR}, ${STRONGEST_ALPHA * (Math.max(0, fall) / most) ** CONTRAST})`;
      pen.fillRect(col, row, 1, 1);
    }),
  );
  figure.append(image, heat);
  return figure;
}

function strongest({ drop }) {
  let best = { row: 0, col: 0, fall: -Infinity };
  drop.forEach((cells, row) =>
    cells.forEach((fall, col) => {
      if (fall > best.fall) best = { row, col, fall };
    }),
  );
  return best;
}
