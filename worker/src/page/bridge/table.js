/* Every member of the page that the bridge uses, and nothing else in the bridge names a module.
 *
 *   at        where it is: [module, member], then alternates; a member of null is the module itself.
 *             The first is the name under which a missing one is reported.
 *   is        a cheap check of its shape
 *   stand_in  the same from wa-js (W = window.WPP), only asked when the page has none that fits
 *   vital     without it the page's state cannot be told
 *   optional  nice to have: its absence is no degradation
 */

const isFunction = (value) => typeof value === 'function';
const isModel = (value) => value && isFunction(value.on);
const isCollection = (value) => isModel(value) && isFunction(value.getModelsArray) && isFunction(value.get);

const MEMBERS = {
  /* state */
  socket: {
    at: [['WAWebSocketModel', 'Socket']],
    is: (value) => isModel(value) && 'state' in value,
    stand_in: (W) => W.whatsapp.Socket,
    vital: true,
  },
  me: {
    at: [['WAWebUserPrefsMeUser', 'getMaybeMePnUser'], ['WAWebUserPrefsMeUser', 'getMaybeMeUser']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.UserPrefs.getMaybeMePnUser || W.whatsapp.UserPrefs.getMaybeMeUser,
    vital: true,
  },
  meLid: {
    at: [['WAWebUserPrefsMeUser', 'getMaybeMeLidUser']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.UserPrefs.getMaybeMeLidUser,
    optional: true,
  },
  isRegistered: { at: [['WAWebUserPrefsMultiDevice', 'isRegistered']], is: isFunction, optional: true },
  waitForMain: { at: [['WAWebEventsWaitForMain', 'waitForMain']], is: isFunction, optional: true },
  network: {
    at: [['WAWebNetworkStatus', 'default'], ['WAWebNetworkStatus', 'NetworkStatus']],
    is: (value) => value && 'online' in value,
    optional: true,
  },
  conn: { at: [['WAWebConnModel', 'Conn']], is: isModel, stand_in: (W) => W.whatsapp.Conn },
  stream: { at: [['WAWebStreamModel', 'Stream']], is: isModel, stand_in: (W) => W.whatsapp.Stream },
  cmd: { at: [['WAWebCmd', 'Cmd']], is: isModel, stand_in: (W) => W.whatsapp.Cmd },
  offline: {
    at: [['WAWebOfflineHandler', 'OfflineMessageHandler']],
    is: (value) => isFunction(value?.getOfflineDeliveryProgress),
    optional: true,
  },
  version: { at: [['WAWebBuildConstants', 'VERSION_BASE']], is: (value) => typeof value === 'string', optional: true },
  linkEvents: {
    at: [['WAWebLinkDeviceEvents', 'WAWebLinkDeviceEvents'], ['WAWebLinkDeviceEvents', 'default']],
    is: isModel,
    optional: true,
  },
  refreshQr: { at: [['WAWebLaunchSocketUtils', 'refreshQR']], is: isFunction, optional: true },

  /* pairing code */
  setPairingType: { at: [['WAWebAltDeviceLinkingApi', 'setPairingType']], is: isFunction, optional: true },
  prepareCode: {
    at: [['WAWebAltDeviceLinkingApi', 'initializeAltDeviceLinking']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.functions.initializeAltDeviceLinking,
  },
  requestCode: {
    at: [['WAWebAltDeviceLinkingApi', 'startAltLinkingFlow']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.functions.genLinkDeviceCodeForPhoneNumber,
  },

  /* collections */
  messages: {
    at: [['WAWebCollections', 'Msg'], ['WAWebMsgCollection', 'MsgCollection']],
    is: isCollection,
    stand_in: (W) => W.whatsapp.MsgStore,
    vital: true,
  },
  chats: {
    at: [['WAWebCollections', 'Chat'], ['WAWebChatCollection', 'ChatCollection']],
    is: isCollection,
    stand_in: (W) => W.whatsapp.ChatStore,
  },
  contacts: {
    at: [['WAWebCollections', 'Contact'], ['WAWebContactCollection', 'ContactCollection']],
    is: isCollection,
    stand_in: (W) => W.whatsapp.ContactStore,
  },
  groups: {
    at: [['WAWebCollections', 'WAWebGroupMetadataCollection'], ['WAWebCollections', 'GroupMetadata'], ['WAWebGroupMetadataCollection', 'default']],
    is: (value) => isFunction(value?.get),
    stand_in: (W) => W.whatsapp.GroupMetadataStore,
    optional: true,
  },

  /* who is who */
  lids: {
    at: [['WAWebApiContact', null]],
    is: (value) => isFunction(value?.getPhoneNumber) && isFunction(value?.getCurrentLid),
    stand_in: (W) => W.whatsapp.lidPnCache,
  },

  /* sending */
  createWid: {
    at: [['WAWebWidFactory', 'createWid']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.WidFactory.createWid,
  },
  MessageKey: {
    at: [['WAWebMsgKey', null], ['WAWebMsgKey', 'default']],
    is: (value) => isFunction(value) && isFunction(value.newId),
    stand_in: (W) => W.whatsapp.MsgKey,
  },
  findChat: {
    at: [['WAWebFindChatAction', 'findOrCreateLatestChat']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.functions.findOrCreateLatestChat,
  },
  ephemeral: {
    at: [['WAWebGetEphemeralFieldsMsgActionsUtils', 'getEphemeralFields']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.functions.getEphemeralFields,
  },
  send: {
    at: [['WAWebSendMsgChatAction', 'addAndSendMsgToChat']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.functions.addAndSendMsgToChat,
  },
  exists: {
    at: [['WAWebQueryExistsJob', 'queryWidExists']],
    is: isFunction,
    stand_in: (W) => (wid) => W.contact.queryExists(wid.toString()),
  },
  Opaque: {
    at: [['WAWebMediaOpaqueData', null], ['WAWebMediaOpaqueData', 'default']],
    is: (value) => isFunction(value?.createFromData),
    stand_in: (W) => W.whatsapp.OpaqueData,
  },
  prepareMedia: {
    at: [['WAWebPrepRawMedia', 'prepRawMedia']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.MediaPrep.prepRawMedia,
  },

  /* what happens beside the messages */
  reactionTable: {
    at: [['WAWebAddonReactionTableMode', 'reactionTableMode']],
    is: (value) => isFunction(value?.bulkUpsert),
    optional: true,
  },
  presenceStore: {
    at: [['WAWebPresenceCollection', 'PresenceCollection'], ['WAWebCollections', 'Presence']],
    is: isCollection,
    optional: true,
  },
  voteStore: {
    at: [['WAWebPollsPollVoteCollection', 'PollVoteCollection']],
    is: isCollection,
    optional: true,
  },
  groupReceipts: {
    at: [['WAWebHandleMsgReceipt', null]],
    is: (value) => isFunction(value?.handleGroupSimpleReceipt),
    optional: true,
  },
  labelStore: {
    at: [['WAWebCollections', 'Label'], ['WAWebLabelCollection', 'LabelCollection']],
    is: isCollection,
    optional: true,
  },
  historyDone: {
    at: [['WAWebUserPrefsHistorySync', 'getInitialHistorySyncComplete']],
    is: isFunction,
    optional: true,
  },
  callStore: {
    at: [['WAWebCallCollection', null], ['WAWebCallCollection', 'CallCollection'], ['WAWebCallCollection', 'default']],
    is: isModel,
    optional: true,
  },

  /* reading */
  loadEarlier: {
    at: [['WAWebChatLoadMessages', 'loadEarlierMsgs']],
    is: isFunction,
    stand_in: (W) => async ({ chat }) => {
      const before = chat.msgs.getModelsArray().length;
      await W.chat.getMessages(chat.id.toString(), { count: before + 50 });
      return chat.msgs.getModelsArray().slice(before);
    },
  },
  download: {
    at: [['WAWebDownloadManager', 'downloadManager']],
    is: (value) => isFunction(value?.downloadAndMaybeDecrypt),
    stand_in: (W) => ({
      downloadAndMaybeDecrypt: async (message) => (await W.chat.downloadMedia(message.id.toString())).arrayBuffer(),
    }),
  },
  markSeen: {
    at: [['WAWebUpdateUnreadChatAction', 'sendSeen']],
    is: isFunction,
    stand_in: (W) => ({ chat }) => W.chat.markIsRead(chat.id.toString()),
  },
  showTyping: {
    at: [['WAWebPresenceChatAction', 'markComposing']],
    is: isFunction,
    stand_in: (W) => (chat) => W.chat.markIsComposing(chat.id.toString()),
  },
  showRecording: {
    at: [['WAWebPresenceChatAction', 'markRecording']],
    is: isFunction,
    stand_in: (W) => (chat) => W.chat.markIsRecording(chat.id.toString()),
  },
  showPaused: {
    at: [['WAWebPresenceChatAction', 'markPaused']],
    is: isFunction,
    stand_in: (W) => (chat) => W.chat.markIsPaused(chat.id.toString()),
  },
};
