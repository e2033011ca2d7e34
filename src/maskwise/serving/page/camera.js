// The webcam. Frames are drawn on a canvas in memory and go nowhere but into the request that the caller makes.

const LONGEST_PX = 1280;
const SMALLER_PX = [1280, 640, 320];
const QUALITY = 0.92;

/** One camera at a time, shown in a video element. */
export class Camera {
  /** `onLost` is called when the camera goes away by itself: unplugged, or its permission withdrawn. */
  constructor(video, onLost) {
    this.video = video;
    this.onLost = onLost;
    this.stream = null;
    this.turn = 0;
  }

  get on() {
    return this.stream !== null;
  }

  /** Ask for the camera and show it. False if `close` was called meanwhile; a `DOMException` if there is none to use. */
  async open() {
    const turn = ++this.turn;
    const wish = { video: { facingMode: "user", width: { ideal: LONGEST_PX } }, audio: false };
    const stream = await navigator.mediaDevices.getUserMedia(wish);
    if (turn !== this.turn) {
      // The permission came after the user had stopped waiting for it.
      stopTracks(stream);
      return false;
    }
    this.stream = stream;
    this.video.srcObject = stream;
    for (const track of stream.getTracks()) track.addEventListener("ended", this.onLost);
    try {
      await this.video.play();
    } catch (error) {
      if (turn === this.turn) throw error;
    }
    return turn === this.turn;
  }

  /** What the camera sees now, as a JPEG. */
  async frame(longestPx = LONGEST_PX) {
    return asJpeg(this.video, this.video.videoWidth, this.video.videoHeight, longestPx);
  }

  /** Let the camera go: its light goes out. */
  close() {
    this.turn += 1;
    if (this.stream) stopTracks(this.stream);
    this.stream = null;
    this.video.srcObject = null;
  }
}

/** Which words tell of `error`, as `getUserMedia` throws it. */
export function cameraProblem(error) {
  if (["NotAllowedError", "SecurityError"].includes(error.name)) return "camera_denied";
  return ["NotFoundError", "OverconstrainedError"].includes(error.name) ? "camera_none" : "camera_taken";
}

/** `picture` as a JPEG of less than `mostBytes`, as large as that allows; null if the browser cannot read it. */
export async function smallerCopy(picture, mostBytes) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(picture);
  } catch {
    return null;
  }
  try {
    for (const longestPx of SMALLER_PX) {
      const copy = await asJpeg(bitmap, bitmap.width, bitmap.height, longestPx);
      if (copy.size < mostBytes || longestPx === SMALLER_PX.at(-1)) return copy;
    }
    return null;
  } finally {
    bitmap.close();
  }
}

function stopTracks(stream) {
  for (const track of stream.getTracks()) track.stop();
}

function asJpeg(source, widthPx, heightPx, longestPx) {
  const shrink = Math.min(1, longestPx / Math.max(widthPx, heightPx));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(widthPx * shrink));
  canvas.height = Math.max(1, Math.round(heightPx * shrink));
  canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
}
