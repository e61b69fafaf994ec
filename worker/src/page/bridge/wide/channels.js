/* Channels, which the page calls newsletters. Owns the reading of what the page and the directory say of one. */

const newsletters = () => W.whatsapp.NewsletterStore;
const PICTURES = 'https://pps.whatsapp.net';
const ROLES = { owner: 'owner', admin: 'admin', subscriber: 'subscriber', guest: 'guest' };

const channelChats = () =>
  newsletters()
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
  await need('newsletterPreview');
  const id = key.id ?? key.invite;
  const there = key.id ? newsletters().get(id) : channelChats().find((chat) => channelRecord(chat).invite === id);
  if (there) return there;
  /* Not followed: the page shows a preview of it, as somebody who opens its link sees. */
  let wid = key.id;
  if (!wid) {
    await need('newsletterByInvite');
    wid = idOf((await found.newsletterByInvite(id, 'guest')).idJid);
  }
  await found.newsletterPreview(wid);
  const chat = newsletters().get(wid) ?? (await newsletters().find(use('createWid')(wid)));
  if (!chat?.newsletterMetadata) throw new Failure('not_found', 'no such channel');
  return chat;
}

const getChannel = async (call, { channel }) => channelRecord(await channelChat(channel));

async function createChannel(call, { title, description, mimetype }) {
  const image = mimetype ? await square(await decoded(call, mimetype), 640) : undefined;
  call.hand();
  const made = await W.newsletter.create(title, { description: description ?? undefined, picture: image });
  return channelRecord(await channelChat({ id: idOf(made.idJid) }));
}

function followed(id) {
  const chat = newsletters().get(id);
  if (!chat) throw new Failure('not_found', 'this account does not follow such a channel');
  return chat;
}

async function deleteChannel(call, { channel }) {
  if (channelRecord(followed(channel)).role !== 'owner')
    throw new Failure('forbidden', 'this account does not own the channel');
  call.hand();
  if ((await W.newsletter.destroy(channel)) === false)
    throw new Failure('refused', 'WhatsApp did not delete the channel');
}

async function followChannel(call, { channel, follow }) {
  call.hand();
  if (follow) await W.newsletter.follow(channel);
  else await W.newsletter.unfollow(channel);
}

async function muteChannel(call, { channel, muted }) {
  followed(channel);
  call.hand();
  await W.newsletter.mute(channel, muted);
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
  await need('newsletterDirectory');
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
