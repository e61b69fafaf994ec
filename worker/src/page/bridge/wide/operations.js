/* The wide operations, under the names that the worker gives them. The files of this folder are one function body,
 * in the order of script.rs; `core` is its argument, and it is run when wa-js is in the page. */

return {
  post_text_status: postTextStatus,
  post_media_status: postMediaStatus,

  mute_channel: muteChannel,

  send_buttons: sendButtons,
  send_list: sendList,
  press_button: pressButton,
  reject_call: rejectCall,
};
