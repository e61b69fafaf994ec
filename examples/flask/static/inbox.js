"use strict";
// Shows what the webhook has brought meanwhile.
const { news, ready } = document.currentScript.dataset;
const list = document.getElementById("inbox");

function row({ sender, text }) {
  const item = document.createElement("li");
  const name = document.createElement("strong");
  name.textContent = sender;
  item.append(name, ` ${text}`);
  return item;
}

async function look() {
  try {
    const answer = await (await fetch(news)).json();
    if (String(answer.ready) !== ready) return location.reload();
    if (answer.messages.length > 0) list.replaceChildren(...answer.messages.map(row));
  } catch { /* the next look may succeed */ }
  setTimeout(look, 2000);
}
look();
