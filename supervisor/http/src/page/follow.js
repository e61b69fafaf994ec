// Follows a page's changes while somebody can see it. A browser has six connections to one host, and a stream takes one of
// them: a page that is hidden gives it back after a moment, and begins anew when it is shown. The first thing that a stream
// tells is what is true now.
"use strict";

const HIDDEN_MS = 2000;
const AGAIN_MS = 5000;

// `show` gets what each event carries; `offline` is what is seen while there is no connection. What it returns follows another
// address from then on, or none.
function follow(address, offline, show) {
  let events = null;
  let leaving;

  function open() {
    if (events) return;
    const stream = new EventSource(address);
    events = stream;
    stream.onmessage = (event) => {
      offline.hidden = true;
      show(event.data);
    };
    stream.onopen = () => { offline.hidden = true; };
    stream.onerror = () => {
      offline.hidden = false;
      // A refused connection ends an EventSource for good; only a broken one is repeated by the browser.
      if (stream.readyState === EventSource.CLOSED) setTimeout(() => { if (events === stream) location.reload(); }, AGAIN_MS);
    };
  }
  function close() {
    events?.close();
    events = null;
  }
  function look() {
    clearTimeout(leaving);
    if (document.hidden) leaving = setTimeout(close, HIDDEN_MS);
    else if (address) open();
  }

  document.addEventListener("visibilitychange", look);
  // A page that one leaves, and comes back to as it was.
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", look);
  look();
  return (other) => {
    address = other;
    close();
    look();
  };
}
