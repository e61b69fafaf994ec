"use strict";
// Asks where the code is, as Colmeia's contract has it: every few seconds while the page is open.
const { code: address, home } = document.currentScript.dataset;
const picture = document.getElementById("code");
const message = document.getElementById("message");

async function look() {
  try {
    const answer = await (await fetch(address)).json();
    if (answer.ready) return location.assign(home);
    message.textContent = answer.message || (answer.shown ? "Escaneie o QR Code." : "");
    picture.hidden = !answer.shown;
    if (answer.shown) picture.src = `${picture.dataset.src}?at=${Date.now()}`;
  } catch {
    message.textContent = "O serviço não respondeu. Tentando de novo…";
  }
  setTimeout(look, 2000);
}
look();
