/* The modules of what people show of themselves, of blocking, and of who is there. */

import { isMigrated } from '../lids.js';
import * as people from '../people.js';
import { sendChatState } from '../outgoing.js';
import { did } from '../records.js';
import { PresenceModel, PresenceStore } from '../presence.js';

const PresenceBridge = {
  sendPresenceAvailable: () => did('presence', { state: 'available' }),
  sendPresenceUnavailable: () => did('presence', { state: 'unavailable' }),
  markComposing: sendChatState('composing'),
  markRecording: sendChatState('recording'),
  markPaused: sendChatState('paused'),
};

export const peopleModules = [
  {
    id: 'WAWebContactStatusBridge',
    exports: () => ({ getStatus: people.getStatus, setMyStatus: people.setMyStatus, queryStatusAll() {} }),
  },
  { id: 'WAWebSetPushnameConnAction', exports: () => ({ setPushname: people.setPushname }) },
  {
    id: 'WAWebContactProfilePicThumbBridge',
    exports: () => ({
      requestProfilePicFromServer: people.requestProfilePicFromServer,
      profilePicResync: people.requestProfilePicFromServer,
      sendSetPicture: people.sendSetPicture,
      requestDeletePicture: people.requestDeletePicture,
    }),
  },
  {
    id: 'WAWebProfilePicThumbModel',
    exports: () => ({ default: people.ProfilePicThumbModel, ProfilePicThumb: people.ProfilePicThumbModel }),
  },
  {
    id: 'WAWebProfilePicThumbCollection',
    dependencies: ['WAWebProfilePicThumbModel'],
    exports: () => ({
      ProfilePicThumbCollectionImpl: people.ProfilePicThumb.constructor,
      ProfilePicThumbCollection: people.ProfilePicThumb,
    }),
  },
  {
    id: 'WAWebBlocklistCollection',
    exports: () => ({
      BlocklistCollection: people.Blocklist,
      BlocklistCollectionImpl: people.Blocklist.constructor,
    }),
  },
  {
    id: 'WAWebBlockContactUtils',
    /* Nothing else: the helper that libraries look for is not in it. */
    exports: () => ({ handleBlock() {}, handleUnblock() {} }),
  },
  { id: 'WAWebBlocklistMigration', exports: () => ({ isBlocklistMigrated: isMigrated }) },
  {
    id: 'WAWebBlockContactAction',
    exports: () => ({ blockContact: people.blockContact, unblockContact: people.unblockContact }),
  },
  { id: 'WAWebSaveContactAction', exports: () => ({ saveContactAction: people.saveContactAction }) },
  { id: 'WAWebDeleteContactAction', exports: () => ({ deleteContactAction: people.deleteContactAction }) },
  { id: 'WAWebPresenceModel', exports: () => ({ default: PresenceModel, Presence: PresenceModel }) },
  {
    id: 'WAWebPresenceCollection',
    dependencies: ['WAWebPresenceModel'],
    exports: () => ({ PresenceCollection: PresenceStore }),
  },
  { id: 'WAWebPresenceChatAction', exports: () => PresenceBridge },
];

export const peopleStores = {
  Blocklist: people.Blocklist,
  ProfilePicThumb: people.ProfilePicThumb,
  Presence: PresenceStore,
};
