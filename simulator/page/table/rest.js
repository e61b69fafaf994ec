/* Modules that libraries insist on finding, though the simulator does nothing behind them yet. */

import { Collection } from '../models.js';
import { SOCKET_STATE } from '../connection.js';
import { hex, randomBytes, unixTime } from '../bytes.js';
import * as react from '../react.js';
import { ActionError, ServerStatusCodeError } from '../records.js';

const COLLECTIONS = [
  'BotProfile',
  'BusinessProfile',
  'Cart',
  'Catalog',
  'EmojiVariant',
  'Mute',
  'Order',
  'QuickReply',
  'RecentEmoji',
  'Sticker',
  'StickerSearch',
];

/* One empty collection each, under the names that libraries look for. */
export const otherStores = {};
const collectionModules = COLLECTIONS.map((name) => {
  const type = { [name]: class extends Collection {} }[name];
  otherStores[name] = new type();
  const exports = () => ({ [`${name}Collection`]: otherStores[name], [`${name}CollectionImpl`]: type });
  return { id: `WAWeb${name}Collection`, exports };
});

export const restModules = [
  ...collectionModules,
  { id: 'react', exports: () => react },
  { id: 'WAWebMiscErrors', exports: () => ({ ActionError }) },
  { id: 'WAWebBackendErrors', exports: () => ({ ServerStatusCodeError }) },
  { id: 'WARandomHex', exports: () => ({ randomHex: (length) => hex(randomBytes(length)) }) },
  { id: 'WATimeUtils', exports: () => ({ unixTime, unixTimeMs: () => Date.now() }) },
  { id: 'WAWebSyncGatingUtils', exports: () => ({ isPlaceholderMessageResendEnabled: () => false }) },
  {
    id: 'WAWebNonMessageDataRequestPlaceholderMessageResendUtils',
    exports: () => ({ handlePlaceholderMsgsSeen() {} }),
  },
  { id: 'WAWebE2EProtoUtils', exports: () => ({ typeAttributeFromProtobuf: () => 'text' }) },
  { id: 'WAWebABProps', exports: () => ({ getABPropConfigValue: () => undefined }) },
  {
    id: 'WAWebAck',
    exports: () => ({
      ACK: {
        INACTIVE: -6,
        CONTENT_UNUPLOADABLE: -5,
        CONTENT_TOO_BIG: -4,
        CONTENT_GONE: -3,
        EXPIRED: -2,
        FAILED: -1,
        CLOCK: 0,
        SENT: 1,
        RECEIVED: 2,
        READ: 3,
        PLAYED: 4,
        PEER: 5,
      },
      ACK_STRING: { SENDER: 'sender', DELIVERY: 'delivery', READ: 'read', PLAYED: 'played' },
      EDIT_ATTR: { NONE: -1, MESSAGE_EDIT: 1, SENDER_REVOKE: 7, ADMIN_REVOKE: 8 },
    }),
  },
  {
    id: 'WAWebSendMsgResultAction',
    exports: () => ({
      SendMsgResult: Object.fromEntries(
        ['OK', 'ERROR_NETWORK', 'ERROR_EXPIRED', 'ERROR_CANCELLED', 'ERROR_UPLOAD', 'ERROR_UNKNOWN'].map(
          (name) => [name, name],
        ),
      ),
    }),
  },
  {
    id: 'WAWebMsgType',
    exports: () => ({
      MSG_TYPE: {
        CHAT: 'chat',
        IMAGE: 'image',
        VIDEO: 'video',
        AUDIO: 'audio',
        PTT: 'ptt',
        DOCUMENT: 'document',
        STICKER: 'sticker',
        REVOKED: 'revoked',
        PROTOCOL: 'protocol',
        CIPHERTEXT: 'ciphertext',
        CALL_LOG: 'call_log',
        LOCATION: 'location',
        VCARD: 'vcard',
        POLL_CREATION: 'poll_creation',
        REACTION: 'reaction',
        GP2: 'gp2',
      },
      SYSTEM_MESSAGE_TYPES: ['gp2', 'e2e_notification', 'notification', 'notification_template'],
    }),
  },
  { id: 'WAWebWatchedSocketState', exports: () => ({ states: Object.keys(SOCKET_STATE) }) },
];
