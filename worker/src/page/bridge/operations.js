/* The operations of the core, under the names that the worker gives them: the function that serves each, and the members of
 * the page without which it does not begin. Owns the way from a request to that function, here or in the part that comes
 * with wa-js. */

const CORE = {
  send_location: [sendLocation, WRITE],
  send_vcards: [sendVcards, WRITE],
  send_poll: [sendPoll, WRITE],
  send_event: [sendEvent, WRITE],
  vote: [vote, ['vote']],
  forward: [forward, [...TO, 'forward']],
  react: [react, ['react']],
  edit_message: [editMessage, [...CHAT, 'edit', 'may']],
  delete_message: [deleteMessage, [...CHAT, 'messageActions', 'may']],
  star: [star, [...CHAT, 'messageActions', 'may']],
  pin_message: [pinMessage, ['pinMessage', 'pinTimes']],
  unpin_message: [unpinMessage, ['pinMessage', 'pinTimes']],
  get_message: [getMessage, []],
  find_messages: [findMessages, [...CHAT, 'loadEarlier']],
  new_message_id: [newMessageId, ['MessageKey']],

  list_chats: [listChatsByPage, ['chats']],
  archive_chat: [archiveChat, [...CHAT, 'archive']],
  pin_chat: [pinChat, [...CHAT, 'pinChat']],
  mute_chat: [muteChat, CHAT],
  mark_unread: [markUnread, [...CHAT, 'markUnread']],
  read_chat: [readChat, [...CHAT, 'markSeen']],
  clear_chat: [clearChat, [...CHAT, 'clear']],
  delete_chat: [deleteChat, [...CHAT, 'deleteChat']],

  get_contact: [getContact, ['contacts', 'createWid']],
  about: [about, ['contacts', 'createWid', 'statusText']],
  picture: [picture, ['createWid', 'pictures']],
  block: [block, ['contacts', 'createWid', 'blocking']],
  save_contact: [saveContact, ['createWid', 'exists', 'saveContact']],
  delete_contact: [deleteContact, ['contacts', 'createWid', 'deleteContact']],
  list_lids: [listLids, ['contacts', 'lids']],
  count_lids: [countLids, ['contacts', 'lids']],
  phone_of_lid: [phoneOfLid, ['createWid', 'lids']],
  lid_of_phone: [lidOfPhone, ['createWid', 'lids']],

  create_group: [createGroup, [...TO, 'createGroup', 'groupQuery']],
  list_groups: [listGroupsByPage, ['chats']],
  count_groups: [countGroups, ['chats']],
  refresh_groups: [refreshGroups, [...CHAT, 'groupQuery']],
  get_group: [getGroup, [...CHAT, 'groupQuery']],
  invite_info: [inviteInfo, ['groupQuery']],
  join_group: [joinGroup, ['groupQuery', 'invitations']],
  leave_group: [leaveGroup, [...CHAT, 'exitGroup']],
  set_group_subject: [setGroupSubject, INFO],
  set_group_description: [setGroupDescription, [...INFO, 'MessageKey']],
  set_group_picture: [setGroupPicture, [...CHAT, 'pictureActions']],
  set_group_setting: [setGroupSetting, [...CHAT, 'groupProperty']],
  invite_code: [inviteCode, [...CHAT, 'inviteCode']],
  revoke_invite_code: [revokeInviteCode, [...CHAT, 'invitations']],
  change_participants: [changeParticipants, MEMBERSHIP],
  join_requests: [listJoinRequests, [...CHAT, 'joinRequests', 'askForJoinRequests']],
  answer_join_requests: [answerJoinRequests, [...CHAT, 'answerJoinRequests', 'toJid']],

  get_profile: [getProfile, ['pictures', 'statusText']],
  set_profile_name: [setProfileName, ['setName']],
  set_about: [setAbout, ['statusText']],
  set_profile_picture: [setProfilePicture, ['pictureActions']],
  get_timelock: [getTimelock, ['fetchTimelock']],
  get_capping: [getCapping, ['fetchCapping']],

  set_presence: [setPresence, ['available']],
  subscribe_presence: [subscribePresence, [...TO, 'presences']],
  get_presence: [getPresence, [...TO, 'presences']],
  list_presences: [listPresences, ['presences']],

  list_labels: [listLabels, ['labels']],
  create_label: [createLabel, ['labels', 'labelActions']],
  update_label: [updateLabel, ['labels', 'labelActions']],
  delete_label: [deleteLabel, ['labels', 'labelActions']],
  labels_of_chat: [labelsOfChat, [...CHAT, 'labels']],
  set_labels_of_chat: [setLabelsOfChat, [...CHAT, 'labels']],
  chats_of_label: [chatsOfLabel, ['chats', 'labels']],

  delete_status: [deleteStatus, ['statuses', 'revokeStatus']],

  list_channels: [listChannels, ['channels']],
  get_channel: [getChannel, CHANNEL],
  create_channel: [createChannel, ['channels', 'createChannel']],
  delete_channel: [deleteChannel, ['channels', 'deleteChannel']],
  follow_channel: [followChannel, ['channels', 'createWid', 'newsletterPreview', 'followChannel', 'unfollowChannel']],
  channel_messages: [channelMessages, [...CHANNEL, 'loadEarlier']],
  search_channels: [searchChannels, ['newsletterDirectory']],
};

for (const [name, [, needed]] of Object.entries(CORE)) NEEDS[name] = needed;

/* What came with wa-js; its functions take the same arguments. */
let wide = {};

/* What that part may use of this one. */
const shared = { Failure, STATUS, idOf, toMs, use, chatFor, mayWrite, findMessage, theMessage, unused, accepted, newestOf, followed };

async function operate(call, { operation }) {
  needsConnection();
  const { name } = operation;
  if (!CORE[name] && !wide[name]) {
    const there = await standIn({ members: [], operation: name });
    if (!there || !wide[name]) {
      const why = there ? 'the worker does not know it' : 'wa-js could not be put into the page (key wa_js)';
      throw new Failure('unsupported', `${name} needs wa-js: ${why}`);
    }
  }
  await equip(name);
  call.check();
  const value = await (CORE[name]?.[0] ?? wide[name])(call, operation);
  return { reply: 'value', value: value ?? {} };
}

/* What the page's own errors and those of wa-js say of themselves, in our words. Their texts may carry numbers. */
const REFUSALS = [
  [/not_?found|not_?exist|does_?nt_exist|no_such|not_incoming_ring/i, 'not_found', 'there is no such thing'],
  [/btn|button|option/i, 'invalid_argument', 'the page finds an argument wrong'],
  [
    /admin|not_allowed|forbidden|not_authorized|cannot|can_not|not_participating|only_business/i,
    'forbidden',
    'this account may not do it',
  ],
  [/invalid|not_valid|not_in_pallet/i, 'invalid_argument', 'the page finds an argument wrong'],
];
const STATUSES = {
  400: ['invalid_argument', 'WhatsApp finds it wrong'],
  401: ['forbidden', 'WhatsApp does not let this account do it'],
  403: ['forbidden', 'WhatsApp does not let this account do it'],
  404: ['not_found', 'WhatsApp knows no such thing'],
  405: ['refused', 'WhatsApp allows no more of them'],
  406: ['invalid_argument', 'WhatsApp finds it wrong'],
  410: ['not_found', 'WhatsApp no longer has it'],
};

/* What the page itself says, and only by a text. */
const SAYINGS = [
  [/^(reaction|vote|pin) send error/i, 'refused', 'WhatsApp did not take it'],
  [/^cannot edit message/i, 'forbidden', 'this message cannot be edited (any more)'],
];
/* By the class of the error. In none of these cases anything was sent. */
const CLASSES = {
  ActionError: ['refused', 'the page refused it without asking WhatsApp'],
  ContactBlockedError: ['forbidden', 'this contact is blocked'],
  NetworkUnavailable: ['not_ready', 'there is no connection'],
};

/* The page's classes of errors do not all say their name. */
const nameOfError = (error) => (error?.name && error.name !== 'Error' ? error.name : error?.constructor?.name);

function classOf(error) {
  const row = CLASSES[nameOfError(error)];
  return row && new Failure(...row);
}

/* The server's number in an error. */
const statusOf = (error) =>
  error?.statusCode ?? error?.status ?? (error?.name === 'ServerStatusCodeError' ? Number(error.code) : undefined);

/* The refusal that an error is, whoever it comes from; null where it says nothing of the kind. */
function refusalOf(error) {
  /* No error at all: some of the page's checks reject with what they want to say. */
  if (typeof error === 'string') return new Failure('refused', 'the page refused it without asking WhatsApp');
  const known = classOf(error) ?? SAYINGS.find(([pattern]) => pattern.test(error?.message ?? ''));
  if (known) return known instanceof Failure ? known : new Failure(known[1], known[2]);
  const status = statusOf(error);
  if (status !== undefined && !(status >= 500)) {
    const [kind, text] = STATUSES[status] ?? ['refused', 'WhatsApp refused it'];
    return new Failure(kind, `${text} (${Number(status) || 'no status'})`);
  }
  if (typeof error?.code !== 'string') return null;
  const refusal = REFUSALS.find(([pattern]) => pattern.test(error.code));
  return refusal ? new Failure(refusal[1], refusal[2]) : null;
}
