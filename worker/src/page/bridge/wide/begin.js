/* What the wide operations use of the core, and wa-js itself. */

const W = window.WPP;
const { Failure, idOf, textOf, toMs, messageRecord, chatRecord, byTime, isMessage, use, need, found } = core;
const { chatFor, knownChat, theMessage, unused, accepted, newestOf, square, decoded, pictureAddress, labelRecord } = core;
