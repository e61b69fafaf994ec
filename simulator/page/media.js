/* Owns files: preparing and uploading what is sent, downloading what has come.
 * The simulator encrypts nothing; directPath leads to the bytes on the page's own server. */

import { encodeBase64, pause, randomBytes, unixTime } from './bytes.js';
import { Model } from './models.js';
import { hashOf } from './workers.js';

export class MediaDataModel extends Model {
  static props = [
    'type',
    'mediaStage',
    'mimetype',
    'size',
    'filehash',
    'mediaBlob',
    'preview',
    'filename',
    'isGif',
    'renderableUrl',
    'waveform',
  ];
}
MediaDataModel.prototype.proxyName = 'mediaData';

/* Bytes that must be opened before they can be read. */
export class OpaqueData {
  #blob;
  #type;
  #url;
  #released = false;

  constructor(blob, type) {
    this.#blob = blob;
    this.#type = type;
  }
  static async createFromData(data, type) {
    const blob = data instanceof Blob ? data : new Blob([data], { type });
    return new OpaqueData(blob, type || blob.type);
  }
  static async createFromBase64Jpeg(text) {
    return OpaqueData.createFromData(
      Uint8Array.from(atob(text), (char) => char.charCodeAt(0)),
      'image/jpeg',
    );
  }
  throwIfReleased() {
    if (this.#released) throw new Error('opaque data was released');
  }
  type() {
    return this.#type;
  }
  size() {
    return this.#blob.size;
  }
  url() {
    return (this.#url ||= URL.createObjectURL(this.#blob));
  }
  forceToBlob() {
    this.throwIfReleased();
    return this.#blob;
  }
  formData() {
    return this.#blob;
  }
  retain() {}
  release() {}
  autorelease() {}
}

/* Blobs by file hash, for as long as the page lives. */
export class BlobCache {
  #blobs = new Map();
  put(hash, blob) {
    this.#blobs.set(hash, blob);
  }
  get(hash) {
    return this.#blobs.get(hash);
  }
  has(hash) {
    return this.#blobs.has(hash);
  }
}
export const blobCache = new BlobCache();

class MediaObject extends Model {
  static props = ['filehash', 'type', 'size', 'mediaBlob'];
  contentInfo = {};
  consolidate(attributes) {
    this.set(attributes);
  }
}
const mediaObjects = new Map();
export function getOrCreateMediaObject(filehash) {
  if (!mediaObjects.has(filehash)) mediaObjects.set(filehash, new MediaObject({ filehash }));
  return mediaObjects.get(filehash);
}

/* ---- what has come ---- */

/* A message with a file that the server holds; the hash is made of its path, not of its bytes. */
export function attachMedia(message, { path, mimetype, filename, caption, size }) {
  return {
    ...message,
    mimetype,
    filename,
    caption,
    size,
    body: '',
    directPath: path,
    filehash: encodeBase64(new TextEncoder().encode(path)),
    encFilehash: encodeBase64(new TextEncoder().encode(path)),
    mediaKey: encodeBase64(randomBytes(32)),
    mediaKeyTimestamp: unixTime(),
    mediaData: describe(message.type, { mimetype, filename, size, path }),
  };
}
function describe(type, { mimetype, filename, size, path, filehash }) {
  return new MediaDataModel({
    type,
    mimetype,
    filename,
    size,
    mediaStage: 'INIT',
    filehash: filehash || encodeBase64(new TextEncoder().encode(path)),
  });
}

/* Gives a message read from the store what only lives in memory. */
export function reviveMedia(message) {
  if (!message.directPath) return;
  const { type, mimetype, filename, size, directPath, filehash } = message;
  message.set(
    { mediaData: describe(type, { mimetype, filename, size, path: directPath, filehash }) },
    { silent: true },
  );
}

/* The server no longer has files: the phone is asked to upload each again, which takes so long (null: until it is
 * online), and may fail. How long it takes on the real page is not certain. */
let uploadsAgain = null;
const uploaded = new Set();
export function forgetFiles(ms, fails) {
  uploaded.clear();
  uploadsAgain?.online();
  uploadsAgain = null;
  if (ms === 0) return;
  let online;
  const isOnline = new Promise((resolve) => (online = resolve));
  uploadsAgain = { ms: ms ?? null, fails, online, isOnline };
}
const isGone = (path) => uploadsAgain !== null && !uploaded.has(path);

/* REUPLOADING is no error; it ends in one, or in RESOLVED. Whoever asked is answered before that. */
async function uploadAgain(message) {
  const { ms, fails, isOnline } = uploadsAgain;
  message.mediaData.mediaStage = 'REUPLOADING';
  await Promise.race([isOnline, ...(ms === null ? [] : [pause(ms)])]);
  if (fails) {
    message.mediaData.mediaStage = 'ERROR_MISSING';
    return;
  }
  uploaded.add(message.directPath);
  await downloadForMessage(message);
}

/* What a message's own downloadMedia does: fetch, keep, move the stage. */
export async function downloadForMessage(message) {
  const { mediaData } = message;
  if (!mediaData || mediaData.mediaStage === 'RESOLVED') return;
  if (mediaData.mediaStage === 'REUPLOADING' && isGone(message.directPath)) return;
  mediaData.mediaStage = 'FETCHING';
  if (isGone(message.directPath)) {
    uploadAgain(message).catch((error) => console.error('a file did not come again', error));
    return;
  }
  try {
    const bytes = await downloadManager.downloadAndMaybeDecrypt(message.attributes);
    const blob = new Blob([bytes], { type: message.mimetype });
    blobCache.put(mediaData.filehash, blob);
    mediaData.set({ mediaBlob: new OpaqueData(blob, message.mimetype), mediaStage: 'RESOLVED' });
  } catch (error) {
    mediaData.mediaStage = 'ERROR_MISSING';
    throw error;
  }
}

export const downloadManager = {
  async downloadAndMaybeDecrypt({ directPath, signal }) {
    if (isGone(directPath)) throw Object.assign(new Error('media is not there'), { status: 410 });
    const response = await fetch(directPath, { signal });
    if (!response.ok) throw Object.assign(new Error('media is not there'), { status: response.status });
    return response.arrayBuffer();
  },
};

/* ---- what is sent ---- */

/* Which type a file is sent as. */
function typeOf(mimetype, { asSticker, asDocument, isPtt }) {
  if (asDocument) return 'document';
  if (asSticker) return 'sticker';
  if (isPtt) return 'ptt';
  return /^(image|video|audio)\//.exec(mimetype)?.[1] || 'document';
}

/* The first step of sending a file. `sendToChat` is set by outgoing.js. */
export class MediaPrep {
  static sendToChat = async () => {};

  constructor(opaque, wishes) {
    this.mediaData = new MediaDataModel({ mediaStage: 'INIT' });
    this._mediaData = this.mediaData;
    this.prepared = this.#prepare(opaque, wishes);
  }
  async #prepare(opaque, wishes) {
    const blob = opaque.forceToBlob();
    const mimetype = opaque.type() || 'application/octet-stream';
    const type = typeOf(mimetype, wishes);
    const filehash = await hashOf(blob);
    this.mediaData.set({
      type,
      mimetype,
      filehash,
      size: blob.size,
      mediaBlob: opaque,
      isGif: Boolean(wishes.asGif),
      mediaStage: 'RESOLVED',
      filename: blob.name,
      preview: type === 'image' ? '/9j/' : undefined,
    });
    getOrCreateMediaObject(filehash).set({ type, size: blob.size });
    blobCache.put(filehash, blob);
    return this.mediaData;
  }
  waitForPrep() {
    return this.prepared;
  }
  /* Builds differ: (chat, options) or ({ chat, options }). This one takes one object. */
  async sendToChat({ chat, options = {} }) {
    return MediaPrep.sendToChat(await this.prepared, chat, options);
  }
}
export const prepRawMedia = (opaque, wishes = {}) => new MediaPrep(opaque, wishes);

export async function uploadMedia({ mimetype, mediaObject }) {
  const blob = blobCache.get(mediaObject.filehash);
  const body = blob instanceof Blob ? blob : blob.forceToBlob();
  const headers = { 'content-type': mimetype || 'application/octet-stream' };
  const response = await fetch('/sim/media', { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`upload failed: ${response.status}`);
  const { path } = await response.json();
  return {
    mediaEntry: {
      mmsUrl: new URL(path, location.href).href,
      directPath: path,
      mediaKey: encodeBase64(randomBytes(32)),
      mediaKeyTimestamp: unixTime(),
      encFilehash: mediaObject.filehash,
      uploadHash: mediaObject.filehash,
    },
  };
}
