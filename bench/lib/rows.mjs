/* The rows of `session.mjs`: switches of the simulated page (`query`) and lines of Colmeia's configuration (`settings`). */

export const ROWS = [
  { name: 'as it comes' },
  { name: 'nothing drawn', query: '&ui=0' },
  { name: 'without web workers', query: '&workers=0' },
  { name: 'neither', query: '&ui=0&workers=0' },
];
