/* The modules of ids, contacts, lids and whether a number exists. */

import { createUserWid, createWid, MsgKey, Wid } from '../ids.js';
import * as lids from '../lids.js';
import { meIn } from '../groups.js';
import { queryExists } from '../outgoing.js';
import { ContactCollectionImpl, contactFacts, ContactModel, ContactStore } from '../contacts.js';

/* Numbers and lids that the page knows to be the same person. */
const cache = { getPhoneNumber: lids.getPhoneNumber, getCurrentLid: lids.getCurrentLid, getLidEntry() {} };
const toPn = (wid) => (createWid(wid).isLid() ? lids.getPhoneNumber(wid) : wid);
const toLid = (wid) => (createWid(wid).isLid() ? wid : lids.getCurrentLid(wid));

/* An attribute, whatever stands in the way of its property. */
const attribute = (name) => (contact) => contact.attributes[name];
const nobody = () => false;
const nothing = () => undefined;

const contactGetters = {
  getIsMe: contactFacts.isMe,
  getIsUser: contactFacts.isUser,
  getIsGroup: contactFacts.isGroup,
  getIsBroadcast: nobody,
  getIsNewsletter: nobody,
  getIsPSA: nobody,
  getIsIAS: nobody,
  getIsSupportAccount: nobody,
  getIsWAContact: () => true,
  getUserid: contactFacts.userid,
  getVerifiedName: attribute('verifiedName'),
  getVerifiedLevel: nothing,
  getStatusMute: nobody,
  getName: attribute('name'),
  getShortName: attribute('shortName'),
  getPushname: attribute('pushname'),
  getNotifyName: attribute('pushname'),
  getPremiumMessageName: nothing,
  getIsEnterprise: nobody,
  getCanRequestPhoneNumber: nobody,
  getIsDisplayNameApproved: nobody,
  getShouldForceBusinessUpdate: nobody,
};

const frontendGetters = {
  getIsMyContact: contactFacts.isMyContact,
  getFormattedName: contactFacts.formattedName,
  getFormattedShortName: contactFacts.formattedShortName,
  getFormattedUser: contactFacts.userid,
  getFormattedPhone: (contact) => `+${contactFacts.userid(contact)}`,
  getMentionName: contactFacts.formattedName,
  getDisplayName: contactFacts.formattedName,
  getDisplayNameOrPnForLid: contactFacts.formattedName,
  getSearchName: attribute('name'),
  getPhoneNumber: ({ attributes: { phoneNumber, id } }) => phoneNumber || id,
  getPnForLid: attribute('phoneNumber'),
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
  {
    id: 'WAWebJidToWid',
    exports: () => ({ newsletterJidToWid: createWid, userJidToUserWid: createWid }),
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
      getAlternateUserWid: lids.otherName,
      getCurrentLid: lids.getCurrentLid,
      getPhoneNumber: lids.getPhoneNumber,
      getContactRecord: async () => undefined,
    }),
  },
  {
    id: 'WAWebLidMigrationUtils',
    exports: () => ({
      toPn,
      toLid,
      toUserLid: toLid,
      toUserLidOrThrow(wid) {
        const lid = toLid(wid);
        if (!lid) throw new Error('No LID for user');
        return lid;
      },
      getMeUserLidOrJidForChat: meIn,
    }),
  },
  {
    id: 'WAWebFrontendVcardUtils',
    exports: () => ({
      vcardFromContactModel(contact) {
        const name = contactFacts.formattedName(contact);
        const { user } = contact.attributes.id;
        const lines = ['BEGIN:VCARD', 'VERSION:3.0', `FN:${name}`, `TEL;waid=${user}:+${user}`, 'END:VCARD'];
        return { displayName: name, vcard: lines.join('\n') };
      },
    }),
  },
  { id: 'WAWebLidPnCache', exports: () => ({ lidPnCache: cache }) },
  {
    id: 'WAWebLid1X1MigrationGating',
    exports: () => ({ Lid1X1MigrationUtils: { isLidMigrated: lids.isMigrated } }),
  },
  {
    id: 'WAWebQueryExistsJob',
    dependencies: ['WAWebWidFactory'],
    exports: () => ({ queryWidExists: queryExists, queryPhoneExists: queryExists }),
  },
];
