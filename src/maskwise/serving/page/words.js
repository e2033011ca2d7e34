// Everything that the page says. `{name}` is replaced; texts reach the page as text, never as HTML. The Korean of each
// text stands in the file of words of all pages, of which the service makes korean.js.

import { KOREAN } from "./korean.js";

export const ENGLISH = {
  skip: "Skip to the picture",
  tagline: "How a face appears in a photo: mask, gender, age group.",
  language: "Language",
  picture: "Picture",
  drop_here: "Drop a picture here, or paste one.",
  kinds: "JPEG, PNG, WEBP, HEIC, AVIF and others",
  samples: "Or try one of these drawn people:",
  sample: "A drawn person",
  sample_1: "Drawn person 1",
  sample_2: "Drawn person 2",
  choose: "Choose a picture",
  camera_on: "Use the camera",
  shot: "Take a photo",
  live: "Live",
  camera_off: "Stop the camera",
  clear: "Remove the picture",
  private: "The picture goes only to this service, which keeps it in memory only and stores nothing.",
  prediction: "Prediction",
  nothing_yet: "The prediction will appear here.",
  key: "API key",
  key_use: "Use the key",
  key_note: "It is kept until you close or reload the page.",
  not_for_title: "What this is not for",
  not_for:
    "It predicts how a face appears in a photo, not what a person is. It does not say who somebody is, and it must not " +
    "decide about people. It is often wrong about age, most of all from 60 on.",
  about: "About this model: {name}",
  api_docs: "Use it from a program",
  docs_photos: "One photo, several photos",
  docs_addresses: "Addresses",
  docs_predict:
    "for each photo classes, age and probabilities; of every face with its box where the address ends in",
  docs_explain: "which parts of a face its prediction depends on",
  docs_model: "classes, limits, the model card",
  docs_openapi: "all of this for programs",
  docs_back: "Back to the page",

  from_camera: "A photo from the camera",
  from_paste: "A pasted picture",
  photo_of: "The picture: {name}",
  first_of: "{name}. Only the first of {count} files was used.",
  reading: "Predicting …",
  live_on: "Live: the next frame is sent when the last prediction is there.",
  live_speed: "Live: {speed} predictions per second.",
  waiting_camera: "Waiting for your browser’s permission to use the camera …",
  camera_ready: "The camera is on. Take a photo, or choose Live.",
  camera_stopped: "The camera is off.",
  busy_wait: "The service is busy. Next try in {seconds} s ({attempt} of {attempts}).",
  removed: "The picture is removed.",

  face: "Face {number}",
  faces_found: "{count} faces, most confident first",
  whole: "The photo was predicted as a whole.",
  appears: "Appears to be",
  summary: "{face}: appears to be {words}.",
  found: "{count} faces found.",
  mask: "Mask",
  gender: "Gender",
  age_group: "Age group",
  age_years: "about {years} years",
  age_title: "Age",
  unsure: "low confidence",
  confidence: "All three together: {percent}.",
  no_face: "No face was found.",
  no_face_do: "Try a picture with a face that is larger, brighter or seen from the front.",
  read_whole: "Predict the picture as a whole",

  worn: "worn",
  incorrect: "worn wrongly",
  not_worn: "not worn",
  worn_said: "mask worn",
  incorrect_said: "mask worn wrongly",
  not_worn_said: "no mask",
  male: "male",
  female: "female",
  age_under: "under {to}",
  age_between: "{from} to {to}",
  age_over: "{from} and over",

  why: "What does it look at?",
  why_busy: "Covering one part after the other …",
  why_title: "What it looks at",
  why_alt: "The face as the model is shown it, colored where covering a part lowers the probability",
  why_some: "Strong color: with this part covered, the prediction is less probable. At the strongest place ({place}) it falls from {before} to {after}.",
  why_none: "No single part decides: whichever is covered, the prediction keeps its probability within {percent}.",
  place_0_0: "top left", place_0_1: "top", place_0_2: "top right",
  place_1_0: "left", place_1_1: "middle", place_1_2: "right",
  place_2_0: "bottom left", place_2_1: "bottom", place_2_2: "bottom right",

  retry: "Try again",
  smaller: "Send a smaller copy",
  too_large: "This picture is too large for the service.",
  too_large_do: "Send a smaller copy, or choose another picture.",
  wrong_type: "This file is not a picture that the service takes.",
  wrong_type_do: "JPEG, PNG, WEBP, HEIC, AVIF, GIF, TIFF and BMP are.",
  unreadable: "This picture cannot be read.",
  unreadable_do: "The file may be damaged or cut off. Open it elsewhere and save it again.",
  link: "That was a link, not a file.",
  link_do: "Save the picture first, then drop the file.",
  busy: "The service is busy.",
  busy_do: "Many pictures are waiting. Try again in a moment.",
  gone: "The service does not respond.",
  gone_do: "It may have been stopped, or the network is down.",
  slow: "The prediction took too long.",
  slow_do: "Try again, or send a smaller picture.",
  needs_key: "The service needs an API key.",
  needs_key_do: "Whoever runs it can give you one.",
  wrong_key: "The service does not know this key.",
  wrong_key_do: "Check it and try again.",
  refused: "The service refused this request ({status}).",
  refused_do: "Try another picture. If it goes on, tell whoever runs the service.",
  fault: "Something went wrong in the service ({status}).",
  fault_do: "Try again. If it goes on, tell whoever runs the service.",
  camera_denied: "The camera may not be used.",
  camera_denied_do: "Allow it for this page in your browser, or choose a picture.",
  camera_none: "No camera was found.",
  camera_none_do: "Connect one, or choose a picture.",
  camera_taken: "The camera cannot be started.",
  camera_taken_do: "Another program may be using it. Close that one and try again.",
  camera_insecure: "The camera cannot be used here.",
  camera_insecure_do: "Browsers allow it only over https, or on this very machine (localhost).",
};

const LANGUAGES = ["en", "ko"];
let korean = false;

/** The language chosen before, else that of the app around the page, else the first that the browser prefers. */
export function preferredLanguage() {
  const given = document.documentElement.dataset.language;
  const preferred = [remembered(), given, ...(navigator.languages ?? [navigator.language])];
  return preferred.map((each) => (each ?? "").slice(0, 2).toLowerCase()).find((each) => LANGUAGES.includes(each)) ?? "en";
}

/** Speak `language` from now on, in all elements with `data-words`. */
export function speak(language) {
  korean = language === "ko";
  document.documentElement.lang = language;
  for (const each of document.querySelectorAll("[data-words]")) each.textContent = say(each.dataset.words);
  for (const each of document.querySelectorAll("[data-words-label]")) {
    each.setAttribute("aria-label", say(each.dataset.wordsLabel));
  }
}

/** Keep the choice for the next visit, where the browser allows that. */
export function remember(language) {
  try {
    localStorage.setItem("maskwise-language", language);
  } catch {
    // Private windows may forbid it: then the choice holds until the page is closed.
  }
}

/** The sentence `name` with its `{places}` filled in. */
export function say(name, values = {}) {
  const text = korean ? KOREAN[ENGLISH[name]] : ENGLISH[name];
  return text.replace(/\{(\w+)\}/g, (_, place) => String(values[place]));
}

/** The name of a class as the service gives it: "worn", "female", "30 to 59". Unknown ones are shown as they are. */
export function className(word) {
  if (Object.hasOwn(ENGLISH, word)) return say(word);
  const under = /^under (\d+)$/.exec(word);
  if (under) return say("age_under", { to: under[1] });
  const between = /^(\d+) to (\d+)$/.exec(word);
  if (between) return say("age_between", { from: between[1], to: between[2] });
  const over = /^(\d+) and over$/.exec(word);
  return over ? say("age_over", { from: over[1] }) : word;
}

/** A probability in whole percent; never 0 % or 100 % for what is neither. */
export function percent(share) {
  if (share > 0 && share < 0.01) return "< 1%";
  if (share < 1 && share > 0.99) return "> 99%";
  return `${Math.round(share * 100)}%`;
}

function remembered() {
  try {
    return localStorage.getItem("maskwise-language");
  } catch {
    return null;
  }
}
