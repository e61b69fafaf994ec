// What a passkey's owner does on the page: by a signing extension that answers, else by hand. It knows no language: the
// words stand in the page. Nothing is signed here, and nothing anywhere without a click of the owner's.
"use strict";

// An extension of another author that anybody may use; it signs on WhatsApp's own page. Chrome's is spoken to by its id,
// Firefox's by messages of this window.
const EXTENSION = "ghpdcgnjffaaekflfpcgkgpbafmjldcp";
const PING_MS = 300;
const SIGN_MS = 600000;

// `skewMs` is how far this browser's clock is ahead of the service's.
function makePasskeyPanel(base, query, skewMs) {
  const part = (id) => document.getElementById(id);
  const panel = part("passkey");
  const words = panel.dataset;
  let asks = null;
  let numbered = 0;
  let speak = null;
  let minutes = null;

  const setText = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  function complain(text) {
    setText(part("pk-error"), text);
    part("pk-error").hidden = !text;
  }
  // What only changes for the eye is told to a screen reader too, and not each second.
  const say = (text) => setText(part("pk-said"), text);

  // ---- the extension ----

  const byId = (type, extra) => new Promise((resolve, reject) => {
    if (!window.chrome?.runtime?.sendMessage) return reject(new Error("none"));
    window.chrome.runtime.sendMessage(EXTENSION, { type, ...extra }, (answer) => {
      // Chrome complains on the console about an error that nobody looked at: that no such extension is there.
      void window.chrome.runtime.lastError;
      if (answer) resolve(answer);
      else reject(new Error("none"));
    });
  });
  const byWindow = (type, extra, signal) => new Promise((resolve) => {
    const requestId = Date.now() + "-" + ++numbered;
    window.addEventListener("message", (event) => {
      const told = event.data;
      if (event.source !== window || told?.source !== "waha-passkey-extension" || told.requestId !== requestId) return;
      resolve(told);
    }, { signal });
    window.postMessage({ source: "waha-passkey-page", requestId, type, ...extra }, location.origin);
  });
  async function within(ms, way, type, extra) {
    const end = new AbortController();
    let timer;
    const late = new Promise((_, reject) => { timer = setTimeout(reject, ms, new Error("none")); });
    try {
      return await Promise.race([way(type, extra, end.signal), late]);
    } finally {
      clearTimeout(timer);
      end.abort();
    }
  }

  async function findExtension() {
    for (const way of [byId, byWindow]) {
      try {
        if ((await within(PING_MS, way, "waha-passkey-ping")).ok) return way;
      } catch { /* Not there. */ }
    }
    return null;
  }
  async function lookForExtension() {
    speak ??= await findExtension();
    part("pk-extension").hidden = !speak;
    if (speak) part("pk-manual").open = false;
  }

  // ---- by hand ----

  for (const link of panel.querySelectorAll(".pk-whatsapp")) link.href = "https://web.whatsapp.com/";
  async function showScript() {
    if (part("pk-script").value) return;
    const script = await fetch(base + "/assets/sign.js").then((answer) => answer.ok ? answer.text() : "", () => "");
    part("pk-script").value = script;
  }

  // ---- what the owner does ----

  async function send(path, body) {
    complain("");
    try {
      const answer = await fetch(base + path + query, { method: "POST", body });
      if (answer.ok) return true;
      const told = await answer.json().catch(() => ({}));
      complain(told.error || words.none);
    } catch {
      complain(words.none);
    }
    return false;
  }
  // A disabled button would lose the focus.
  async function busy(button, work) {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    try {
      await work();
    } finally {
      button.removeAttribute("aria-disabled");
    }
  }
  async function sendAnswer(answer) {
    if (!(await send("/qr/passkey", answer))) return;
    part("pk-answer").value = "";
    setText(part("pk-time"), words.sent);
    say(words.sent);
  }

  part("pk-extension-sign").addEventListener("click", ({ currentTarget }) => busy(currentTarget, async () => {
    complain("");
    try {
      const told = await within(SIGN_MS, speak, "waha-passkey-sign", { challenge: JSON.parse(asks.challenge) });
      if (!told.ok) return complain(String(told.error));
      await sendAnswer(JSON.stringify(told.assertion));
    } catch (error) {
      complain(error.message);
    }
  }));
  part("pk-send").addEventListener("click", ({ currentTarget }) => busy(currentTarget, async () => {
    const text = part("pk-answer").value.trim();
    try {
      JSON.parse(text);
    } catch {
      complain(words.incomplete);
      return part("pk-answer").focus();
    }
    await sendAnswer(text);
  }));
  part("pk-confirm").addEventListener("click", ({ currentTarget }) =>
    busy(currentTarget, () => send("/qr/passkey/confirm")));
  part("pk-cancel").addEventListener("click", ({ currentTarget }) =>
    busy(currentTarget, () => send("/qr/passkey/cancel")));
  for (const button of panel.querySelectorAll("[data-copy]")) {
    const label = button.textContent;
    button.addEventListener("click", async () => {
      const field = part(button.dataset.copy);
      field.select();
      // Only secure contexts have a clipboard; elsewhere the selected text is copied the old way.
      const copied = navigator.clipboard
        ? await navigator.clipboard.writeText(field.value).then(() => true, () => false)
        : document.execCommand("copy");
      if (!copied) return;
      setText(button, words.copied);
      say(words.copied);
      setTimeout(() => setText(button, label), 2000);
    });
  }

  // ---- time ----

  const clock = (ms) => {
    const seconds = Math.max(0, Math.ceil(ms / 1000));
    return Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
  };
  function tick() {
    if (asks?.step !== "sign") return;
    const now = Date.now() - skewMs;
    const urgent = asks.urgentMs !== null && asks.urgentMs > now;
    panel.classList.toggle("late", asks.urgentMs !== null && !urgent);
    const [label, ms] = urgent ? [words.urgent, asks.urgentMs - now] : [words.left, asks.untilMs - now];
    setText(part("pk-time"), label + " " + clock(ms));
    const left = label + " " + Math.max(0, Math.ceil(ms / 60000)) + " min";
    if (left !== minutes) say(left);
    minutes = left;
  }
  setInterval(tick, 1000);

  // Nothing of a request stays on the page that is over.
  function forget() {
    complain("");
    say("");
    minutes = null;
    setText(part("pk-time"), "");
    setText(part("pk-code-text"), "");
    part("pk-challenge").value = "";
    part("pk-answer").value = "";
  }

  return {
    show(next) {
      const fresh = next?.challenge !== asks?.challenge || next?.step !== asks?.step;
      asks = next;
      if (fresh) forget();
      const here = panel.contains(document.activeElement);
      panel.hidden = !next;
      if (next) {
        part("pk-refused").hidden = !next.refused || next.step === "code";
        part("pk-soon").hidden = next.step !== "soon";
        part("pk-sign").hidden = next.step !== "sign";
        part("pk-code").hidden = next.step !== "code";
        part("pk-cancel").hidden = next.checkpoint;
        setText(part("pk-host"), location.host);
        part("pk-challenge").value = next.challenge ?? "";
        setText(part("pk-code-text"), next.code ?? "");
        if (next.code && fresh) say(next.code);
        if (fresh && next.step === "sign") {
          lookForExtension();
          showScript();
        }
        tick();
      }
      // Whoever was in the middle of a step that is gone begins with what the page says now.
      if (here && !document.activeElement?.checkVisibility()) part("title").focus();
    },
  };
}
