/* Owns the order in which the page starts. */

import './faults.js';
import { options, tidyAddress } from './options.js';
import { publish } from './registry.js';
import { mount } from './screen.js';
import { launch } from './session.js';
import { app, bundles, start } from './table/index.js';
import { loadModules } from './weight.js';

tidyAddress();
/* Libraries wait for Debug.VERSION before they require the modules of the connection. */
publish({
  start,
  app,
  bundles,
  weight: options.realWeight ? loadModules : undefined,
  mount() {
    window.Debug = { VERSION: options.version };
    mount();
    launch().catch((error) => console.error('the page could not start', error));
  },
});
