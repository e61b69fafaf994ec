/* The modules of messages and chats: collections, sending, editing, history, reading, typing. */

import { callNotifications, CallModel, CALL_STATES, CallStore, sendStanza, wap } from '../calls.js';
import { GroupMetadata } from '../groups.js';
import { findByDirection, loadEarlierMsgs } from '../history.js';
import { MsgInfo } from '../receipts.js';
import { historySync, reactionActions, reactionTableMode, receiptHandlers } from '../incoming.js';
import * as chatlist from '../chatlist.js';
import * as marks from '../marks.js';
import * as outgoing from '../outgoing.js';
import {
  ChatCollectionImpl,
  ChatModel,
  ChatStore,
  ContactStore,
  MsgCollectionImpl,
  MsgModel,
  MsgStore,
} from '../stores.js';
import { hex, randomBytes } from '../bytes.js';
import '../listener.js';
import { peopleStores } from './people.js';
import { otherStores } from './rest.js';
import { wideStores } from './wide.js';

const LINK = /https?:\/\/[^\s]+/g;
const linksIn = (text) => (String(text || '').match(LINK) || []).map((href) => ({ href }));

const mine = (message) => message.id.fromMe && message.type !== 'revoked';

export const messageModules = [
  {
    id: 'WAWebCollections',
    dependencies: [
      'WAWebMsgCollection',
      'WAWebChatCollection',
      'WAWebContactCollection',
      'WAWebGroupMetadataCollection',
    ],
    exports: () => ({
      Msg: MsgStore,
      Chat: ChatStore,
      Contact: ContactStore,
      GroupMetadata,
      WAWebGroupMetadataCollection: GroupMetadata,
      WAWebCallCollection: CallStore,
      Reactions: marks.Reactions,
      PinInChat: marks.PinInChat,
      ...peopleStores,
      ...wideStores,
      ...otherStores,
      MsgInfo,
    }),
  },
  {
    id: 'WAWebMsgModel',
    dependencies: ['WAWebMsgKey'],
    exports: () => ({ default: MsgModel, Msg: MsgModel }),
  },
  {
    id: 'WAWebMsgCollection',
    dependencies: ['WAWebMsgModel'],
    exports: () => ({ MsgCollectionImpl, MsgCollection: MsgStore }),
  },
  {
    id: 'WAWebChatModel',
    dependencies: ['WAWebWid'],
    exports: () => ({ default: ChatModel, Chat: ChatModel }),
  },
  {
    id: 'WAWebChatCollection',
    dependencies: ['WAWebChatModel'],
    exports: () => ({ ChatCollectionImpl, ChatCollection: ChatStore }),
  },
  { id: 'WAWebCallCollection', exports: () => ({ default: CallStore }) },
  { id: 'WAWebCallNotificationBus', exports: () => ({ default: callNotifications }) },
  { id: 'WAWebCallModel', exports: () => ({ default: CallModel }) },
  { id: 'WAWebVoipWaCallEnums', exports: () => ({ CallState: CALL_STATES }) },
  { id: 'WAWap', exports: () => ({ wap, generateId: () => hex(randomBytes(8)) }) },
  {
    id: 'WADeprecatedSendIq',
    exports: () => ({ deprecatedCastStanza: sendStanza, deprecatedSendIq: sendStanza }),
  },
  {
    id: 'WASmaxSend',
    exports: () => ({ sendSmaxStanza: sendStanza, smax: wap, generateId: () => hex(randomBytes(8)) }),
  },
  { id: 'WAWebEnsureE2ESessions', exports: () => ({ ensureE2ESessions: async () => {} }) },
  {
    id: 'WAWebSendMsgChatAction',
    dependencies: ['WAWebCollections', 'WAWebMsgKey'],
    exports: () => ({ addAndSendMsgToChat: outgoing.addAndSendMsgToChat, resendMsgToChat() {} }),
  },
  {
    id: 'WAWebFindChatAction',
    dependencies: ['WAWebCollections'],
    exports: () => ({
      findExistingChat: async (wid) => ({ chat: ChatStore.get(wid) }),
      findOrCreateLatestChat: outgoing.findOrCreateLatestChat,
    }),
  },
  {
    id: 'WAWebSendMessageEditAction',
    dependencies: ['WAWebCollections'],
    exports: () => ({
      sendMessageEdit: outgoing.sendMessageEdit,
      addAndSendMessageEdit: outgoing.addAndSendMessageEdit,
    }),
  },
  {
    id: 'WAWebSendReactionMsgAction',
    dependencies: ['WAWebCollections'],
    exports: () => ({ sendReactionToMsg: outgoing.sendReactionToMsg }),
  },
  {
    id: 'WAWebChatForwardMessage',
    dependencies: ['WAWebSendMsgChatAction', 'cr:9031'],
    exports: () => ({ forwardMessages: outgoing.forwardMessages }),
  },
  {
    id: 'WAWebChatSendMessages',
    dependencies: ['WAWebCollections'],
    exports: () => ({
      sendRevokeMsgs: outgoing.sendRevokeMsgs,
      sendDeleteMsgs: outgoing.sendDeleteMsgs,
      sendStarMsgs: marks.sendStarMsgs,
    }),
  },
  {
    id: 'WAWebMsgActionCapability',
    exports: () => ({
      canSenderRevokeMsg: mine,
      canAdminRevokeMsg: () => false,
      canStarMsg: () => true,
      canEditText: (message) => mine(message) && message.type === 'chat',
      canEditMsg: (message) => mine(message) && message.type === 'chat',
      canEditCaption: (message) => mine(message) && Boolean(message.caption),
    }),
  },
  { id: 'WAWebMsgReply', exports: () => ({ canReplyMsg: (message) => message.canReply() }) },
  {
    id: 'WAWebQuotedMsgModelUtils',
    exports: () => ({
      getQuotedMsgObj: (message) => MsgStore.findFirst(({ id }) => id.id === message.quotedStanzaID),
    }),
  },
  {
    id: 'WAWebUpdateUnreadChatAction',
    dependencies: ['WAWebChatCollection'],
    exports: () => ({
      sendSeen: chatlist.sendSeen,
      sendConversationSeen: chatlist.sendSeen,
      markUnread: chatlist.markUnread,
      markConversationUnread: chatlist.markUnread,
    }),
  },
  {
    id: 'WAWebChatLoadMessages',
    dependencies: ['WAWebCollections'],
    exports: () => ({ loadEarlierMsgs, loadRecentMsgs: async ({ chat }) => chat.msgs.getModelsArray() }),
  },
  {
    id: 'WAWebDBMessageFindLocal',
    dependencies: ['WAWebMsgCollection'],
    exports: () => ({
      msgFindByDirection: findByDirection,
      msgFindBefore: (request) => findByDirection({ ...request, direction: 'before' }),
      msgFindAfter: (request) => findByDirection({ ...request, direction: 'after' }),
    }),
  },
  {
    id: 'WAWebChatStateBridge',
    dependencies: ['WAWebWidFactory'],
    exports: () => ({
      sendChatStateComposing: outgoing.sendChatState('composing'),
      sendChatStateRecording: outgoing.sendChatState('recording'),
      sendChatStatePaused: outgoing.sendChatState('paused'),
    }),
  },
  {
    id: 'WAWebUserPrefsHistorySync',
    exports: () => ({ getInitialHistorySyncComplete: async () => historySync.complete }),
  },
  { id: 'WAWebMsgInfoCollection', exports: () => ({ MsgInfoCollection: MsgInfo, MsgInfoCollectionImpl: MsgInfo.constructor }) },
  { id: 'WAWebHandleMsgReceipt', exports: () => receiptHandlers },
  { id: 'WAWebReactionsBEUtils', exports: () => reactionActions },
  { id: 'WAWebAddonReactionTableMode', exports: () => ({ reactionTableMode }) },
  { id: 'WAWebAddonPollVoteTableMode', exports: () => ({ pollVoteTableMode: marks.pollVoteTableMode }) },
  { id: 'WAWebPollsPollVoteCollection', exports: () => ({ PollVoteCollection: marks.PollVotes }) },
  { id: 'WAWebPollsVotesSchema', exports: () => ({ getTable: () => marks.voteTable }) },
  { id: 'WAWebPollsSendVoteMsgAction', exports: () => ({ sendVote: marks.sendVote }) },
  { id: 'WAWebPinInChatSchema', exports: () => ({ getTable: () => marks.pinTable }) },
  { id: 'WAWebPinMsgConstants', exports: () => marks.pinConstants },
  { id: 'WAWebPinInChatCollection', exports: () => ({ PinInChatCollection: marks.PinInChat }) },
  { id: 'WAWebSetPinChatAction', exports: () => ({ setPin: chatlist.setPin }) },
  { id: 'WAWebSetArchiveChatAction', exports: () => ({ setArchive: chatlist.setArchive }) },
  { id: 'WAWebSendPinMessageAction', exports: () => ({ sendPinInChatMsg: marks.sendPinInChatMsg }) },
  {
    id: 'WAWebReactionsCollection',
    exports: () => ({
      ReactionsCollection: marks.Reactions,
    }),
  },
  { id: 'WAWebGetEphemeralFieldsMsgActionsUtils', exports: () => ({ getEphemeralFields: () => ({}) }) },
  {
    id: 'WAWebChatClearBridge',
    dependencies: ['WAWebChatCollection'],
    exports: () => ({ sendClear: chatlist.sendClear }),
  },
  {
    id: 'WAWebClearChatUtils',
    dependencies: ['WAWebChatClearBridge'],
    exports: () => ({
      initClearChat: chatlist.initClearChat,
      finalizeClearChat: chatlist.finalizeClearChat,
    }),
  },
  {
    id: 'WAWebDeleteChatAction',
    dependencies: ['WAWebChatCollection'],
    exports: () => ({ sendDelete: chatlist.sendDelete }),
  },
  {
    id: 'WALinkify',
    exports: () => ({
      findLink: (text) => linksIn(text)[0],
      findLinks: linksIn,
      findFirstWebLink: (text) => linksIn(text)[0]?.href,
    }),
  },
  {
    id: 'WAWebLinkPreviewChatAction',
    exports: () => ({ getLinkPreview: outgoing.getLinkPreview }),
  },
  {
    id: 'WAWebChatGetters',
    exports: () => ({
      getIsNewsletter: (chat) => chat.id.isNewsletter(),
      getIsBroadcast: (chat) => chat.id.isBroadcast(),
      getIsGroup: (chat) => chat.id.isGroup(),
      getIsUser: (chat) => chat.id.isUser(),
    }),
  },
];
