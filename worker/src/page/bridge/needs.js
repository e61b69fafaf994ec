/* Which members of the page each thing that can be asked needs. Owns the check before it begins, so that a missing
 * member is said at once and by name, and the list of what a page that has changed makes impossible. */

const CHAT = ['chats', 'createWid'];
/* A chat that may have to be made first. */
const TO = [...CHAT, 'exists', 'findChat'];
const WRITE = [...TO, 'MessageKey', 'ephemeral', 'send'];
const INFO = [...CHAT, 'groupInfo'];
const MEMBERSHIP = [...CHAT, 'groupQuery', 'members'];
const CHANNEL = ['channels', 'createWid', 'newsletterPreview', 'newsletterByInvite'];

const NEEDS = {
  send_text: WRITE,
  send_media: [...WRITE, 'Opaque', 'prepareMedia'],
  chats: ['chats'],
  messages: [...CHAT, 'loadEarlier'],
  contacts: ['contacts'],
  groups: ['chats'],
  check_exists: ['createWid', 'exists'],
  download_media: ['download'],
  mark_seen: [...CHAT, 'markSeen'],
  typing: [...TO, 'showTyping', 'showRecording', 'showPaused'],

  send_location: WRITE,
  send_vcards: WRITE,
  send_poll: WRITE,
  send_event: WRITE,
  vote: ['vote'],
  forward: [...TO, 'forward'],
  react: ['react'],
  edit_message: [...CHAT, 'edit', 'may'],
  delete_message: [...CHAT, 'messageActions', 'may'],
  star: [...CHAT, 'messageActions', 'may'],
  pin_message: ['pinMessage', 'pinTimes'],
  unpin_message: ['pinMessage', 'pinTimes'],
  find_messages: [...CHAT, 'loadEarlier'],
  new_message_id: ['MessageKey'],

  list_chats: ['chats'],
  archive_chat: [...CHAT, 'archive'],
  pin_chat: [...CHAT, 'pinChat'],
  mute_chat: CHAT,
  mark_unread: [...CHAT, 'markUnread'],
  read_chat: [...CHAT, 'markSeen'],
  clear_chat: [...CHAT, 'clear'],
  delete_chat: [...CHAT, 'deleteChat'],

  get_contact: ['contacts', 'createWid'],
  about: ['contacts', 'createWid', 'statusText'],
  picture: ['createWid', 'pictures'],
  block: ['contacts', 'createWid', 'blocking'],
  save_contact: ['createWid', 'exists', 'saveContact'],
  list_lids: ['contacts', 'lids'],
  count_lids: ['contacts', 'lids'],
  phone_of_lid: ['createWid', 'lids'],
  lid_of_phone: ['createWid', 'lids'],

  create_group: [...TO, 'createGroup', 'groupQuery'],
  list_groups: ['chats'],
  count_groups: ['chats'],
  refresh_groups: [...CHAT, 'groupQuery'],
  get_group: [...CHAT, 'groupQuery'],
  invite_info: ['groupQuery'],
  join_group: ['groupQuery', 'invitations'],
  leave_group: [...CHAT, 'exitGroup'],
  set_group_subject: INFO,
  set_group_description: [...INFO, 'MessageKey'],
  set_group_picture: [...CHAT, 'pictureActions'],
  set_group_setting: [...CHAT, 'groupProperty'],
  invite_code: [...CHAT, 'inviteCode'],
  revoke_invite_code: [...CHAT, 'invitations'],
  change_participants: MEMBERSHIP,
  join_requests: [...CHAT, 'joinRequests', 'askForJoinRequests'],
  answer_join_requests: [...CHAT, 'answerJoinRequests', 'toJid'],

  get_profile: ['pictures', 'statusText'],
  set_profile_name: ['setName'],
  set_about: ['statusText'],
  set_profile_picture: ['pictureActions'],
  get_timelock: ['fetchTimelock'],
  get_capping: ['fetchCapping'],

  set_presence: ['available'],
  subscribe_presence: [...TO, 'presences'],
  get_presence: [...TO, 'presences'],
  list_presences: ['presences'],

  list_labels: ['labels'],
  create_label: ['labels', 'labelActions'],
  update_label: ['labels', 'labelActions'],
  delete_label: ['labels', 'labelActions'],
  labels_of_chat: [...CHAT, 'labels'],
  set_labels_of_chat: [...CHAT, 'labels'],
  chats_of_label: ['chats', 'labels'],

  delete_status: ['statuses', 'revokeStatus'],

  list_channels: ['channels'],
  get_channel: CHANNEL,
  channel_messages: [...CHANNEL, 'loadEarlier'],
  search_channels: ['newsletterDirectory'],
  create_channel: ['channels', 'createChannel'],
  delete_channel: ['channels', 'deleteChannel'],
  follow_channel: ['channels', 'createWid', 'newsletterPreview', 'followChannel', 'unfollowChannel'],
  mute_channel: ['channels'],
};

/* What they need only for some of their arguments, and ask for themselves. */
const WRITE_PARTS = ['canReply'];
const PARTS = {
  send_text: [...WRITE_PARTS, 'findLink', 'linkPreview', 'channels'],
  send_media: [...WRITE_PARTS, 'channels'],
  send_location: WRITE_PARTS,
  send_vcards: WRITE_PARTS,
  send_poll: [...WRITE_PARTS, 'channels'],
  send_event: WRITE_PARTS,
  edit_message: ['findLink', 'linkPreview'],
  mark_seen: ['markUnread'],
  read_chat: ['markUnread'],
  get_message: ['reactions'],
  list_chats: ['pictures'],
  list_groups: ['groupQuery'],
  get_contact: ['exists'],
  block: ['exists'],
  picture: ['pictureActions'],
};

/* Before it begins: nothing of it was done. */
async function equip(name) {
  const needed = NEEDS[name] ?? [];
  for (const member of needed) if (MEMBERS[member]) use(member);
  await need(...needed.filter((member) => RARE[member]));
}

const among = (table, member) => Object.keys(table).filter((name) => table[name].includes(member));

/* What a complete page lacks: its own name of it, whether the whole module is absent, whether wa-js stands in, and
 * which operations need it. Without wa-js those that only it can do are impossible, too. */
function lacking() {
  const members = missing.map((name) => {
    const row = MEMBERS[name] ?? RARE[name];
    return {
      member: nameOf(row.at[0]),
      module_absent: registered() ? !row.at.some(([one]) => registered()[one]) : null,
      /* Or is asked when it is first needed. */
      stand_in: found[name] !== undefined || Boolean(row.stand_in && !standInRefused && !triedInStandIn.has(row)),
      operations: among(NEEDS, name),
      partly: among(PARTS, name),
    };
  });
  /* Where none is configured, the page lacks nothing of that. */
  if (!standInRefused || !settings.waJs) return members;
  const only = { member: 'wa-js', module_absent: null, stand_in: false, operations: settings.wide, partly: [] };
  return [...members, only];
}
