/* The modules of files. */

import {
  BlobCache,
  blobCache,
  downloadManager,
  getOrCreateMediaObject,
  MediaDataModel,
  MediaPrep,
  OpaqueData,
  prepRawMedia,
  uploadMedia,
} from '../media.js';
import { encodeBase64, randomBytes, sha256Base64 } from '../bytes.js';

const UPLOAD_LIMIT = 100 * 1024 * 1024;

export const mediaModules = [
  { id: 'WAWebMediaOpaqueData', exports: () => ({ default: OpaqueData }) },
  {
    id: 'WAWebPrepRawMedia',
    dependencies: ['WAWebMediaOpaqueData', 'WAWebMediaStorage'],
    exports: () => ({ prepRawMedia }),
  },
  {
    id: 'WAWebMediaPrep',
    dependencies: ['WAWebPrepRawMedia'],
    exports: () => ({
      MediaPrep,
      prepRawMedia,
      uploadProductImage: async () => {
        throw new Error('the simulator has no catalogue');
      },
    }),
  },
  { id: 'WAWebMediaDataModel', exports: () => ({ default: MediaDataModel, MediaData: MediaDataModel }) },
  { id: 'WAWebMediaStorage', exports: () => ({ getOrCreateMediaObject }) },
  {
    id: 'WAWebMmsMediaTypes',
    exports: () => ({ msgToMediaType: ({ type }) => type, castToV4: (type) => type }),
  },
  { id: 'WAWebMediaDataUtils', exports: () => ({ shouldUseMediaCache: () => true }) },
  {
    id: 'WAWebMediaInMemoryBlobCache',
    exports: () => ({ InMemoryMediaBlobCacheImpl: BlobCache, InMemoryMediaBlobCache: blobCache }),
  },
  {
    id: 'WAWebMediaMmsV4Upload',
    dependencies: ['WAWebMediaStorage'],
    exports: () => ({ uploadMedia, uploadUnencryptedMedia: uploadMedia }),
  },
  { id: 'WAWebMediaGatingUtils', exports: () => ({ getUploadLimit: () => UPLOAD_LIMIT }) },
  {
    id: 'WAWebDownloadManager',
    dependencies: ['WAWebMediaInMemoryBlobCache'],
    exports: () => ({ downloadManager }),
  },
  {
    id: 'WAMediaCalculateFilehash',
    exports: () => ({
      getRandomFilehash: () => encodeBase64(randomBytes(32)),
      calculateFilehashFromBlob: sha256Base64,
    }),
  },
  {
    id: 'WAWebBackendJobsCommon',
    exports: () => ({ mediaTypeFromProtobuf: () => null, encodeMaybeMediaType: () => null }),
  },
];
