/* The rows of `session.mjs`: switches of the simulated page (`query`) and lines of Colmeia's configuration (`settings`). */

export const ROWS = [
  { name: 'always laid out', query: '&laid_out=1' },
  { name: 'as it comes' },
  { name: 'no main screen', settings: '[page]\nui = "none"' },
  { name: 'web workers on demand', settings: '[page]\nworkers = "on_demand"' },
  { name: 'both', settings: '[page]\nui = "none"\nworkers = "on_demand"' },
];
