/* Channels, which the page calls newsletters, through the page's own modules. Owns the reading of what the page and the directory say of one. */

const ROLES = { owner: 'owner', admin: 'admin', subscriber: 'subscriber', guest: 'guest' };

const channelChats = () =>
  found.channels
    .getModelsArray()
    .filter(({ id }) => idOf(id).endsWith('@newsletter'));

function channelRecord(chat) {
  const data = chat.newsletterMetadata ?? {};
  return {
    id: idOf(chat.id),
    title: textOf(data.name) ?? textOf(chat.name) ?? textOf(chat.formattedTitle) ?? '',
    description: textOf(data.description),
    invite: textOf(data.inviteCode) ?? textOf(data.inviteLink)?.split('/').at(-1) ?? null,
    preview: null,
    picture: pictureAddress(found.pictures?.get(chat.id)),
    verified: data.verified === true || data.verificationState === 'verified',
    subscribers: Number(data.size ?? data.subscribersCount ?? 0),
    role: ROLES[String(data.membershipType ?? '').toLowerCase()] ?? 'guest',
    muted: Boolean(chat.mute?.isMuted ?? chat.mute?.expiration),
  };
}

async function listChannels(call, { role }) {
  /* The page keeps those too that it has shown a preview of. */
  const wanted = role ? (channel) => channel.role === role : (channel) => channel.role !== 'guest';
  return channelChats().map(channelRecord).filter(wanted);
}

async function channelChat(key) {
  const id = key.id ?? key.invite;
  const there = key.id ? found.channels.get(id) : channelChats().find((chat) => channelRecord(chat).invite === id);
  if (there) return there;
  /* Not followed: the page shows a preview of it, as somebody who opens its link sees. */
  const wid = key.id ?? idOf((await found.newsletterByInvite(id, 'guest')).idJid);
  await found.newsletterPreview(wid);
  const chat = found.channels.get(wid) ?? (await found.channels.find(use('createWid')(wid)));
  if (!chat?.newsletterMetadata) throw new Failure('not_found', 'no such channel');
  return chat;
}

const getChannel = async (call, { channel }) => channelRecord(await channelChat(channel));

async function createChannel(call, { title: name, description, mimetype }) {
  const picture = mimetype ? await square(await decoded(call, mimetype), PICTURE) : null;
  call.hand();
  const { idJid, newsletterInviteLinkMetadataMixin } = await found.createChannel({ name, description, picture });
  /* It is there, whether the page shows it yet or not. */
  const shown = found.channels.get(idOf(idJid));
  const newsletterMetadata = { name, description, inviteCode: newsletterInviteLinkMetadataMixin?.inviteCode, membershipType: 'owner' };
  return channelRecord(shown ?? { id: idJid, newsletterMetadata });
}

function followed(id) {
  const chat = found.channels.get(id);
  if (!chat) throw new Failure('not_found', 'this account does not follow such a channel');
  return chat;
}

async function deleteChannel(call, { channel }) {
  const chat = followed(channel);
  if (channelRecord(chat).role !== 'owner') throw new Failure('forbidden', 'this account does not own the channel');
  call.hand();
  if ((await found.deleteChannel(chat)) === false) throw new Failure('refused', 'WhatsApp did not delete the channel');
}

/* The page wants to know where somebody clicked, and whether what is kept here of the channel is to go. */
const FOLLOWED_FROM = { eventSurface: 3, deleteLocalModels: true };

async function followChannel(call, { channel, follow }) {
  const chat = await channelChat({ id: channel });
  call.hand();
  const answer = await (follow ? found.followChannel : found.unfollowChannel)(chat, FOLLOWED_FROM);
  if (answer === false) throw new Failure('refused', 'WhatsApp did not change it');
}

async function channelMessages(call, { channel, limit }) {
  const chat = await channelChat(channel);
  for (let hasMore = true; hasMore && chat.msgs.getModelsArray().filter(isMessage).length < limit;) {
    call.check();
    const earlier = await use('loadEarlier')({ chat });
    hasMore = Array.isArray(earlier) && earlier.length > 0;
  }
  const newest = byTime(chat.msgs.getModelsArray().filter(isMessage)).slice(-limit).reverse();
  return newest.map((message) => ({
    message: messageRecord(message),
    reactions: Object.fromEntries((message.reactions ?? []).map(({ reaction, count }) => [reaction, count])),
    views: Number(message.viewCount ?? 0),
  }));
}

async function searchChannels(call, { text, view, countries, categories, limit, cursor }) {
  const answer = await found.newsletterDirectory({
    searchText: text ?? '',
    view: view ?? 'RECOMMENDED',
    countryCodes: countries,
    categories,
    limit,
    cursorToken: cursor ?? '',
    skipSubscribedNewsletters: false,
  });
  return {
    channels: (answer?.newsletters ?? []).slice(0, limit).map(channelRecord),
    next: answer?.pageInfo?.hasNextPage ? (textOf(answer.pageInfo.endCursor) ?? null) : null,
  };
}
