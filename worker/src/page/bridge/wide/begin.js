/* What the wide operations use of the core, and wa-js itself. */

const W = window.WPP;
const { Failure, STATUS, idOf, toMs, use, chatFor, mayWrite, findMessage, theMessage, unused, accepted, newestOf, followed } = core;
