/* Owns the list of all modules. `early` is what a library needs to see the QR code, `rest` what
 * it needs once somebody is logged in. To extend the simulator, add entries to a file here. */

import { connectionModules } from './connection.js';
import { contactModules } from './contacts.js';
import { groupModules } from './groups.js';
import { mediaModules } from './media.js';
import { messageModules } from './messages.js';
import { peopleModules } from './people.js';
import { restModules } from './rest.js';
import { wideModules } from './wide.js';

export const early = connectionModules;
export const rest = [
  ...contactModules,
  ...groupModules,
  ...peopleModules,
  ...messageModules,
  ...mediaModules,
  ...restModules,
  ...wideModules,
];
