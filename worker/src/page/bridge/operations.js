/* The operations of the core, under the names that the worker gives them. Owns the way from a request to the
 * function that serves it, here or in the part that comes with wa-js. */

const CORE = {
  send_location: sendLocation,
  send_vcards: sendVcards,
  send_poll: sendPoll,
  send_event: sendEvent,
  vote,
  forward,
  react,
  edit_message: editMessage,
  delete_message: deleteMessage,
  star,
  pin_message: pinMessage,
  unpin_message: unpinMessage,
  get_message: getMessage,
  find_messages: findMessages,
  new_message_id: newMessageId,

  list_chats: listChatsByPage,
  archive_chat: archiveChat,
  pin_chat: pinChat,
  mute_chat: muteChat,
  mark_unread: markUnread,
  read_chat: readChat,
  clear_chat: clearChat,
  delete_chat: deleteChat,

  get_contact: getContact,
  about,
  picture,
  block,
  save_contact: saveContact,
  list_lids: listLids,
  count_lids: countLids,
  phone_of_lid: phoneOfLid,
  lid_of_phone: lidOfPhone,

  create_group: createGroup,
  list_groups: listGroupsByPage,
  count_groups: countGroups,
  refresh_groups: refreshGroups,
  get_group: getGroup,
  invite_info: inviteInfo,
  join_group: joinGroup,
  leave_group: leaveGroup,
  set_group_subject: setGroupSubject,
  set_group_description: setGroupDescription,
  set_group_picture: setGroupPicture,
  set_group_setting: setGroupSetting,
  invite_code: inviteCode,
  revoke_invite_code: revokeInviteCode,
  change_participants: changeParticipants,
  join_requests: listJoinRequests,
  answer_join_requests: answerJoinRequests,

  get_profile: getProfile,
  set_profile_name: setProfileName,
  set_about: setAbout,
  set_profile_picture: setProfilePicture,
  get_timelock: getTimelock,
  get_capping: getCapping,

  set_presence: setPresence,
  subscribe_presence: subscribePresence,
  get_presence: getPresence,
  list_presences: listPresences,

  list_labels: listLabels,
  create_label: createLabel,
  update_label: updateLabel,
  delete_label: deleteLabel,
  labels_of_chat: labelsOfChat,
  set_labels_of_chat: setLabelsOfChat,
  chats_of_label: chatsOfLabel,

  delete_status: deleteStatus,

  list_channels: listChannels,
  get_channel: getChannel,
  create_channel: createChannel,
  delete_channel: deleteChannel,
  follow_channel: followChannel,
  channel_messages: channelMessages,
  search_channels: searchChannels,
};

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
  const value = await (CORE[name] ?? wide[name])(call, operation);
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
