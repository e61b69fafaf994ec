/* Which members of the page each thing that can be asked needs. Owns the check before it begins, so that a missing
 * member is said at once and by name, and the list of what a page that has changed makes impossible. */

const CHAT = ['chats', 'createWid'];
/* A chat that may have to be made first. */
const TO = [...CHAT, 'exists', 'findChat'];
const WRITE = [...TO, 'MessageKey', 'ephemeral', 'send'];
const INFO = [...CHAT, 'groupInfo'];
const MEMBERSHIP = [...CHAT, 'groupQuery', 'members'];
const CHANNEL = ['channels', 'createWid', 'newsletterPreview', 'newsletterByInvite'];

/* Of the everyday calls, and of what comes with wa-js; those of the core's operations stand with them. */
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
  delete_contact: ['exists'],
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
