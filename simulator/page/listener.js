/* Owns what the main screen does for the page's commands. `Cmd.archiveChat` and its like only tell that somebody wants
 * it, answer nothing, and do nothing while no main screen listens (switch `ui=0`). What goes wrong becomes a hint on
 * the screen and nobody's error. */

import { setArchive, markUnread, setPin } from './chatlist.js';
import { Cmd, Stream } from './connection.js';
import { sendStarMsgs } from './marks.js';
import { mainScreen } from './main-screen.js';
import { sendDeleteMsgs, sendRevokeMsgs } from './outgoing.js';

/* So long a deletion can be undone. */
const UNDO_MS = 4000;

const COMMANDS = {
  sendRevokeMsgs,
  sendDeleteMsgs: (...given) => setTimeout(() => sendDeleteMsgs(...given).catch(hint), UNDO_MS),
  archiveChat: setArchive,
  pinChat: setPin,
  markChatUnread: markUnread,
  sendStarMsgs: (chat, messages) => sendStarMsgs(chat, messages, true),
  sendUnstarMsgs: (chat, messages) => sendStarMsgs(chat, messages, false),
};

const hint = (error) => console.info('the screen shows that it did not work', error);

for (const [name, act] of Object.entries(COMMANDS)) {
  Cmd[name] = (...given) => {
    Cmd.trigger(name, ...given);
  };
  Cmd.on(name, async (...given) => {
    if (!mainScreen.isThere || Stream.mode !== 'MAIN') return;
    try {
      await act(...given);
    } catch (error) {
      hint(error);
    }
  });
}
