/* Owns the order in which the page starts. */

import './faults.js';
import { options } from './options.js';
import { publish } from './registry.js';
import { launch } from './session.js';
import { early, rest } from './table/index.js';

/* Libraries wait for Debug.VERSION before they require the modules of the connection. */
publish({
  early,
  rest,
  afterEarly() {
    window.Debug = { VERSION: options.version };
    launch().catch((error) => console.error('the page could not start', error));
  },
});
