/* Owns the main screen: what the module that comes after the login gives (`start`), the component that draws the chats,
 * and the real page's weight of it. Nothing but the screen itself needs it: messages come and go without. */

import { options } from './options.js';
import { createElement, useEffect, useSyncExternalStore } from './react.js';
import { exportsOf, prefetch } from './registry.js';
import { ChatStore } from './stores.js';
import { Panels, runScreenModules } from './weight.js';

/* Many changes at once, as in a burst, are drawn once. */
const REDRAW_MS = 200;
/* As far as one would scroll. */
const ROWS = 50;

/* Whether a main screen is there, which hears the page's commands. */
export const mainScreen = { isThere: false };

/* Changes of the chats, counted. */
const changes = {
  count: 0,
  subscribe(changed) {
    let waiting;
    const soon = () => {
      waiting ||= setTimeout(() => {
        waiting = undefined;
        changes.count += 1;
        changed();
      }, REDRAW_MS);
    };
    const events = 'add change:t change:unreadCount change:name';
    ChatStore.on(events, soon);
    return () => {
      clearTimeout(waiting);
      ChatStore.off(events, soon);
    };
  },
};

function Chat({ chat }) {
  const last = chat.msgs.last();
  const unread = chat.unreadCount ? ` (${Math.abs(chat.unreadCount)})` : '';
  const preview = last?.caption || (last?.directPath ? `[${last.type}]` : last?.body) || '';
  return createElement(
    'div',
    { role: 'row' },
    chat.formattedTitle + unread,
    createElement('br'),
    createElement('small', null, preview),
  );
}

function MainComponent() {
  useSyncExternalStore(changes.subscribe, () => changes.count);
  useEffect(() => {
    mainScreen.isThere = true;
    return () => (mainScreen.isThere = false);
  });
  const rows = ChatStore.getModelsArray()
    .slice(0, ROWS)
    .map((chat) => createElement(Chat, { chat }));
  return createElement(
    'div',
    { id: 'main-screen' },
    createElement('h1', null, 'Chats'),
    createElement('div', { id: 'pane-side', role: 'grid', 'aria-label': 'Chats' }, ...rows),
    options.realWeight && createElement(Panels),
  );
}

/* The default export of WAWebMainWrapper: called once, with the phone's platform, and what it gives is mounted. */
export function start() {
  prefetch();
  exportsOf('WAWebBackendWorkerClient').startBackendWorker();
  if (options.realWeight && options.mainUi) runScreenModules();
  return {
    MainComponent,
    hasPendingActions: () => false,
    notificationBackend: { shutdownAsNeeded() {} },
    execApiCmd: () => false,
  };
}

/* As the app does it once messages that waited have come. */
export const offlineDelivered = () => exportsOf('WAWebMediaWorkerProxy').prewarmMediaWasmWorker();
