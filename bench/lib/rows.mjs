/* The rows of `session.mjs`: switches of the simulated page (`query`) and lines of Colmeia's configuration (`settings`). */

export const ROWS = [
  { name: 'always laid out, web workers as the page has them', query: '&laid_out=1', settings: '[page]\nworkers = "page"' },
  { name: 'web workers as the page has them', settings: '[page]\nworkers = "page"' },
  { name: 'as it comes' },
  { name: 'no main screen, web workers as the page has them', settings: '[page]\nui = "none"\nworkers = "page"' },
  { name: 'no main screen', settings: '[page]\nui = "none"' },
];
