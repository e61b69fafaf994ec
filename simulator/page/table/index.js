/* Owns the list of all modules and which wave each comes in: `start` is what starts the page, `app` the app itself,
 * and a bundle comes when one of its components is asked for. To extend the simulator, add entries to a file here. */

import { Bootloader, deferred, reference, requestOf } from '../registry.js';
import { connectionModules } from './connection.js';
import { contactModules } from './contacts.js';
import { groupModules } from './groups.js';
import { limitModules } from './limits.js';
import { mediaModules } from './media.js';
import { messageModules } from './messages.js';
import { passkeyModules } from './passkey.js';
import { peopleModules } from './people.js';
import { restModules } from './rest.js';
import { wideModules } from './wide.js';

/* By component, as the page's own screens ask for them, with the ready-made request of each. */
const BUNDLES = [
  {
    components: ['WAWebForwardMessageModal.react', 'WAWebForwardMessageFlow.react'],
    request: 'WAWebForwardMessageModalLoadable',
    ids: ['WAWebChatForwardMessage'],
  },
  {
    components: ['WAWebProfileDrawer.react'],
    request: 'WAWebProfileDrawerLoadableRequireBundle',
    ids: ['WAWebSetPushnameConnAction'],
  },
  {
    components: ['WAWebNewGroupFlow.react'],
    request: 'WAWebNewGroupFlowLoadable',
    ids: ['WAWebGroupCreateJob'],
  },
  {
    components: ['WAWebGroupInviteLinkDrawer.react'],
    request: 'WAWebGroupInviteLinkDrawerLoadable',
    ids: ['WAWebGroupInviteJob', 'WAWebMexFetchGroupInviteCodeJob'],
  },
  {
    components: ['WAWebShortcakeLinking.react'],
    request: 'WAWebShortcakeLinkingLoadable',
    ids: ['WAWebShortcakeLinkingAction'],
  },
];
const START = new Set(['WAWebBuildConstants', 'WABase64', 'WATimeUtils', 'WAWebSocketConstants']);

const all = [
  ...connectionModules,
  ...contactModules,
  ...groupModules,
  ...limitModules,
  ...passkeyModules,
  ...peopleModules,
  ...messageModules,
  ...mediaModules,
  ...restModules,
  ...wideModules,
];
const lazy = new Set(BUNDLES.flatMap(({ ids }) => ids));

export const bundles = BUNDLES.map(({ components, ids }) => ({
  components,
  modules: [
    ...all.filter(({ id }) => ids.includes(id)),
    ...components.map((id) => ({ id, dependencies: ids, exports: () => ({ default: () => null }) })),
  ],
}));
export const start = all.filter(({ id }) => START.has(id));
export const app = [
  ...all.filter(({ id }) => !START.has(id) && !lazy.has(id)),
  ...BUNDLES.map(({ components: [first], request }) => ({ id: request, exports: () => requestOf(first) })),
  { id: 'Bootloader', exports: () => Bootloader },
  { id: 'requireDeferred', exports: () => ({ default: deferred }) },
  { id: 'JSResource', exports: () => ({ default: reference }) },
  { id: 'JSResourceForInteraction', exports: () => ({ default: reference }) },
  { id: 'WAWebPrefetchLoadables', exports: () => ({ prefetchLoadables() {} }) },
];
