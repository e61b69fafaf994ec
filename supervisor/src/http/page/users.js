// Follows the list of users. The server sends whole rows, already escaped.
"use strict";

const rows = document.getElementById("rows");
const offline = document.getElementById("offline");
const events = new EventSource("/users/events");
events.onmessage = (event) => {
  const focused = document.activeElement?.getAttribute("href");
  rows.innerHTML = event.data;
  if (focused) rows.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  offline.hidden = true;
};
events.onopen = () => { offline.hidden = true; };
events.onerror = () => {
  offline.hidden = false;
  if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
};
