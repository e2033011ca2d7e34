// The page: what is going on, and what happens next. What is shown of it: show.js.

import { Refusal, pause, request, requestModel, useKey } from "./api.js";
import { Camera, cameraProblem, smallerCopy } from "./camera.js";
import { pastedOrDropped } from "./files.js";
import { bringAnswerIntoView, byId, show as showState } from "./show.js";
import { preferredLanguage, remember, speak } from "./words.js";

const LIVE_LONGEST_PX = 640;
const TELL_LIVE_EVERY_MS = 3000;

const state = {
  picture: null, // { blob, url, caption: [name of the words, values] }
  whole: false, // read it as a whole, because the user wanted that
  result: null, // what the service says of it
  chosen: 0,
  why: new Map(), // face number → "waiting" or the explanation
  waiting: false,
  camera: "off", // waiting, on, live
  status: null, // [name of the words, values], or "result": what the result says
  problem: null, // { words, values, actions: [[name of the words, what to do]] }
  wantsKey: null, // what to do again once there is a key
  model: null,
};
const camera = new Camera(byId("video"), () => stopCamera("camera_taken"));
let turn = new AbortController();
const show = () => showState(state, { choose, explain, readWhole });

// --- pictures ---------------------------------------------------------------------------------------------------

/** Read `blob`, whatever went on before. */
async function read(blob, caption) {
  forget();
  stopCamera();
  state.picture = { blob, url: URL.createObjectURL(blob), caption };
  await readAgain();
}

/** Ask the service about the picture that is there. */
async function readAgain() {
  const { signal } = begin();
  state.result = null;
  state.why.clear();
  state.chosen = 0;
  await attempt(signal, readAgain, async () => {
    state.result = await firstResult(state.picture.blob, signal);
    state.status = "result";
  });
  bringAnswerIntoView();
}

/** The service's result for one picture; a problem of this picture as the `Refusal` that it alone would have got. */
async function firstResult(blob, signal) {
  // Reported here: a service that refuses a body while it is still being sent looks as if it were gone.
  if (blob.size > mostBytes()) throw new Refusal("too_large", 413);
  const { results } = await request(`v1/predict${facesQuery("?")}`, blob, signal, showWait);
  if (results[0].error) throw new Refusal("unreadable", 422);
  return results[0];
}

/** What of a picture is read, as a query: every face, where the model can. */
function facesQuery(joint) {
  if (state.whole) return `${joint}faces=whole`;
  return state.model?.faces.includes("each") ? `${joint}faces=each` : "";
}

/** Request which parts of the chosen face the prediction hangs on. */
async function explain() {
  const { signal } = begin();
  const face = state.chosen;
  state.why.set(face, "waiting");
  const path = `v1/explain?face=${face}${facesQuery("&")}`;
  await attempt(signal, explain, async () => {
    state.why.set(face, await request(path, state.picture.blob, signal, showWait));
    state.status = "result";
  });
  if (state.why.get(face) === "waiting") state.why.delete(face);
  show();
}

/** Do `work` unless something newer begins; show what went wrong, with `again` as the way out. */
async function attempt(signal, again, work) {
  state.waiting = true;
  state.status = ["reading"];
  show();
  try {
    await work();
    if (state.status?.[0] === "reading") state.status = null;
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof Refusal)) throw error;
    refuse(error, again);
  }
  if (signal.aborted) return;
  state.waiting = false;
  show();
}

function begin() {
  turn.abort();
  turn = new AbortController();
  state.problem = state.wantsKey = null;
  return turn;
}

function forget() {
  begin();
  if (state.picture) URL.revokeObjectURL(state.picture.url);
  Object.assign(state, { picture: null, result: null, status: null, waiting: false, whole: false });
  state.why.clear();
}

// --- the camera -------------------------------------------------------------------------------------------------

async function startCamera() {
  forget();
  if (!navigator.mediaDevices?.getUserMedia) return complain("camera_insecure");
  Object.assign(state, { camera: "waiting", status: ["waiting_camera"] });
  show();
  try {
    if (!(await camera.open())) return undefined;
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return stopCamera(cameraProblem(error));
  }
  Object.assign(state, { camera: "on", status: ["camera_ready"] });
  show();
  byId("shot").focus();
  return undefined;
}

/** Let the camera go; with `problem`, say why. */
function stopCamera(problem = null) {
  if (state.camera === "off") return;
  const hadFocus = ["shot", "live", "camera-off"].includes(document.activeElement?.id);
  camera.close();
  turn.abort();
  Object.assign(state, { camera: "off", result: null, waiting: false, status: ["camera_stopped"] });
  if (problem) complain(problem);
  show();
  if (hadFocus) byId("camera-on").focus();
}

async function takePhoto() {
  const photo = await camera.frame();
  await read(photo, ["from_camera"]);
}

/** Frame after frame: the next is taken when the response to the last one came, so that the machine sets the pace. */
async function live() {
  const { signal } = begin();
  Object.assign(state, { camera: "live", status: ["live_on"], result: null, chosen: 0 });
  show();
  let [count, since] = [0, performance.now()];
  await attemptLive(signal, async () => {
    const frame = await camera.frame(LIVE_LONGEST_PX);
    const result = await firstResult(frame, signal);
    if (signal.aborted) return;
    Object.assign(state, { result, chosen: Math.min(state.chosen, Math.max(0, result.predictions.length - 1)) });
    count += 1;
    const passed = performance.now() - since;
    if (passed > TELL_LIVE_EVERY_MS) {
      state.status = ["live_speed", { speed: ((1000 * count) / passed).toFixed(1) }];
      [count, since] = [0, performance.now()];
    }
  });
}

async function attemptLive(signal, oneFrame) {
  try {
    while (!signal.aborted) {
      await oneFrame();
      show();
      await pause(0, signal);
    }
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof Refusal)) throw error;
    state.camera = "on";
    refuse(error, live);
    show();
  }
}

function stopLive() {
  begin();
  Object.assign(state, { camera: "on", status: ["camera_ready"], result: null });
  show();
}

// --- what is shown -----------------------------------------------------------------------------------------------

function refuse(refusal, again) {
  const actions = [["retry", again]];
  if (["too_large", "slow"].includes(refusal.kind) && state.picture) actions.unshift(["smaller", sendSmaller]);
  if (["wrong_type", "unreadable", "too_large"].includes(refusal.kind)) actions.pop();
  if (["needs_key", "wrong_key"].includes(refusal.kind)) state.wantsKey = again;
  complain(refusal.kind, { status: refusal.status }, actions);
}

function complain(words, values = {}, actions = []) {
  Object.assign(state, { problem: { words, values, actions }, status: null, waiting: false });
  show();
  bringAnswerIntoView();
}

async function sendSmaller() {
  const { blob, caption } = state.picture;
  const copy = await smallerCopy(blob, Math.min(mostBytes(), blob.size));
  if (copy === null) return complain("unreadable");
  return read(copy, caption);
}

async function readWhole() {
  state.whole = true;
  await readAgain();
}

/** The most bytes that the service takes, as far as it is known. */
function mostBytes() {
  return state.model?.limits?.body_bytes ?? Infinity;
}

function showWait(wait) {
  state.status = ["busy_wait", wait];
  show();
}

function choose(number) {
  state.chosen = number;
  if (state.camera === "off") state.status = "result";
  show();
}

async function learnModel() {
  const { lang } = document.documentElement;
  const model = await requestModel(lang);
  if (lang !== document.documentElement.lang) return; // another language was chosen meanwhile
  state.model = model;
  show();
}

function changeLanguage(language) {
  speak(language);
  for (const button of byId("languages").children) {
    button.setAttribute("aria-pressed", String(button.value === language));
  }
  delete byId("problem").dataset.text;
  show();
  learnModel();
}

// --- what the user does -----------------------------------------------------------------------------------------

byId("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  event.target.value = ""; // so that the same file can be chosen again
  if (file) read(file, ["photo_of", { name: file.name }]);
});
for (const sample of document.querySelectorAll(".samples button")) {
  sample.addEventListener("click", async () => read(await (await fetch(sample.value)).blob(), ["sample"]));
}
// Faces can be walked by the arrows from anywhere, except where arrows have another meaning.
document.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const count = state.result?.predictions.length ?? 0;
  if (!step || count < 2 || event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, .scrolled")) return;
  event.preventDefault();
  choose((state.chosen + step + count) % count);
});
byId("camera-on").addEventListener("click", startCamera);
byId("camera-off").addEventListener("click", () => stopCamera());
byId("shot").addEventListener("click", takePhoto);
byId("live").addEventListener("click", () => (state.camera === "live" ? stopLive() : live()));
byId("clear").addEventListener("click", () => {
  forget();
  state.status = ["removed"];
  show();
  byId("file").focus();
});
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(byId("key").value);
  byId("key").value = "";
  const again = state.wantsKey;
  learnModel();
  if (again) again();
});
for (const button of byId("languages").children) {
  button.addEventListener("click", () => {
    remember(button.value);
    changeLanguage(button.value);
  });
}
pastedOrDropped(document, byId("stage"), read, complain);
document.addEventListener("visibilitychange", () => document.hidden && stopCamera());
window.addEventListener("pagehide", () => stopCamera());

changeLanguage(preferredLanguage());
