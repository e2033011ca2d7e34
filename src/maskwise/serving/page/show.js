// Everything that is shown follows from the state and from nothing else; see `state` in app.js.

import { showCard } from "./card.js";
import { make, sentence, showPrediction, showBoxes, showFaces } from "./results.js";
import { showWhy } from "./why.js";
import { say } from "./words.js";

export const byId = (id) => document.getElementById(id);

/** Bring the page in line with `state`; `acts` is what can be done: choose(face), explain(), readWhole(). */
export function show(state, acts) {
  const { result, picture } = state;
  const cameraOn = ["on", "live"].includes(state.camera);
  byId("empty").hidden = cameraOn || picture !== null;
  byId("frame").hidden = !cameraOn && picture === null;
  byId("video").hidden = !cameraOn;
  showPhoto(state);
  showControls(state, cameraOn);
  byId("stage").setAttribute("aria-busy", String(state.waiting));
  const predictions = result?.predictions ?? [];
  showBoxes(byId("boxes"), result ?? { predictions }, state.chosen, acts.choose);
  showFaces(byId("faces"), predictions.length, state.chosen, acts.choose);
  if (predictions.length) showPrediction(byId("reading"), predictions[state.chosen]);
  else byId("reading").replaceChildren();
  showExplanation(state, predictions, acts);
  const faceless = result !== null && !predictions.length && state.camera === "off";
  const nobody = { words: "no_face", values: {}, actions: [["read_whole", acts.readWhole]] };
  showProblem(faceless ? nobody : state.problem, state.wantsKey !== null);
  byId("nothing").hidden = predictions.length > 0 || state.problem !== null || faceless || state.waiting;
  setText(byId("status"), statusText(state));
  byId("about").hidden = state.model === null;
  setText(byId("about-name"), state.model ? say("about", { name: state.model.name }) : "");
  showModelCard(state.model);
}

/** Built anew only when the model or the language changes. */
function showModelCard(model) {
  const root = byId("about-card");
  const text = model ? `${model.card}\n\n${model.licences}` : "";
  if (root.dataset.text === text) return;
  root.dataset.text = text;
  root.lang = model?.language ?? "";
  showCard(root, text);
}

function showPhoto(state) {
  const photo = byId("photo");
  photo.hidden = state.picture === null;
  const caption = state.picture ? say(...state.picture.caption) : "";
  setText(byId("caption"), caption);
  if (!state.picture) return photo.removeAttribute("src");
  if (photo.getAttribute("src") !== state.picture.url) photo.src = state.picture.url;
  photo.alt = caption;
  return undefined;
}

function showControls(state, cameraOn) {
  byId("choose").hidden = cameraOn;
  byId("camera-on").hidden = state.camera !== "off";
  byId("shot").hidden = !cameraOn;
  byId("live").hidden = !cameraOn;
  byId("live").setAttribute("aria-pressed", String(state.camera === "live"));
  byId("camera-off").hidden = state.camera === "off";
  byId("clear").hidden = state.picture === null;
}

function showExplanation(state, predictions, acts) {
  const root = byId("why");
  root.hidden = !predictions.length || state.camera !== "off";
  if (root.hidden) return root.replaceChildren();
  const hadFocus = root.contains(document.activeElement);
  showWhy(root, state.why.get(state.chosen), predictions[state.chosen], acts.explain);
  if (hadFocus) (root.querySelector("button") ?? root.querySelector("h3"))?.focus();
  return undefined;
}

function showProblem(problem, wantsKey) {
  const root = byId("problem");
  const text = problem ? `${say(problem.words, problem.values)} ${say(`${problem.words}_do`)}` : "";
  byId("key-form").hidden = !wantsKey;
  if (root.dataset.text === text) return;
  root.dataset.text = text;
  if (!problem) return root.replaceChildren();
  const buttons = problem.actions.map(([words, act]) => {
    const button = make("button", "", say(words));
    button.type = "button";
    button.addEventListener("click", () => act());
    return button;
  });
  root.replaceChildren(
    make("p", "what", say(problem.words, problem.values)),
    make("p", "", say(`${problem.words}_do`)),
    ...buttons,
  );
  if (wantsKey) byId("key").focus();
  return undefined;
}

/** Only what changed is written: a live region would be read out again otherwise. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** What the line for screen readers says: of the result, or of what is going on. */
function statusText({ status, result, chosen }) {
  if (status !== "result") return status ? say(...status) : "";
  const predictions = result?.predictions ?? [];
  if (!predictions.length) return "";
  const found = predictions.length > 1 ? `${say("found", { count: predictions.length })} ` : "";
  return found + sentence(predictions[chosen], chosen);
}

/** On a phone the prediction stands below the picture, out of sight. */
export function bringAnswerIntoView() {
  const card = byId("prediction-title").parentElement;
  if (card.getBoundingClientRect().top > 0.6 * window.innerHeight) card.scrollIntoView();
}
