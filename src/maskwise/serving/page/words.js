// Everything that the page says, in English and Korean. `{name}` is replaced; texts reach the page as text, never as HTML.

const ENGLISH = {
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
  why_alt: "The face as the model is shown it, coloured where covering a part lowers the probability",
  why_some: "Strong colour: with this part covered, the prediction is less probable. At the strongest place ({place}) it falls from {before} to {after}.",
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

const KOREAN = {
  skip: "사진으로 건너뛰기",
  tagline: "사진 속 얼굴이 어떻게 보이는지 알려 줘요: 마스크, 성별, 나이대.",
  language: "언어",
  picture: "사진",
  drop_here: "여기에 사진을 끌어다 놓거나 붙여 넣으세요.",
  kinds: "JPEG, PNG, WEBP, HEIC, AVIF 등",
  samples: "또는 그림으로 만든 인물로 해 보세요:",
  sample: "그림으로 만든 인물",
  sample_1: "그림 인물 1",
  sample_2: "그림 인물 2",
  choose: "사진 고르기",
  camera_on: "카메라 쓰기",
  shot: "사진 찍기",
  live: "실시간",
  camera_off: "카메라 끄기",
  clear: "사진 지우기",
  private: "사진은 이 서비스로만 보내지고, 메모리에만 두고, 저장하지 않아요.",
  prediction: "결과",
  nothing_yet: "결과가 여기에 나와요.",
  key: "API 키",
  key_use: "키 사용",
  key_note: "페이지를 닫거나 새로 고치면 잊어버려요.",
  not_for_title: "이런 일에는 쓰지 마세요",
  not_for:
    "사진 속 얼굴이 어떻게 보이는지를 말할 뿐, 그 사람이 어떤 사람인지는 말하지 않아요. 누구인지 알아내는 데나 사람에 관한 " +
    "결정을 내리는 데 쓰면 안 돼요. 나이는 자주 틀리고, 60세부터는 특히 그래요.",
  about: "이 모델에 대하여: {name}",
  api_docs: "프로그램에서 쓰기",

  from_camera: "카메라로 찍은 사진",
  from_paste: "붙여 넣은 사진",
  photo_of: "사진: {name}",
  first_of: "{name}. 파일 {count}개 가운데 첫 번째만 썼어요.",
  reading: "예측하고 있어요 …",
  live_on: "실시간: 답이 오면 다음 장면을 보내요.",
  live_speed: "실시간: 초당 {speed}번 답해요.",
  waiting_camera: "브라우저에서 카메라를 허용해 주세요 …",
  camera_ready: "카메라가 켜졌어요. 사진을 찍거나 실시간을 누르세요.",
  camera_stopped: "카메라를 껐어요.",
  busy_wait: "지금 요청이 많아요. {seconds}초 뒤에 다시 시도해요 ({attempt}/{attempts}).",
  removed: "사진을 지웠어요.",

  face: "얼굴 {number}",
  faces_found: "얼굴 {count}개, 확실한 순서",
  whole: "사진 전체를 한 얼굴로 예측했어요.",
  appears: "이렇게 보여요",
  summary: "{face} 추정: {words}.",
  found: "얼굴 {count}개를 찾았어요.",
  mask: "마스크",
  gender: "성별",
  age_group: "나이대",
  age_years: "약 {years}세",
  age_title: "나이",
  unsure: "불확실",
  confidence: "셋이 모두 맞을 확률: {percent}.",
  no_face: "얼굴을 찾지 못했어요.",
  no_face_do: "얼굴이 더 크거나 밝거나 정면을 보는 사진으로 해 보세요.",
  read_whole: "사진 전체로 예측하기",

  worn: "착용",
  incorrect: "잘못 착용",
  not_worn: "미착용",
  worn_said: "마스크 착용",
  incorrect_said: "마스크 잘못 착용",
  not_worn_said: "마스크 미착용",
  male: "남성",
  female: "여성",
  age_under: "{to}세 미만",
  age_between: "{from}~{to}세",
  age_over: "{from}세 이상",

  why: "어디를 보고 판단했나요?",
  why_busy: "얼굴을 조금씩 가려 보고 있어요 …",
  why_title: "판단에 쓰인 곳",
  why_alt: "모델이 본 얼굴. 가렸을 때 확률이 떨어지는 곳에 색이 있어요",
  why_some: "색이 진한 곳을 가리면 이 답의 확률이 떨어져요. 가장 진한 곳({place})을 가리면 {before}에서 {after}로 떨어져요.",
  why_none: "한 곳이 결정하지 않아요. 어디를 가려도 확률이 {percent} 넘게 떨어지지 않아요.",
  place_0_0: "왼쪽 위", place_0_1: "위", place_0_2: "오른쪽 위",
  place_1_0: "왼쪽", place_1_1: "가운데", place_1_2: "오른쪽",
  place_2_0: "왼쪽 아래", place_2_1: "아래", place_2_2: "오른쪽 아래",

  retry: "다시 시도",
  smaller: "작게 줄여 보내기",
  too_large: "서비스가 받기에는 사진이 너무 커요.",
  too_large_do: "작게 줄여 보내거나 다른 사진을 고르세요.",
  wrong_type: "서비스가 지원하는 사진 파일이 아니에요.",
  wrong_type_do: "JPEG, PNG, WEBP, HEIC, AVIF, GIF, TIFF, BMP 파일을 고르세요.",
  unreadable: "이 사진을 읽을 수 없어요.",
  unreadable_do: "파일이 손상되었거나 잘렸을 수 있어요. 다른 프로그램에서 열어 다시 저장해 보세요.",
  link: "파일이 아니라 링크예요.",
  link_do: "사진을 먼저 저장한 다음 그 파일을 끌어다 놓으세요.",
  busy: "지금 요청이 많아요.",
  busy_do: "기다리는 사진이 많아요. 잠시 뒤에 다시 시도해 주세요.",
  gone: "서비스가 답하지 않아요.",
  gone_do: "서비스가 멈췄거나 네트워크가 끊겼을 수 있어요.",
  slow: "답이 너무 오래 걸려요.",
  slow_do: "다시 시도하거나 더 작은 사진을 보내세요.",
  needs_key: "서비스가 API 키를 요구해요.",
  needs_key_do: "서비스를 운영하는 사람에게 받을 수 있어요.",
  wrong_key: "서비스가 모르는 키예요.",
  wrong_key_do: "키를 확인하고 다시 시도해 주세요.",
  refused: "서비스가 요청을 거절했어요 ({status}).",
  refused_do: "다른 사진으로 해 보세요. 계속되면 운영하는 사람에게 알려 주세요.",
  fault: "서비스에 문제가 생겼어요 ({status}).",
  fault_do: "다시 시도해 주세요. 계속되면 운영하는 사람에게 알려 주세요.",
  camera_denied: "카메라 사용이 허용되지 않았어요.",
  camera_denied_do: "브라우저에서 이 페이지에 카메라를 허용하거나 사진을 고르세요.",
  camera_none: "카메라를 찾지 못했어요.",
  camera_none_do: "카메라를 연결하거나 사진을 고르세요.",
  camera_taken: "카메라를 켤 수 없어요.",
  camera_taken_do: "다른 프로그램이 쓰고 있을 수 있어요. 닫고 다시 시도해 주세요.",
  camera_insecure: "여기에서는 카메라를 쓸 수 없어요.",
  camera_insecure_do: "브라우저는 https나 이 컴퓨터 자신(localhost)에서만 카메라를 허용해요.",
};

export const LANGUAGES = { en: ENGLISH, ko: KOREAN };
let words = ENGLISH;

/** The language chosen before, else the first that the browser prefers and the page knows. */
export function preferredLanguage() {
  const preferred = [remembered(), ...(navigator.languages ?? [navigator.language])];
  return preferred.map((each) => (each ?? "").slice(0, 2).toLowerCase()).find((each) => each in LANGUAGES) ?? "en";
}

/** Speak `language` from now on, in all elements with `data-words`. */
export function speak(language) {
  words = LANGUAGES[language];
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
  return words[name].replace(/\{(\w+)\}/g, (_, place) => String(values[place]));
}

/** The name of a class as the service gives it: "worn", "female", "30 to 59". Unknown ones are shown as they are. */
export function className(word) {
  if (Object.hasOwn(words, word)) return words[word];
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
