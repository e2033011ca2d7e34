// Requests to the service. Paths are relative, so the page also works below a prefix of a reverse proxy.

const TYPES = ["image/jpeg", "image/png", "image/webp"];
const PATIENCE_MS = 60_000;
const ATTEMPTS = 5;
const LONGEST_WAIT_S = 30;
const KINDS = { 401: "needs_key", 408: "slow", 413: "too_large", 415: "wrong_type", 422: "unreadable", 503: "busy" };

let key = "";

/** Send this API key from now on. */
export function useKey(text) {
  key = text.trim();
}

/** Why there is no response. `kind` is a name in the words; `status` is that of HTTP, 0 without any. */
export class Refusal extends Error {
  constructor(kind, status = 0, waitS = 1) {
    super(kind);
    Object.assign(this, { kind, status, waitS });
  }
}

/** The response to `picture` as JSON. While the service is busy it is sent again, with `onWait` before every wait. */
export async function request(path, picture, signal, onWait) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await askOnce(path, picture, signal);
    } catch (refusal) {
      if (!(refusal instanceof Refusal) || refusal.kind !== "busy" || attempt > ATTEMPTS) throw refusal;
      onWait({ seconds: refusal.waitS, attempt, attempts: ATTEMPTS });
      await pause(refusal.waitS * 1000, signal);
    }
  }
}

/** What the service says of its model in `language`, which comes with it; null where it says nothing. */
export async function requestModel(language) {
  try {
    const response = await fetch(`v1/model?language=${language}`, { headers: headers(), credentials: "same-origin" });
    return response.ok ? { ...(await response.json()), language } : null;
  } catch {
    return null;
  }
}

/** Resolves after `milliseconds`; rejects at once when `signal` is aborted. */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}

async function askOnce(path, picture, signal) {
  const type = TYPES.includes(picture.type) ? picture.type : "application/octet-stream";
  const patience = AbortSignal.timeout(PATIENCE_MS);
  let response;
  try {
    response = await fetch(path, {
      method: "POST",
      body: picture,
      headers: { ...headers(), "Content-Type": type },
      signal: AbortSignal.any([signal, patience]),
      credentials: "same-origin",
      cache: "no-store",
    });
    if (response.ok) return await response.json();
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Refusal(patience.aborted ? "slow" : "gone");
  }
  throw new Refusal(kindOf(response.status), response.status, waitOf(response));
}

function headers() {
  return key ? { Authorization: `Bearer ${key}` } : {};
}

function kindOf(status) {
  if (status === 401 && key) return "wrong_key";
  return KINDS[status] ?? (status >= 500 ? "fault" : "refused");
}

function waitOf(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(Math.ceil(seconds), LONGEST_WAIT_S) : 1;
}
