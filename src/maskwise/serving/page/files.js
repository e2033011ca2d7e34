// Files that are dropped on the page or pasted into it.

/** Calls `onPicture(file, caption)` for a picture that arrives, `onProblem(words)` for what is none. */
export function pastedOrDropped(page, stage, onPicture, onProblem) {
  page.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return; // text, into the field for the key for example
    event.preventDefault();
    take(files, ["from_paste"], onPicture, onProblem);
  });
  page.addEventListener("dragover", (event) => {
    event.preventDefault();
    stage.classList.add("dragged-over");
  });
  page.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) stage.classList.remove("dragged-over");
  });
  page.addEventListener("drop", (event) => {
    event.preventDefault();
    stage.classList.remove("dragged-over");
    const files = [...event.dataTransfer.files];
    if (files.length) take(files, ["photo_of", { name: files[0].name }], onPicture, onProblem);
    else onProblem("link");
  });
}

function take(files, caption, onPicture, onProblem) {
  const [file] = files;
  // What says of itself that it is something else need not be sent. Files without a type are: the service looks inside.
  if (file.type && !file.type.startsWith("image/")) return onProblem("wrong_type");
  const several = ["first_of", { name: file.name, count: files.length }];
  return onPicture(file, files.length > 1 ? several : caption);
}
