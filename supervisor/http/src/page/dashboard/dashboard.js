// Follows the sessions and sends forms without leaving the page. It knows no language: the server sends the words,
// and whole parts of the page already escaped.
"use strict";

const live = document.getElementById("live");
const offline = document.getElementById("offline");
const said = document.getElementById("said");

// Makes `old` look like `fresh` and touches nothing else: what has the focus, what was typed and where something
// was scrolled to stay.
function patch(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE || "keep" in old.dataset) return;
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const atEnd = "tail" in old.dataset && old.scrollTop + old.clientHeight >= old.scrollHeight - 4;
  patchChildren(old, fresh);
  if (atEnd) old.scrollTop = old.scrollHeight;
}

// Children with an id are found again by it, the others by their place.
function patchChildren(old, fresh) {
  const ids = new Set([...fresh.children].map((child) => child.id).filter(Boolean));
  for (const child of [...old.children]) if (child.id && !ids.has(child.id)) child.remove();
  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const same = place && place.nodeName === wanted.nodeName && (place.id ?? "") === (wanted.id ?? "");
    if (same) {
      patch(place, wanted);
      place = place.nextSibling;
    } else {
      old.insertBefore(wanted, place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function say(message, failed, code) {
  said.classList.remove("quiet");
  said.dataset.failed = failed;
  document.getElementById("message").textContent = message;
  const shown = document.getElementById("code");
  shown.textContent = code ?? "";
  shown.hidden = !code;
}

async function send(form) {
  const request = { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "application/json" } };
  try {
    const answer = await fetch(form.action, request);
    const { message, error, code } = await answer.json();
    say(message ?? error, !answer.ok, code);
  } catch {
    say(said.dataset.lost, true);
  }
}

function isOff(element) {
  return element?.getAttribute("aria-disabled") === "true";
}

document.addEventListener("submit", (event) => {
  if (isOff(event.submitter)) event.preventDefault();
  else if ("quiet" in event.target.dataset) {
    event.preventDefault();
    send(event.target);
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-picture]");
  if (!link) return;
  event.preventDefault();
  if (isOff(link)) return;
  const picture = document.getElementById(link.dataset.picture);
  picture.onload = () => { picture.hidden = false; };
  picture.onerror = () => {
    picture.hidden = true;
    say(link.dataset.failed, true);
  };
  picture.src = `${link.getAttribute("href")}&at=${Date.now()}`;
});

for (const lines of document.querySelectorAll("[data-tail]")) lines.scrollTop = lines.scrollHeight;

if (live) {
  follow(live.dataset.events, offline, (html) => {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    patchChildren(live, fresh.content);
  });
}
