/* What a send carries besides its content: the quoted message, mentions, the box below a link. Owns how they are
 * written into the page's message; sends nothing. */

async function theMessage(id) {
  const message = await findMessage(id);
  if (!message) throw new Failure('not_found', 'no such message');
  return message;
}

/* Whom a text mentions, by the names that its group has for them. */
function mentionedWid(chat, id) {
  const byLid = isLid(idOf(chat.id)) || chat.groupMetadata?.isLidAddressingMode;
  const other = isPerson(id) && isLid(id) !== Boolean(byLid) ? otherName(id) : null;
  return use('createWid')(other ?? id);
}

const membersOf = (chat) => (chat.groupMetadata?.participants?.getModelsArray?.() ?? []).map((member) => member.id);

/* A group's own id means everyone in it. Members are fetched when somebody first looks at a group. */
async function mentioned(chat, ids) {
  const isAll = (id) => isGroupId(chat.id) && id === idOf(chat.id);
  if (ids.some(isAll) && !membersOf(chat).length) {
    if (isFunction(found.groups?.update)) await found.groups.update(chat.id).catch(() => {});
    if (!membersOf(chat).length) throw new Failure('refused', 'the members of this group are not known');
  }
  return ids.flatMap((id) => (isAll(id) ? membersOf(chat) : [mentionedWid(chat, id)]));
}

async function extras(chat, { reply_to, mentions = [] } = {}) {
  const fields = {};
  if (reply_to) {
    const quoted = await theMessage(reply_to);
    await need('canReply');
    if (!found.canReply(isFunction(quoted.unsafe) ? quoted.unsafe() : quoted)) {
      throw new Failure('refused', 'this message cannot be answered');
    }
    Object.assign(fields, quoted.msgContextInfo(chat.id));
  }
  if (mentions.length) fields.mentionedJidList = await mentioned(chat, mentions);
  return fields;
}

/* Without an answer from WhatsApp's server the text goes without a box: a link is no reason not to send. */
async function fetchedPreview(text) {
  await need('findLink', 'linkPreview');
  const link = found.findLink(text);
  if (!link) return {};
  const answer = await found.linkPreview(link).catch(() => null);
  return answer?.data ? { ...answer.data, preview: true, subtype: 'url' } : {};
}

async function previewOf(call, text, preview) {
  if (preview === 'fetch') return fetchedPreview(text);
  if (!preview?.custom) return {};
  const { url, title, description } = preview.custom;
  if (!text.includes(url)) throw new Failure('invalid_argument', 'the address of the preview is not in the text');
  const picture = await new Blob(call.takeParts()).arrayBuffer();
  return {
    subtype: 'url',
    preview: true,
    title,
    description,
    canonicalUrl: url,
    matchedText: url,
    thumbnail: picture.byteLength ? toBase64(new Uint8Array(picture)) : undefined,
    richPreviewType: 0,
    doNotPlayInline: true,
  };
}

/* Sends what is neither a text nor a file. */
async function sendContent(call, { chat: id, options }, content) {
  const chat = await chatFor(id);
  const message = { ...(await envelope(call, chat, options)), ...(await extras(chat, options)), ...content };
  const { reply, ...receipt } = await post(call, chat, message);
  return receipt;
}
