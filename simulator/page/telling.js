/* Owns how a sent message looks to the phone: what a person would see of it. */

/* What of a message the phone is told. */
export const told = ({
  type,
  body,
  caption,
  mimetype,
  filename,
  size,
  directPath,
  quotedStanzaID,
  mentionedJidList,
  ...rest
}) => ({
  type,
  body: directPath ? undefined : body,
  caption,
  mimetype,
  filename,
  size,
  media: directPath,
  quoted: quotedStanzaID,
  quoted_elsewhere: rest.quotedRemoteJid && String(rest.quotedRemoteJid),
  mentions: mentionedJidList?.length ? mentionedJidList.map(String) : undefined,
  ...content(type, rest),
});

/* What a message of its type shows beside a text or a file. */
function content(type, message) {
  const { lat, lng, loc, clientUrl, vcardList, vcardFormattedName, pollName, pollOptions } = message;
  const shown = {
    is_gif: message.mediaData?.isGif || undefined,
    forwarded: message.isForwarded || undefined,
    preview: message.canonicalUrl
      ? {
          url: message.canonicalUrl,
          title: message.title,
          description: message.description,
          thumbnail: message.thumbnail,
        }
      : undefined,
    buttons: message.hydratedButtons || message.dynamicReplyButtons || message.replyButtons || undefined,
    footer: message.footer,
    list: message.list,
    chosen: message.selectedId ?? message.selectedButtonId,
    background: message.backgroundColor,
    font: message.font,
  };
  if (type === 'location') shown.location = { latitude: lat, longitude: lng, text: loc, url: clientUrl };
  if (type === 'vcard') shown.vcard_name = vcardFormattedName;
  if (type === 'multi_vcard') shown.vcards = vcardList.map(({ vcard }) => vcard);
  if (type === 'poll_creation') {
    const multiple = message.pollSelectableOptionsCount !== 1;
    shown.poll = { question: pollName, choices: pollOptions.map(({ name }) => name), multiple };
  }
  if (type === 'event_creation') {
    shown.event = {
      title: message.eventName,
      description: message.eventDescription,
      start: message.eventStartTime,
      end: message.eventEndTime,
      location: message.eventLocation?.name,
    };
  }
  return shown;
}
