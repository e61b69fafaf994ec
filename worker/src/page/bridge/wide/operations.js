/* The wide operations, under the names that the worker gives them. The files of this folder are one function body,
 * in the order of script.rs; `core` is its argument, and it is run when wa-js is in the page. */

Object.assign(core.rare, {
  newsletterPreview: {
    at: [['WAWebLoadNewsletterPreviewChatAction', 'loadNewsletterPreviewChat']],
    is: (value) => typeof value === 'function',
    stand_in: (W) => W.whatsapp.functions.loadNewsletterPreviewChat,
  },
  newsletterByInvite: {
    at: [['WAWebNewsletterMetadataQueryJob', 'queryNewsletterMetadataByInviteCode']],
    is: (value) => typeof value === 'function',
    stand_in: (W) => W.whatsapp.functions.queryNewsletterMetadataByInviteCode,
  },
  newsletterDirectory: {
    at: [['WAWebNewsletterDirectorySearchAction', 'fetchNewsletterDirectories']],
    is: (value) => typeof value === 'function',
    stand_in: (W) => W.whatsapp.functions.fetchNewsletterDirectories,
  },
});

return {
  list_labels: listLabels,
  create_label: createLabel,
  update_label: updateLabel,
  delete_label: deleteLabel,
  labels_of_chat: labelsOfChat,
  set_labels_of_chat: setLabelsOfChat,
  chats_of_label: chatsOfLabel,

  post_text_status: postTextStatus,
  post_media_status: postMediaStatus,
  delete_status: deleteStatus,

  list_channels: listChannels,
  get_channel: getChannel,
  create_channel: createChannel,
  delete_channel: deleteChannel,
  follow_channel: followChannel,
  mute_channel: muteChannel,
  channel_messages: channelMessages,
  search_channels: searchChannels,

  send_buttons: sendButtons,
  send_list: sendList,
  press_button: pressButton,
  reject_call: rejectCall,
};
