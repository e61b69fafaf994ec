// Puts one user's events on the page. It knows no language: the server sends the words.
"use strict";

const page = document.getElementById("page");
const base = page.dataset.base;
const query = "?user_id=" + encodeURIComponent(page.dataset.user);
const part = (id) => document.getElementById(id);
const retry = part("retry");
const retryText = retry.textContent;
// A page that came slowly makes a right clock look a little fast; only one that is really wrong is set right.
const ahead = Date.now() - Number(page.dataset.now);
const passkeyPanel = makePasskeyPanel(base, query, Math.abs(ahead) < 30000 ? 0 : ahead);
let asking;

function setText(element, text) {
  // A live region speaks whenever it is written to, so the same words are not written again.
  if (element.textContent !== text) element.textContent = text;
}

function show(state) {
  page.dataset.kind = state.kind;
  setText(part("title"), state.title);
  setText(part("detail"), state.detail);

  const qr = part("qr");
  if (state.qr) qr.src = "data:image/svg+xml," + encodeURIComponent(state.qr);
  qr.hidden = !state.qr;

  const percent = part("percent");
  percent.hidden = state.percent === null;
  if (state.percent !== null) percent.value = state.percent;

  passkeyPanel.show(state.passkey);

  clearInterval(asking);
  retry.removeAttribute("aria-disabled");
  setText(retry, retryText);
  retry.hidden = !state.retry;
}

function askAgain() {
  fetch(base + "/qr/retry" + query, { method: "POST" }).catch(() => {});
}

retry.addEventListener("click", () => {
  if (retry.getAttribute("aria-disabled") === "true") return;
  retry.setAttribute("aria-disabled", "true"); // and not disabled: it would lose the focus
  setText(retry, retry.dataset.busy);
  askAgain();
  // The service lets a failure be seen for a while before it tries again.
  asking = setInterval(askAgain, 5000);
});

follow(base + "/qr/events" + query, part("offline"), (text) => show(JSON.parse(text)));
