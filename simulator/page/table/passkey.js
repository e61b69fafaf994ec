/* The modules of passkeys. The action comes only when a prompt shows. */

import {
  confirmShortcakeVerificationCode,
  isCheckpointPending,
  LinkDeviceEvents,
  startShortcakePasskeyPairing,
} from '../passkey.js';

export const passkeyModules = [
  { id: 'WAWebLinkDeviceEvents', exports: () => ({ WAWebLinkDeviceEvents: LinkDeviceEvents }) },
  {
    id: 'WAWebShortcakeLinkingAction',
    dependencies: ['WAWebLinkDeviceEvents'],
    exports: () => ({ startShortcakePasskeyPairing, confirmShortcakeVerificationCode }),
  },
  { id: 'WAWebIntegrityPasskeyCheckpointUtils', exports: () => ({ isCheckpointPending }) },
];
