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

// Children with an id are found again by it, wherever they stand now; the others by their place.
function patchChildren(old, fresh) {
  const ids = new Set([...fresh.children].map((child) => child.id).filter(Boolean));
  const known = new Map();
  for (const child of [...old.children]) {
    if (!child.id) continue;
    if (ids.has(child.id)) known.set(child.id, child);
    else child.remove();
  }
  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const moved = wanted.id && known.get(wanted.id);
    if (moved && moved !== place) old.insertBefore(moved, place);
    const found = moved || (place && place.nodeName === wanted.nodeName && !place.id && !wanted.id && place);
    if (found) {
      patch(found, wanted);
      place = found.nextSibling;
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

// A form that is on its way is not sent again.
async function once(form, work) {
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  await work();
  delete form.dataset.busy;
}

// A file goes to the API as it is, in the words that every other caller has.
async function sendFile(form) {
  const { session, chatId, file } = Object.fromEntries(new FormData(form));
  // What the server says of it is for programs; where the page has words of its own, these are said.
  const notSent = (status, otherwise) => {
    const why = form.dataset[`on-${status}`];
    // Only where that is certain nothing was sent.
    const unknown = !why && status >= 500 && status !== 501;
    say(unknown ? form.dataset.unknown : `${form.dataset.failed} ${why ?? otherwise}`, true);
  };
  if (file.size > Number(form.dataset.largest)) return notSent(413);
  try {
    const data = await new Promise((done, failed) => {
      const reader = new FileReader();
      reader.onload = () => done(reader.result.split(",")[1]);
      reader.onerror = failed;
      reader.readAsDataURL(file);
    });
    const body = JSON.stringify({ session, chatId, file: { data, mimetype: file.type || "application/octet-stream", filename: file.name } });
    const answer = await fetch(form.dataset.file, { method: "POST", body, headers: { "Content-Type": "application/json" } });
    const told = await answer.json();
    if (!answer.ok) return notSent(answer.status, told.message);
    form.reset();
    say(form.dataset.sent, false);
  } catch {
    say(said.dataset.lost, true);
  }
}

// What is wrong with a field stands beside it, as it does where the page comes without us.
function mark(form, name, message) {
  for (const old of form.querySelectorAll(".wrong")) {
    const field = old.previousElementSibling;
    const others = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && id !== old.id);
    if (others.length) field.setAttribute("aria-describedby", others.join(" "));
    else field.removeAttribute("aria-describedby");
    field.removeAttribute("aria-invalid");
    old.remove();
  }
  const field = name && form.elements[name];
  if (!field) return;
  const wrong = document.createElement("small");
  wrong.className = "wrong";
  wrong.id = `${name}-wrong`;
  wrong.textContent = message;
  field.after(wrong);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", `${field.getAttribute("aria-describedby") ?? ""} ${wrong.id}`.trim());
  field.focus();
}

async function send(form, button) {
  const fields = new URLSearchParams(new FormData(form));
  if (button?.name) fields.append(button.name, button.value);
  const request = { method: "POST", body: fields, headers: { Accept: "application/json" } };
  try {
    const answer = await fetch(form.action, request);
    const { message, error, code, field } = await answer.json();
    mark(form, answer.ok ? null : field, message ?? error);
    say(message ?? error, !answer.ok, code);
    if (answer.ok && "clear" in form.dataset) form.reset();
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
    once(event.target, () => send(event.target, event.submitter));
  } else if ("file" in event.target.dataset) {
    event.preventDefault();
    once(event.target, () => sendFile(event.target));
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

// Enter sends, as in a chat; with Shift it begins a line.
document.getElementById("text")?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});
for (const part of document.querySelectorAll("[data-file], [data-needs-script]")) part.hidden = false;

// The reader's own time, and the date where it is not today.
const day = (time) => time.toLocaleDateString(document.documentElement.lang);
function localTimes() {
  for (const time of document.querySelectorAll("time")) {
    const at = new Date(time.dateTime || Number(time.dataset.ms));
    if (!at.getTime()) continue;
    const second = time.dateTime ? "2-digit" : undefined;
    const clock = at.toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", second });
    const words = day(at) === day(new Date()) ? clock : `${day(at)} ${clock}`;
    if (time.textContent !== words) time.textContent = words;
  }
}
localTimes();

for (const lines of document.querySelectorAll("[data-tail]")) lines.scrollTop = lines.scrollHeight;

// What was chosen for all at once.
const bulk = document.getElementById("bulk");
if (bulk) {
  const chosen = document.getElementById("chosen");
  const none = chosen.textContent;
  const boxes = () => [...document.querySelectorAll("input[name=user]")];
  const count = () => {
    const some = boxes().filter((box) => box.checked).length;
    chosen.textContent = some ? `${some} ${chosen.dataset.some}` : none;
    for (const all of document.querySelectorAll("[data-all]")) all.checked = some > 0 && some === boxes().length;
  };
  document.addEventListener("change", ({ target }) => {
    if ("all" in target.dataset) for (const box of boxes()) box.checked = target.checked;
    if (target.type === "checkbox") count();
  });
  new MutationObserver(count).observe(live, { childList: true, subtree: true });
}

if (live) {
  const to = follow(live.dataset.events, offline, (html) => {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    const atEnd = "tail" in live.dataset && live.scrollTop + live.clientHeight >= live.scrollHeight - 40;
    patchChildren(live, fresh.content);
    localTimes();
    if (atEnd) live.scrollTop = live.scrollHeight;
  });
  // A search changes what is followed, and the address that one may keep; the page stays.
  const find = document.getElementById("find");
  let stream = live.dataset.events;
  let typing;
  const keep = document.getElementById("follow");
  keep?.addEventListener("change", () => to(keep.checked ? stream : null));
  const search = () => {
    clearTimeout(typing);
    const wanted = new URLSearchParams([...new FormData(find)].filter(([, value]) => value)).toString();
    const query = wanted ? `?${wanted}` : "";
    history.replaceState(null, "", find.getAttribute("action") + query);
    stream = live.dataset.events.split("?")[0] + query;
    to(stream);
  };
  find?.addEventListener("input", ({ target }) => {
    clearTimeout(typing);
    typing = setTimeout(search, target.type === "search" ? 300 : 0);
  });
  find?.addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
}
