// Brings pieces of a page anew while it is seen, sends tags and decisions. Texts of others are shown as text alone.

const EVERY_MS = 2000;
const GIVEN_UP_MS = 15000;

for (const place of document.querySelectorAll("[data-poll]")) poll(place);

function poll(place) {
  let shown = place.innerHTML;
  const look = async () => {
    if (!document.hidden) {
      try {
        const response = await fetch(place.dataset.poll, { signal: AbortSignal.timeout(GIVEN_UP_MS) });
        if (response.headers.get("x-studio-reload")) return location.reload();
        const fragment = response.ok ? await response.text() : shown;
        if (fragment !== shown) place.innerHTML = shown = fragment;
      } catch {
        // The studio was stopped, or is busy: the next look may find it again.
      }
    }
    setTimeout(look, EVERY_MS);
  };
  setTimeout(look, EVERY_MS);
}

const words = (name) => document.querySelector(`header .${name}`).textContent;

/** Why nothing was changed; the reason may be in English on any page. */
function refusal({ message, language }) {
  const reason = document.createElement("span");
  Object.assign(reason, { lang: language ?? "", textContent: message });
  return [`${words("refused")} `, reason];
}

async function send(address, body, output) {
  const response = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => null);
  const sent = response ? await response.json().catch(() => null) : null;
  output.replaceChildren(...(sent?.error ? refusal(sent.error) : [sent?.message ?? words("silent")]));
  return response?.ok ? sent : null;
}

const tags = document.querySelector("form.tags");
if (tags) {
  const change = async (body) => {
    const sent = await send(`/runs/${tags.dataset.run}/tags`, body, tags.querySelector("output"));
    if (!sent) return;
    tags.querySelector(".given").innerHTML = sent.given;
  };
  tags.addEventListener("submit", async (event) => {
    event.preventDefault();
    const input = tags.elements.tag;
    await change({ add: [input.value.trim()], remove: [] });
    input.value = "";
    input.focus();
  });
  tags.addEventListener("click", (event) => {
    const button = event.target.closest("[data-tag]");
    if (button) change({ add: [], remove: [button.dataset.tag] });
  });
}

const decisions = document.querySelector("form.decisions");
decisions?.addEventListener("submit", (event) => {
  event.preventDefault();
  let said = {};
  try {
    said = JSON.parse(localStorage.getItem(`maskwise-review-${decisions.dataset.list}`) || "{}").said ?? {};
  } catch {
    // A private window keeps nothing: then nothing is decided.
  }
  send("/corrections", { list: decisions.dataset.list, decisions: said }, decisions.querySelector("output"));
});
