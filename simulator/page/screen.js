/* Owns what is on the screen: the QR code with its data-ref, the reload button, the main screen.
 * Decides nothing. */

import { options } from './options.js';
import { createElement, mount as mountComponent } from './react.js';

const app = document.getElementById('app');

/* Whatever a driver says of it. */
if (options.laidOut) app.style.setProperty('content-visibility', 'visible', 'important');

/* What is drawn now goes, and this comes. */
let takeAway = () => {};
function show(...nodes) {
  takeAway();
  takeAway = () => {};
  app.replaceChildren(...nodes);
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/* The app is there: the start-up screen goes. */
export function mount() {
  document.getElementById('wa_web_initial_startup')?.remove();
}

/* The same element is kept from code to code, as observers of data-ref expect. */
function qrContainer() {
  let container = document.getElementById('qr');
  if (!container) {
    container = element('div', { id: 'qr' });
    show(
      element('h1', {}, 'Link a device'),
      element('p', {}, 'A simulated page: scan this code with the simulated phone at /phone.'),
      container,
    );
  }
  return container;
}

export function showQr(text) {
  const container = qrContainer();
  const picture = element('img', {
    alt: 'QR code',
    src: `/sim/qr.svg?text=${encodeURIComponent(text)}`,
    width: 240,
    height: 240,
  });
  container.replaceChildren(picture);
  container.setAttribute('data-ref', text);
}

export function showIdleQr(reload) {
  const container = qrContainer();
  container.removeAttribute('data-ref');
  const button = element('button', { type: 'button' }, 'Click to reload QR code');
  button.addEventListener('click', reload);
  container.replaceChildren(button);
}

export function showPairingCode(code) {
  document.getElementById('code')?.remove();
  qrContainer().after(
    element('p', { id: 'code', 'data-link-code': code }, `Code: ${code.slice(0, 4)}-${code.slice(4)}`),
  );
}

/* A card with buttons `[test id, text, what a click does]`; production may strip the ids. */
function card(text, buttons) {
  const made = buttons.map(([id, label, click]) => {
    const attributes = { type: 'button', ...(options.testIds ? { 'data-testid': id } : {}) };
    const button = element('button', attributes, label);
    button.addEventListener('click', click);
    return button;
  });
  return [element('h1', {}, text), ...made];
}
export function showCard(text, buttons) {
  show(element('div', { id: 'card' }, ...card(text, buttons)));
}
/* Over everything else, whatever is drawn below. */
export function showModal(text, buttons) {
  closeModal();
  document.body.append(element('div', { id: 'modal', role: 'dialog', 'aria-modal': 'true' }, ...card(text, buttons)));
}
export function closeModal() {
  document.getElementById('modal')?.remove();
}

export function showProgress(text) {
  show(element('p', { role: 'status' }, text));
}

/* The component that the main screen's module gives. */
export function showMain(MainComponent) {
  show();
  takeAway = mountComponent(app, createElement(MainComponent));
}
