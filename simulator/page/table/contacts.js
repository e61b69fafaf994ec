/* The modules of ids, contacts, lids and whether a number exists. */

import { account } from '../account.js';
import { createUserWid, createWid, MsgKey, Wid } from '../ids.js';
import { queryExists } from '../outgoing.js';
import { ContactCollectionImpl, ContactModel, ContactStore } from '../stores.js';

/* Numbers and lids that the page knows to be the same person. */
const lids = {
  getPhoneNumber: (wid) => (account.lid()?.equals(wid) ? account.wid() : ContactStore.get(wid)?.phoneNumber),
  getCurrentLid: (wid) =>
    account.wid()?.equals(wid)
      ? account.lid()
      : ContactStore.findFirst(({ phoneNumber }) => phoneNumber?.equals(wid))?.id,
  getLidEntry: () => undefined,
};
const isLid = (wid) => createWid(wid)?.isLid();

const contactGetters = {
  getIsMe: (contact) => contact.isMe,
  getIsUser: (contact) => contact.isUser,
  getIsGroup: (contact) => contact.isGroup,
  getIsBroadcast: () => false,
  getIsNewsletter: () => false,
  getIsPSA: () => false,
  getIsIAS: () => false,
  getIsSupportAccount: () => false,
  getIsWAContact: (contact) => contact.isWAContact,
  getUserid: (contact) => contact.userid,
  getVerifiedName: (contact) => contact.verifiedName,
  getVerifiedLevel: () => undefined,
  getStatusMute: () => false,
  getName: (contact) => contact.name,
  getShortName: (contact) => contact.shortName,
  getPushname: (contact) => contact.pushname,
  getNotifyName: (contact) => contact.pushname,
  getPremiumMessageName: () => undefined,
  getIsEnterprise: () => false,
  getCanRequestPhoneNumber: () => false,
  getIsDisplayNameApproved: () => false,
  getShouldForceBusinessUpdate: () => false,
};

const frontendGetters = {
  getIsMyContact: (contact) => contact.isMyContact,
  getFormattedName: (contact) => contact.formattedName,
  getFormattedShortName: (contact) => contact.formattedShortName,
  getFormattedUser: (contact) => contact.userid,
  getFormattedPhone: (contact) => `+${contact.userid}`,
  getMentionName: (contact) => contact.formattedName,
  getDisplayName: (contact) => contact.formattedName,
  getDisplayNameOrPnForLid: (contact) => contact.formattedName,
  getSearchName: (contact) => contact.name,
  getPhoneNumber: (contact) => contact.phoneNumber || contact.id,
  getPnForLid: (contact) => contact.phoneNumber,
  getTextStatusString: () => '',
};

export const contactModules = [
  { id: 'WAWebWid', exports: () => ({ default: Wid }) },
  { id: 'WAWebMsgKey', dependencies: ['WAWebWid'], exports: () => ({ default: MsgKey }) },
  {
    id: 'WAWebWidFactory',
    dependencies: ['WAWebWid'],
    exports: () => ({
      createWid,
      createWidFromWidLike: createWid,
      createUserWidOrThrow: createUserWid,
      createDeviceWid: createWid,
      asUserWidOrThrow: createWid,
      asUserLidOrThrow: createWid,
      asChatWid: createWid,
      asGroupWidOrThrow: createWid,
      isWidlike: (value) => String(value).includes('@'),
    }),
  },
  {
    id: 'WAWebWidToJid',
    dependencies: ['WAWebWidFactory'],
    exports: () =>
      Object.fromEntries(
        ['widToUserJid', 'widToGroupJid', 'widToChatJid'].map((name) => [
          name,
          (wid) => createWid(wid).toJid(),
        ]),
      ),
  },
  { id: 'WAWebContactModel', exports: () => ({ default: ContactModel, Contact: ContactModel }) },
  {
    id: 'WAWebContactCollection',
    dependencies: ['WAWebContactModel'],
    exports: () => ({ ContactCollectionImpl, ContactCollection: ContactStore }),
  },
  { id: 'WAWebContactGetters', dependencies: ['WAWebContactModel'], exports: () => contactGetters },
  {
    id: 'WAWebFrontendContactGetters',
    dependencies: ['WAWebContactGetters'],
    exports: () => frontendGetters,
  },
  {
    id: 'WAWebApiContact',
    exports: () => ({
      getAlternateUserWid: (wid) => (isLid(wid) ? lids.getPhoneNumber(wid) : lids.getCurrentLid(wid)),
      getCurrentLid: (wid) => lids.getCurrentLid(wid),
      getPhoneNumber: (wid) => (isLid(wid) ? lids.getPhoneNumber(wid) : wid),
      getContactRecord: async () => undefined,
    }),
  },
  {
    id: 'WAWebLidMigrationUtils',
    exports: () => ({
      toPn: (wid) => (isLid(wid) ? lids.getPhoneNumber(wid) : wid),
      toLid: (wid) => lids.getCurrentLid(wid),
      toUserLid: (wid) => lids.getCurrentLid(wid),
      toUserLidOrThrow: (wid) => lids.getCurrentLid(wid) || wid,
    }),
  },
  { id: 'WAWebLidPnCache', exports: () => ({ lidPnCache: lids }) },
  {
    id: 'WAWebLid1X1MigrationUtils',
    exports: () => ({ Lid1X1MigrationUtils: { isLidMigrated: () => false } }),
  },
  {
    id: 'WAWebQueryExistsJob',
    dependencies: ['WAWebWidFactory'],
    exports: () => ({ queryWidExists: queryExists, queryPhoneExists: queryExists }),
  },
];
