/* Messages with buttons and lists, calls, and how a channel is muted: what wa-js knows how to build. */

const BUTTON = {
  reply: (text, { id }) => ({ id, text }),
  url: (text, { url }) => ({ url, text }),
  call: (text, { phone }) => ({ phoneNumber: phone, text }),
  copy: (text, { code }) => ({ code, text }),
};

async function waJsOptions(chat, options = {}) {
  const key = options.message_id ? { messageId: `true_${idOf(chat.id)}_${options.message_id}` } : {};
  return { ...key, createChat: true, waitForAck: true, linkPreview: false, quotedMsg: options.reply_to ?? undefined };
}

async function sendButtons(call, { chat: id, title, body, footer, buttons, options }) {
  const chat = await chatFor(id);
  await mayWrite(call, chat);
  const common = await waJsOptions(chat, options);
  const built = buttons.map(({ text, action }) => BUTTON[action.kind](text, action));
  call.hand();
  return sentByWaJs(
    await W.chat.sendTextMessage(idOf(chat.id), body, {
      ...common,
      useInteractiveMessage: true,
      title: title ?? undefined,
      footer: footer ?? undefined,
      buttons: built,
    }),
  );
}

async function sendList(call, { chat: id, title, description, footer, button, sections, options }) {
  const chat = await chatFor(id);
  await mayWrite(call, chat);
  const common = await waJsOptions(chat, options);
  const rows = sections.map((section) => ({
    title: section.title,
    rows: section.rows.map((row) => ({ rowId: row.id, title: row.title, description: row.description ?? '' })),
  }));
  call.hand();
  return sentByWaJs(
    await W.chat.sendListMessage(idOf(chat.id), {
      ...common,
      buttonText: button,
      title,
      description: description || ' ',
      footer: footer ?? undefined,
      sections: rows,
    }),
  );
}

async function pressButton(call, { message: id, button }) {
  const message = await theMessage(id);
  const buttons = message.hydratedButtons ?? [];
  const buttonIndex = buttons.findIndex(({ quickReplyButton }) => quickReplyButton?.id === button);
  if (buttonIndex < 0) throw new Failure('invalid_argument', 'the message has no such button');
  const chat = await chatFor(idOf(message.id.remote));
  return newestOf(call, chat, () => W.chat.replyToButtonMessage(idOf(chat.id), idOf(message.id), { buttonIndex }));
}

async function rejectCall(call, { call: id }) {
  call.hand();
  await W.call.reject(id ?? undefined);
}

/* The page has had several functions for it, of which wa-js takes the one that is there. */
async function muteChannel(call, { channel, muted }) {
  followed(channel);
  call.hand();
  await W.newsletter.mute(channel, muted);
}
