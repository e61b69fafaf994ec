/* Owns small conversions of bytes and the page's randomness.
 * Knows nothing of messages. */

export const randomBytes = (length) => crypto.getRandomValues(new Uint8Array(length));

export const hex = (bytes) =>
  [...bytes]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();

export function encodeBase64(buffer) {
  const bytes = new Uint8Array(buffer);
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

export const decodeBase64 = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0)).buffer;

export const encodeBase64UrlSafe = (buffer) => encodeBase64(buffer).replace(/\+/g, '-').replace(/\//g, '_');

export const sha256Base64 = async (blob) =>
  encodeBase64(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));

export const unixTime = () => Math.floor(Date.now() / 1000);

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
