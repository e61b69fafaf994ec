/* The second table: members of the page that single operations need, looked for when one first does. The columns
 * are those of the first. Where wa-js has the same under another call, it stands in.
 *
 *   late      whether it comes with the app or on request is not certain: its absence is no sign before it is needed
 *   bundle    where the module comes only on request: the module whose `requireBundle` asks for it, and the
 *             component that it belongs to
 */

const hasFunctions =
  (...names) =>
  (value) =>
    names.every((name) => isFunction(value?.[name]));

const INVITE_LINK = { request: 'WAWebGroupInviteLinkDrawerLoadable', component: 'WAWebGroupInviteLinkDrawer.react' };

const RARE = {
  /* channels, which the page calls newsletters */
  channels: {
    at: [
      ['WAWebNewsletterCollection', 'default'],
      ['WAWebNewsletterCollection', 'NewsletterCollection'],
      ['WAWebCollections', 'WAWebNewsletterCollection'],
    ],
    is: isCollection,
    stand_in: (W) => W.whatsapp.NewsletterStore,
  },
  sendToChannel: {
    at: [
      ['WAWebNewsletterSendMessageJob', 'sendNewsletterMessageJob'],
      ['WAWebNewsletterSendMessageJob', 'sendNewsletterMessage'],
    ],
    is: isFunction,
    optional: true,
  },
  channelRecords: {
    at: [['WAWebNewsletterUpdateMsgsRecordsJob', null]],
    is: hasFunctions('addNewsletterMsgsRecords', 'updateNewsletterMsgRecord'),
    optional: true,
  },
  messageData: { at: [['WAWebMsgDataFromModel', 'msgDataFromMsgModel']], is: isFunction, optional: true },
  newsletterPreview: {
    at: [['WAWebLoadNewsletterPreviewChatAction', 'loadNewsletterPreviewChat']],
    is: isFunction,
    late: true,
    stand_in: (W) => W.whatsapp.functions.loadNewsletterPreviewChat,
  },
  newsletterByInvite: {
    at: [['WAWebNewsletterMetadataQueryJob', 'queryNewsletterMetadataByInviteCode']],
    is: isFunction,
    late: true,
    stand_in: (W) => W.whatsapp.functions.queryNewsletterMetadataByInviteCode,
  },
  newsletterDirectory: {
    at: [['WAWebNewsletterDirectorySearchAction', 'fetchNewsletterDirectories']],
    is: isFunction,
    late: true,
    stand_in: (W) => W.whatsapp.functions.fetchNewsletterDirectories,
  },
  createChannel: {
    at: [['WAWebNewsletterCreateQueryJob', 'createNewsletterQuery']],
    is: isFunction,
    late: true,
    stand_in: (W) => W.whatsapp.functions.createNewsletterQuery,
  },
  deleteChannel: {
    at: [['WAWebNewsletterDeleteAction', 'deleteNewsletterAction']],
    is: isFunction,
    late: true,
    stand_in: (W) => (chat) => W.whatsapp.functions.deleteNewsletter(idOf(chat.id)),
  },
  followChannel: {
    at: [['WAWebNewsletterSubscribeAction', 'subscribeToNewsletterAction']],
    is: isFunction,
    late: true,
    stand_in: (W) => (chat) => W.newsletter.follow(idOf(chat.id)),
  },
  unfollowChannel: {
    at: [['WAWebNewsletterUnsubscribeAction', 'unsubscribeFromNewsletterAction']],
    is: isFunction,
    late: true,
    stand_in: (W) => (chat) => W.newsletter.unfollow(idOf(chat.id)),
  },

  /* labels, which business accounts have */
  labels: {
    at: [
      ['WAWebCollections', 'Label'],
      ['WAWebLabelCollection', 'LabelCollection'],
    ],
    is: (value) => isCollection(value) && isFunction(value.addOrRemoveLabels),
    stand_in: (W) => W.whatsapp.LabelStore,
  },
  labelActions: {
    at: [['WAWebBizLabelEditingAction', null]],
    is: hasFunctions('labelAddAction', 'labelEditAction', 'labelDeleteAction'),
    late: true,
    stand_in: (W) => W.whatsapp.functions,
  },

  /* statuses */
  statuses: {
    at: [
      ['WAWebCollections', 'Status'],
      ['WAWebStatusCollection', 'StatusCollection'],
    ],
    is: hasFunctions('get'),
    stand_in: (W) => W.whatsapp.StatusV3Store,
  },
  revokeStatus: {
    at: [
      ['WAWebRevokeStatusAction', 'sendStatusRevokeMsgAction'],
      ['WAWebRevokeStatusAction', 'default'],
    ],
    is: isFunction,
    late: true,
    stand_in: (W) => W.whatsapp.functions.revokeStatus,
  },

  /* what the account is restricted in */
  fetchTimelock: {
    at: [['WAWebMexFetchReachoutTimelockJob', 'mexFetchReachoutTimelock']],
    is: isFunction,
    late: true,
  },
  fetchCapping: {
    at: [['WAWebMexFetchNewChatMessageCappingInfoJob', 'mexFetchNewChatMessageCapping']],
    is: isFunction,
    late: true,
  },
  /* Pages without it let their screen send to anybody. */
  lockRules: {
    at: [['WAWebReachoutTimelockUtils', null]],
    is: hasFunctions('isUserReachoutTimelocked', 'canSendMsgWhileTimelocked'),
    optional: true,
  },

  /* messages */
  canReply: {
    at: [['WAWebMsgReply', 'canReplyMsg']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.functions.canReplyMsg,
  },
  findLink: { at: [['WALinkify', 'findLink']], is: isFunction, stand_in: (W) => W.whatsapp.functions.findFirstWebLink },
  linkPreview: {
    at: [['WAWebLinkPreviewChatAction', 'getLinkPreview']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.functions.fetchLinkPreview,
  },
  react: {
    at: [['WAWebSendReactionMsgAction', 'sendReactionToMsg']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.functions.sendReactionToMsg,
  },
  reactions: {
    at: [
      ['WAWebCollections', 'Reactions'],
      ['WAWebReactionsCollection', 'ReactionsCollection'],
    ],
    is: hasFunctions('find'),
    stand_in: (W) => W.whatsapp.ReactionsStore,
  },
  edit: {
    at: [['WAWebSendMessageEditAction', 'sendMessageEdit']],
    is: isFunction,
    stand_in: (W) => async (message, text) => void (await W.chat.editMessage(message.id.toString(), text)),
  },
  may: {
    at: [['WAWebMsgActionCapability', null]],
    is: hasFunctions('canSenderRevokeMsg', 'canAdminRevokeMsg', 'canStarMsg', 'canEditText', 'canEditCaption'),
    stand_in: (W) => W.whatsapp.functions,
  },
  /* The page's commands of the same names only tell its screen that somebody wants it. */
  messageActions: {
    at: [['WAWebChatSendMessages', null]],
    is: hasFunctions('sendRevokeMsgs', 'sendDeleteMsgs', 'sendStarMsgs'),
  },
  forward: {
    at: [['WAWebChatForwardMessage', 'forwardMessages']],
    bundle: { request: 'WAWebForwardMessageModalLoadable', component: 'WAWebForwardMessageModal.react' },
    is: isFunction,
    stand_in:
      (W) =>
      ({ chat, msgs: [message] }) =>
        W.chat.forwardMessages(chat.id.toString(), [message.id.toString()]),
  },
  pinMessage: {
    at: [['WAWebSendPinMessageAction', 'sendPinInChatMsg']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.functions.sendPinInChatMsg,
  },
  /* The page's names for how long a pin lasts. */
  pinTimes: {
    at: [['WAWebPinMsgConstants', 'PinExpiryDurationOption']],
    is: (value) => value && 'SevenDays' in value,
    stand_in: (W) => W.whatsapp.enums.PinExpiryDurationOption,
  },
  vote: {
    at: [['WAWebPollsSendVoteMsgAction', 'sendVote']],
    is: isFunction,
  },

  /* chats */
  archive: {
    at: [['WAWebSetArchiveChatAction', 'setArchive']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.functions.setArchive,
  },
  pinChat: {
    at: [['WAWebSetPinChatAction', 'setPin']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.functions.setPin,
  },
  markUnread: {
    at: [['WAWebUpdateUnreadChatAction', 'markUnread']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.functions.markUnread,
  },
  /* First the server is asked, then the screen follows. */
  clear: {
    at: [['WAWebClearChatUtils', null]],
    is: hasFunctions('initClearChat', 'finalizeClearChat'),
  },
  deleteChat: {
    at: [['WAWebDeleteChatAction', 'sendDelete']],
    is: isFunction,
    stand_in: (W) => (chat) => W.chat.delete(chat.id.toString()),
  },

  /* contacts */
  pictures: {
    at: [
      ['WAWebCollections', 'ProfilePicThumb'],
      ['WAWebProfilePicThumbCollection', 'ProfilePicThumbCollection'],
    ],
    is: hasFunctions('find', 'get'),
    stand_in: (W) => W.whatsapp.ProfilePicThumbStore,
  },
  pictureActions: {
    at: [['WAWebContactProfilePicThumbBridge', null]],
    is: hasFunctions('requestProfilePicFromServer', 'sendSetPicture', 'requestDeletePicture'),
    stand_in: (W) => ({
      requestProfilePicFromServer: ({ wid }) => W.whatsapp.ProfilePicThumbStore.find(wid),
      sendSetPicture: W.whatsapp.functions.sendSetPicture,
      requestDeletePicture: W.whatsapp.functions.requestDeletePicture,
    }),
  },
  statusText: {
    at: [['WAWebContactStatusBridge', null]],
    is: hasFunctions('getStatus', 'setMyStatus'),
    stand_in: (W) => ({
      getStatus: async ({ wid }) => ({ status: await W.contact.getStatus(wid.toString()) }),
      setMyStatus: (text) => W.profile.setMyStatus(text),
    }),
  },
  blocking: {
    at: [['WAWebBlockContactAction', null]],
    is: hasFunctions('blockContact', 'unblockContact'),
    stand_in: (W) => ({
      blockContact: ({ contact }) => W.blocklist.blockContact(contact.id.toString()),
      unblockContact: (contact) => W.blocklist.unblockContact(contact.id.toString()),
    }),
  },
  blocksByLid: {
    /* Pages without it block by number. */
    at: [['WAWebBlocklistMigration', 'isBlocklistMigrated']],
    is: isFunction,
    optional: true,
  },
  saveContact: {
    at: [['WAWebSaveContactAction', 'saveContactAction']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.functions.saveContactAction,
  },
  deleteContact: {
    at: [['WAWebDeleteContactAction', 'deleteContactAction']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.functions.deleteContactActionV2,
  },

  /* groups */
  createGroup: {
    at: [['WAWebGroupCreateJob', 'createGroup']],
    bundle: { request: 'WAWebNewGroupFlowLoadable', component: 'WAWebNewGroupFlow.react' },
    is: isFunction,
    stand_in: (W) => W.whatsapp.functions.createGroup,
  },
  groupQuery: {
    at: [['WAWebGroupQueryJob', null]],
    is: hasFunctions('queryGroupInvite', 'queryAndUpdateGroupMetadataById'),
    stand_in: (W) => W.whatsapp.functions,
  },
  inviteCode: {
    at: [['WAWebMexFetchGroupInviteCodeJob', 'fetchMexGroupInviteCode']],
    bundle: INVITE_LINK,
    is: isFunction,
    stand_in: (W) => (id) => W.group.getInviteCode(id),
  },
  invitations: {
    at: [['WAWebGroupInviteJob', null]],
    bundle: INVITE_LINK,
    is: hasFunctions('joinGroupViaInvite', 'resetGroupInviteCode'),
    stand_in: (W) => W.whatsapp.functions,
  },
  exitGroup: {
    at: [['WAWebExitGroupAction', 'sendExitGroup']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.functions.sendExitGroup,
  },
  groupInfo: {
    at: [['WAWebGroupModifyInfoJob', null]],
    is: hasFunctions('setGroupSubject', 'setGroupDescription'),
    stand_in: (W) => W.whatsapp.functions,
  },
  groupProperty: {
    at: [['WAWebSetPropertyGroupAction', 'setGroupProperty']],
    is: isFunction,
    stand_in: (W) =>
      W.whatsapp.functions.sendSetGroupProperty &&
      ((chat, name, value) => W.whatsapp.functions.sendSetGroupProperty(chat.id, name, value)),
  },
  /* These say what became of each member; the actions of the page's screen do not. */
  members: {
    at: [['WAWebGroupModifyParticipantsJob', null]],
    is: hasFunctions(
      'addGroupParticipants',
      'removeGroupParticipants',
      'promoteGroupParticipants',
      'demoteGroupParticipants',
    ),
  },
  askForJoinRequests: {
    at: [['WAWebGroupGetMembershipApprovalRequestsJob', 'queryAndUpdateGroupMembershipApprovalRequests']],
    is: isFunction,
  },
  joinRequests: {
    at: [['WAWebApiMembershipApprovalRequestStore', 'getMembershipApprovalRequests']],
    is: isFunction,
    stand_in: (W) => W.whatsapp.functions.getMembershipApprovalRequests,
  },
  answerJoinRequests: {
    at: [['WASmaxGroupsMembershipRequestsActionRPC', 'sendMembershipRequestsActionRPC']],
    is: isFunction,
  },
  toJid: {
    at: [['WAWebWidToJid', null]],
    is: hasFunctions('widToUserJid', 'widToGroupJid'),
  },

  /* profile and presence */
  setName: {
    at: [['WAWebSetPushnameConnAction', 'setPushname']],
    bundle: { request: 'WAWebProfileDrawerLoadableRequireBundle', component: 'WAWebProfileDrawer.react' },
    is: isFunction,
    stand_in: (W) => (name) => W.profile.setMyProfileName(name),
  },
  available: {
    at: [['WAWebPresenceChatAction', null]],
    is: hasFunctions('sendPresenceAvailable', 'sendPresenceUnavailable'),
    stand_in: (W) => ({
      sendPresenceAvailable: () => W.conn.markAvailable(true),
      sendPresenceUnavailable: () => W.conn.markAvailable(false),
    }),
  },
  presences: {
    at: [
      ['WAWebCollections', 'Presence'],
      ['WAWebPresenceCollection', 'PresenceCollection'],
    ],
    is: hasFunctions('find', 'get', 'getModelsArray'),
    stand_in: (W) => W.whatsapp.PresenceStore,
  },
};
